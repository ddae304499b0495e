//! How every transaction of this module begins: for the program itself, with the users of every tenant in
//! sight, and with the order it serves, which rows of the audit trail name as their request.

use reportapp_pool::{Engine, Pool, PoolError, Transaction};

use super::text;

/// All spellings of the tenant are set, so that what somebody left on a connection is never used.
const SETTINGS: &str = "SELECT
    set_config('app.tenant_id', '', true),
    set_config('app.current_tenant', '', true),
    set_config('app.current_tenant_id', '', true),
    set_config('app.super_admin_id', '', true),
    set_config('app.is_platform_admin', 'on', true),
    set_config('app.user_id', '', true),
    set_config('app.current_user_id', '', true),
    set_config('app.service_name', 'reportapp-operator', true),
    set_config('app.request_id', $1, true),
    set_config('app.client_ip', '', true),
    set_config('app.without_tenant', '', true)";

/// The name of a transaction that changes nothing.
pub(super) const LOOKING: &str = "";

/// A transaction for the order of this name. SQLite has no settings of a transaction, and no row security.
pub(super) async fn begin(pool: &Pool, order: &str) -> Result<Transaction, PoolError> {
    let mut transaction = pool.begin().await?;
    if pool.engine() == Engine::Postgres {
        transaction.query(SETTINGS, &[text(order)]).await?;
    }
    Ok(transaction)
}
