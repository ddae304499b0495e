//! The process that keeps one cluster alive and takes it down again.
//!
//! It stays in the host's namespaces, so that its loopback listeners are the host's, and
//! starts the box in new ones. It ends the cluster when told through the control socket, when
//! its owner's end of standard input closes (the owner may have been killed), when it gets
//! SIGTERM, and when the box dies. If it is killed itself, the box sees *its* standard input
//! close and dies with it; the files and empty control groups that stay are cleared by the
//! next start.

pub(crate) mod control;
mod state;

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};
use nix::unistd::Pid;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::cgroup::Cgroups;
use super::dial::Dialer;
use super::node::network;
use super::paths::Paths;
use super::teardown;
pub(crate) use state::State;

/// What the owner writes to let the cluster outlive it.
pub(crate) const RELEASE: &str = "release";

/// Why the keeper ends.
#[derive(Debug)]
pub(crate) enum End {
    Asked,
    OwnerGone,
    BoxDied,
    Signalled,
}

/// Runs the keeper of the cluster `name` until the cluster has ended.
///
/// # Errors
/// When the cluster cannot be started or something of it cannot be removed.
pub(crate) async fn run(name: &str) -> Result<()> {
    // A session of its own: the terminal's Ctrl-C is for the command in the foreground.
    nix::unistd::setsid().context("failed to leave the terminal")?;
    let paths = Paths::new(name)?;
    create_folders(&paths)?;
    let cgroups = Cgroups::of(name)?;
    cgroups.create()?;
    cgroups
        .enter("keeper")
        .context("failed to enter the cluster's control group")?;

    let control =
        UnixListener::bind(paths.control_socket()).context("failed to open the control socket")?;
    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("failed to listen on the loopback")?;
    let api_port = api.local_addr()?.port();

    let (dialer, thread, mut child) =
        start_box(&paths, api_port).context("failed to start the cluster's processes")?;
    let lifeline = child.stdin.take().expect("standard input was asked for");
    State::now(thread, api_port).write(&paths)?;

    let (end, mut ended) = mpsc::channel(1);
    tokio::spawn(
        dialer
            .clone()
            .pass(api, SocketAddr::from((network::NODE, network::API_PORT))),
    );
    tokio::spawn(control::serve(
        control,
        paths.clone(),
        dialer.clone(),
        end.clone(),
    ));
    watch_owner(end.clone());
    tokio::spawn(watch_signals(end.clone()));
    watch_box(child, end);

    let reason = ended.recv().await.unwrap_or(End::Signalled);
    tracing::info!(?reason, "taking the cluster down");
    tokio::task::spawn_blocking(move || take_down(lifeline, &cgroups, &paths, &reason))
        .await
        .context("the clean-up panicked")?
}

fn create_folders(paths: &Paths) -> Result<()> {
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    for dir in [
        paths.run(),
        paths.box_run(),
        paths.data().to_owned(),
        paths.lib_dir(),
        paths.log_dir(),
        paths.etc(),
    ] {
        private
            .create(&dir)
            .with_context(|| format!("failed to create {}", dir.display()))?;
    }
    // Containers of any user reach their own files through these.
    for dir in [paths.box_run(), paths.lib_dir(), paths.log_dir()] {
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

/// Starts the box in new namespaces. The network's comes first, as a thread's own can be
/// changed; the others need a new process, for which util-linux has a program.
fn start_box(paths: &Paths, api_port: u16) -> io::Result<(Dialer, Pid, Child)> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(paths.log_dir().join("node.log"))?;
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
            "--",
        ])
        .arg(std::env::current_exe()?)
        .args([
            "internal",
            "init",
            "--name",
            paths.name(),
            "--api-port",
            &api_port.to_string(),
        ])
        .stdin(Stdio::piped())
        .stderr(log);
    Dialer::in_new_namespace(move || command.spawn())
}

/// On a thread of its own: the runtime would wait at its end for a read that no one answers, while
/// the owner waits for the keeper.
fn watch_owner(end: mpsc::Sender<End>) {
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if line == RELEASE {
                return;
            }
        }
        let _ = end.blocking_send(End::OwnerGone);
    });
}

async fn watch_signals(end: mpsc::Sender<End>) {
    if let Ok(mut terminations) = signal(SignalKind::terminate()) {
        terminations.recv().await;
        let _ = end.send(End::Signalled).await;
    }
}

fn watch_box(mut child: Child, end: mpsc::Sender<End>) {
    std::thread::spawn(move || {
        let status = child.wait();
        tracing::info!(?status, "the cluster's processes ended");
        let _ = end.blocking_send(End::BoxDied);
    });
}

fn take_down(lifeline: ChildStdin, cgroups: &Cgroups, paths: &Paths, reason: &End) -> Result<()> {
    drop(lifeline);
    cgroups.kill("box")?;
    cgroups
        .leave()
        .context("failed to leave the cluster's control group")?;
    cgroups.remove()?;
    // Logs explain a cluster that was not asked to end; the next start removes them.
    let keep_logs = !matches!(reason, End::Asked);
    teardown::remove_files(paths, keep_logs)
}
