//! A user is changed: snapshot, change, end of the sessions and epoch in one transaction.

use reportapp_pool::{Pool, Transaction, Value};

use super::begin::{LOOKING, begin};
use super::{
    Change, Content, DirectoryError, Person, SNAPSHOT, Snapshot, find, lock, now, parse, scopes_of,
    text,
};
use crate::epochs::{Raised, Revision, raise_within};

/// Changes `user`, an id, under the name `order`; what was changed under that name earlier stays as it is.
///
/// # Errors
/// [`DirectoryError`]; nothing was changed then, or it is not known.
pub async fn change(
    pool: &Pool,
    order: &str,
    user: &str,
    change: Change,
) -> Result<Snapshot, DirectoryError> {
    let mut transaction = begin(pool, Some(order)).await?;
    // As administrators do in the web: who was looked at to decide is still there when it is written.
    lock(&mut transaction, pool.engine()).await?;
    // Before anything is read, because of the lock: changes of users happen one after the other.
    let raised = raise_within(&mut transaction, pool.engine(), order, &scopes_of(user)).await?;
    let (Raised::Now(revision) | Raised::Earlier(revision)) = raised;
    let earlier = transaction.query_opt(SNAPSHOT, &[text(order)]).await?;
    if let Some(row) = earlier {
        let snapshot = parse(&row)?;
        transaction.rollback().await?;
        return Ok(snapshot);
    }
    let person = find::by_id(&mut transaction, user).await?;
    let person = person.ok_or_else(|| DirectoryError::UnknownUser(user.to_owned()))?;
    check_kept_here(&person, change)?;
    check_last(&mut transaction, &person, change).await?;
    let snapshot = Snapshot {
        kind: change.kind(),
        user: person.id.clone(),
        differs: !change.kind().holds(&person),
        sessions: end_sessions(&mut transaction, user, revision).await?,
        revision,
        taken_at: now(),
        undone_at: None,
    };
    keep(&mut transaction, order, &snapshot).await?;
    if change == Change::ForceReset {
        // A code from before would take the reset back.
        let sql = "DELETE FROM password_resets WHERE user_id = $1 AND used_at IS NULL";
        transaction.execute(sql, &[text(user)]).await?;
    }
    if snapshot.differs {
        let params = [text(user), Value::Bool(change.kind().in_effect())];
        transaction
            .execute(change.kind().statement(), &params)
            .await?;
    }
    transaction.commit().await?;
    Ok(snapshot)
}

/// Whether a change of `person` would be refused.
///
/// # Errors
/// Why it would be, or what the database said.
pub async fn check(pool: &Pool, person: &Person, change: Change) -> Result<(), DirectoryError> {
    check_kept_here(person, change)?;
    let mut transaction = begin(pool, LOOKING).await?;
    check_last(&mut transaction, person, change).await?;
    transaction.rollback().await?;
    Ok(())
}

/// Ends sessions from before the change that were listed after it: somebody was signing in meanwhile.
///
/// # Errors
/// What the database said.
pub async fn end_late(pool: &Pool, order: &str, snapshot: &Snapshot) -> Result<(), DirectoryError> {
    let mut transaction = begin(pool, Some(order)).await?;
    end_sessions(&mut transaction, &snapshot.user, snapshot.revision).await?;
    transaction.commit().await?;
    Ok(())
}

/// What was there before the change under the name `order`; `None`: nothing was changed.
///
/// # Errors
/// What the database said.
pub async fn snapshot(pool: &Pool, order: &str) -> Result<Option<Snapshot>, DirectoryError> {
    let row = pool.query_opt(SNAPSHOT, &[text(order)]).await?;
    row.as_ref().map(parse).transpose()
}

/// A password is replaced where it is kept: a reset asked for here could never be answered.
fn check_kept_here(person: &Person, change: Change) -> Result<(), DirectoryError> {
    match (change, &person.erp_server) {
        (Change::ForceReset, Some(server)) => Err(DirectoryError::ErpAccount {
            username: person.username.clone(),
            server: server.clone(),
        }),
        _ => Ok(()),
    }
}

/// Somebody must be left who can manage the platform, and can sign in for it.
async fn check_last(
    transaction: &mut Transaction,
    person: &Person,
    change: Change,
) -> Result<(), DirectoryError> {
    let endangers = matches!(change, Change::Disable { force: false });
    if !endangers || !person.is_enterprise_admin || !person.is_active {
        return Ok(());
    }
    let sql = "SELECT u.id FROM users_enhanced u LEFT JOIN clients t ON t.id = u.tenant_id
               WHERE u.user_type = 'enterprise_admin' AND u.is_active AND NOT u.must_reset_password
                 AND coalesce(t.is_active, u.is_active) AND u.id <> $1 LIMIT 1";
    match transaction.query_opt(sql, &[text(&person.id)]).await? {
        Some(_) => Ok(()),
        None => Err(DirectoryError::LastAdministrator(person.username.clone())),
    }
}

/// Ends the sessions that began before `revision`; gives their ids.
async fn end_sessions(
    transaction: &mut Transaction,
    user: &str,
    revision: Revision,
) -> Result<Vec<String>, DirectoryError> {
    let sql = "UPDATE user_sessions SET is_active = $3
               WHERE user_id = $1 AND issued < $2 AND is_active RETURNING id";
    let params = [text(user), revision.into(), Value::Bool(false)];
    let rows = transaction.query(sql, &params).await?;
    let ids: Result<Vec<String>, _> = rows.iter().map(|row| row.get("id")).collect();
    Ok(ids?)
}

async fn keep(
    transaction: &mut Transaction,
    order: &str,
    snapshot: &Snapshot,
) -> Result<(), DirectoryError> {
    let content = Content {
        differs: snapshot.differs,
        sessions: snapshot.sessions.clone(),
        revision: snapshot.revision,
    };
    let content = serde_json::to_string(&content);
    let content = content.map_err(|_| DirectoryError::Corrupt(order.to_owned()))?;
    let sql = "INSERT INTO incident_snapshots (action, kind, user_id, content, taken_at)
               VALUES ($1, $2, $3, $4, $5)";
    let params = [
        text(order),
        text(snapshot.kind.as_str()),
        text(&snapshot.user),
        text(&content),
        Value::Timestamp(snapshot.taken_at),
    ];
    transaction.execute(sql, &params).await?;
    Ok(())
}
