//! Command line of `reportapp-operator`: what was asked for, before anything happens.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use reportapp_telemetry::LogArgs;

use crate::reportapp::model::{OperatorFacts, TemplateOptions};
use crate::scope::Scope;

/// Runs ReportApps: applications, tunnels, credentials and network rules from custom resources.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "reportapp-operator",
    version,
    about,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do; without a word: `run`.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Reconcile ReportApps until told to stop (the default).
    Run(RunArgs),
}

impl Cli {
    /// The arguments of `run`, given with or without the word.
    pub fn into_run(self) -> RunArgs {
        match self.command {
            Some(Command::Run(run)) => run,
            None => self.run,
        }
    }
}

/// Arguments of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Namespaces whose ReportApps are run, separated by commas [default: the operator's own].
    #[arg(
        long,
        env = "WATCH_NAMESPACES",
        value_delimiter = ',',
        conflicts_with = "all_namespaces"
    )]
    pub namespaces: Vec<String>,

    /// Run the ReportApps of every namespace; needs a ClusterRole.
    #[arg(long)]
    pub all_namespaces: bool,

    /// Namespace the operator runs in; its Lease is there.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub pod_namespace: String,

    /// Name of this replica, for the Lease and events.
    #[arg(long, env = "POD_NAME", default_value_t = fallback_name())]
    pub pod_name: String,

    /// Name of the Lease that replicas share.
    #[arg(long, env = "LEASE_NAME", default_value = "reportapp-operator")]
    pub lease_name: String,

    /// Address of `/healthz`, `/readyz` and `/metrics` (plain HTTP).
    #[arg(long, env = "HEALTH_ADDRESS", default_value = "0.0.0.0:9090")]
    pub health_address: SocketAddr,

    /// Seconds after which a healthy, unchanged ReportApp is looked at again.
    #[arg(long, env = "RESYNC_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub resync_seconds: u64,

    /// Seconds between readiness probes of the application's pods.
    #[arg(long, env = "PROBE_PERIOD_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=300))]
    pub probe_period_seconds: i32,

    /// ReportApps of one namespace that are worked on at the same time.
    #[arg(long, env = "CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it as the help of the group")]
    pub log: LogArgs,
}

impl RunArgs {
    /// Which namespaces to watch.
    pub fn scope(&self) -> Scope {
        let named: Vec<String> = self
            .namespaces
            .iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect();
        match (self.all_namespaces, named.is_empty()) {
            (true, _) => Scope::Cluster,
            (false, true) => Scope::Namespaces(vec![self.pod_namespace.clone()]),
            (false, false) => Scope::Namespaces(named),
        }
    }

    /// What the operator tells its pipeline about itself.
    pub fn facts(&self) -> OperatorFacts {
        OperatorFacts {
            namespace: self.pod_namespace.clone(),
            templates: TemplateOptions {
                probe_period_seconds: self.probe_period_seconds,
            },
        }
    }

    /// Pause between looks at a healthy ReportApp.
    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_seconds)
    }
}

/// Outside a pod: the host and the process, unique enough for one Lease.
fn fallback_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> RunArgs {
        let words = std::iter::once(&"reportapp-operator").chain(words);
        Cli::try_parse_from(words)
            .expect("the words are valid")
            .into_run()
    }

    #[test]
    fn run_is_the_default_and_takes_the_same_arguments() {
        assert_eq!(
            parse(&["--namespaces=a,b"]).scope(),
            parse(&["run", "--namespaces=a,b"]).scope()
        );
        assert_eq!(
            parse(&["--resync-seconds", "7"]).resync(),
            Duration::from_secs(7)
        );
    }

    #[test]
    fn without_namespaces_the_operator_watches_its_own() {
        let args = parse(&["run", "--pod-namespace", "ops"]);
        assert_eq!(args.scope(), Scope::Namespaces(vec!["ops".to_owned()]));
        assert_eq!(parse(&["--all-namespaces"]).scope(), Scope::Cluster);
    }

    #[test]
    fn all_namespaces_and_some_namespaces_contradict_each_other() {
        let words = ["reportapp-operator", "--all-namespaces", "--namespaces=a"];
        assert!(Cli::try_parse_from(words).is_err());
    }
}
