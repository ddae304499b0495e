//! HikariCP in a JVM of its own, from Debian's package (goal P1).

use std::process::Command;

use anyhow::{Context as _, ensure};

/// Where `cargo e2e bench pool` says the libraries are.
const CLASS_PATH: &str = "POOL_RIVALS_HIKARI";
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/hikari/Turns.java");

/// What one thread of a warm JVM does.
pub struct Turns {
    pub million_per_second: f64,
    pub median_us: f64,
}

/// Whether there is a HikariCP to run.
pub fn is_there() -> bool {
    std::env::var_os(CLASS_PATH).is_some()
}

/// Runs a JVM for some seconds.
pub fn turns() -> anyhow::Result<Turns> {
    let class_path = std::env::var_os(CLASS_PATH).context("no HikariCP")?;
    let output = Command::new("java")
        .arg("-cp")
        .arg(class_path)
        .arg(PROGRAM)
        .output()
        .context("failed to start java")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "java: {}: {said}", output.status);
    let figures = String::from_utf8(output.stdout)?;
    let mut figures = figures.split_whitespace().map(str::parse::<f64>);
    let mut next = || figures.next().context("java printed too little");
    Ok(Turns {
        million_per_second: next()??,
        median_us: next()??,
    })
}
