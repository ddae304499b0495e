//! What a login that serves, and does not own the tables, may do with them: what it needs and no more.
//!
//! With rights of its own it can neither change the audit trail nor switch its triggers off. The test of
//! this file fails when a migration adds a table that is not listed.

use reportapp_pool::{Pool, PoolError, Transaction};
use reportapp_session::directory;

use super::text;

/// Rows that the application writes itself.
const ALL: &str = "SELECT, INSERT, UPDATE, DELETE";
/// Rows that only migrations, triggers and functions write.
const READ: &str = "SELECT";
/// Nothing: functions look at them.
const NONE: &str = "";

/// Every table of the store.
const TABLES: &[(&str, &str)] = &[
    ("audit_batches", READ),
    ("audit_logs_dml", READ),
    ("clients", ALL),
    ("epoch_actions", ALL),
    ("epoch_processes", ALL),
    ("epoch_state", ALL),
    ("epochs", ALL),
    ("incident_snapshots", ALL),
    ("known_devices", ALL),
    ("login_attempts", ALL),
    ("password_resets", ALL),
    ("platform_roles", NONE),
    ("rbac_actions", READ),
    ("rbac_permissions", ALL),
    ("rbac_roles", ALL),
    ("rbac_routes", READ),
    ("rbac_user_roles", ALL),
    ("schema_migrations", READ),
    ("security_events", READ),
    ("telegram_codes", ALL),
    ("telegram_links", ALL),
    ("user_sessions", ALL),
    ("users_enhanced", ALL),
];

/// Functions that act as the owner.
const FUNCTIONS: &[&str] = &[
    "log_security_event",
    "seal_audit_rows",
    "remove_oldest_audit_batch",
    "remove_old_security_events",
];

/// Why a role cannot be given its rights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// There is no such role.
    #[error("--grant-to {role}: there is no such role; create it first")]
    Unknown {
        /// The name.
        role: String,
    },
    /// The role can become the owner, so nothing is denied to it.
    #[error(
        "--grant-to {role}: it is a superuser or a member of {owner}, which owns the tables; \
         use a role that is neither"
    )]
    Owner {
        /// The name.
        role: String,
        /// Who owns the tables.
        owner: String,
    },
    /// The database failed.
    #[error("failed to grant rights: {0}")]
    Database(#[from] PoolError),
}

/// Gives `role` and its members exactly the rights to serve from a migrated store on PostgreSQL.
///
/// # Errors
/// See [`GrantError`]; nothing is granted then.
pub async fn grant(pool: &Pool, role: &str) -> Result<(), GrantError> {
    let mut transaction = pool.begin().await?;
    directory::lock(&mut transaction, pool.engine()).await?;
    let quoted = check(&mut transaction, role).await?;
    for (table, rights) in TABLES {
        let mut sql = format!("REVOKE ALL ON {table} FROM {quoted};");
        if !rights.is_empty() {
            sql.push_str(&format!("GRANT {rights} ON {table} TO {quoted};"));
        }
        transaction.batch(&sql).await?;
    }
    for function in FUNCTIONS {
        let sql = format!("GRANT EXECUTE ON FUNCTION {function} TO {quoted}");
        transaction.batch(&sql).await?;
    }
    let sql = "SELECT format('GRANT USAGE ON SCHEMA %I TO ', current_schema()) AS sql";
    if let Some(row) = transaction.query_opt(sql, &[]).await? {
        let sql: String = row.get("sql")?;
        transaction.batch(&format!("{sql}{quoted}")).await?;
    }
    let sql = "INSERT INTO platform_roles (role) VALUES ($1) ON CONFLICT (role) DO NOTHING";
    transaction.execute(sql, &[text(role)]).await?;
    transaction.commit().await?;
    Ok(())
}

/// The role as it is written in statements.
async fn check(transaction: &mut Transaction, role: &str) -> Result<String, GrantError> {
    let sql = "SELECT quote_ident(r.rolname) AS quoted, o.rolname::text AS owner,
                      pg_has_role(r.oid, o.oid, 'MEMBER') AS owns
               FROM pg_roles r, pg_class c JOIN pg_roles o ON o.oid = c.relowner
               WHERE r.rolname = $1 AND c.oid = 'schema_migrations'::regclass";
    let found = transaction.query_opt(sql, &[text(role)]).await?;
    let role = role.to_owned();
    let Some(row) = found else {
        return Err(GrantError::Unknown { role });
    };
    if row.get("owns")? {
        let owner = row.get("owner")?;
        return Err(GrantError::Owner { role, owner });
    }
    Ok(row.get("quoted")?)
}

#[cfg(test)]
mod tests;
