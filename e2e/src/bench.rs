//! `cargo e2e bench`: figures of the running demo, or of single parts, printed and never asserted.
//!
//! Machines differ and are noisy, so what is printed beside a time is what does not depend on the
//! machine: CPU seconds per request and counts.
#![allow(
    clippy::print_stdout,
    reason = "the figures are the output of the command"
)]

mod api;
mod pool;
mod rotation;
mod runbook;
mod sessions;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::cluster::{Cluster, DEFAULT_NAME};
use crate::demo::Demo;
use crate::progress::Progress;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::cluster::{load, quiet};

/// Arguments of `cargo e2e bench`.
#[derive(Args, Debug, Clone)]
pub struct BenchArgs {
    /// What to measure; without a word: report and quiet.
    #[command(subcommand)]
    pub what: Option<What>,

    /// Name of the cluster the demo runs on; started if it does not run.
    #[arg(long, global = true, default_value = DEFAULT_NAME)]
    pub name: String,
}

/// What can be measured.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum What {
    /// A trial balance through API, tunnel and database.
    Report {
        /// Requests per figure.
        #[arg(long, default_value_t = REQUESTS)]
        requests: usize,
    },
    /// Writes of an operator whose applications do not change.
    Quiet {
        /// Seconds for which writes are counted.
        #[arg(long, default_value_t = SECONDS)]
        seconds: u64,
    },
    /// Rotations under traffic, and beside them the procedure of a runbook.
    Rotation(rotation::RotationArgs),
    /// The API under load, and beside it the stack of the original; needs no cluster.
    Api,
    /// Whole reports as CSV and Excel files, and beside them those of the stack of the original; needs no cluster.
    Exports,
    /// Logging out everybody, and beside it the command of a runbook; needs no cluster.
    Sessions(sessions::SessionsArgs),
    /// The connection pool, and other people's beside it; needs no cluster.
    Pool(pool::PoolArgs),
}

const REQUESTS: usize = 300;
const SECONDS: u64 = 300;

/// Measures and prints.
///
/// # Errors
/// When the demo cannot be started or asked.
pub async fn run(args: BenchArgs) -> Result<ExitCode> {
    let progress = Progress::new();
    match &args.what {
        Some(What::Sessions(args)) => sessions::run(args, &progress).await?,
        Some(What::Pool(args)) => pool::run(args, &progress).await?,
        Some(What::Api) => api::run(api::Part::Load, &progress).await?,
        Some(What::Exports) => api::run(api::Part::Exports, &progress).await?,
        _ => on_the_demo(&args, &progress).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What needs the running application.
async fn on_the_demo(args: &BenchArgs, progress: &Progress) -> Result<()> {
    let mut cluster = match Cluster::attach(&args.name).await {
        Ok(cluster) => cluster,
        Err(_) => {
            Cluster::up(
                &args.name,
                crate::cluster::Options { owned: true },
                progress,
            )
            .await?
        }
    };
    let demo = Demo::ensure(&cluster, progress).await;
    cluster.release().await?;
    let demo = demo?;
    let subject = Subject::new(&cluster, &demo).await?;
    let count_writes =
        async |seconds| quiet(&cluster, &subject, Duration::from_secs(seconds)).await;
    match &args.what {
        None => {
            report(&subject, REQUESTS).await?;
            count_writes(SECONDS).await?;
        }
        Some(What::Report { requests }) => report(&subject, *requests).await?,
        Some(What::Quiet { seconds }) => count_writes(*seconds).await?,
        Some(What::Rotation(args)) => rotation::run(&subject, args, progress).await?,
        // Measured without it.
        Some(What::Sessions(_) | What::Pool(_) | What::Api | What::Exports) => {}
    }
    Ok(())
}

async fn quiet(cluster: &Cluster, subject: &Subject<'_>, window: Duration) -> Result<()> {
    let log = cluster
        .audit_log()
        .context("only a local cluster shows us its audit log")?;
    let counted = quiet::count(subject, &log, window).await?;
    let (reconciles, writes) = (counted.reconciles, counted.writes.len());
    println!(
        "idle operator: {reconciles} reconciles, {writes} writes in {} s",
        window.as_secs()
    );
    for write in counted.writes {
        println!("  {write}");
    }
    Ok(())
}

async fn report(subject: &Subject<'_>, requests: usize) -> Result<()> {
    let session = subject.session().await?;
    let balance = &load::pages(&session).await?[0];
    for (title, path, is_anew) in [
        ("session check only", "/api/auth/me", true),
        ("trial balance", balance, true),
        ("trial balance, remembered", balance, false),
    ] {
        let before = cpu_seconds(&subject.api_metrics().await?);
        let mut times = Vec::with_capacity(requests);
        for _ in 0..requests {
            let started = Instant::now();
            session.ask(path, is_anew).await?;
            times.push(started.elapsed());
        }
        let cpu = cpu_seconds(&subject.api_metrics().await?) - before;
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        let per_request = cpu * 1000.0 / requests as f64;
        println!(
            "{title}: {requests} requests, median {:.1} ms, 95 % below {:.1} ms, {per_request:.2} ms CPU of the API each",
            at(50),
            at(95),
        );
    }
    Ok(())
}

/// CPU of all pods together, from their own metrics.
fn cpu_seconds(pages: &BTreeMap<String, String>) -> f64 {
    let lines = pages.values().flat_map(|page| page.lines());
    let values = lines.filter(|line| line.starts_with("process_cpu_seconds_total"));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Arguments of cargo that run the bench of a crate: compiled as programs are, because tests are not
/// optimised, and of the whole workspace, so that no dependency is compiled again with fewer features.
fn of_crate(bench: &str) -> [&str; 8] {
    [
        "test",
        "--profile",
        "dev",
        "--quiet",
        "--workspace",
        "--bench",
        bench,
        "--",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_summed_over_pods() {
        let page = |value: &str| {
            format!("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total {value}\n")
        };
        let pages = BTreeMap::from([("a".to_owned(), page("1.5")), ("b".to_owned(), page("2"))]);
        assert!((cpu_seconds(&pages) - 3.5).abs() < 1e-9);
    }
}
