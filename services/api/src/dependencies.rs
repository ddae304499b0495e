//! One loop per dependency: tries it until it works for the first time, then keeps an eye on it.
//!
//! The first success of all of them makes the pod ready; a later loss is reported on `/status` and
//! does not unready it. The store's loop also migrates the schema, or waits until its owner has, and
//! creates the first administrator, since both need a store that answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reportapp_config::credential::{CredentialError, PASSWORD, Secret, USERNAME};
use reportapp_config::status::Reason;
use reportapp_pool::{Pool, PoolError};
use reportapp_session::access::UserKind;
use reportapp_session::epochs::{EpochError, Standing, Sweeper};
use reportapp_session::{Passwords, SessionError, SessionStore};
use reportapp_telemetry::{DependencyHandle, Health};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::epochs::Epochs;
use crate::erp::Server;
use crate::erp::rights::{self, Rights};
use crate::store::roles::ADMINISTRATOR;
use crate::store::users::NewUser;
use crate::store::{MigrationError, Store, StoreError};

/// Between two looks at a dependency that answers.
const CALM: Duration = Duration::from_secs(10);
/// Between two attempts at one that does not; long enough not to lock an account.
const ANXIOUS: Duration = Duration::from_secs(2);
/// Between two deletions of outdated rows.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);

/// Between two looks at what a login may do.
const RIGHTS_EVERY: Duration = Duration::from_secs(10 * 60);
/// Between two looks at the lease of the epochs, which costs nothing.
const LEASE_LOOK: Duration = Duration::from_secs(1);
/// Between two looks for processes that vanished.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Why the first administrator could not be created.
#[derive(Debug, thiserror::Error)]
enum BootstrapError {
    #[error("{0}")]
    Credential(#[from] CredentialError),
    #[error("failed to hash the password")]
    Hash(#[from] reportapp_session::PasswordError),
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Watches the store, after migrating it and creating the first administrator; starts the epochs in
/// between.
pub fn watch_store(
    tasks: &mut JoinSet<()>,
    health: &Health,
    store: &Arc<Store>,
    epochs: &Arc<Epochs>,
    passwords: &Passwords,
    first_administrator: Option<PathBuf>,
) {
    let dependency = health.dependency("store");
    let (store, epochs, passwords) = (Arc::clone(store), Arc::clone(epochs), passwords.clone());
    tasks.spawn(async move {
        set_up_store(&store, &dependency, &passwords, first_administrator).await;
        epochs.start();
        let mut tidied = Instant::now();
        loop {
            match store.ping().await {
                Ok(()) => dependency.ok(),
                Err(error) => dependency.failing(store_reason(&error), error.to_string()),
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                if let Err(error) = store.delete_outdated(Timestamp::now()).await {
                    tracing::warn!(%error, "failed to delete outdated rows");
                }
            }
            pause(&dependency).await;
        }
    });
}

/// Watches the lease of the epochs, without which requests wait for the store or are refused. Nothing
/// that was issued, to a bearer or as a session to be renewed, is good for longer than `life`.
pub fn watch_epochs(
    tasks: &mut JoinSet<()>,
    health: &Health,
    epochs: &Arc<Epochs>,
    life: Duration,
) {
    let dependency = health.dependency("store/epochs");
    let epochs = Arc::clone(epochs);
    tasks.spawn(async move {
        let mut sweeper = Sweeper::new();
        let mut swept = Instant::now();
        let mut settled = Instant::now();
        loop {
            report_standing(&dependency, epochs.standing());
            if swept.elapsed() >= SWEEP_EVERY {
                swept = Instant::now();
                tell(
                    epochs.sweep(&mut sweeper).await,
                    "forget vanished processes",
                );
            }
            if settled.elapsed() >= TIDY_EVERY {
                settled = Instant::now();
                let done = epochs.settle(life, Timestamp::now()).await;
                tell(done, "forget old revocations");
            }
            tokio::time::sleep(LEASE_LOOK).await;
        }
    });
}

fn report_standing(dependency: &DependencyHandle, standing: Option<Standing>) {
    match standing {
        Some(Standing::Leased(_)) => dependency.ok(),
        Some(Standing::Behind) => dependency.failing(
            Reason::StorePutBack,
            "the store was put back to an earlier state; nobody is let in until all sessions are \
             ended, because revocations may be lost",
        ),
        Some(Standing::Lapsed {
            trouble: Some(error),
        }) => dependency.failing(
            Reason::StoreUnreachable,
            format!("nobody is let in while it is unknown what was revoked: {error}"),
        ),
        // Not asked yet.
        Some(Standing::Lapsed { trouble: None }) | None => {}
    }
}

fn tell(done: Result<(), EpochError>, what: &str) {
    if let Err(error) = done {
        tracing::warn!(%error, "failed to {what}");
    }
}

/// Watches the cache of sessions. A new process is not ready before its first login; a later loss makes
/// requests slower, since sessions are read from the store then.
pub fn watch_redis(tasks: &mut JoinSet<()>, health: &Health, sessions: &Arc<dyn SessionStore>) {
    let dependency = health.dependency("redis");
    let sessions = Arc::clone(sessions);
    tasks.spawn(async move {
        loop {
            match sessions.probe().await {
                Ok(()) => dependency.ok(),
                Err(error) => dependency.failing(redis_reason(&error), error.to_string()),
            }
            pause(&dependency).await;
        }
    });
}

/// Watches one ERP server, and whether its login may do more than reports need.
pub fn watch_server(tasks: &mut JoinSet<()>, health: &Health, server: &Server) {
    let dependency = health.dependency(format!("server/{}", server.name));
    let login = health.advice(format!("server/{}/login", server.name));
    let pool = server.pool.clone();
    tasks.spawn(async move {
        let mut proven = false;
        let mut looked: Option<Instant> = None;
        loop {
            // A login of one's own proves the credential; afterwards a pooled connection tells as
            // much at a fraction of the cost.
            let answer = if proven {
                pool.query("SELECT 1", &[]).await.map(drop)
            } else {
                pool.probe().await
            };
            proven = answer.is_ok();
            match answer {
                Ok(()) => dependency.ok(),
                // Every connection is busy: the database answers, only slowly.
                Err(PoolError::AcquireTimeout { .. }) => {}
                Err(error) => dependency.failing(server_reason(&error), error.to_string()),
            }
            if proven && looked.is_none_or(|at| at.elapsed() >= RIGHTS_EVERY) {
                looked = Some(Instant::now());
                report_rights(&pool, &login).await;
            }
            pause(&dependency).await;
        }
    });
}

/// Says which table the login of an ERP database could change, if there is one. Reports are refused that
/// write, and run where nothing can be written; a login that may not is the last of these locks.
async fn report_rights(pool: &Pool, login: &DependencyHandle) {
    match rights::of_login(pool).await {
        Ok(Rights::Reads) => login.ok(),
        Ok(Rights::Superuser) => login.failing(
            Reason::ErpLoginMayWrite,
            "the login is a superuser; give the reports a login of their own with SELECT alone \
             (docs/reference/report-files.md)",
        ),
        Ok(Rights::Writes { table }) => login.failing(
            Reason::ErpLoginMayWrite,
            format!(
                "the login may change {table}; reports need SELECT alone: \
                 REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM the login and its roles"
            ),
        ),
        Err(error) => tracing::debug!(%error, "the rights of the login could not be read"),
    }
}

async fn pause(dependency: &DependencyHandle) {
    let failing = dependency.status().reason.is_some();
    tokio::time::sleep(if failing { ANXIOUS } else { CALM }).await;
}

async fn set_up_store(
    store: &Store,
    dependency: &DependencyHandle,
    passwords: &Passwords,
    first_administrator: Option<PathBuf>,
) {
    loop {
        match try_set_up(store, passwords, first_administrator.as_ref()).await {
            Ok(()) => return dependency.ok(),
            Err((reason, message)) => dependency.failing(reason, message),
        }
        tokio::time::sleep(ANXIOUS).await;
    }
}

async fn try_set_up(
    store: &Store,
    passwords: &Passwords,
    first_administrator: Option<&PathBuf>,
) -> Result<(), (Reason, String)> {
    let unreachable = |error: PoolError| (store_reason(&error), error.to_string());
    store.probe().await.map_err(unreachable)?;
    store.migrate().await.map_err(|error| match error {
        MigrationError::Database(error) if is_about_the_connection(&error) => unreachable(error),
        error @ MigrationError::NotOurs { .. } => {
            (Reason::StoreMigrationAwaited, error.to_string())
        }
        error => (Reason::StoreMigrationFailed, error.to_string()),
    })?;
    if let Some(folder) = first_administrator {
        match create_first_administrator(store, passwords, folder).await {
            Ok(()) => {}
            Err(BootstrapError::Store(error)) => {
                return Err((Reason::StoreUnreachable, error.to_string()));
            }
            // A wrong folder must not keep everybody else from working.
            Err(error) => tracing::error!("failed to create the first administrator: {error}"),
        }
    }
    Ok(())
}

/// Creates the administrator named in the folder if nobody exists yet.
async fn create_first_administrator(
    store: &Store,
    passwords: &Passwords,
    folder: &std::path::Path,
) -> Result<(), BootstrapError> {
    if !folder.exists() || !store.has_no_user().await? {
        return Ok(());
    }
    let username = Secret::read_file(folder, USERNAME)?.expose().to_owned();
    let password = Secret::read_file(folder, PASSWORD)?;
    let user = NewUser {
        name: username.clone(),
        username,
        email: None,
        password_hash: passwords.hash(password.expose()).await?,
        kind: UserKind::EnterpriseAdmin,
        tenant: None,
        roles: vec![ADMINISTRATOR.to_owned()],
        must_change_password: true,
    };
    if store.create_first_user(&user).await? {
        tracing::info!(
            username = user.username,
            "created the first administrator; the password should be changed"
        );
    }
    Ok(())
}

fn is_about_the_connection(error: &PoolError) -> bool {
    error.is_transient()
        || matches!(
            error,
            PoolError::LoginRefused { .. } | PoolError::TlsInvalid { .. }
        )
}

fn store_reason(error: &PoolError) -> Reason {
    match error {
        PoolError::LoginRefused { .. } => Reason::StoreLoginRefused,
        PoolError::TlsInvalid { .. } => Reason::StoreTlsInvalid,
        _ => Reason::StoreUnreachable,
    }
}

fn server_reason(error: &PoolError) -> Reason {
    match error {
        PoolError::LoginRefused { .. } => Reason::DatabaseLoginRefused,
        PoolError::TlsInvalid { .. } => Reason::DatabaseTlsInvalid,
        _ => Reason::DatabaseUnreachable,
    }
}

fn redis_reason(error: &SessionError) -> Reason {
    match error {
        SessionError::LoginRefused { .. } => Reason::RedisLoginRefused,
        _ => Reason::RedisUnreachable,
    }
}

#[cfg(test)]
mod tests;
