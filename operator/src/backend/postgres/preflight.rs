//! Whether a rotation may begin: the server, the administrator's rights, the roles. Every missing
//! right is named at once, as the statements a superuser runs.

use tokio_postgres::Row;

use super::Postgres;
use super::change::{base, check_marks, check_ours, check_plain};
use super::link::{Link, statement_error};
use super::rehearsal;
use super::roles::Roles;
use super::statements::identifier;
use crate::backend::BackendError;

/// The oldest server whose catalogue and functions this backend knows.
const OLDEST: i32 = 130_000;
/// From here on CREATEROLE reaches a role only with ADMIN OPTION on it, and what is inherited is said by
/// each grant (PostgreSQL 16, manual 22.2 and release notes E.1.2).
const ADMIN_OPTION: i32 = 160_000;

const ABOUT: &str = "\
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),
       r.rolsuper, r.rolcreaterole, r.rolinherit,
       pg_has_role('pg_signal_backend', 'USAGE'), pg_has_role('pg_read_all_stats', 'USAGE')
  FROM pg_roles r WHERE r.rolname = current_user";

/// Tables and sequences by owner, in this database.
const OWNED: &str = "\
SELECT r.rolname::text, count(*)
  FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
 WHERE r.rolname = ANY($1::text[]) AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f')
 GROUP BY 1 ORDER BY 1";

/// The server and what its administrator may do.
struct About {
    version: i32,
    standby: bool,
    superuser: bool,
    creates_roles: bool,
    inherits: bool,
    ends_sessions: bool,
    sees_clients: bool,
}

/// Asks the server; gives notices.
pub(super) async fn run(postgres: &Postgres) -> Result<Vec<String>, BackendError> {
    let mut link = postgres.open_admin().await?;
    let outcome = run_over(postgres, &mut link).await;
    link.close().await;
    outcome
}

async fn run_over(postgres: &Postgres, link: &mut Link) -> Result<Vec<String>, BackendError> {
    let failed = |error| statement_error(&error, "reading the catalogue");
    let row = link.client.query_one(ABOUT, &[]).await.map_err(failed)?;
    let about = about(&row).map_err(failed)?;
    let roles = link.roles(&postgres.role).await?;
    check_server(&about)?;
    let base = base(postgres, &roles)?;
    check_marks(postgres, &roles)?;
    for role in roles.values() {
        check_ours(postgres, role)?;
        check_plain(postgres, role)?;
    }
    check_rights(postgres, missing_rights(postgres, &about, &roles))?;
    let missing = rehearsal::missing_settings(postgres, link, base, about.version).await?;
    check_rights(postgres, missing)?;
    let mut notices = notices(postgres, &about, &roles);
    let names = roles.keys().cloned().collect::<Vec<_>>();
    for row in link.client.query(OWNED, &[&names]).await.map_err(failed)? {
        let owner = row.try_get::<_, String>(0).map_err(failed)?;
        let count = row.try_get::<_, i64>(1).map_err(failed)?;
        notices.push(owned(postgres, &owner, count));
    }
    Ok(notices)
}

fn about(row: &Row) -> Result<About, tokio_postgres::Error> {
    Ok(About {
        version: row.try_get(0)?,
        standby: row.try_get(1)?,
        superuser: row.try_get(2)?,
        creates_roles: row.try_get(3)?,
        inherits: row.try_get(4)?,
        ends_sessions: row.try_get(5)?,
        sees_clients: row.try_get(6)?,
    })
}

fn check_server(about: &About) -> Result<(), BackendError> {
    if about.version < OLDEST {
        return Err(BackendError::Refused(format!(
            "the server is PostgreSQL {}; rotations need {} or newer",
            about.version / 10_000,
            OLDEST / 10_000
        )));
    }
    if about.standby {
        return Err(BackendError::Refused(
            "the server is a standby, where roles cannot be changed; name the primary".to_owned(),
        ));
    }
    Ok(())
}

/// What a superuser runs so that the administrator may do its work.
fn missing_rights(postgres: &Postgres, about: &About, roles: &Roles) -> Vec<String> {
    if about.superuser {
        return Vec::new();
    }
    let admin = identifier(postgres.admin_name());
    let mut missing = Vec::new();
    if !about.creates_roles {
        missing.push(format!("ALTER ROLE {admin} CREATEROLE;"));
    }
    if about.version >= ADMIN_OPTION {
        let foreign = roles.values().filter(|role| !role.administered);
        missing.extend(foreign.map(|role| {
            format!(
                "GRANT {} TO {admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;",
                identifier(&role.name)
            )
        }));
    }
    if !about.ends_sessions {
        if about.version >= ADMIN_OPTION {
            missing.push(format!(
                "GRANT pg_signal_backend TO {admin} WITH INHERIT TRUE;"
            ));
        } else {
            missing.push(format!("GRANT pg_signal_backend TO {admin};"));
            if !about.inherits {
                missing.push(format!("ALTER ROLE {admin} INHERIT;"));
            }
        }
    }
    missing
}

fn check_rights(postgres: &Postgres, missing: Vec<String>) -> Result<(), BackendError> {
    if missing.is_empty() {
        return Ok(());
    }
    Err(BackendError::RightMissing(format!(
        "the administrator {:?} lacks rights to rotate role {:?}; run as a superuser: {}",
        postgres.admin_name(),
        postgres.role,
        missing.join(" ")
    )))
}

fn notices(postgres: &Postgres, about: &About, roles: &Roles) -> Vec<String> {
    let mut notices = Vec::new();
    let admin = postgres.admin_name();
    if about.superuser {
        notices.push(format!(
            "the administrator {admin:?} is a superuser; CREATEROLE and pg_signal_backend are enough"
        ));
    } else if !about.sees_clients {
        notices.push(format!(
            "addresses of clients with old sessions stay hidden; to see them run: GRANT \
             pg_read_all_stats TO {};",
            identifier(admin)
        ));
    }
    if let Some(base) = roles.get(&postgres.role) {
        let name = &base.name;
        if base.can_login {
            notices.push(format!(
                "role {name:?} may log in itself; once its first twin has taken over it becomes \
                 NOLOGIN and stays as the owner of the privileges"
            ));
        }
        if base.connection_limit >= 0 {
            notices.push(format!(
                "each twin gets the connection limit {} of {name:?}; while both are in use there \
                 may be twice as many connections",
                base.connection_limit
            ));
        }
        if base.valid_until != "infinity" {
            notices.push(format!(
                "passwords of {name:?} and its twins are valid until {} only",
                base.valid_until
            ));
        }
    }
    let mut live = roles
        .values()
        .filter(|role| role.can_login && postgres.is_twin(&role.name));
    if let (Some(one), Some(other)) = (live.next(), live.next()) {
        notices.push(format!(
            "both {:?} and {:?} may log in; one of them should be out of use",
            one.name, other.name
        ));
    }
    notices
}

fn owned(postgres: &Postgres, owner: &str, count: i64) -> String {
    if owner == postgres.role {
        return format!(
            "role {owner:?} owns {count} tables, views or sequences in database {:?}; whoever logs in \
             with this credential may change and drop them",
            postgres.database
        );
    }
    format!(
        "twin {owner:?} owns {count} tables, views or sequences in database {:?}, which the other \
         twin cannot change; run: REASSIGN OWNED BY {} TO {};",
        postgres.database,
        identifier(owner),
        identifier(&postgres.role)
    )
}

#[cfg(test)]
mod tests;
