//! A user is put back: exactly what one change made different, and only while it is still so.

use reportapp_pool::{Pool, Transaction, Value};

use super::begin::begin;
use super::{
    Content, DirectoryError, Kind, Person, SNAPSHOT, Snapshot, Undone, change, find, now, parse,
    text,
};
use crate::epochs::{Scope, raise_within};

/// Puts back what was changed under the name `order`, under the name `by`. Sessions that ended stay
/// ended: their tokens are not accepted any more. Repeated, it changes nothing.
///
/// # Errors
/// [`DirectoryError`]; nothing was put back then, or it is not known.
pub async fn undo(pool: &Pool, by: &str, order: &str) -> Result<Undone, DirectoryError> {
    let missing = || DirectoryError::NoSnapshot(order.to_owned());
    let known = change::snapshot(pool, order).await?.ok_or_else(missing)?;
    if known.undone_at.is_some() {
        return Ok(Undone::Earlier(known));
    }
    let mut transaction = begin(pool, Some(by)).await?;
    // First of all, because of the lock; no token ends, but what is remembered of the user does.
    let remembered = [Scope::UserPermissions(known.user.clone())];
    raise_within(&mut transaction, pool.engine(), by, &remembered).await?;
    let row = transaction.query_opt(SNAPSHOT, &[text(order)]).await?;
    let mut snapshot = parse(&row.ok_or_else(missing)?)?;
    if snapshot.undone_at.is_some() {
        transaction.rollback().await?;
        return Ok(Undone::Earlier(snapshot));
    }
    if snapshot.differs
        && let Err(error) = put_back(&mut transaction, order, &snapshot).await
    {
        if let DirectoryError::HeldByLater { order: later, .. } = &error {
            hand_on(&mut transaction, later).await?;
            transaction.commit().await?;
        }
        return Err(error);
    }
    let at = now();
    let sql = "UPDATE incident_snapshots SET undone_at = $2 WHERE action = $1";
    let params = [text(order), Value::Timestamp(at)];
    transaction.execute(sql, &params).await?;
    transaction.commit().await?;
    snapshot.undone_at = Some(at);
    Ok(match snapshot.differs {
        true => Undone::Restored(snapshot),
        false => Undone::NothingDiffered(snapshot),
    })
}

/// The later order puts back from now on what this one may not any more.
async fn hand_on(transaction: &mut Transaction, later: &str) -> Result<(), DirectoryError> {
    let corrupt = || DirectoryError::Corrupt(later.to_owned());
    let row = transaction.query_opt(SNAPSHOT, &[text(later)]).await?;
    let snapshot = parse(&row.ok_or_else(corrupt)?)?;
    let content = Content {
        differs: true,
        sessions: snapshot.sessions,
        revision: snapshot.revision,
    };
    let content = serde_json::to_string(&content).map_err(|_| corrupt())?;
    let sql = "UPDATE incident_snapshots SET content = $2 WHERE action = $1";
    let params = [text(later), text(&content)];
    transaction.execute(sql, &params).await?;
    Ok(())
}

async fn put_back(
    transaction: &mut Transaction,
    order: &str,
    snapshot: &Snapshot,
) -> Result<(), DirectoryError> {
    let (kind, user) = (snapshot.kind, snapshot.user.as_str());
    let person = find::by_id(transaction, user).await?;
    let person = person.ok_or_else(|| DirectoryError::UnknownUser(user.to_owned()))?;
    if !kind.holds(&person) {
        return Err(DirectoryError::ChangedSince {
            user: user.to_owned(),
            what: since(kind, &person).to_owned(),
        });
    }
    let sql = "SELECT action FROM incident_snapshots
               WHERE user_id = $1 AND kind = $2 AND undone_at IS NULL AND action <> $3 AND taken_at > $4
               ORDER BY taken_at LIMIT 1";
    let params = [
        text(user),
        text(kind.as_str()),
        text(order),
        Value::Timestamp(snapshot.taken_at),
    ];
    if let Some(row) = transaction.query_opt(sql, &params).await? {
        return Err(DirectoryError::HeldByLater {
            user: user.to_owned(),
            order: row.get("action")?,
        });
    }
    let params = [text(user), Value::Bool(!kind.in_effect())];
    transaction.execute(kind.statement(), &params).await?;
    Ok(())
}

fn since(kind: Kind, person: &Person) -> &'static str {
    match kind {
        Kind::Disable => "the user may sign in again already",
        Kind::ForceReset if person.is_active => "the user has a new password already",
        Kind::ForceReset => "no reset is asked for any more, and the user may not sign in",
    }
}
