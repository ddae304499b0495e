//! Whether a user may have a session at all, whatever they can prove.

use reportapp_pool::Row;

use super::{Store, StoreError, text};

/// What stands against a session of a user, if anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eligibility {
    /// Nothing.
    Eligible {
        /// The tenant the user belongs to.
        tenant: Option<String>,
    },
    /// The user is unknown or locked, or their tenant is.
    Locked,
    /// The password has to be replaced first.
    MustReset,
}

impl Store {
    /// Whether the user with this id may have a session.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn eligibility(&self, user_id: &str) -> Result<Eligibility, StoreError> {
        let sql = "SELECT u.is_active, u.must_reset_password, u.tenant_id,
                          c.id IS NULL OR c.is_active AS tenant_is_active
                   FROM users_enhanced u LEFT JOIN clients c ON c.id = u.tenant_id
                   WHERE u.id = $1";
        let row = self.pool()?.query_opt(sql, &[text(user_id)]).await?;
        row.as_ref().map_or(Ok(Eligibility::Locked), judge)
    }
}

fn judge(row: &Row) -> Result<Eligibility, StoreError> {
    let is_active: bool = row.get("is_active")?;
    let tenant_is_active: bool = row.get("tenant_is_active")?;
    if !(is_active && tenant_is_active) {
        return Ok(Eligibility::Locked);
    }
    if row.get("must_reset_password")? {
        return Ok(Eligibility::MustReset);
    }
    let tenant = row.get("tenant_id")?;
    Ok(Eligibility::Eligible { tenant })
}
