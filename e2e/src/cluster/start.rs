//! Starts a keeper and follows it until its cluster is ready.

use std::fs::File;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::box_client::{BoxClient, Owned};
use super::keeper::State;
use super::keeper::control::{Request, ask};
use super::node::report::Event;
use super::paths::Paths;
use super::wards::Ward;
use super::{Options, command, teardown};
use crate::progress::{Progress, Step};

/// Starts the cluster `name`.
pub(crate) async fn start(name: &str, options: Options, progress: &Progress) -> Result<BoxClient> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "a local cluster needs root: namespaces, mounts and control groups"
    );
    let paths = Paths::new(name)?;
    let _lock = lock(&paths)?;
    ensure!(
        ask(&paths.control_socket(), &Request::Hello).await.is_err(),
        "a cluster named {name} runs already: end it with `cargo e2e down --name {name}` or choose another name"
    );
    if teardown::clear(name).await? {
        progress.note("cleared what an earlier cluster of this name left");
    }

    let (keeper, lifeline, events) = spawn(&paths)?;
    let keeper = Ward::of(keeper);
    if let Err(error) = follow(events, &paths, progress).await {
        drop(lifeline);
        // It cleans up after itself; only then is it right to say that nothing is left.
        keeper.ended().await;
        return Err(error).with_context(|| {
            format!(
                "the cluster did not start; its logs are in {}",
                paths.log_dir().display()
            )
        });
    }
    let state = State::read(&paths)?;
    let mut client = BoxClient::new(paths, state, Some(Owned { keeper, lifeline }));
    if !options.owned {
        client.release().await?;
    }
    Ok(client)
}

/// Keeps two commands from starting one name at once.
fn lock(paths: &Paths) -> Result<File> {
    let path = paths.data().with_extension("lock");
    let parent = path.parent().expect("the path has a folder above its name");
    std::fs::create_dir_all(parent)
        .with_context(|| format!("failed to create {}", parent.display()))?;
    let file =
        File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
    ensure!(
        file.try_lock().is_ok(),
        "another command is starting a cluster named {} right now",
        paths.name()
    );
    Ok(file)
}

fn spawn(paths: &Paths) -> Result<(Child, ChildStdin, ChildStdout)> {
    std::fs::create_dir_all(paths.log_dir())
        .with_context(|| format!("failed to create {}", paths.log_dir().display()))?;
    let log = File::create(paths.log_dir().join("keeper.log"))
        .context("failed to create the keeper's log")?;
    let mut keeper = Command::new(std::env::current_exe()?)
        .args(["internal", "keeper", "--name", paths.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .context("failed to start the cluster's keeper")?;
    let stdin = keeper.stdin.take().expect("standard input was asked for");
    let stdout = keeper.stdout.take().expect("standard output was asked for");
    Ok((keeper, stdin, stdout))
}

/// Shows the steps of the boot until it is over.
async fn follow(events: ChildStdout, paths: &Paths, progress: &Progress) -> Result<()> {
    let mut lines = BufReader::new(events).lines();
    let mut current: Option<Step> = None;
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line).with_context(|| format!("the cluster said: {line}"))? {
            Event::Step(title) => {
                if let Some(step) = current.take() {
                    step.done("");
                }
                current = Some(progress.step(title));
            }
            Event::Ready => {
                if let Some(step) = current.take() {
                    step.done("");
                }
                return Ok(());
            }
            Event::Failed(why) => bail!("{why}"),
        }
    }
    let said = ["keeper.log", "node.log"]
        .map(|file| std::fs::read_to_string(paths.log_dir().join(file)).unwrap_or_default())
        .concat();
    bail!(
        "the cluster's keeper ended early:\n{}",
        command::tail(&said, 20)
    )
}
