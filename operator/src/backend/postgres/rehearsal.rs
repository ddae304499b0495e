//! Some settings of a role only a superuser may write, or whoever was granted them, and no function
//! of every supported server tells which. So preparing both twins is tried in a transaction that is
//! rolled back.

use super::Postgres;
use super::change::{begin, run};
use super::link::{Link, statement_error};
use super::roles::{self, Role};
use super::statements::{self, Statement};
use crate::backend::BackendError;

/// The oldest server on which settings can be granted.
const GRANTABLE: i32 = 150_000;

/// What has to be run so that the settings of the base role can be copied; empty when they can be.
pub(super) async fn missing_settings(
    postgres: &Postgres,
    link: &mut Link,
    base: &Role,
    version: i32,
) -> Result<Vec<String>, BackendError> {
    let failed = |error| statement_error(&error, "a trial that is rolled back");
    let mut trial = begin(postgres, link).await?;
    let roles = roles::read(&trial, &postgres.role).await.map_err(failed)?;
    let mut missing = Vec::new();
    for twin in crate::backend::twins(&postgres.role) {
        let absent = Role::default();
        let present = roles.get(&twin);
        if present.is_none() {
            run(&trial, &statements::create(&twin)).await?;
        }
        let present = &present.unwrap_or(&absent).settings;
        for statement in statements::settings(&twin, &base.settings_of_twin(), present) {
            let attempt = trial.savepoint("setting").await.map_err(failed)?;
            match run(&attempt, &statement).await {
                Ok(()) => attempt.commit().await.map_err(failed)?,
                Err(BackendError::RightMissing(_)) => {
                    attempt.rollback().await.map_err(failed)?;
                    missing.push(remedy(postgres, &statement, version));
                }
                Err(error) => return Err(error),
            }
        }
    }
    trial.rollback().await.map_err(failed)?;
    missing.sort();
    missing.dedup();
    Ok(missing)
}

/// Before settings could be granted, the way round is a setting of the database: it needs no copy.
fn remedy(postgres: &Postgres, statement: &Statement, version: i32) -> String {
    let parameter = statement.parameter.as_deref().unwrap_or_default();
    if version >= GRANTABLE {
        return format!(
            "GRANT SET ON PARAMETER {parameter} TO {};",
            statements::identifier(postgres.admin_name())
        );
    }
    format!(
        "ALTER DATABASE {} SET {parameter} = …; ALTER ROLE {} RESET {parameter};",
        statements::identifier(&postgres.database),
        statements::identifier(&postgres.role)
    )
}
