//! Runs a long command and shows its latest line as the detail of a step.

use std::collections::VecDeque;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::progress::Step;

/// Lines of output that go into an error.
const TAIL_LINES: usize = 30;

/// Runs `command` to its end.
///
/// # Errors
/// When it cannot be started or fails; the message holds its name and the end of what it said.
pub(super) async fn watch(command: &mut Command, step: &Step) -> Result<()> {
    let name = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start `{name}`: is it installed?"))?;
    let (sender, mut lines) = mpsc::channel(64);
    pass_on(
        child.stdout.take().expect("standard output was asked for"),
        sender.clone(),
    );
    pass_on(
        child.stderr.take().expect("standard error was asked for"),
        sender,
    );

    let mut tail = VecDeque::with_capacity(TAIL_LINES);
    while let Some(line) = lines.recv().await {
        step.detail(line.trim().to_owned());
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    let status = child
        .wait()
        .await
        .with_context(|| format!("failed to wait for `{name}`"))?;
    if !status.success() {
        bail!(
            "`{name}` failed ({status}):\n{}",
            tail.make_contiguous().join("\n")
        );
    }
    Ok(())
}

fn pass_on(output: impl AsyncRead + Unpin + Send + 'static, sender: mpsc::Sender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[tokio::test]
    async fn a_failure_shows_the_end_of_both_outputs() {
        let step = Progress::new().step("failing");
        let error = watch(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 4"]),
            &step,
        )
        .await
        .unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("out") && text.contains("err") && text.contains('4'),
            "{text}"
        );
    }
}
