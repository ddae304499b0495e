//! Runs a program to its end, with errors that say what was run and the end of its output.
//!
//! What is run for its effect on the screen (cargo, npm) starts programs of its own. It leads a process group, and
//! whoever no longer waits for it, because somebody pressed Ctrl-C for example, ends the whole group.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::digest;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

/// Lines of output that go into an error.
const TAIL_LINES: usize = 20;

/// Runs `command`; gives its standard output.
///
/// # Errors
/// When it cannot be started or fails. The message holds its name, its first arguments and
/// the end of what it said.
pub(crate) async fn run(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("failed to start `{shown}`"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        bail!(
            "`{shown}` failed ({}):\n{}",
            output.status,
            tail(&said, TAIL_LINES)
        );
    }
    Ok(text)
}

/// Runs `command` with its output shown.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) async fn show(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let mut child = command
        .stdin(std::process::Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("failed to start `{shown}`"))?;
    let mut group = Group::led_by(child.id());
    let status = child
        .wait()
        .await
        .with_context(|| format!("failed to wait for `{shown}`"))?;
    group.is_over();
    ensure!(status.success(), "`{shown}`: {status}");
    Ok(())
}

/// A process and everything it has started, ended with this value.
struct Group(Option<Pid>);

impl Group {
    fn led_by(id: Option<u32>) -> Self {
        Self(id.and_then(|id| Some(Pid::from_raw(id.try_into().ok()?))))
    }

    /// Its leader has ended by itself, and the number may be somebody else's soon.
    fn is_over(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Fails only when all of them are gone.
            let _gone = killpg(leader, Signal::SIGTERM);
        }
    }
}

/// Runs `command` with `input` on its standard input.
///
/// # Errors
/// As [`run`].
pub(crate) async fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    use tokio::io::AsyncWriteExt as _;

    let shown = shown(command);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start `{shown}`"))?;
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    let (written, output) = tokio::join!(
        async move {
            let written = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
            written
        },
        child.wait_with_output()
    );
    let output = output.with_context(|| format!("failed to wait for `{shown}`"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        bail!(
            "`{shown}` failed ({}):\n{}",
            output.status,
            tail(&said, TAIL_LINES)
        );
    }
    written.with_context(|| format!("`{shown}` did not read its input"))?;
    Ok(text)
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args().take(12) {
        let _ = write!(shown, " {}", argument.to_string_lossy());
    }
    shown
}

/// Has `kubectl` make the cluster's objects look like these YAML documents.
///
/// # Errors
/// As [`run`].
pub(crate) async fn apply(kubectl: &mut Command, manifest: &str) -> Result<()> {
    kubectl.args([
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=e2e",
        "--filename=-",
    ]);
    run_with_input(kubectl, manifest).await.map(drop)
}

/// The last `lines` lines of `text`.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Twelve hex digits that change with any of `inputs`.
pub(crate) fn short_hash(inputs: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for input in inputs {
        context.update(&(input.len() as u64).to_le_bytes());
        context.update(input.as_bytes());
    }
    hex::encode(&context.finish().as_ref()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("", 2), "");
    }

    #[test]
    fn moving_a_letter_between_inputs_changes_the_hash() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
    }

    #[tokio::test]
    async fn whoever_does_not_wait_any_more_ends_what_was_started_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let script = format!(
            "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let waiting =
            tokio::spawn(async move { show(Command::new("sh").args(["-c", &script])).await });
        let id = loop {
            match std::fs::read_to_string(&file) {
                Ok(id) => break id.trim().to_owned(),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        waiting.abort();
        // Gone, or not yet buried by whoever inherits it.
        let runs = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        let ended = async {
            while runs() {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), ended).await;
        ended.expect("what a child started is ended with it");
    }

    #[tokio::test]
    async fn an_error_names_the_command_and_what_it_said() {
        let error = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]))
            .await
            .unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("sh -c") && text.contains("why") && text.contains('3'),
            "{text}"
        );
    }
}
