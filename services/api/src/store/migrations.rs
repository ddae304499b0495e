//! Numbered changes of the store's schema, each applied once, in order, all in one transaction.
//!
//! On PostgreSQL the transaction begins with an advisory lock, so two replicas that start together
//! apply nothing twice; SQLite has one writer anyway. `schema_migrations` remembers what was
//! applied together with a checksum: a store changed by a newer version, or a migration edited
//! after its release, is refused rather than guessed at.

use aws_lc_rs::digest;
use jiff::Timestamp;
use reportapp_pool::{Engine, Pool, PoolError, Transaction};
use reportapp_session::Context;
use reportapp_session::directory::lock;

use super::{moment, text};

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version    bigint      PRIMARY KEY,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamp   NOT NULL
)";

/// One numbered change, in the dialect of each engine.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Position, counted from 1.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
    /// Statements for PostgreSQL.
    pub postgres: &'static str,
    /// Statements for SQLite.
    pub sqlite: &'static str,
}

/// Every migration of this version, ascending.
pub const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "users",
        postgres: include_str!("../../migrations/postgres/0001_users.sql"),
        sqlite: include_str!("../../migrations/sqlite/0001_users.sql"),
    },
    Migration {
        version: 2,
        name: "telegram",
        postgres: include_str!("../../migrations/postgres/0002_telegram.sql"),
        sqlite: include_str!("../../migrations/sqlite/0002_telegram.sql"),
    },
    Migration {
        version: 3,
        name: "epochs",
        postgres: include_str!("../../migrations/postgres/0003_epochs.sql"),
        sqlite: include_str!("../../migrations/sqlite/0003_epochs.sql"),
    },
    Migration {
        version: 4,
        name: "access",
        postgres: include_str!("../../migrations/postgres/0004_access.sql"),
        sqlite: include_str!("../../migrations/sqlite/0004_access.sql"),
    },
    Migration {
        version: 5,
        name: "sign_in",
        postgres: include_str!("../../migrations/postgres/0005_sign_in.sql"),
        sqlite: include_str!("../../migrations/sqlite/0005_sign_in.sql"),
    },
    Migration {
        version: 6,
        name: "audit",
        postgres: include_str!("../../migrations/postgres/0006_audit.sql"),
        sqlite: include_str!("../../migrations/sqlite/0006_audit.sql"),
    },
    Migration {
        version: 7,
        name: "actions",
        postgres: include_str!("../../migrations/postgres/0007_actions.sql"),
        sqlite: include_str!("../../migrations/sqlite/0007_actions.sql"),
    },
    Migration {
        version: 8,
        name: "erp_sign_in",
        postgres: include_str!("../../migrations/postgres/0008_erp_sign_in.sql"),
        sqlite: include_str!("../../migrations/sqlite/0008_erp_sign_in.sql"),
    },
];

/// Why the schema could not be brought up to date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrationError {
    /// A newer version of the program was here.
    #[error(
        "the store was migrated to version {found} by a newer release, this one knows up to \
         {known}: run that release or restore an older backup"
    )]
    Newer {
        /// Highest version in the store.
        found: i64,
        /// Highest version of this program.
        known: i64,
    },
    /// An applied migration differs from ours.
    #[error(
        "migration {version} ({name}) was applied to the store with other content: this store \
         belongs to another build"
    )]
    Changed {
        /// Its number.
        version: i64,
        /// Its name here.
        name: &'static str,
    },
    /// The tables belong to somebody else, and lack something.
    #[error(
        "the tables of the store belong to another role and are at version {found}, this release needs \
         {needed}: run `reportapp-api migrate` of this release as their owner, with --grant-to"
    )]
    NotOurs {
        /// Highest version in the store; 0 without tables.
        found: i64,
        /// Highest version of this program.
        needed: i64,
    },
    /// The database failed.
    #[error("failed to migrate the store: {0}")]
    Database(#[from] PoolError),
}

impl Migration {
    fn sql(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Postgres => self.postgres,
            Engine::Sqlite => self.sqlite,
        }
    }
}

/// Applies what is missing of `migrations` and returns it.
///
/// # Errors
/// See [`MigrationError`]; nothing is applied then.
pub async fn run(pool: &Pool, migrations: &[Migration]) -> Result<Vec<Migration>, MigrationError> {
    // Rows of all tenants may have to change.
    let context = Context::system("reportapp-api migrate");
    let mut transaction = pool.begin_after(&context.opening()).await?;
    lock(&mut transaction, pool.engine()).await?;
    transaction.batch(LEDGER).await?;
    let applied = applied(&mut transaction).await?;
    let missing = missing(migrations, &applied, pool.engine())?;
    for migration in &missing {
        apply(&mut transaction, pool.engine(), migration).await?;
    }
    transaction.commit().await?;
    Ok(missing)
}

/// Whether the login may change the schema: it owns the tables, or may create them. On SQLite it does.
///
/// # Errors
/// When the database fails.
pub async fn may_run(pool: &Pool) -> Result<bool, PoolError> {
    if pool.engine() == Engine::Sqlite {
        return Ok(true);
    }
    let sql = "SELECT coalesce(pg_has_role(c.relowner, 'USAGE'),
                               has_schema_privilege(current_schema(), 'CREATE'), false) AS may
               FROM (SELECT to_regclass('schema_migrations') AS oid) AS ledger
               LEFT JOIN pg_class c ON c.oid = ledger.oid";
    let row = pool.query_opt(sql, &[]).await?;
    Ok(row.map(|row| row.get("may")).transpose()? == Some(true))
}

/// Checks, changing nothing, that all of `migrations` are applied.
///
/// # Errors
/// [`MigrationError::NotOurs`] until they are; see [`MigrationError`] for the others.
pub async fn check(pool: &Pool, migrations: &[Migration]) -> Result<(), MigrationError> {
    let mut transaction = pool.begin().await?;
    // A ledger that may not be read is one whose owner has not granted anything yet.
    let sql =
        "SELECT coalesce(has_table_privilege(to_regclass('schema_migrations')::oid, 'SELECT'),
                               false) AS there";
    let row = transaction.query_opt(sql, &[]).await?;
    let there = row.map(|row| row.get("there")).transpose()? == Some(true);
    let applied = match there {
        true => applied(&mut transaction).await?,
        false => Vec::new(),
    };
    transaction.rollback().await?;
    if missing(migrations, &applied, pool.engine())?.is_empty() {
        return Ok(());
    }
    Err(MigrationError::NotOurs {
        found: applied.last().map_or(0, |(version, _)| *version),
        needed: migrations.last().map_or(0, |migration| migration.version),
    })
}

/// Which migrations are to be applied to a store that has `applied`.
fn missing(
    migrations: &[Migration],
    applied: &[(i64, String)],
    engine: Engine,
) -> Result<Vec<Migration>, MigrationError> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    if let Some((found, _)) = applied.last().filter(|(version, _)| *version > known) {
        return Err(MigrationError::Newer {
            found: *found,
            known,
        });
    }
    let mut missing = Vec::new();
    for migration in migrations {
        let earlier = applied.iter().find(|(v, _)| *v == migration.version);
        match earlier {
            Some((_, found)) if *found == checksum(migration.sql(engine)) => {}
            Some(_) => {
                return Err(MigrationError::Changed {
                    version: migration.version,
                    name: migration.name,
                });
            }
            None => missing.push(*migration),
        }
    }
    Ok(missing)
}

async fn applied(transaction: &mut Transaction) -> Result<Vec<(i64, String)>, PoolError> {
    let rows = transaction
        .query(
            "SELECT version, checksum FROM schema_migrations ORDER BY version",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("version")?, row.get("checksum")?)))
        .collect()
}

async fn apply(
    transaction: &mut Transaction,
    engine: Engine,
    migration: &Migration,
) -> Result<(), PoolError> {
    transaction.batch(migration.sql(engine)).await?;
    let row = [
        reportapp_pool::Value::Int(migration.version),
        text(migration.name),
        text(checksum(migration.sql(engine))),
        moment(Timestamp::now()),
    ];
    transaction
        .execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at)
             VALUES ($1, $2, $3, $4)",
            &row,
        )
        .await?;
    tracing::info!(
        version = migration.version,
        name = migration.name,
        "migrated the store"
    );
    Ok(())
}

fn checksum(sql: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, sql.as_bytes()))
}

#[cfg(test)]
mod tests;
