//! Proves that a cluster leaves nothing behind, however it ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::{Cluster, Inventory, Options, inventory};
use crate::progress::Progress;

const NAME: &str = "leak-check";

/// How long the clean-up after a killed owner may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long something that others on this machine made may show.
const OTHERS: Duration = Duration::from_secs(15);

/// Commands that start a cluster, and what each says when it is interrupted. The test is one that has its
/// cluster by then, before it has the programs.
const INTERRUPTED: [(&[&str], &str); 3] = [
    (&["up"], "starting etcd"),
    (&["demo"], "compiling the workspace"),
    (
        &["test", "--tier", "api", "--filter", "one of two operators"],
        "compiling the workspace",
    ),
];

/// Starts clusters and ends them in every way there is: by `down`, by an interruption of `up`,
/// by killing the owner, by killing the keeper. Each time the host must be as it was.
///
/// # Errors
/// When something is left, with a list of it.
pub async fn leak_check(progress: &Progress) -> Result<()> {
    super::down(NAME).await?;
    let before = inventory(NAME)?;
    let quiet = Progress::silent();

    for owned in [true, false] {
        let step = progress.step(if owned {
            "up, then down by its owner"
        } else {
            "up, then down"
        });
        let cluster = Cluster::up(NAME, Options { owned }, &quiet).await?;
        check_that_it_is_seen(&inventory(NAME)?.since(&before))?;
        cluster.down().await?;
        compare(&before, Duration::ZERO)
            .await
            .context("after `down`")?;
        step.done("nothing is left");
    }

    for (command, at) in INTERRUPTED {
        let name = command[0];
        let step = progress.step(format!("`{name}` is interrupted half way"));
        interrupt(command, at).await?;
        compare(&before, Duration::ZERO)
            .await
            .with_context(|| format!("after an interrupted `{name}`"))?;
        step.done("nothing is left");
    }

    let step = progress.step("up, then the owner is killed");
    let mut owner = spawn_owner().await?;
    owner.kill().await.context("failed to kill the owner")?;
    compare(&before, PATIENCE)
        .await
        .context("after the owner was killed")?;
    step.done("nothing is left");

    let step = progress.step("the keeper is killed, then down");
    let cluster = Cluster::up(NAME, Options::default(), &quiet).await?;
    let keeper = Pid::from_raw(cluster.running().await?.keeper);
    kill(keeper, Signal::SIGKILL).context("failed to kill the keeper")?;
    super::down(NAME).await?;
    compare(&before, Duration::ZERO)
        .await
        .context("after the keeper was killed")?;
    step.done("nothing is left");
    // Logs of the clusters that were not asked to end.
    super::down(NAME).await.map(drop)
}

/// Presses Ctrl-C, so to speak, when the command says `at`.
async fn interrupt(command: &[&str], at: &str) -> Result<()> {
    let name = command[0];
    let mut started = Command::new(std::env::current_exe()?)
        .args(command)
        .args(["--name", NAME])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start `{name}`"))?;
    let stderr = started.stderr.take().expect("standard error was asked for");
    let mut said = BufReader::new(stderr).lines();
    while let Some(line) = said.next_line().await? {
        if line.contains(at) {
            break;
        }
    }
    let id = started
        .id()
        .with_context(|| format!("`{name}` ended early"))?;
    let id = Pid::from_raw(i32::try_from(id)?);
    kill(id, Signal::SIGINT).with_context(|| format!("failed to interrupt `{name}`"))?;
    // What it still says must be read, or it could not end.
    while said.next_line().await?.is_some() {}
    let status = started.wait().await?;
    ensure!(
        status.code() == Some(130),
        "an interrupted `{name}` must end with 130, not with {status}"
    );
    Ok(())
}

/// An inventory that does not see a running cluster would prove nothing.
fn check_that_it_is_seen(running: &Inventory) -> Result<()> {
    let seen = [
        &running.processes,
        &running.network_namespaces,
        &running.cgroups,
        &running.folders,
    ];
    ensure!(
        seen.iter().all(|things| !things.is_empty()),
        "a running cluster is not seen: {running:#}"
    );
    Ok(())
}

/// Starts a cluster that belongs to this process, says so, and waits to be killed.
pub(crate) async fn own(name: &str) -> Result<()> {
    let _cluster = Cluster::up(name, Options { owned: true }, &Progress::silent()).await?;
    #[expect(clippy::print_stdout, reason = "the other process waits for this line")]
    {
        println!("up");
    }
    std::future::pending().await
}

async fn spawn_owner() -> Result<tokio::process::Child> {
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["internal", "own", "--name", NAME])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("failed to start the owner")?;
    let stdout = owner.stdout.take().expect("standard output was asked for");
    let said = BufReader::new(stdout).lines().next_line().await?;
    if said.as_deref() != Some("up") {
        bail!("the owner's cluster did not start");
    }
    Ok(owner)
}

/// Compares until nothing is left or `patience` is over.
async fn compare(before: &Inventory, patience: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let left = inventory(NAME)?.since(before);
        if left.is_empty() {
            return Ok(());
        }
        let own = !left.of_the_cluster_alone().is_empty();
        if started.elapsed() > if own { patience } else { patience.max(OTHERS) } {
            bail!("something is left: {left:#}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
