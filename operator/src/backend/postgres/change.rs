//! The changes: each one transaction of lock, fence, statements and new fence, so that of two
//! rotations the older can never undo what the newer did, however late its statements arrive.
//!
//! ```text
//! BEGIN ─ lock on the role ─ read roles ─ whose are they? newer fence? ─ statements ─ mark ─ COMMIT
//! ```

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::{IsolationLevel, Transaction};

use super::Postgres;
use super::fence::{self, Mark};
use super::link::{Link, statement_error};
use super::roles::{self, Role, Roles};
use super::statements::{self, Statement};
use crate::backend::BackendError;

/// One at a time, also for operators that do not know of each other.
const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('reportapp role ' || $1::text, 0))";
const VERSION: &str = "SELECT current_setting('server_version_num')::int";

/// Makes or repairs a twin.
pub(super) async fn prepare(
    postgres: &Postgres,
    fence: u64,
    username: &str,
    password: &str,
) -> Result<(), BackendError> {
    if !postgres.is_twin(username) {
        return Err(BackendError::Refused(format!(
            "{username:?} is not one of the users that take turns for role {:?}",
            postgres.role
        )));
    }
    let verifier = scram_sha_256(password.as_bytes());
    change(postgres, fence, username, |roles, version| {
        let base = base(postgres, roles)?;
        if let Some(twin) = roles.get(username) {
            check_plain(postgres, twin)?;
        }
        Ok(preparation(
            base,
            roles.get(username),
            username,
            &verifier,
            version,
        ))
    })
    .await
}

fn preparation(
    base: &Role,
    twin: Option<&Role>,
    username: &str,
    verifier: &str,
    version: i32,
) -> Vec<Statement> {
    let absent = Role::default();
    let present = twin.unwrap_or(&absent);
    let mut todo = Vec::new();
    if twin.is_none() {
        todo.push(statements::create(username));
    }
    if !(present.member && present.inherits) {
        todo.push(statements::grant(&base.name, username, version));
    }
    todo.push(statements::admit(username, verifier, base));
    todo.extend(statements::settings(
        username,
        &base.settings_of_twin(),
        &present.settings,
    ));
    todo
}

/// Ends logins as a user.
pub(super) async fn disable(
    postgres: &Postgres,
    fence: u64,
    username: &str,
) -> Result<(), BackendError> {
    postgres.check_target(username)?;
    change(postgres, fence, username, |roles, _| {
        Ok(match roles.get(username) {
            Some(_) => vec![statements::block(username, postgres.is_twin(username))],
            None => Vec::new(),
        })
    })
    .await
}

/// Changes a password in place.
pub(super) async fn set_password(
    postgres: &Postgres,
    fence: u64,
    username: &str,
    password: &str,
) -> Result<(), BackendError> {
    postgres.check_target(username)?;
    let verifier = scram_sha_256(password.as_bytes());
    change(postgres, fence, username, |roles, _| {
        if !roles.contains_key(username) {
            return Err(BackendError::Refused(format!(
                "role {username:?} does not exist; create it, or rotate with two users in turn"
            )));
        }
        Ok(vec![statements::password(username, &verifier)])
    })
    .await
}

/// Runs what `decide` makes of the roles, unless somebody newer was here.
async fn change(
    postgres: &Postgres,
    fence: u64,
    username: &str,
    decide: impl FnOnce(&Roles, i32) -> Result<Vec<Statement>, BackendError>,
) -> Result<(), BackendError> {
    let mut link = postgres.open_admin().await?;
    let outcome = in_transaction(postgres, &mut link, fence, username, decide).await;
    link.close().await;
    outcome
}

async fn in_transaction(
    postgres: &Postgres,
    link: &mut Link,
    fence: u64,
    username: &str,
    decide: impl FnOnce(&Roles, i32) -> Result<Vec<Statement>, BackendError>,
) -> Result<(), BackendError> {
    let transaction = begin(postgres, link).await?;
    let version = transaction.query_one(VERSION, &[]).await;
    let version = version
        .and_then(|row| row.try_get(0))
        .map_err(failed(VERSION))?;
    let roles = roles::read(&transaction, &postgres.role).await;
    let roles = roles.map_err(failed("reading the catalogue"))?;
    check_marks(postgres, &roles)?;
    if let Some(target) = roles.get(username) {
        check_ours(postgres, target)?;
    }
    check_fence(postgres, &roles, fence)?;
    let todo = decide(&roles, version)?;
    if !todo.is_empty() {
        let mark = Mark {
            key: postgres.key.clone(),
            fence,
        };
        let comment = roles.get(username).map_or("", |role| role.comment.as_str());
        let marked = statements::comment(username, &fence::write(comment, &mark));
        for statement in todo.iter().chain([&marked]) {
            run(&transaction, statement).await?;
        }
    }
    transaction.commit().await.map_err(failed("COMMIT"))
}

/// Begins a transaction that nobody else changes these roles in.
pub(super) async fn begin<'a>(
    postgres: &Postgres,
    link: &'a mut Link,
) -> Result<Transaction<'a>, BackendError> {
    // Read committed, whatever the administrator's default is: the fence must be read as it is
    // after the wait for the lock, not as it was before.
    let transaction = link
        .client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .read_only(false)
        .start()
        .await
        .map_err(failed("BEGIN"))?;
    transaction
        .execute(LOCK, &[&postgres.role])
        .await
        .map_err(failed("the lock on the role"))?;
    Ok(transaction)
}

pub(super) async fn run(
    transaction: &Transaction<'_>,
    statement: &Statement,
) -> Result<(), BackendError> {
    transaction
        .batch_execute(&statement.sql)
        .await
        .map_err(failed(&statement.shown))
}

fn failed(shown: &str) -> impl Fn(tokio_postgres::Error) -> BackendError {
    move |error| statement_error(&error, shown)
}

/// The base role, fit to be shared.
pub(super) fn base<'a>(postgres: &Postgres, roles: &'a Roles) -> Result<&'a Role, BackendError> {
    let name = &postgres.role;
    let Some(base) = roles.get(name) else {
        return Err(BackendError::Refused(format!(
            "role {name:?} does not exist in PostgreSQL; create it with the application's privileges"
        )));
    };
    check_ours(postgres, base)?;
    if base.expired {
        return Err(BackendError::Refused(format!(
            "the password of role {name:?} was valid until {}; run: ALTER ROLE {} VALID UNTIL \
             'infinity';",
            base.valid_until,
            statements::identifier(name)
        )));
    }
    if base
        .settings
        .keys()
        .any(|(_, setting)| setting == &roles::become_base().1)
    {
        return Err(BackendError::Refused(format!(
            "role {name:?} becomes another role when it logs in, which its twins cannot copy; name \
             that role in the credential, or run: ALTER ROLE {} RESET role;",
            statements::identifier(name)
        )));
    }
    Ok(base)
}

/// Refuses superusers, a twin with rights of its own, a role of somebody else.
pub(super) fn check_ours(postgres: &Postgres, role: &Role) -> Result<(), BackendError> {
    let name = &role.name;
    let quoted = statements::identifier(name);
    if role.superuser {
        return Err(BackendError::Refused(format!(
            "role {name:?} is a superuser and is never rotated; run: ALTER ROLE {quoted} \
             NOSUPERUSER; or name another role"
        )));
    }
    if postgres.is_twin(name) && role.mark().is_none() && !role.member {
        return Err(BackendError::Refused(format!(
            "a role {name:?} exists that is not a member of {:?}; rename it, or, if it is meant to \
             take turns, run: GRANT {} TO {quoted};",
            postgres.role,
            statements::identifier(&postgres.role)
        )));
    }
    Ok(())
}

/// Refuses a twin that may do more than its base role.
pub(super) fn check_plain(postgres: &Postgres, role: &Role) -> Result<(), BackendError> {
    if !(postgres.is_twin(&role.name) && role.powers) {
        return Ok(());
    }
    Err(BackendError::Refused(format!(
        "twin {:?} has rights that do not come from {:?}; run as a superuser: ALTER ROLE {} \
         NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS;",
        role.name,
        postgres.role,
        statements::identifier(&role.name)
    )))
}

/// Refuses a role that is rotated for another credential.
pub(super) fn check_marks(postgres: &Postgres, roles: &Roles) -> Result<(), BackendError> {
    let mut marks = roles
        .values()
        .filter_map(|role| Some((&role.name, role.mark()?)));
    match marks.find(|(_, mark)| mark.key != postgres.key) {
        Some((name, mark)) => Err(BackendError::Refused(format!(
            "role {name:?} is rotated for {} already, not for {}; if that is gone, run: COMMENT ON \
             ROLE {} IS NULL;",
            mark.key,
            postgres.key,
            statements::identifier(name)
        ))),
        None => Ok(()),
    }
}

fn check_fence(postgres: &Postgres, roles: &Roles, fence: u64) -> Result<(), BackendError> {
    let newest = roles
        .values()
        .filter_map(Role::mark)
        .map(|mark| mark.fence)
        .max();
    match newest {
        Some(newest) if newest > fence => Err(BackendError::Fenced(postgres.key.clone())),
        _ => Ok(()),
    }
}
