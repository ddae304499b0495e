//! The audit trail: reading it, sealing it, and removing what is old.
//!
//! Rows are written by triggers of the database and by nothing else. Sealing and removing are functions of
//! the database too, so that the application needs no right to change a row.

use jiff::Timestamp;
use reportapp_pool::{Engine, Row, Value};
use reportapp_session::Sight;

use super::context::current;
use super::{Store, StoreError, moment, opt_text};

/// Which rows are asked for; `None` asks for any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Name of the table.
    pub table: Option<String>,
    /// Primary key of the row that was changed.
    pub row: Option<String>,
    /// Id of the user who changed it.
    pub user: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Rows with a smaller id only: the last one of the page before.
    pub before: Option<i64>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Ascending number.
    pub id: i64,
    /// Name of the table.
    pub table: String,
    /// `INSERT`, `UPDATE` or `DELETE`.
    pub operation: String,
    /// Primary key of the row; the columns of a longer one are joined with `:`.
    pub row: Option<String>,
    /// The row before, as a JSON object without secrets.
    pub old: Option<String>,
    /// The row after.
    pub new: Option<String>,
    /// JSON array of the columns an update changed.
    pub changed: Option<String>,
    /// Id of the user who did it.
    pub user: Option<String>,
    /// Tenant of the row.
    pub tenant: Option<String>,
    /// The program.
    pub service: Option<String>,
    /// Login of the database.
    pub db_user: String,
    /// The request it was part of.
    pub request: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How often one table was changed in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCount {
    /// Name of the table.
    pub table: String,
    /// `INSERT`, `UPDATE` or `DELETE`.
    pub operation: String,
    /// How often.
    pub count: i64,
    /// The last time.
    pub last: Timestamp,
}

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Ascending number without gaps.
    pub id: i64,
    /// Smallest id of its rows.
    pub first: i64,
    /// Greatest id of its rows.
    pub last: i64,
    /// Number of its rows.
    pub rows: i64,
    /// Head of the batch before; zeros for the first.
    pub previous_head: String,
    /// SHA-256 over `previous_head` and the rows.
    pub head: String,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Whether its rows were removed because of their age.
    pub is_removed: bool,
}

const FILTERED: &str = "FROM audit_logs_dml
    WHERE ($1::text IS NULL OR table_name = $1::text)
      AND ($2::text IS NULL OR row_id = $2::text)
      AND ($3::text IS NULL OR user_id = $3::text)
      AND ($4::timestamptz IS NULL OR created_at >= $4::timestamptz)
      AND ($5::timestamptz IS NULL OR created_at < $5::timestamptz)
      AND ($6::boolean OR tenant_id = $7::text
           OR tenant_id IN (SELECT c.id FROM clients c WHERE c.super_admin_id = $8::text)
           OR tenant_id IS NULL AND $9::boolean)";

pub(crate) const BATCH: &str = "id, first_id, last_id, row_count, previous_head, head, sealed_at,
    removed_at IS NOT NULL AS is_removed";

impl Store {
    /// Rows of the trail in sight, newest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let sql = format!(
            "SELECT id, table_name, operation, row_id, old_data, new_data, changed_fields, user_id,
                    tenant_id, service_name, db_user, request_id, ip_address, created_at
             {FILTERED} AND ($10::bigint IS NULL OR id < $10::bigint)
             ORDER BY id DESC LIMIT $11"
        );
        let mut params = params(filter);
        params.push(filter.before.map_or(Value::Null, Value::Int));
        params.push(Value::Int(limit.into()));
        let rows = self.pool()?.query(&sql, &params).await?;
        rows.iter().map(row).collect()
    }

    /// How often each table was changed, by kind of change, of the rows in sight.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn audit_counts(&self, filter: &AuditFilter) -> Result<Vec<AuditCount>, StoreError> {
        let sql = format!(
            "SELECT table_name, operation, count(*) AS number, max(id) AS last_id
             {FILTERED} GROUP BY table_name, operation ORDER BY table_name, operation"
        );
        // SQLite knows no type of max(created_at); the row with the greatest id has it.
        let sql = format!(
            "SELECT c.table_name, c.operation, c.number, a.created_at
             FROM ({sql}) c JOIN audit_logs_dml a ON a.id = c.last_id
             ORDER BY c.table_name, c.operation"
        );
        let rows = self.pool()?.query(&sql, &params(filter)).await?;
        rows.iter()
            .map(|row| {
                Ok(AuditCount {
                    table: row.get("table_name")?,
                    operation: row.get("operation")?,
                    count: row.get("number")?,
                    last: row.get("created_at")?,
                })
            })
            .collect()
    }

    /// Whether there is a trail that can be sealed.
    pub fn keeps_audit(&self) -> bool {
        self.engine() == Engine::Postgres
    }

    /// Seals up to `most` rows; `None`: there are none to seal now, or another process is at it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn seal_audit_rows(&self, most: u32) -> Result<Option<Batch>, StoreError> {
        let sql = format!("SELECT {BATCH} FROM seal_audit_rows($1)");
        let params = [Value::Int(most.into())];
        let row = self.pool()?.query_opt(&sql, &params).await?;
        row.as_ref().map(batch).transpose()
    }

    /// Removes the rows of the oldest batch if all are older than `days`; returns its number.
    ///
    /// # Errors
    /// When the store cannot answer, or `days` is less than 30.
    pub async fn remove_oldest_audit_batch(&self, days: u32) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT remove_oldest_audit_batch($1) AS id";
        let params = [Value::Int(days.into())];
        let row = self.pool()?.query_opt(sql, &params).await?;
        let id = row.map(|row| row.get("id")).transpose()?;
        Ok(id.flatten())
    }

    /// Removes security events older than `days`.
    ///
    /// # Errors
    /// When the store cannot answer, or `days` is less than 30.
    pub async fn remove_old_security_events(&self, days: u32) -> Result<(), StoreError> {
        let sql = "SELECT remove_old_security_events($1)";
        self.pool()?.query(sql, &[Value::Int(days.into())]).await?;
        Ok(())
    }
}

/// The filter, and what is in sight: once more than row security sees to, for a login it does not bind.
fn params(filter: &AuditFilter) -> Vec<Value> {
    let sight = current().sight;
    let (tenant, super_admin) = match &sight {
        Sight::Tenant(id) => (Some(id.as_str()), None),
        Sight::SuperAdmin(id) => (None, Some(id.as_str())),
        Sight::Nothing | Sight::NoTenant | Sight::Platform => (None, None),
    };
    vec![
        opt_text(filter.table.clone()),
        opt_text(filter.row.clone()),
        opt_text(filter.user.clone()),
        filter.from.map_or(Value::Null, moment),
        filter.until.map_or(Value::Null, moment),
        Value::Bool(sight == Sight::Platform),
        opt_text(tenant),
        opt_text(super_admin),
        Value::Bool(sight == Sight::NoTenant),
    ]
}

fn row(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        id: row.get("id")?,
        table: row.get("table_name")?,
        operation: row.get("operation")?,
        row: row.get("row_id")?,
        old: row.get("old_data")?,
        new: row.get("new_data")?,
        changed: row.get("changed_fields")?,
        user: row.get("user_id")?,
        tenant: row.get("tenant_id")?,
        service: row.get("service_name")?,
        db_user: row.get("db_user")?,
        request: row.get("request_id")?,
        address: row.get("ip_address")?,
        at: row.get("created_at")?,
    })
}

pub(crate) fn batch(row: &Row) -> Result<Batch, StoreError> {
    Ok(Batch {
        id: row.get("id")?,
        first: row.get("first_id")?,
        last: row.get("last_id")?,
        rows: row.get("row_count")?,
        previous_head: row.get("previous_head")?,
        head: row.get("head")?,
        sealed_at: row.get("sealed_at")?,
        is_removed: row.get("is_removed")?,
    })
}

#[cfg(test)]
mod tests;
