//! Starts the components, notices the death of any, and restarts it once the boot is over.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::cluster::command;

/// Wait before a dead component is started again.
const RESTART: Duration = Duration::from_millis(500);

/// Lines of log in an error.
const LOG_LINES: usize = 12;

/// One long-running program of the node.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// Also the name of its log, `/var/log/<name>.log`.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

impl Component {
    fn log(&self) -> PathBuf {
        PathBuf::from(format!("/var/log/{}.log", self.name))
    }

    fn spawn(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = std::process::Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // Signals for one must not reach the others.
        command.process_group(0);
        Command::from(command)
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        format!(
            "--- {}:\n{}",
            self.name,
            command::tail(&String::from_utf8_lossy(&text), LOG_LINES)
        )
    }
}

/// All components.
pub(super) struct Supervisor {
    started: Vec<Component>,
    /// The first component that died during the boot.
    dead: Arc<Mutex<Option<Component>>>,
    booted: watch::Sender<bool>,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        Self {
            started: Vec::new(),
            dead: Arc::default(),
            booted: watch::Sender::new(false),
        }
    }

    /// Starts a component, and from now on notices its end.
    pub(super) fn start(&mut self, component: Component) -> Result<()> {
        let child = component.spawn()?;
        self.started.push(component.clone());
        tokio::spawn(attend(
            component,
            child,
            Arc::clone(&self.dead),
            self.booted.subscribe(),
        ));
        Ok(())
    }

    /// # Errors
    /// When a component has died during the boot, with the end of its log.
    pub(super) fn check(&self) -> Result<()> {
        match &*self.dead.lock().expect("no holder of the lock panics") {
            Some(component) => bail!(
                "{} ended during the start:\n{}",
                component.name,
                component.log_tail()
            ),
            None => Ok(()),
        }
    }

    /// The ends of all logs.
    pub(super) fn logs(&self) -> String {
        self.started
            .iter()
            .map(Component::log_tail)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// From now on, what dies is started again. Never returns.
    pub(super) async fn keep_running(self) -> Result<()> {
        self.booted.send_replace(true);
        std::future::pending().await
    }
}

async fn attend(
    component: Component,
    mut child: Child,
    dead: Arc<Mutex<Option<Component>>>,
    mut booted: watch::Receiver<bool>,
) {
    loop {
        let status = child.wait().await;
        tracing::warn!(component = component.name, ?status, "a component ended");
        dead.lock()
            .expect("no holder of the lock panics")
            .get_or_insert_with(|| component.clone());
        if booted.wait_for(|booted| *booted).await.is_err() {
            return;
        }
        child = loop {
            tokio::time::sleep(RESTART).await;
            match component.spawn() {
                Ok(child) => break child,
                Err(error) => {
                    tracing::error!(component = component.name, %error, "failed to restart a component")
                }
            }
        };
    }
}
