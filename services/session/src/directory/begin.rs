//! How every transaction of this module begins: for the program itself, with the users of every tenant in
//! sight, and with the order it serves, which rows of the audit trail name as their request.

use reportapp_pool::{Opening, Pool, PoolError, Transaction};

use crate::Context;

/// Name of the program that gives orders, in rows of the audit trail.
const SERVICE: &str = "reportapp-operator";

/// The order of a transaction that changes nothing.
pub(super) const LOOKING: Option<&str> = None;

/// A transaction for the order of this name.
pub(super) async fn begin(pool: &Pool, order: Option<&str>) -> Result<Transaction, PoolError> {
    pool.begin_after(&opening(order)).await
}

/// What a transaction for the order of this name begins with.
pub(super) fn opening(order: Option<&str>) -> Opening {
    let context = Context {
        request: order.map(str::to_owned),
        ..Context::system(SERVICE)
    };
    context.opening()
}
