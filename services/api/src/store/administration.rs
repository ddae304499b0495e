//! A transaction in which an administrator changes users, roles or tenants.
//!
//! One at a time over all replicas: whatever was looked at to decide whether a change is allowed is still
//! true when it is written, and of two administrators who lock each other out only one succeeds.

use reportapp_pool::{Transaction, Value};
use reportapp_session::directory;

use super::{Store, StoreError, text};

/// Looks, decides and writes; nothing happened unless it is committed.
pub struct Administration {
    pub(super) transaction: Transaction,
}

impl Store {
    /// Begins a change, after those that are under way.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn administer(&self) -> Result<Administration, StoreError> {
        let pool = self.pool()?;
        let mut transaction = pool.begin().await?;
        directory::lock(&mut transaction, pool.engine()).await?;
        Ok(Administration { transaction })
    }
}

impl Administration {
    /// Makes what was written last.
    ///
    /// # Errors
    /// When the store cannot answer; it may be written all the same.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    /// Sets those columns of a row that have a value.
    pub(super) async fn update<const N: usize>(
        &mut self,
        table: &str,
        id: &str,
        columns: [(&str, Option<Value>); N],
    ) -> Result<(), StoreError> {
        let (mut settings, mut params) = (Vec::new(), vec![text(id)]);
        for (column, value) in columns {
            if let Some(value) = value {
                params.push(value);
                settings.push(format!("{column} = ${}", params.len()));
            }
        }
        if settings.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE {table} SET {} WHERE id = $1", settings.join(", "));
        self.transaction.execute(&sql, &params).await?;
        Ok(())
    }
}
