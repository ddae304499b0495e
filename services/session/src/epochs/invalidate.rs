//! Ending sessions over the application's database alone, with the API up, down, or in any number of
//! processes: what an administrator's action does.

use std::time::Duration;

use reportapp_pool::Pool;

use super::clock::BootClock;
use super::revoke::{RevokeError, Revoked, revoke};
use super::sql::SqlEpochStore;
use super::store::{EpochError, EpochStore as _};
use super::{Revision, Scope};

/// Ends the sessions of everybody, tenants, users, or single ones, and returns when no process accepts
/// any token of them. How many sessions there are makes no difference.
///
/// `action` is the name of the order, such as the uid of the object that holds it: repeated under the
/// same name after an error or a crash, it goes on and revokes nothing twice. It is remembered for as
/// long as tokens live. `wake` is told the revision once it is committed, and tells processes of it if it
/// can; without that they find the news at their next renewal.
///
/// # Guarantees
/// Those of [`revoke`]. Without any process of the API the commit alone is waited for.
///
/// # Errors
/// [`RevokeError`] after `limit`. Give more than [`super::LONGEST_LEASE`] to outwait a database that
/// fails right after the commit.
pub async fn invalidate_sessions(
    pool: &Pool,
    action: &str,
    scopes: Vec<Scope>,
    limit: Duration,
    wake: impl Fn(Revision),
) -> Result<Revoked, RevokeError> {
    let store = SqlEpochStore::new(pool.clone());
    revoke(&store, &BootClock, action, scopes, limit, wake).await
}

/// How many processes are registered: those an acknowledgement waits for.
///
/// # Errors
/// What the store said.
pub async fn registered_processes(pool: &Pool) -> Result<usize, EpochError> {
    Ok(SqlEpochStore::new(pool.clone()).roster().await?.len())
}

/// The revision that was raised under the name `action`; `None` when none was, or when every token from
/// before it has expired.
///
/// # Errors
/// What the store said.
pub async fn revision_of(pool: &Pool, action: &str) -> Result<Option<Revision>, EpochError> {
    SqlEpochStore::new(pool.clone()).raised_under(action).await
}
