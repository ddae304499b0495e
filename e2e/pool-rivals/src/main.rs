//! The connection pool of ReportApp beside other people's: `cargo e2e bench pool`.
//!
//! ```text
//! part ─ ours, rival, ours, rival … ─▶ a ratio per pair ─▶ the median of the ratios, and both figures
//! ```
//!
//! Nothing is asserted: machines are noisy. Ratios are of interleaved pairs, so that noise meets both.

mod figures;
mod frozen;
mod hikari;
mod queries;
mod refusal;
mod rotation;
mod spike;
mod turns;

use clap::Parser;

/// What to run, and for how long.
#[derive(Debug, Parser)]
struct Args {
    /// Interleaved pairs behind each ratio.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Replaced logins under load, over all lags.
    #[arg(long, default_value_t = 100)]
    rotations: usize,
    /// Parts; without one: all.
    parts: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let wanted = |part: &str| args.parts.is_empty() || args.parts.iter().any(|name| name == part);
    if wanted("turns") {
        turns::run(args.pairs).await?;
    }
    if wanted("spike") {
        spike::run(args.pairs).await?;
    }
    if wanted("queries") {
        queries::run(args.pairs).await?;
    }
    if wanted("rotation") {
        rotation::run(args.rotations).await?;
    }
    if wanted("refusal") {
        refusal::run().await?;
    }
    if wanted("frozen") {
        frozen::run(args.pairs).await?;
    }
    Ok(())
}
