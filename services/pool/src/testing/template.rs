//! The data folder every test server begins with: made once per version of PostgreSQL, then copied.
//!
//! `initdb` takes three times as long as a copy of what it makes, and there are hundreds of servers in one
//! run of the tests. The folder is kept among the temporary files of the machine, under a name that
//! tells everything it was made of.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::server::{command, hand_over, own_user, programs};
use super::{PASSWORD, SUPERUSER, write};

const ARGUMENTS: [&str; 5] = [
    "--no-sync",
    "--no-instructions",
    "--encoding=UTF8",
    "--locale=C",
    "--auth=scram-sha-256",
];

/// Makes `data`, the data folder of a server that was never started.
///
/// # Panics
/// When PostgreSQL is not installed or its `initdb` fails; what it says is in the message.
pub(super) fn copy_to(data: &Path) {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    let template = TEMPLATE.get_or_init(template);
    run(Command::new("cp").arg("--archive").arg(template).arg(data));
}

fn template() -> PathBuf {
    let kept = std::env::temp_dir().join(name());
    if kept.exists() {
        return kept;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let password = folder.path().join("superuser-password");
    write(&password, PASSWORD);
    for path in [folder.path(), &password] {
        hand_over(path);
    }
    let made = folder.path().join("data");
    run(command("initdb")
        .args(ARGUMENTS)
        .arg(format!("--username={SUPERUSER}"))
        .arg(format!("--pwfile={}", password.display()))
        .arg(format!("--pgdata={}", made.display())));
    // Whole or not at all. Who comes second finds one there, which is as good.
    if let Err(error) = fs::rename(&made, &kept) {
        assert!(kept.exists(), "{}: {error}", kept.display());
    }
    kept
}

/// Of the version, of where its files are and of how the folder is made.
fn name() -> String {
    let version = run(command("postgres").arg("--version"));
    let mut hasher = DefaultHasher::new();
    (version, programs(), ARGUMENTS, SUPERUSER, PASSWORD).hash(&mut hasher);
    let user = own_user();
    format!("reportapp-test-postgres-{user}-{:016x}", hasher.finish())
}

/// What the program prints.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
