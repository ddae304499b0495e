//! What the program does instead of serving: migrate the store, verify its audit trail, check report files.
//!
//! Each prints what it did and ends. Logs go to the error output, so that scripts can read the rest.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use reportapp_config::{ApiConfig, DatabaseConfig};
use reportapp_pool::{Engine, Pool};

use crate::args::{MigrateArgs, StoreArgs, VerifyArgs};
use crate::audit::verify::{Verdict, verify};
use crate::reports::sql::allowed_functions;
use crate::reports::{Folder, Refusal};
use crate::run::load;
use crate::store::{migrations, rights};

/// Applies what is missing and grants rights; returns the lines to print.
///
/// # Errors
/// A configuration or a store that cannot be used; nothing is applied then.
pub async fn migrate(args: &MigrateArgs) -> anyhow::Result<Vec<String>> {
    let pool = open(&args.store).await?;
    let applied = migrations::run(&pool, migrations::ALL).await?;
    let mut lines: Vec<String> = applied
        .iter()
        .map(|migration| format!("applied {} {}", migration.version, migration.name))
        .collect();
    if applied.is_empty() {
        let version = migrations::ALL.last().map_or(0, |last| last.version);
        lines.push(format!("up to date at version {version}"));
    }
    if let Some(role) = &args.grant_to {
        anyhow::ensure!(
            pool.engine() == Engine::Postgres,
            "--grant-to {role}: a SQLite store has no roles; leave the option out"
        );
        rights::grant(&pool, role).await?;
        lines.push(format!("granted {role} the rights to serve"));
    }
    pool.close().await;
    Ok(lines)
}

/// Verifies the audit trail.
///
/// # Errors
/// A configuration or a store that cannot be used.
pub async fn verify_audit(args: &VerifyArgs) -> anyhow::Result<Verdict> {
    let pool = open(&args.store).await?;
    anyhow::ensure!(
        pool.engine() == Engine::Postgres,
        "a SQLite store keeps no sealed audit trail; there is nothing to verify"
    );
    let verdict = verify(&pool, &args.expect).await;
    pool.close().await;
    let verdict = verdict.map_err(anyhow::Error::from);
    verdict.context("failed to verify the audit trail")
}

/// What a verdict says to people.
pub fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Intact {
            batches,
            rows,
            unsealed,
            head,
        } => format!(
            "intact: {rows} rows in {batches} batches, {unsealed} not sealed yet\nhead {batches}:{head}"
        ),
        Verdict::Differs { batch, because } => format!("batch {batch} differs: {because}"),
    }
}

/// What a folder of report files comes to.
#[derive(Debug)]
pub struct CheckedReports {
    /// Reports that would be used.
    pub used: usize,
    /// What would be refused.
    pub refused: Vec<Refusal>,
}

impl fmt::Display for CheckedReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for refusal in &self.refused {
            writeln!(f, "{refusal}")?;
        }
        write!(f, "{} good, {} problems", self.used, self.refused.len())
    }
}

/// Reads a folder of report files as a serving process would.
///
/// # Errors
/// A folder that cannot be read.
pub fn check_reports(folder: &Path) -> anyhow::Result<CheckedReports> {
    let mut folder = Folder::new(folder);
    folder.look()?;
    Ok(CheckedReports {
        used: folder.len(),
        refused: folder.refused().to_vec(),
    })
}

/// The functions a report may call, as the reference lists them.
pub fn report_functions() -> String {
    let list = |engine: Engine| {
        let names: Vec<String> = allowed_functions(engine)
            .into_iter()
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(" ")
    };
    format!(
        "**PostgreSQL**: {}\n\n**SQLite**: {}\n",
        list(Engine::Postgres),
        list(Engine::Sqlite)
    )
}

async fn open(args: &StoreArgs) -> anyhow::Result<Pool> {
    let config: ApiConfig = load(&args.config)?;
    let store = with_credential(config.store, args.credential.as_deref());
    let pool = Pool::open("store", &store).await?;
    pool.probe().await.context("the store does not answer")?;
    Ok(pool)
}

fn with_credential(mut store: DatabaseConfig, folder: Option<&Path>) -> DatabaseConfig {
    if let (DatabaseConfig::Postgres { credential, .. }, Some(folder)) = (&mut store, folder) {
        folder.clone_into(credential);
    }
    store
}

#[cfg(test)]
mod tests;
