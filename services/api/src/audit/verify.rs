//! Computes the chain of the audit trail again and names the first batch that differs.
//!
//! Nothing of the database is believed but its rows: the text of a row and the digest are made here. Heads
//! that were noted elsewhere find a chain that was made anew as a whole.

use reportapp_pool::{Pool, PoolError, Transaction, Value};
use reportapp_session::Context;

use super::{NO_HEAD, head};
use crate::store::StoreError;
use crate::store::audit::{BATCH, Batch, batch};
use crate::store::context::SERVICE;

/// The text of a row; the same as the database's function audit_row_text, which an intruder may change.
const ROWS: &str = "SELECT jsonb_build_array(
        id, table_name, operation, row_id, old_data, new_data, changed_fields, user_id, tenant_id,
        service_name, application_name, db_user, effective_role, request_id, ip_address,
        (extract(epoch FROM created_at) * 1000000)::bigint, transaction_id::text)::text AS row
    FROM audit_logs_dml WHERE batch = $1 AND id BETWEEN $2 AND $3 ORDER BY id";

/// A head that was noted outside of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Number of the batch.
    pub batch: i64,
    /// Its head.
    pub head: String,
}

impl std::str::FromStr for Noted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (batch, head) = text.split_once(':').unwrap_or((text, ""));
        let is_head = head.len() == NO_HEAD.len() && hex::decode(head).is_ok();
        match batch.parse() {
            Ok(batch) if is_head => Ok(Self {
                batch,
                head: head.to_owned(),
            }),
            _ => Err(format!(
                "`{text}` is not BATCH:HEAD, such as 17:6f3c… with 64 hexadecimal digits"
            )),
        }
    }
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every sealed row is as it was when it was sealed.
    Intact {
        /// Number of batches, those included whose rows were removed because of their age.
        batches: i64,
        /// Number of rows compared.
        rows: i64,
        /// Number of rows that are in no batch yet, for which nothing vouches.
        unsealed: i64,
        /// The last head.
        head: String,
    },
    /// The trail was tampered with.
    Differs {
        /// The first batch that is not as it was.
        batch: i64,
        /// In what it differs.
        because: String,
    },
}

/// Verifies the whole trail as it is at one moment.
///
/// # Errors
/// When the store cannot answer, or its login may not see the whole platform.
pub async fn verify(pool: &Pool, noted: &[Noted]) -> Result<Verdict, StoreError> {
    let mut transaction = pool.begin().await?;
    // One snapshot for all of it; has to come before the first statement.
    transaction
        .batch("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await?;
    let opening = Context::system(SERVICE).opening();
    transaction.query(opening.sql, &opening.params).await?;
    demand_sight(&mut transaction).await?;
    let sql = format!(
        "SELECT {BATCH}, coalesce(removed_at < newest + interval '30 days', false) AS is_hasty
         FROM audit_batches ORDER BY id"
    );
    let batches = transaction.query(&sql, &[]).await?;
    let mut chain = Chain::new(noted);
    for row in &batches {
        let sealed = batch(row)?;
        let rows = match sealed.is_removed {
            true => Vec::new(),
            false => rows_of(&mut transaction, &sealed).await?,
        };
        if let Some(because) = chain.follow(&sealed, &rows) {
            let batch = chain.next();
            return Ok(Verdict::Differs { batch, because });
        }
        if row.get("is_hasty")? {
            return Ok(Verdict::Differs {
                batch: sealed.id,
                because: "its rows were removed before they were old enough".to_owned(),
            });
        }
    }
    let (claimed, unsealed) = counts(&mut transaction).await?;
    Ok(chain.close(claimed, unsealed))
}

async fn demand_sight(transaction: &mut Transaction) -> Result<(), StoreError> {
    let row = transaction.query_opt("SELECT is_platform_admin() AS may", &[]);
    let may = row.await?.map(|row| row.get("may")).transpose()?;
    if may == Some(true) {
        return Ok(());
    }
    let detail = "this login does not see the whole platform; use the owner of the tables, or one that \
                  `reportapp-api migrate --grant-to` was run for";
    Err(StoreError::Database(PoolError::Query {
        code: "42501".to_owned(),
        detail: detail.to_owned(),
    }))
}

async fn rows_of(transaction: &mut Transaction, sealed: &Batch) -> Result<Vec<String>, StoreError> {
    let ids = [sealed.id, sealed.first, sealed.last].map(Value::Int);
    let rows = transaction.query(ROWS, &ids).await?;
    let rows = rows.iter().map(|row| row.get("row"));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many rows say that they are sealed, and how many that they are not.
async fn counts(transaction: &mut Transaction) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT count(batch) AS sealed, count(*) AS rows FROM audit_logs_dml";
    let Some(row) = transaction.query_opt(sql, &[]).await? else {
        return Ok((0, 0));
    };
    let (sealed, rows): (i64, i64) = (row.get("sealed")?, row.get("rows")?);
    Ok((sealed, rows - sealed))
}

/// The chain, as far as it was followed.
struct Chain<'a> {
    noted: &'a [Noted],
    batches: i64,
    rows: i64,
    head: String,
}

impl<'a> Chain<'a> {
    fn new(noted: &'a [Noted]) -> Self {
        Self {
            noted,
            batches: 0,
            rows: 0,
            head: NO_HEAD.to_owned(),
        }
    }

    /// The number of the batch that has to come now.
    fn next(&self) -> i64 {
        self.batches + 1
    }

    /// Compares the next batch; says in what it differs.
    fn follow(&mut self, sealed: &Batch, rows: &[String]) -> Option<String> {
        if sealed.id != self.next() {
            return Some(format!("it is missing; the next one is {}", sealed.id));
        }
        if sealed.previous_head != self.head {
            return Some("it does not continue the batch before it".to_owned());
        }
        let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if sealed.is_removed && self.rows > 0 {
            return Some(
                "its rows were removed, and those of a batch before it were not".to_owned(),
            );
        }
        if !sealed.is_removed {
            if found != sealed.rows {
                return Some(format!(
                    "{} rows were sealed, {found} are there",
                    sealed.rows
                ));
            }
            let computed = head(&sealed.previous_head, rows.iter().map(String::as_str));
            if computed.as_ref() != Some(&sealed.head) {
                return Some("its rows are not the ones that were sealed".to_owned());
            }
            self.rows += found;
        }
        let noted = self.noted.iter().find(|noted| noted.batch == sealed.id);
        if noted.is_some_and(|noted| noted.head != sealed.head) {
            return Some("its head is not the one that was noted".to_owned());
        }
        self.batches = sealed.id;
        self.head.clone_from(&sealed.head);
        None
    }

    /// After the last batch.
    fn close(self, claimed: i64, unsealed: i64) -> Verdict {
        let beyond = self.noted.iter().map(|noted| noted.batch).max();
        let differs = |because: String| Verdict::Differs {
            batch: self.batches + 1,
            because,
        };
        if beyond.is_some_and(|last| last > self.batches) {
            return differs("it is missing, as are all after it; its head was noted".to_owned());
        }
        if claimed != self.rows {
            let surplus = claimed - self.rows;
            return differs(format!("{surplus} rows claim a batch they are not part of"));
        }
        Verdict::Intact {
            batches: self.batches,
            rows: self.rows,
            unsealed,
            head: self.head,
        }
    }
}

#[cfg(test)]
mod tests;
