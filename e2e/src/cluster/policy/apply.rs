//! Puts the rules into the kernel of the calling process's network namespace.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use tokio::process::Command;

use super::rules::{Chains, FORWARD, INPUT, PREFIX};
use crate::cluster::command;

const TABLE: &str = "mangle";

/// The kernel's rules, as far as they are ours.
pub(super) struct Kernel {
    installed: BTreeSet<String>,
    last: Option<Chains>,
}

impl Kernel {
    /// Makes our two entry chains and hooks them in, first of all; learns which of our chains
    /// an earlier enforcer left.
    pub(super) async fn open() -> Result<Self> {
        let saved = command::run(Command::new("iptables-save").args(["--table", TABLE])).await?;
        let installed = chains_in(&saved);
        let mut script = format!("*{TABLE}\n");
        for (hook, chain) in [("FORWARD", FORWARD), ("INPUT", INPUT)] {
            if !installed.contains(chain) {
                let _ = writeln!(script, ":{chain} - [0:0]");
            }
            if !saved.contains(&format!("-A {hook} -j {chain}")) {
                let _ = writeln!(script, "-I {hook} -j {chain}");
            }
        }
        script.push_str("COMMIT\n");
        restore(&script).await?;
        Ok(Self {
            installed,
            last: None,
        })
    }

    /// Replaces all our chains in one step. Gives whether anything changed.
    pub(super) async fn apply(&mut self, chains: &Chains) -> Result<bool> {
        if self.last.as_ref() == Some(chains) {
            return Ok(false);
        }
        restore(&script(chains, &self.installed)).await?;
        self.installed = chains.keys().cloned().collect();
        self.last = Some(chains.clone());
        Ok(true)
    }
}

fn chains_in(saved: &str) -> BTreeSet<String> {
    saved
        .lines()
        .filter_map(|line| line.strip_prefix(':')?.split(' ').next())
        .filter(|chain| chain.starts_with(PREFIX))
        .map(str::to_owned)
        .collect()
}

/// Declaring a chain empties it. Those no longer wanted can go once nothing jumps to them.
fn script(chains: &Chains, installed: &BTreeSet<String>) -> String {
    let mut script = format!("*{TABLE}\n");
    let gone: Vec<&String> = installed
        .iter()
        .filter(|chain| !chains.contains_key(*chain))
        .collect();
    for chain in chains.keys().chain(gone.iter().copied()) {
        let _ = writeln!(script, ":{chain} - [0:0]");
    }
    for (chain, rules) in chains {
        for rule in rules {
            let _ = writeln!(script, "-A {chain} {rule}");
        }
    }
    for chain in gone {
        let _ = writeln!(script, "-X {chain}");
    }
    script.push_str("COMMIT\n");
    script
}

async fn restore(script: &str) -> Result<()> {
    let mut restore = Command::new("iptables-restore");
    command::run_with_input(restore.args(["--noflush", "--wait", "5"]), script)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_no_longer_wanted_are_emptied_and_then_removed() {
        let chains = Chains::from([("E2E-FORWARD".to_owned(), vec!["-j ACCEPT".to_owned()])]);
        let installed = BTreeSet::from(["E2E-FORWARD".to_owned(), "E2E-I-10.0.0.1".to_owned()]);
        assert_eq!(
            script(&chains, &installed),
            "*mangle\n:E2E-FORWARD - [0:0]\n:E2E-I-10.0.0.1 - [0:0]\n-A E2E-FORWARD -j ACCEPT\n-X E2E-I-10.0.0.1\nCOMMIT\n"
        );
    }

    #[test]
    fn only_our_chains_are_recognised() {
        let saved = "*mangle\n:FORWARD ACCEPT [0:0]\n:E2E-INPUT - [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n";
        assert_eq!(chains_in(saved), BTreeSet::from(["E2E-INPUT".to_owned()]));
    }
}
