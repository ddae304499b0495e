//! Entry points of the processes that make up a cluster. Not for people.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::cluster::{Cluster, keeper, leak_check, node, policy, self_check, volumes};
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(super) struct Internal {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Keeps a cluster alive, from the host's side.
    Keeper {
        #[arg(long)]
        name: String,
    },
    /// First process of the box.
    Init {
        #[arg(long)]
        name: String,
        #[arg(long)]
        api_port: u16,
    },
    /// Boots and supervises the node.
    Node {
        #[arg(long)]
        name: String,
        #[arg(long)]
        api_port: u16,
    },
    /// Enforces network policies.
    Policy {
        #[arg(long)]
        kubeconfig: PathBuf,
    },
    /// Provides volumes.
    Volumes {
        #[arg(long)]
        kubeconfig: PathBuf,
    },
    /// Owns a cluster until it is killed; used by the test for leftovers.
    Own {
        #[arg(long)]
        name: String,
    },
    /// Runs the test for leftovers by itself.
    LeakCheck,
    /// Runs the test of the cluster's own abilities against a running one.
    SelfCheck {
        #[arg(long)]
        name: String,
    },
}

impl Internal {
    /// Runs the one role that must not have a runtime, as its first thread reaps all children.
    pub(super) fn run_alone(&self) -> Result<Option<ExitCode>> {
        match &self.role {
            Role::Init { name, api_port } => {
                let code = node::init(name, *api_port)?;
                Ok(Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))))
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn run(self) -> Result<ExitCode> {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
        match self.role {
            Role::Keeper { name } => keeper::run(&name).await?,
            Role::Node { name, api_port } => node::run(&name, api_port).await?,
            Role::Policy { kubeconfig } => policy::run(&kubeconfig).await?,
            Role::Volumes { kubeconfig } => volumes::run(&kubeconfig).await?,
            Role::Own { name } => leak_check::own(&name).await?,
            Role::LeakCheck => leak_check::leak_check(&Progress::new()).await?,
            Role::SelfCheck { name } => {
                let cluster = Cluster::attach(&name).await?;
                self_check::self_check(&cluster, &Progress::new()).await?;
            }
            Role::Init { .. } => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}
