//! Who is meant: by id or, in any case, by name. An id goes before a name.

use reportapp_pool::{Pool, PoolError, Row, Transaction, Value};

use super::begin::{LOOKING, opening};
use super::{Person, text};

const PERSON: &str = "SELECT id, username, is_active, must_reset_password, user_type, erp_server
                      FROM users_enhanced";

/// The user with this id or name.
///
/// # Errors
/// What the database said.
pub async fn find_user(pool: &Pool, name: &str) -> Result<Option<Person>, PoolError> {
    let sql = format!("{PERSON} WHERE id = $1 OR username_key = $2 ORDER BY id = $1 DESC LIMIT 1");
    let rows = look(pool, &sql, &[text(name), key(name)]).await?;
    rows.first().map(person).transpose()
}

/// The user with this id, inside a transaction.
pub(super) async fn by_id(
    transaction: &mut Transaction,
    id: &str,
) -> Result<Option<Person>, PoolError> {
    let sql = format!("{PERSON} WHERE id = $1");
    let row = transaction.query_opt(&sql, &[text(id)]).await?;
    row.as_ref().map(person).transpose()
}

/// Ids of the roles with this id or name. A name may stand for a role of several tenants.
///
/// # Errors
/// What the database said.
pub async fn find_roles(pool: &Pool, name: &str) -> Result<Vec<String>, PoolError> {
    let sql = "SELECT id FROM rbac_roles WHERE id = $1 ORDER BY id";
    let by_id = ids(&look(pool, sql, &[text(name)]).await?)?;
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    let sql = "SELECT id FROM rbac_roles WHERE lower(name) = $1 ORDER BY id";
    ids(&look(pool, sql, &[key(name)]).await?)
}

/// Id of the tenant with this id or name.
///
/// # Errors
/// What the database said.
pub async fn find_tenant(pool: &Pool, name: &str) -> Result<Option<String>, PoolError> {
    let sql = "SELECT id FROM clients WHERE id = $1 OR name_key = $2
               ORDER BY id = $1 DESC LIMIT 1";
    let rows = look(pool, sql, &[text(name), key(name)]).await?;
    rows.first().map(|row| row.get("id")).transpose()
}

/// A statement that changes nothing.
async fn look(pool: &Pool, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
    pool.query_after(&opening(LOOKING), sql, params).await
}

/// As the API spells keys when it creates users, tenants and roles.
fn key(name: &str) -> Value {
    text(&name.trim().to_lowercase())
}

fn ids(rows: &[Row]) -> Result<Vec<String>, PoolError> {
    rows.iter().map(|row| row.get("id")).collect()
}

fn person(row: &Row) -> Result<Person, PoolError> {
    Ok(Person {
        id: row.get("id")?,
        username: row.get("username")?,
        is_active: row.get("is_active")?,
        must_reset_password: row.get("must_reset_password")?,
        is_enterprise_admin: row.get::<String>("user_type")? == "enterprise_admin",
        erp_server: row.get("erp_server")?,
    })
}
