//! Runs a program to its end, with errors that say what was run and the end of its output.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest;
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
    for argument in command.get_args().take(8) {
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
