//! What the catalogue says of the base role and its twins, and how a twin differs from its base.

use std::collections::BTreeMap;

use tokio_postgres::{Error, GenericClient, Row};

use super::fence::{self, Mark};
use crate::backend::identities;

/// Existing roles by name.
pub(super) type Roles = BTreeMap<String, Role>;

/// A setting of a role: database (empty: all) and name.
pub(super) type SettingKey = (String, String);

/// One role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) superuser: bool,
    /// CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS.
    pub(super) powers: bool,
    pub(super) can_login: bool,
    pub(super) connection_limit: i32,
    /// As PostgreSQL writes it; `infinity` where there is no end.
    pub(super) valid_until: String,
    pub(super) expired: bool,
    pub(super) comment: String,
    /// May become the base role.
    pub(super) member: bool,
    /// Has the privileges of the base role without becoming it.
    pub(super) inherits: bool,
    /// The session that asks may grant this role.
    pub(super) administered: bool,
    pub(super) settings: BTreeMap<SettingKey, String>,
}

const ROLES: &str = "\
SELECT r.rolname::text, r.rolsuper,
       r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
       r.rolcanlogin, r.rolconnlimit,
       coalesce(r.rolvaliduntil::text, 'infinity'), coalesce(r.rolvaliduntil <= now(), false),
       coalesce(shobj_description(r.oid, 'pg_authid'), ''),
       coalesce(pg_has_role(r.oid, b.oid,
           CASE WHEN current_setting('server_version_num')::int >= 160000
                THEN 'SET' ELSE 'MEMBER' END), false),
       coalesce(pg_has_role(r.oid, b.oid, 'USAGE'), false),
       pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
  FROM pg_roles r LEFT JOIN pg_roles b ON b.rolname = $2::text
 WHERE r.rolname = ANY($1::text[])";

const SETTINGS: &str = "\
SELECT r.rolname::text, coalesce(d.datname::text, ''), unnest(s.setconfig)
  FROM pg_db_role_setting s
  JOIN pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_database d ON d.oid = s.setdatabase
 WHERE r.rolname = ANY($1::text[])";

/// Reads the base role and its twins. Any user may.
pub(super) async fn read(client: &impl GenericClient, base: &str) -> Result<Roles, Error> {
    let names = identities(base).into_iter().collect::<Vec<_>>();
    let mut roles = Roles::new();
    for row in client.query(ROLES, &[&names, &base]).await? {
        let role = role(&row)?;
        roles.insert(role.name.clone(), role);
    }
    for row in client.query(SETTINGS, &[&names]).await? {
        let (name, database): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let setting: String = row.try_get(2)?;
        if let (Some(role), Some((key, value))) = (roles.get_mut(&name), setting.split_once('=')) {
            role.settings
                .insert((database, key.to_owned()), value.to_owned());
        }
    }
    Ok(roles)
}

fn role(row: &Row) -> Result<Role, Error> {
    Ok(Role {
        name: row.try_get(0)?,
        superuser: row.try_get(1)?,
        powers: row.try_get(2)?,
        can_login: row.try_get(3)?,
        connection_limit: row.try_get(4)?,
        valid_until: row.try_get(5)?,
        expired: row.try_get(6)?,
        comment: row.try_get(7)?,
        member: row.try_get(8)?,
        inherits: row.try_get(9)?,
        administered: row.try_get(10)?,
        settings: BTreeMap::new(),
    })
}

impl Role {
    /// Who rotates it, if anybody does.
    pub(super) fn mark(&self) -> Option<Mark> {
        fence::read(&self.comment)
    }

    /// The settings a twin of this base role must have.
    pub(super) fn settings_of_twin(&self) -> BTreeMap<SettingKey, String> {
        let mut settings = self.settings.clone();
        settings.insert(become_base(), self.name.clone());
        settings
    }

    /// What makes `twin` something else than this base role under another name; names only, for
    /// settings may hold secrets.
    pub(super) fn differences(&self, twin: &Self) -> Vec<String> {
        let (base, name) = (&self.name, &twin.name);
        let mut found = Vec::new();
        if !(twin.member && twin.inherits) {
            found.push(format!("{name:?} is not a full member of {base:?}"));
        }
        if twin.superuser || twin.powers {
            found.push(format!("{name:?} has rights of its own"));
        }
        if twin.connection_limit != self.connection_limit {
            found.push(format!(
                "the connection limit of {name:?} is {} instead of {}",
                twin.connection_limit, self.connection_limit
            ));
        }
        if twin.valid_until != self.valid_until {
            found.push(format!(
                "{name:?} is valid until {} instead of {}",
                twin.valid_until, self.valid_until
            ));
        }
        let wanted = self.settings_of_twin();
        let keys = wanted.keys().chain(twin.settings.keys());
        let mut differing = keys
            .filter(|key| wanted.get(key) != twin.settings.get(key))
            .map(|(database, setting)| match database.as_str() {
                "" => setting.clone(),
                database => format!("{setting} in database {database:?}"),
            })
            .collect::<Vec<_>>();
        differing.sort();
        differing.dedup();
        if !differing.is_empty() {
            found.push(format!(
                "settings of {name:?} differ from {base:?}: {}",
                differing.join(", ")
            ));
        }
        found
    }
}

/// The setting that turns a twin into its base role at login.
pub(super) fn become_base() -> SettingKey {
    (String::new(), "role".to_owned())
}
