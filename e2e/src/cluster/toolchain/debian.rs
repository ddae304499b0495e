//! Installs the Debian packages the rig needs, saying what and why, and starts no service of them.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::cluster::command;
use crate::progress::Progress;

/// What a local cluster needs, with the reason shown to the user.
pub(super) const CLUSTER: &[(&str, &str)] = &[
    ("containerd", "runs the pods"),
    ("runc", "runs the pods"),
    ("containernetworking-plugins", "gives pods their network"),
    ("iptables", "Service addresses and network policies"),
    ("iproute2", "the cluster's own network"),
    ("conntrack", "Service addresses"),
    ("util-linux", "namespaces"),
    ("gcc", "builds the pause program"),
    ("libc6-dev", "builds the pause program"),
];

/// Packages of others that bring the same programs and exclude Debian's.
const SUBSTITUTES: &[(&str, &str)] = &[("containerd", "containerd.io"), ("runc", "containerd.io")];

/// apt refuses to run twice at once.
static ONE_BY_ONE: Mutex<()> = Mutex::const_new(());

/// Installs what is missing of `packages` (name, reason).
pub(super) async fn ensure(packages: &[(&str, &str)], progress: &Progress) -> Result<()> {
    let _alone = ONE_BY_ONE.lock().await;
    let missing = missing(packages, &installed(packages).await?);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(package, _)| *package).collect();
    if !nix::unistd::geteuid().is_root() {
        bail!(
            "Debian packages are missing; install them with: sudo apt-get install -y {}",
            names.join(" ")
        );
    }
    for (package, reason) in &missing {
        progress.note(&format!(
            "will install the Debian package {package} ({reason})"
        ));
    }
    let step = progress.step(format!("installing {} Debian packages", names.len()));
    // Lists may be absent or old on a fresh machine; a failure shows in the installation.
    let refreshed = command::run(&mut apt(&["update", "-q"])).await;
    let _quiet = NoServices::start()?;
    let mut install = apt(&[
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "--no-remove",
    ]);
    command::run(install.args(&names))
        .await
        .with_context(|| match refreshed {
            Ok(_) => format!(
                "failed to install {}: run apt-get by hand to see why",
                names.join(", ")
            ),
            Err(error) => format!(
                "failed to install {} (and apt-get update said: {error:#})",
                names.join(", ")
            ),
        })?;
    step.done("");
    Ok(())
}

/// While this lives, an installation starts no service: only the programs are wanted, and nobody
/// asked for an SSH server that listens.
struct NoServices;

/// What `invoke-rc.d` asks before it starts a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    /// `None` where somebody else has decided already.
    fn start() -> Result<Option<Self>> {
        let mut options = std::fs::OpenOptions::new();
        let new = options.write(true).create_new(true).mode(0o755);
        match new.open(POLICY) {
            Ok(mut file) => {
                let guard = Self;
                file.write_all(b"#!/bin/sh\nexit 101\n")?;
                Ok(Some(guard))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error).with_context(|| format!("failed to write {POLICY}")),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        let _already_gone = std::fs::remove_file(POLICY);
    }
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments);
    apt
}

/// Which of `packages` and their substitutes are installed.
async fn installed(packages: &[(&str, &str)]) -> Result<Vec<String>> {
    let names = packages.iter().map(|(package, _)| *package);
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\n"])
        .args(names.chain(SUBSTITUTES.iter().map(|(_, substitute)| *substitute)))
        .output()
        .await
        .context(
            "this command needs Debian or a system derived from it (dpkg-query was not found)",
        )?;
    let listed = String::from_utf8_lossy(&output.stdout);
    Ok(listed
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .map(str::to_owned)
        .collect())
}

fn missing<'a>(packages: &[(&'a str, &'a str)], installed: &[String]) -> Vec<(&'a str, &'a str)> {
    let here = |package: &str| installed.iter().any(|name| name == package);
    let covered = |package: &str| {
        let mut substitutes = SUBSTITUTES
            .iter()
            .filter(|(replaced, _)| *replaced == package);
        here(package) || substitutes.any(|(_, substitute)| here(substitute))
    };
    packages
        .iter()
        .filter(|(package, _)| !covered(package))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_substitute_counts_as_the_package() {
        let packages = [
            ("containerd", "pods"),
            ("runc", "pods"),
            ("iptables", "rules"),
        ];
        let installed = ["containerd.io".to_owned()];
        assert_eq!(missing(&packages, &installed), [("iptables", "rules")]);
        assert_eq!(missing(&packages, &[]).len(), 3);
    }
}
