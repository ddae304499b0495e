//! `up`, `down`, `kubectl`, `enter` and `logs`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{Named, say};
use crate::cluster::paths::{Paths, known_clusters};
use crate::cluster::{Cluster, Options, Toolchain, down, node_process};
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    cluster: Named,
}

impl Up {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let name = &self.cluster.name;
        if let Ok(running) = Cluster::attach(name).await {
            say(&format!(
                "The cluster {name} runs already.\n\n{}",
                hints(&running)
            ));
            return Ok(ExitCode::SUCCESS);
        }
        let progress = Progress::new();
        let cluster = Cluster::up(name, Options::default(), &progress).await?;
        say(&format!(
            "The cluster {name} is up after {:.1} s.\n\n{}",
            progress.elapsed().as_secs_f64(),
            hints(&cluster)
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn hints(cluster: &Cluster) -> String {
    let name = cluster.name();
    let option = if name == crate::cluster::DEFAULT_NAME {
        String::new()
    } else {
        format!(" --name {name}")
    };
    format!(
        "  export KUBECONFIG={}\n  cargo e2e kubectl{option} get pods --all-namespaces\n  cargo e2e status\n  cargo e2e down{option}",
        cluster.kubeconfig().display()
    )
}

#[derive(Debug, Args)]
pub(super) struct Down {
    #[command(flatten)]
    cluster: Named,
    /// All clusters of this machine.
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

impl Down {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let names = if self.all {
            known_clusters()
        } else {
            vec![self.cluster.name]
        };
        let progress = Progress::new();
        if names.is_empty() {
            progress.note("no cluster runs");
        }
        for name in names {
            let step = progress.step(format!("taking down {name}"));
            let any = down(&name).await?;
            step.done(if any { "" } else { "it was not running" });
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Kubectl {
    #[command(flatten)]
    cluster: Named,
    /// What to pass on to kubectl.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Kubectl {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let cluster = Cluster::attach(&self.cluster.name).await?;
        let mut kubectl = Command::new(Toolchain::locate()?.kubectl());
        kubectl
            .env("KUBECONFIG", cluster.kubeconfig())
            .args(&self.arguments);
        Err(kubectl.exec()).context("failed to start kubectl")
    }
}

#[derive(Debug, Args)]
pub(super) struct Enter {
    #[command(flatten)]
    cluster: Named,
    /// The command; a shell if there is none.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Enter {
    pub(super) async fn run(self) -> Result<ExitCode> {
        Cluster::attach(&self.cluster.name).await?;
        let target = node_process(&self.cluster.name)?;
        let mut nsenter = Command::new("nsenter");
        nsenter.args([
            "--target",
            &target.to_string(),
            "--net",
            "--mount",
            "--pid",
            "--",
        ]);
        if self.command.is_empty() {
            nsenter.arg("sh");
        }
        Err(nsenter.args(&self.command).exec()).context("failed to start nsenter")
    }
}

#[derive(Debug, Args)]
pub(super) struct Logs {
    #[command(flatten)]
    cluster: Named,
    /// kubelet, kube-apiserver, etcd, containerd, policy, keeper, …; without it, they are listed.
    component: Option<String>,
    /// Keep showing what is added.
    #[arg(short, long)]
    follow: bool,
    /// How many lines.
    #[arg(short = 'n', long, default_value_t = 100)]
    lines: u32,
}

impl Logs {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let dir = Paths::new(&self.cluster.name)?.log_dir();
        let logs = std::fs::read_dir(&dir).with_context(|| {
            format!(
                "the cluster {} has no logs: it was never started",
                self.cluster.name
            )
        })?;
        let mut names: Vec<String> = logs
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".log").map(str::to_owned))
            .collect();
        names.sort();
        let Some(component) = self.component else {
            say(&names.join("\n"));
            return Ok(ExitCode::SUCCESS);
        };
        if !names.contains(&component) {
            bail!(
                "there is no log {component:?}; there are: {}",
                names.join(", ")
            );
        }
        let mut tail = Command::new("tail");
        tail.arg(format!("--lines={}", self.lines));
        if self.follow {
            tail.arg("--follow");
        }
        Err(tail.arg(dir.join(format!("{component}.log"))).exec()).context("failed to start tail")
    }
}
