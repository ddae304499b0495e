//! `cargo e2e test`: every scenario by tier, what needs no cluster beside what does, with a table of where the time
//! went and the closing line `N passed, N failed`.
//!
//! ```text
//! TestArgs ── select ──> [Scenario] ── runner ──> Report ──> table, exit code
//!                           │ fn(&World) -> Result<()>
//!                           └ World: the cluster and what runs on it, made when first asked for
//! ```
//!
//! A scenario is an ordinary async function that fails by returning an error. Scenarios of one
//! tier share the cluster and leave it as they found it.

pub mod api;
pub mod audit;
pub mod browser;
pub mod cluster;
mod guest;
pub mod metrics;
pub mod runner;
pub mod unit;
pub mod watch;
pub mod world;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use futures::future::BoxFuture;

use world::World;

/// Arguments of `cargo e2e test`.
#[derive(Args, Debug, Clone)]
pub struct TestArgs {
    /// Tiers to run, comma separated.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Tier::ALL)]
    pub tier: Vec<Tier>,

    /// Only scenarios whose name contains this text.
    #[arg(long)]
    pub filter: Option<String>,

    /// Print the scenarios and run none.
    #[arg(long)]
    pub list: bool,

    /// Name of the local cluster; one that runs already is used and left running.
    #[arg(long, default_value = "reportapp-test")]
    pub name: String,

    /// Leave the cluster running afterwards, and on a foreign one what was installed.
    #[arg(long)]
    pub keep: bool,

    /// Where to run: a cluster of this machine, or the one `KUBECONFIG` points to.
    #[arg(long, value_enum, default_value_t = Where::Local)]
    pub cluster: Where,

    /// Registry to push images to, for `--cluster external`, such as registry.example.com/reportapp. Spoken
    /// to with TLS unless it is on this machine's loopback.
    #[arg(long, required_if_eq("cluster", "external"))]
    pub registry: Option<String>,
}

/// Where scenarios run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// A cluster this command starts on this machine.
    Local,
    /// Any other cluster.
    External,
}

/// How much of the world is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Tier {
    /// The code alone: formatting, lints, unit tests, charts.
    Unit,
    /// A real API server, the operator as a process with the chart's rights.
    Api,
    /// Everything, as pods.
    Cluster,
    /// Everything, through a browser.
    Browser,
}

impl Tier {
    /// Every tier, in the order they run.
    pub const ALL: [Self; 4] = [Self::Unit, Self::Api, Self::Cluster, Self::Browser];

    /// The word used on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Api => "api",
            Self::Cluster => "cluster",
            Self::Browser => "browser",
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that must hold.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Where it belongs.
    pub tier: Tier,
    /// A sentence that states what holds.
    pub name: &'static str,
    /// Whether nothing may run beside it.
    pub is_alone: bool,
    /// The check.
    pub check: for<'a> fn(&'a World) -> BoxFuture<'a, Result<()>>,
}

impl Scenario {
    /// The same, when everything else has ended.
    fn alone(self) -> Self {
        Self {
            is_alone: true,
            ..self
        }
    }
}

/// Makes a [`Scenario`] of an async function that takes `&World`.
macro_rules! scenario {
    ($tier:ident, $name:literal, $check:path) => {
        $crate::scenarios::Scenario {
            tier: $crate::scenarios::Tier::$tier,
            name: $name,
            is_alone: false,
            check: |world| Box::pin($check(world)),
        }
    };
}
pub(crate) use scenario;

/// Every scenario, in the order they run.
fn all() -> Vec<Scenario> {
    [
        unit::scenarios(),
        api::scenarios(),
        cluster::scenarios(),
        browser::scenarios(),
    ]
    .concat()
}

/// Runs the chosen scenarios.
///
/// # Errors
/// When nothing matches, or the cluster cannot be started.
pub async fn run(args: TestArgs) -> Result<ExitCode> {
    let chosen: Vec<_> = all()
        .into_iter()
        .filter(|scenario| args.tier.contains(&scenario.tier))
        .filter(|scenario| {
            args.filter
                .as_ref()
                .is_none_or(|text| scenario.name.contains(text.as_str()))
        })
        .collect();
    if chosen.is_empty() {
        bail!("no scenario matches; see them with: cargo e2e test --list");
    }
    if args.list {
        runner::list(&chosen);
        return Ok(ExitCode::SUCCESS);
    }
    let world = World::new(&args);
    let report = runner::run(&world, &chosen).await;
    let closed = world.close(args.keep).await;
    report.print();
    closed?;
    Ok(if report.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests;
