//! `cargo e2e demo` and `cargo e2e load`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use super::{ADMINISTRATOR, Demo};
use crate::backends::Backends;
use crate::cluster::{Cluster, DEFAULT_NAME, Options};
use crate::progress::Progress;

/// Arguments of `cargo e2e demo`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "The first run builds Kubernetes and the product from source, which takes a \
                  while; later runs take seconds. Running it again brings the demo to the state \
                  of this clone."
)]
pub struct DemoArgs {
    /// Name of the cluster; one that runs already is used.
    #[arg(long, default_value = DEFAULT_NAME, env = "REPORTAPP_CLUSTER")]
    pub name: String,
}

/// Arguments of `cargo e2e load`.
#[derive(Args, Debug, Clone)]
#[command(
    after_help = "The file begins with a line that names its columns: date, account, debit, credit, \
                  and if you like name (of the account) and text. A line reads \
                  2026-10-31,4111,119.00,,Clients,Invoice 17. Dates are YYYY-MM-DD, amounts have \
                  a point and at most two decimals, and each day's debit equals its credit. A \
                  file with a mistake loads nothing; every mistake is listed with its line."
)]
pub struct LoadArgs {
    /// Name of the cluster in which the demo runs.
    #[arg(long, default_value = DEFAULT_NAME, env = "REPORTAPP_CLUSTER")]
    pub name: String,

    /// The postings to load.
    #[arg(long, value_name = "FILE")]
    pub csv: PathBuf,

    /// Name of the company that gets the postings; a new one is created.
    #[arg(long, value_name = "NAME", default_value = "My company")]
    pub company: String,

    /// Empty the company's books first. Otherwise the file may only continue them.
    #[arg(long)]
    pub replace: bool,
}

/// Brings the demo up and tells how to use it.
///
/// # Errors
/// The step that failed, why, and the command to look deeper.
pub async fn run(args: DemoArgs) -> Result<ExitCode> {
    let progress = Progress::new();
    let mut cluster = match Cluster::attach(&args.name).await {
        Ok(cluster) => {
            progress.note(&format!("the cluster {} runs already", args.name));
            cluster
        }
        // Until the demo stands: an interruption takes down what was started here.
        Err(_) => Cluster::up(&args.name, Options { owned: true }, &progress).await?,
    };
    let demo = Demo::ensure(&cluster, &progress).await;
    // After a failure too, so that one can look at what is there.
    cluster.release().await?;
    let demo = demo?;
    let password = demo.admin_password().expose();
    say(&instructions(&args.name, &demo.url(), password));
    progress.note(&format!(
        "the demo is ready after {:.1} s",
        progress.elapsed().as_secs_f64()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Loads a person's own postings into the running demo.
///
/// # Errors
/// When the demo does not run, or the file is refused: line and reason of every mistake.
pub async fn load(args: LoadArgs) -> Result<ExitCode> {
    let cluster = Cluster::attach(&args.name).await.with_context(|| {
        format!(
            "the demo does not run: start it with `cargo e2e demo{}`",
            option(&args.name)
        )
    })?;
    let said = Backends::of(&cluster)
        .load_csv(&args.csv, &args.company, args.replace)
        .await?;
    say(said.trim_end());
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result of a command")]
fn say(text: &str) {
    println!("{text}");
}

fn option(name: &str) -> String {
    if name == DEFAULT_NAME {
        String::new()
    } else {
        format!(" --name {name}")
    }
}

/// What a person is told who has started the demo.
pub(crate) fn instructions(name: &str, url: &str, password: &str) -> String {
    let option = option(name);
    format!(
        "
  Open       {url}
             (the certificate is signed by the demo's own authority: let the browser go on)
  User       {ADMINISTRATOR}
  Password   {password}

  The trial balance you see is read from the ERP's PostgreSQL, through an SSH tunnel.
  To talk to the bot: link Telegram in the menu of your user, then
    cargo e2e chat{option} \"/start CODE\"

  Look around:
    cargo e2e kubectl{option} get reportapps -n reports
    cargo e2e kubectl{option} describe reportapp demo -n reports
    cargo e2e kubectl{option} get deployments,secrets,networkpolicies -n reports

  Change two passwords while you go on reading, and watch them change:
    cargo e2e kubectl{option} create -f docs/examples/rotate.yaml
    cargo e2e kubectl{option} get rot -n reports -w

  Your own books:  cargo e2e load{option} --csv postings.csv
  Stop:            cargo e2e down{option}
"
    )
}
