//! How many sessions a revocation would end: evidence, counted before it happens.

use jiff::Timestamp;
use reportapp_pool::{Pool, PoolError, Value};

use super::begin::{LOOKING, opening};
use super::text;
use crate::epochs::Scope;

/// Sessions that go on at this moment: not ended, not expired, and not revoked on any level.
const OPEN: &str = "SELECT count(*) AS found FROM user_sessions s
    WHERE s.is_active AND s.expires_at > $1
      AND NOT EXISTS (SELECT 1 FROM epochs e
                      WHERE e.epoch > s.issued
                        AND (e.level = 'all' OR (e.level = 'tenant' AND e.name = s.tenant_id)
                             OR (e.level = 'user' AND e.name = s.user_id)
                             OR (e.level = 'session' AND e.name = s.id)))";

/// Counts the open sessions that a revocation of `scope` would end.
///
/// # Errors
/// What the database said.
pub async fn open_sessions(pool: &Pool, scope: &Scope) -> Result<i64, PoolError> {
    let (condition, name) = match scope {
        Scope::All => ("", None),
        Scope::Tenant(id) => (" AND s.tenant_id = $2", Some(id)),
        Scope::User(id) => (" AND s.user_id = $2", Some(id)),
        Scope::Session(id) => (" AND s.id = $2", Some(id)),
        Scope::Permissions
        | Scope::RolePermissions(_)
        | Scope::UserPermissions(_)
        | Scope::Caches
        | Scope::CachesOf(_) => return Ok(0),
    };
    let mut params = vec![Value::Timestamp(Timestamp::now())];
    params.extend(name.map(|id| text(id)));
    let sql = format!("{OPEN}{condition}");
    let rows = pool.query_after(&opening(LOOKING), &sql, &params).await?;
    let count = rows.first().map(|row| row.get("found")).transpose()?;
    Ok(count.unwrap_or(0))
}
