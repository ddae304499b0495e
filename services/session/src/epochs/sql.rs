//! Epochs in the application's own database, PostgreSQL or SQLite, through the shared pool.
//!
//! The tables are made by the API's migrations; their owner, the role every login of the application
//! becomes, needs no further right. A read is one statement, and so one snapshot. A raise begins by
//! locking the one row of `epoch_state` until it commits: whoever sees a revision sees all before it.
//!
//! A dropped future ends its statement with the connection, so an answer that came too late changes
//! nothing the protocol does not expect: every operation may have happened and may be repeated.

use std::time::Duration;

use jiff::Timestamp;
use reportapp_pool::{Engine, Pool, PoolError, Row, Transaction, Value};

use super::store::{Answer, EpochError, EpochStore, Member, ProcessId, Reading};
use super::{Revision, Scope};

/// Everything after a revision, and whether the asking process counts, in one row or more.
const READ: &str = "SELECT s.revision, s.settled, p.process IS NOT NULL AS registered,
                           e.level, e.name, e.epoch
                    FROM epoch_state s
                    LEFT JOIN epoch_processes p ON p.process = $1 AND NOT p.expelled
                    LEFT JOIN epochs e ON e.epoch > $2";

/// The next revision by the clock of the database, so that processes need not agree on the time.
const NEXT_POSTGRES: &str = "UPDATE epoch_state
    SET revision = GREATEST(revision + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    RETURNING revision";
const NEXT_SQLITE: &str = "UPDATE epoch_state
    SET revision = MAX(revision + 1, CAST(unixepoch('subsec') * 1000000 AS integer))
    RETURNING revision";

/// A revocation that was acknowledged must outlive a crash of the server, whatever the database
/// is set to otherwise; a stricter setting stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', true)
                       WHERE current_setting('synchronous_commit') IN ('off', 'local')";

const EARLIER: &str = "SELECT revision FROM epoch_actions WHERE action = $1";

const RAISE: &str = "INSERT INTO epochs (level, name, epoch) VALUES ($1, $2, $3)
                     ON CONFLICT (level, name) DO UPDATE SET epoch = excluded.epoch";

/// An [`EpochStore`] over a pool of connections to a migrated database.
#[derive(Clone, Debug)]
pub struct SqlEpochStore {
    pool: Pool,
}

impl SqlEpochStore {
    /// The store in the database of `pool`. On PostgreSQL that is the primary, never a replica.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn look(&self, process: &ProcessId, since: Revision) -> Result<Reading, EpochError> {
        let params = [text(process.as_str()), since.into()];
        let rows = self.pool.query(READ, &params).await?;
        let first = rows.first().ok_or_else(no_state)?;
        let mut reading = Reading {
            revision: revision(first, "revision")?,
            settled: revision(first, "settled")?,
            raised: Vec::new(),
            registered: first.get("registered")?,
        };
        for row in &rows {
            reading.raised.extend(raised(row)?);
        }
        Ok(reading)
    }

    async fn commit(&self, action: &str, scopes: &[Scope]) -> Result<Revision, EpochError> {
        let mut transaction = self.pool.begin().await?;
        match raise_within(&mut transaction, self.pool.engine(), action, scopes).await? {
            Raised::Earlier(revision) => {
                transaction.rollback().await?;
                Ok(revision)
            }
            Raised::Now(revision) => {
                transaction.commit().await?;
                Ok(revision)
            }
        }
    }

    /// What was raised under the name `action`.
    pub(super) async fn raised_under(&self, action: &str) -> Result<Option<Revision>, EpochError> {
        let row = self.pool.query_opt(EARLIER, &[text(action)]).await?;
        row.map(|row| revision(&row, "revision")).transpose()
    }

    async fn enrol(&self, process: &ProcessId, lease: Duration) -> Result<(), EpochError> {
        // Rounded up: a lease that counted as shorter than it is would end a wait too early.
        let lease_ms = lease.as_nanos().div_ceil(1_000_000);
        let params = [
            text(process.as_str()),
            Value::Int(i64::try_from(lease_ms).unwrap_or(i64::MAX)),
            Revision::default().into(),
            Value::Bool(false),
            Value::Timestamp(Timestamp::now()),
        ];
        let sql =
            "INSERT INTO epoch_processes (process, lease_ms, confirmed, expelled, registered_at)
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (process) DO NOTHING";
        self.change(sql, &params).await
    }

    async fn members(&self) -> Result<Vec<Member>, EpochError> {
        let sql = "SELECT process, lease_ms, confirmed, expelled FROM epoch_processes";
        let rows = self.pool.query(sql, &[]).await?;
        rows.iter().map(member).collect()
    }

    async fn forget(&self, until: Revision) -> Result<(), EpochError> {
        let mut transaction = self.pool.begin().await?;
        let sql = "SELECT MAX(revision) AS last FROM epoch_actions WHERE revision <= $1";
        let row = transaction.query_opt(sql, &[until.into()]).await?;
        let last: Option<i64> = row.map(|row| row.get("last")).transpose()?.flatten();
        let Some(last) = last else {
            transaction.rollback().await?;
            return Ok(());
        };
        let last = [Value::Int(last)];
        for sql in [
            "UPDATE epoch_state SET settled = $1 WHERE settled < $1",
            "DELETE FROM epochs WHERE epoch <= $1",
            "DELETE FROM epoch_actions WHERE revision <= $1",
        ] {
            transaction.execute(sql, &last).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// One statement, whose number of changed rows means nothing: it may be a repetition.
    async fn change(&self, sql: &str, params: &[Value]) -> Result<(), EpochError> {
        self.pool.execute(sql, params).await?;
        Ok(())
    }
}

impl EpochStore for SqlEpochStore {
    fn read<'a>(&'a self, process: &'a ProcessId, since: Revision) -> Answer<'a, Reading> {
        Box::pin(self.look(process, since))
    }

    fn raise<'a>(&'a self, action: &'a str, scopes: &'a [Scope]) -> Answer<'a, Revision> {
        Box::pin(self.commit(action, scopes))
    }

    fn register<'a>(&'a self, process: &'a ProcessId, lease: Duration) -> Answer<'a, ()> {
        Box::pin(self.enrol(process, lease))
    }

    fn confirm<'a>(&'a self, process: &'a ProcessId, revision: Revision) -> Answer<'a, ()> {
        Box::pin(async move {
            let params = [text(process.as_str()), revision.into()];
            let sql = "UPDATE epoch_processes SET confirmed = $2
                       WHERE process = $1 AND confirmed < $2";
            self.change(sql, &params).await
        })
    }

    fn roster(&self) -> Answer<'_, Vec<Member>> {
        Box::pin(self.members())
    }

    fn expel<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        Box::pin(async move {
            let params = [text(process.as_str()), Value::Bool(true)];
            let sql = "UPDATE epoch_processes SET expelled = $2 WHERE process = $1";
            self.change(sql, &params).await
        })
    }

    fn remove<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        Box::pin(async move {
            let sql = "DELETE FROM epoch_processes WHERE process = $1";
            self.change(sql, &[text(process.as_str())]).await
        })
    }

    fn settle(&self, until: Revision) -> Answer<'_, ()> {
        Box::pin(self.forget(until))
    }
}

/// What raising epochs inside a transaction found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// They are raised when the transaction commits.
    Now(Revision),
    /// They were raised under this name before.
    Earlier(Revision),
}

/// Raises the epochs of `scopes` as a part of `transaction`, so that they are raised together with what
/// else it changes. It has to come first: it takes the lock under which all revocations happen one after
/// the other.
///
/// # Errors
/// What the store said; the transaction is of no use any more.
pub async fn raise_within(
    transaction: &mut Transaction,
    engine: Engine,
    action: &str,
    scopes: &[Scope],
) -> Result<Raised, EpochError> {
    let next = next(transaction, engine).await?;
    if let Some(row) = transaction.query_opt(EARLIER, &[text(action)]).await? {
        return Ok(Raised::Earlier(revision(&row, "revision")?));
    }
    let done = "INSERT INTO epoch_actions (action, revision) VALUES ($1, $2)";
    let params = [text(action), next.into()];
    transaction.execute(done, &params).await?;
    if scopes.contains(&Scope::All) {
        // Everything below is covered.
        transaction.execute("DELETE FROM epochs", &[]).await?;
    }
    for scope in scopes {
        let (level, name) = columns(scope);
        let params = [text(level), text(name), next.into()];
        transaction.execute(RAISE, &params).await?;
    }
    Ok(Raised::Now(next))
}

async fn next(transaction: &mut Transaction, engine: Engine) -> Result<Revision, EpochError> {
    let sql = match engine {
        Engine::Postgres => {
            transaction.query(DURABLE, &[]).await?;
            NEXT_POSTGRES
        }
        Engine::Sqlite => NEXT_SQLITE,
    };
    let row = transaction.query_opt(sql, &[]).await?;
    revision(&row.ok_or_else(no_state)?, "revision")
}

impl From<PoolError> for EpochError {
    fn from(error: PoolError) -> Self {
        let detail = error.to_string();
        match error {
            PoolError::Type { .. } | PoolError::NoColumn { .. } => Self::Corrupt { detail },
            PoolError::Query { .. } | PoolError::Constraint { .. } => Self::Refused { detail },
            _ => Self::Unreachable { detail },
        }
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Revisions are microseconds since 1970: the last one that fits lies 290,000 years ahead.
impl From<Revision> for Value {
    fn from(revision: Revision) -> Self {
        Self::Int(i64::try_from(revision.0).unwrap_or(i64::MAX))
    }
}

fn revision(row: &Row, column: &str) -> Result<Revision, EpochError> {
    Ok(Revision(row.get(column)?))
}

fn no_state() -> EpochError {
    let detail = "the table epoch_state has no row; restore it from a backup".to_owned();
    EpochError::Corrupt { detail }
}

fn columns(scope: &Scope) -> (&'static str, &str) {
    match scope {
        Scope::All => ("all", ""),
        Scope::Tenant(id) => ("tenant", id),
        Scope::User(id) => ("user", id),
        Scope::Session(id) => ("session", id),
        Scope::Permissions => ("permissions", ""),
        Scope::RolePermissions(id) => ("permissions-role", id),
        Scope::UserPermissions(id) => ("permissions-user", id),
        Scope::Caches => ("caches", ""),
        Scope::CachesOf(name) => ("caches-of", name),
    }
}

/// The epoch a row of [`READ`] holds; `None` where the join found none.
fn raised(row: &Row) -> Result<Option<(Scope, Revision)>, EpochError> {
    let Some(level) = row.get::<Option<String>>("level")? else {
        return Ok(None);
    };
    let name = row.get("name")?;
    let scope = match level.as_str() {
        "all" => Scope::All,
        "tenant" => Scope::Tenant(name),
        "user" => Scope::User(name),
        "session" => Scope::Session(name),
        "permissions" => Scope::Permissions,
        "permissions-role" => Scope::RolePermissions(name),
        "permissions-user" => Scope::UserPermissions(name),
        "caches" => Scope::Caches,
        "caches-of" => Scope::CachesOf(name),
        _ => {
            // Skipping what a newer release may mean by it would let revoked tokens in.
            let detail = "epochs.level holds a level this release does not know".to_owned();
            return Err(EpochError::Corrupt { detail });
        }
    };
    Ok(Some((scope, revision(row, "epoch")?)))
}

fn member(row: &Row) -> Result<Member, EpochError> {
    Ok(Member {
        process: ProcessId::kept(row.get("process")?),
        lease: Duration::from_millis(row.get("lease_ms")?),
        confirmed: revision(row, "confirmed")?,
        expelled: row.get("expelled")?,
    })
}
