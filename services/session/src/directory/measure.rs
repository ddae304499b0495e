//! What is left of what a change was to end.

use reportapp_pool::Pool;

use super::begin::{LOOKING, begin};
use super::{DirectoryError, Kind, Measured, Snapshot, find, text};

/// Counts what is left. A user who is gone has nothing left.
///
/// # Errors
/// What the database said.
pub async fn measure(pool: &Pool, snapshot: &Snapshot) -> Result<Measured, DirectoryError> {
    let mut transaction = begin(pool, LOOKING).await?;
    let person = find::by_id(&mut transaction, &snapshot.user).await?;
    let sql = "SELECT count(*) AS found FROM user_sessions
               WHERE user_id = $1 AND issued < $2 AND is_active";
    let params = [text(&snapshot.user), snapshot.revision.into()];
    let row = transaction.query_opt(sql, &params).await?;
    let active_sessions = row.map(|row| row.get("found")).transpose()?.unwrap_or(0);
    transaction.rollback().await?;
    let possible = person.is_some_and(|person| match snapshot.kind {
        Kind::Disable => person.is_active,
        Kind::ForceReset => person.is_active && !person.must_reset_password,
    });
    Ok(Measured {
        active_sessions,
        sign_in_possible: possible,
    })
}
