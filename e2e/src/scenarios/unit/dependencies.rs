//! The rules of `deny.toml` that matter most, checked on the graph that is built: refused crates,
//! crates that must exist once, and licences. `cargo deny check` covers the rest.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::scenarios::world::World;

const REFUSED: [&str; 5] = ["ring", "openssl", "openssl-sys", "native-tls", "rsa"];
const SINGLE: [&str; 4] = ["hyper", "rustls", "tokio-rustls", "aws-lc-rs"];
/// Licences and exceptions that may appear in a crate's licence expression.
const ACCEPTED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that may have another licence: file-level copyleft in a crate we do not change.
const EXCEPTIONS: [(&str, &str); 1] = [("colored", "MPL-2.0")];

/// A crate of the graph.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
}

pub(super) async fn check(_: &World) -> Result<()> {
    // `cargo metadata` also lists optional crates that no feature turns on; the tree does not.
    let output = Command::new("cargo")
        .args([
            "tree",
            "--locked",
            "--workspace",
            "--prefix=none",
            "--format={p}|{l}",
        ])
        .args([
            "--edges=normal,build,dev",
            "--target=x86_64-unknown-linux-gnu",
        ])
        .output()
        .await
        .context("failed to start cargo tree")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let packages = packages(&String::from_utf8_lossy(&output.stdout));
    ensure!(
        packages.len() > 100,
        "cargo tree lists only {} crates",
        packages.len()
    );
    let problems = problems(&packages);
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// Lines such as `tokio v1.54.1|MIT` or `serde v1.0.0 (proc-macro)|MIT OR Apache-2.0`.
fn packages(tree: &str) -> BTreeSet<Package> {
    let parts = tree.lines().filter_map(|line| {
        let (package, licence) = line.trim_end_matches(" (*)").rsplit_once('|')?;
        let (name, rest) = package.split_once(" v")?;
        let version = rest.split(' ').next().unwrap_or(rest);
        Some(Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.to_owned(),
        })
    });
    parts.collect()
}

fn problems(packages: &BTreeSet<Package>) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(&package.name)
            .or_default()
            .push(&package.version);
    }
    let refused = REFUSED
        .iter()
        .filter(|name| versions.contains_key(**name))
        .map(|name| {
            format!("{name} is in the dependency graph; see it with: cargo tree -i {name}")
        });
    let several = SINGLE.iter().filter_map(|name| {
        let found = versions.get(name).filter(|found| found.len() > 1)?;
        Some(format!(
            "{name} is built in several versions: {}",
            found.join(", ")
        ))
    });
    let licences = packages.iter().filter(|package| {
        let excepted = (package.name.as_str(), package.licence.as_str());
        !accepted(&package.licence) && !EXCEPTIONS.contains(&excepted)
    });
    let licences = licences.map(|package| {
        format!(
            "{} {} has licence {:?}",
            package.name, package.version, package.licence
        )
    });
    refused.chain(several).chain(licences).collect()
}

/// Whether one alternative of an SPDX expression needs accepted licences only.
fn accepted(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" OR ").any(|choice| {
        choice
            .split(" AND ")
            .all(|licence| ACCEPTED.contains(&licence.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::{REFUSED, SINGLE, accepted, packages, problems};

    const DENY: &str = include_str!("../../../../deny.toml");

    /// The crates `deny.toml` names in lines that hold `rule`.
    fn denied(rule: &str) -> Vec<&str> {
        let lines = DENY.lines().filter(|line| line.contains(rule));
        lines
            .filter_map(|line| line.trim().strip_prefix("{ crate = \"")?.split('"').next())
            .collect()
    }

    #[test]
    fn what_is_refused_and_what_must_be_single_is_what_deny_toml_says() {
        assert_eq!(denied("reason ="), REFUSED);
        assert_eq!(denied("deny-multiple-versions"), SINGLE);
    }

    #[test]
    fn one_acceptable_alternative_is_enough_and_all_joined_licences_are_needed() {
        assert!(accepted("MIT OR GPL-3.0"));
        assert!(accepted("MIT/Apache-2.0"));
        assert!(accepted("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!accepted("GPL-3.0"));
        assert!(!accepted("ISC AND GPL-3.0"));
        assert!(!accepted(""));
    }

    #[test]
    fn refused_doubled_and_badly_licensed_crates_are_named() {
        let tree = "ring v0.17.0|MIT\nrustls v0.23.1|MIT\nrustls v0.22.0|MIT (*)\nodd v1.0.0|GPL-3.0\n\
                    serde v1.0.0 (proc-macro)|MIT\ncolored v3.1.1|MPL-2.0\n";
        let found = problems(&packages(tree)).join("\n");
        for word in ["ring is in", "rustls is built in several", "odd 1.0.0"] {
            assert!(found.contains(word), "{found}");
        }
        assert!(
            !found.contains("serde") && !found.contains("colored"),
            "{found}"
        );
    }
}
