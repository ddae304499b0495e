//! `cargo e2e bench rotation`: rotations one after another under constant traffic, and the same
//! credential changed by the book.
//!
//! Old connections keep working when a password changes; it is the new ones that are refused. So
//! that a round of seconds shows what a day in production does, connections to both databases live
//! for seconds here, for both procedures alike.
#![allow(
    clippy::print_stdout,
    reason = "the figures are the output of the command"
)]

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::runbook;
use crate::progress::Progress;
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{CONNECTION_LIFE, Load, Tally, with_short_connections};
use crate::scenarios::cluster::rotation::held::Held;
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::cluster::subject::Subject;

/// Not the keys of the tokens: no connection is made with them, and each of their rotations waits as long as
/// a token lives, which would be the figure.
const TURNS: [Credential; 3] = [Credential::Store, Credential::Redis, Credential::Erp];

/// Arguments of `cargo e2e bench rotation`.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationArgs {
    /// Rotations.
    #[arg(long, default_value_t = 100)]
    pub count: usize,

    /// Rounds of the runbook's procedure.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
}

/// Measures both and prints them one below the other.
pub(super) async fn run(
    subject: &Subject<'_>,
    args: &RotationArgs,
    progress: &Progress,
) -> Result<()> {
    with_short_connections(subject, async || measure(subject, args, progress).await).await
}

async fn measure(subject: &Subject<'_>, args: &RotationArgs, progress: &Progress) -> Result<()> {
    println!(
        "connections to the databases live {} s at most",
        CONNECTION_LIFE.as_secs()
    );
    let load = Load::start(subject).await?;
    let mut took = Vec::new();
    for (number, credential) in TURNS.iter().cycle().take(args.count).enumerate() {
        let held = Held::take(subject, *credential).await?;
        let time = order::rotate(subject, &[credential.name()]).await?;
        held.is_replaced(subject).await?;
        let so_far = load.so_far();
        progress.note(&format!(
            "rotation {} of {}, {}: {:.1} s; {} requests, {} failed so far",
            number + 1,
            args.count,
            credential.name(),
            time.as_secs_f64(),
            so_far.requests,
            so_far.failed
        ));
        took.push(time);
    }
    tell("SecretRotation", &took, &load.stop().await);

    let load = Load::start(subject).await?;
    let mut took = Vec::new();
    for round in 1..=args.rounds {
        let time = runbook::round(subject).await?;
        progress.note(&format!(
            "round {round} of the runbook: {:.1} s",
            time.as_secs_f64()
        ));
        took.push(time);
    }
    let tally = load.stop().await;
    if args.rounds > 0 {
        // The operator did not make these values; this one it knows again.
        order::rotate(subject, &[runbook::CREDENTIAL.name()]).await?;
    }
    tell(
        "runbook (ALTER ROLE, update the Secret, restart)",
        &took,
        &tally,
    );
    Ok(())
}

fn tell(title: &str, took: &[Duration], tally: &Tally) {
    println!(
        "{title}: {} times, {} requests, {} failed; seconds each: {}",
        took.len(),
        tally.requests,
        tally.failed,
        spread(took)
    );
    for failure in &tally.told {
        println!("{failure}");
    }
}

fn spread(took: &[Duration]) -> String {
    let mut seconds: Vec<f64> = took.iter().map(Duration::as_secs_f64).collect();
    seconds.sort_by(f64::total_cmp);
    let Some(max) = seconds.last() else {
        return "none".to_owned();
    };
    let at = |percent: usize| seconds[(seconds.len() - 1) * percent / 100];
    format!(
        "median {:.1}, 95 % below {:.1}, at most {max:.1}",
        at(50),
        at(95)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_times_is_told_in_seconds() {
        let took: Vec<_> = (1..=100).rev().map(Duration::from_secs).collect();
        assert_eq!(spread(&took), "median 50.0, 95 % below 95.0, at most 100.0");
        assert_eq!(spread(&[]), "none");
    }
}
