//! `reportapp-sample-erp`: fills an ERP database with the sample books, or with a CSV file, and with people
//! who sign in there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use reportapp_config::DatabaseConfig;
use reportapp_config::database::PoolConfig;
use reportapp_pool::Pool;
use reportapp_sample_erp::{
    DEFAULT_SEED, ImportTarget, create_users, generate, is_loaded, load, load_csv,
};

/// Fills an ERP database with the books of three Romanian companies, or with your own.
///
/// The tables are created where they are missing. Each command is one transaction: it loads
/// everything or nothing.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the sample: three companies, 36 months up to October 2026, more than 200,000 postings.
    ///
    /// Companies of the sample that are there already are replaced; others are left alone.
    Generate {
        #[command(flatten)]
        database: Database,
        /// The same seed gives the same books.
        #[arg(long, default_value_t = DEFAULT_SEED)]
        seed: u64,
        /// Do nothing if the database holds any books.
        #[arg(long)]
        keep_existing: bool,
    },
    /// Load the postings of one company from a CSV file.
    ///
    /// Columns, in any order: date (2026-10-31), account (371 or 4111.0012), debit, credit (1234.50,
    /// one of the two), and optionally name (of the account) and text. Every day must balance. A
    /// file with a problem loads nothing; all problems are listed with their lines.
    LoadCsv {
        #[command(flatten)]
        database: Database,
        /// The file.
        #[arg(long)]
        csv: PathBuf,
        /// Id of the company; created if it is new.
        #[arg(long)]
        company: String,
        /// Name of a new company [default: its id].
        #[arg(long)]
        name: Option<String>,
        /// Tax number of a new company.
        #[arg(long)]
        tax_id: Option<String>,
        /// Currency of a new company.
        #[arg(long, default_value = "RON")]
        currency: String,
        /// Remove everything the company has first; otherwise the file may only continue its books.
        #[arg(long)]
        replace: bool,
    },
    /// Let people sign in at the ERP (PostgreSQL): the schema `pack_drepturi` and three users.
    ///
    /// Passwords are random and printed this once, unless a file gives them. Users that are there already
    /// keep theirs.
    Users {
        #[command(flatten)]
        database: Database,
        /// The role of the application, which may call the functions from then on.
        #[arg(long, value_name = "ROLE")]
        grant_to: String,
        /// A YAML file of user names and their passwords.
        #[arg(long, value_name = "FILE")]
        passwords: Option<PathBuf>,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Database {
    /// A SQLite file; created where it is missing.
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// A YAML file with a database configuration: engine, host, port, database, tls, and the
    /// credential folder holding the files `username` and `password`.
    #[arg(long, value_name = "FILE")]
    postgres_config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain, and no backtrace: what went wrong is in the data or the database.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Generate {
            database,
            seed,
            keep_existing,
        } => {
            let pool = open(&database).await?;
            if keep_existing && is_loaded(&pool).await? {
                say("The database holds books already; nothing was changed.");
                return Ok(());
            }
            let began = Instant::now();
            let ledger = Arc::new(generate(seed));
            let generated = began.elapsed();
            load(&pool, &ledger).await?;
            say(&format!(
                "Loaded {} companies, {} postings, {} invoices (generated in {:.1} s, loaded in {:.1} s).",
                ledger.companies.len(),
                ledger.postings.len(),
                ledger.invoices.len(),
                generated.as_secs_f64(),
                (began.elapsed() - generated).as_secs_f64(),
            ));
            pool.close().await;
        }
        Command::LoadCsv {
            database,
            csv,
            company,
            name,
            tax_id,
            currency,
            replace,
        } => {
            let pool = open(&database).await?;
            let file =
                File::open(&csv).with_context(|| format!("failed to open {}", csv.display()))?;
            let target = ImportTarget {
                company,
                name,
                tax_id,
                currency,
                replace,
            };
            let imported = load_csv(&pool, &target, file).await?;
            let (first, last) = imported.days;
            say(&format!(
                "Loaded {} postings of {}, {first} to {last}.",
                imported.postings, target.company
            ));
            pool.close().await;
        }
        Command::Users {
            database,
            grant_to,
            passwords,
        } => {
            let given = passwords.as_deref().map(read_passwords).transpose()?;
            let given = given.unwrap_or_default();
            let pool = open(&database).await?;
            let written = create_users(&pool, &grant_to, &given).await?;
            for one in &written {
                let known = given.contains_key(one.user.username);
                let password = match &one.password {
                    Some(password) if !known => password,
                    Some(_) => "(as given)",
                    None => "(as before)",
                };
                let companies = one.user.companies.join(", ");
                say(&format!(
                    "{:<8} {password:<18} {companies}",
                    one.user.username
                ));
            }
            pool.close().await;
        }
    }
    Ok(())
}

fn read_passwords(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    // What the parser says may quote the file.
    serde_yaml_ng::from_str(&text).ok().with_context(|| {
        let shown = path.display();
        format!(
            "{shown} is no list of user names and passwords; write `maria: <password>` per line"
        )
    })
}

async fn open(database: &Database) -> anyhow::Result<Pool> {
    let config = match (&database.sqlite, &database.postgres_config) {
        (Some(path), _) => DatabaseConfig::Sqlite {
            path: path.clone(),
            read_only: false,
            pool: PoolConfig::default(),
        },
        (None, Some(path)) => read_config(path)?,
        (None, None) => anyhow::bail!("a database is needed: --sqlite or --postgres-config"),
    };
    let pool = Pool::open("sample-erp", &config).await?;
    pool.probe().await?;
    Ok(pool)
}

fn read_config(path: &Path) -> anyhow::Result<DatabaseConfig> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    serde_yaml_ng::from_str(&text)
        .with_context(|| format!("{} is not a database configuration", path.display()))
}

#[expect(
    clippy::print_stdout,
    reason = "what a command line tool says to its user"
)]
fn say(line: &str) {
    println!("{line}");
}
