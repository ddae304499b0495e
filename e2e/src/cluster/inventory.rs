//! Counts what a cluster could leave behind on the host: the evidence of the leak test.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::cgroup::{self, Cgroups, PARENT};
use super::paths::Paths;

/// Everything found, by kind, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Processes in the cluster's control groups, or that mention its folders. Zombies, which hold
    /// nothing but a number until the host's first process collects them, do not count.
    pub processes: BTreeSet<String>,
    /// All mounts of the host.
    pub mounts: BTreeSet<String>,
    /// Network namespaces that a process of the host or a mount holds.
    pub network_namespaces: BTreeSet<String>,
    /// Network links of the host.
    pub links: BTreeSet<String>,
    /// The cluster's control groups.
    pub cgroups: BTreeSet<String>,
    /// Packet rules of the host.
    pub packet_rules: BTreeSet<String>,
    /// The cluster's folder below `/run`.
    pub folders: BTreeSet<String>,
}

impl Inventory {
    /// What is here and was not `before`.
    pub fn since(&self, before: &Self) -> Self {
        let new = |now: &BTreeSet<String>, then: &BTreeSet<String>| {
            now.difference(then).cloned().collect()
        };
        Self {
            processes: new(&self.processes, &before.processes),
            mounts: new(&self.mounts, &before.mounts),
            network_namespaces: new(&self.network_namespaces, &before.network_namespaces),
            links: new(&self.links, &before.links),
            cgroups: new(&self.cgroups, &before.cgroups),
            packet_rules: new(&self.packet_rules, &before.packet_rules),
            folders: new(&self.folders, &before.folders),
        }
    }

    /// Without what others on this machine may have made meanwhile.
    pub(crate) fn of_the_cluster_alone(&self) -> Self {
        let mut own = self.clone();
        own.mounts.clear();
        own.links.clear();
        own.packet_rules.clear();
        own.network_namespaces
            .retain(|namespace| !namespace.starts_with("nsfs "));
        own
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("processes", &self.processes),
            ("mounts", &self.mounts),
            ("network namespaces", &self.network_namespaces),
            ("links", &self.links),
            ("control groups", &self.cgroups),
            ("packet rules", &self.packet_rules),
            ("folders", &self.folders),
        ];
        for (position, (kind, things)) in kinds.into_iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{} {kind}", things.len())?;
            for thing in things.iter().take(if f.alternate() { 20 } else { 0 }) {
                write!(f, "\n    {thing}")?;
            }
        }
        Ok(())
    }
}

/// Looks at the host as it is now, for the sake of the cluster `name`. Of other clusters, only
/// what is the whole host's counts. With `{:#}` the things themselves are shown.
///
/// # Errors
/// When the host's mounts, links or packet rules cannot be read.
pub fn inventory(name: &str) -> Result<Inventory> {
    let mounts =
        std::fs::read_to_string("/proc/self/mountinfo").context("failed to read the mounts")?;
    let mounts: BTreeSet<String> = mounts.lines().map(mount_shown).collect();
    let paths = Paths::new(name)?;
    let marks = [
        paths.run().display().to_string(),
        paths.data().display().to_string(),
        format!("--name\0{name}\0"),
    ];
    let group = format!("/{PARENT}/{name}/");
    let own_network = std::fs::read_link("/proc/self/ns/net")
        .context("failed to read this process's namespace")?;

    let mut processes = BTreeSet::new();
    let mut network_namespaces: BTreeSet<String> = mounts
        .iter()
        .filter(|mount| mount.starts_with("nsfs "))
        .cloned()
        .collect();
    for (pid, dir) in all_processes() {
        let command = std::fs::read(dir.join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        let groups = std::fs::read_to_string(dir.join("cgroup")).unwrap_or_default();
        let ours = groups.contains(&group) || marks.iter().any(|mark| command.contains(mark));
        // Without a command line: a zombie, or a thread of the kernel.
        if ours && !command.is_empty() && pid != std::process::id() {
            processes.insert(format!("{pid} {}", command.replace('\0', " ").trim()));
            if let Ok(network) = std::fs::read_link(dir.join("ns/net"))
                && network != own_network
            {
                network_namespaces.insert(network.display().to_string());
            }
        }
    }
    let of_this = |dir: &PathBuf| dir.ends_with(name) || dir.display().to_string().contains(&group);
    Ok(Inventory {
        processes,
        mounts,
        network_namespaces,
        links: lines(
            Command::new("ip").args(["-oneline", "link", "show"]),
            link_shown,
        )?,
        cgroups: cgroup::all()
            .iter()
            .filter(|dir| of_this(dir))
            .map(|dir| dir.display().to_string())
            .collect(),
        packet_rules: lines(&mut Command::new("iptables-save"), rule_shown)?,
        folders: paths
            .run()
            .exists()
            .then(|| paths.run().display().to_string())
            .into_iter()
            .collect(),
    })
}

/// A process of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number on the host.
    pub pid: i32,
    /// The name of its program.
    pub name: String,
    /// Memory in use (resident), in bytes.
    pub memory_bytes: u64,
}

/// All processes of the cluster `name`, pods' included.
///
/// # Errors
/// When the machine has no control groups.
pub fn processes(name: &str) -> Result<Vec<Process>> {
    let found = Cgroups::of(name)?.processes("");
    Ok(found
        .into_iter()
        .filter_map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let field = |name: &str| {
                status
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            let kibibytes: u64 = field("VmRSS:")?
                .trim_end_matches(" kB")
                .trim()
                .parse()
                .ok()?;
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some(Process {
                pid,
                name: program(&String::from_utf8_lossy(&command))
                    .unwrap_or(field("Name:")?.to_owned()),
                memory_bytes: kibibytes << 10,
            })
        })
        .collect())
}

/// The program's name from its command line: the kernel's own record is cut short, and parts
/// of this program are told apart by their role.
fn program(command: &str) -> Option<String> {
    let mut words = command.split('\0');
    let program = words.next()?.rsplit('/').next()?;
    let name = match (words.next(), words.next()) {
        (Some("internal"), Some(role)) => format!("e2e {role}"),
        // A process may put a whole sentence there.
        _ => program.split([' ', ':']).next()?.to_owned(),
    };
    (!name.is_empty()).then_some(name)
}

/// A process inside the box of the cluster `name`: its first one.
///
/// # Errors
/// When the cluster does not run.
pub fn node_process(name: &str) -> Result<i32> {
    let found = Cgroups::of(name)?.processes("box");
    found
        .first()
        .copied()
        .with_context(|| format!("no cluster named {name} runs"))
}

fn all_processes() -> impl Iterator<Item = (u32, PathBuf)> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}

/// Type and place, without the numbers that change on every mount.
fn mount_shown(line: &str) -> String {
    let place = line.split_whitespace().nth(4).unwrap_or(line);
    let kind = line
        .split_once(" - ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or_default();
    format!("{kind} {}", Path::new(place).display())
}

fn link_shown(line: &str) -> Option<String> {
    line.split(": ").nth(1).map(str::to_owned)
}

/// Rules and chains, without counters and comments.
fn rule_shown(line: &str) -> Option<String> {
    match line.chars().next()? {
        '-' => Some(line.to_owned()),
        ':' => line.split(" [").next().map(str::to_owned),
        _ => None,
    }
}

fn lines(
    command: &mut Command,
    shown: impl Fn(&str) -> Option<String>,
) -> Result<BTreeSet<String>> {
    let output = command
        .output()
        .with_context(|| format!("failed to start {:?}", command.get_program()))?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(shown)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_chain_do_not_count() {
        assert_eq!(
            rule_shown(":INPUT ACCEPT [12:34]").as_deref(),
            Some(":INPUT ACCEPT")
        );
        assert_eq!(rule_shown("# Generated at noon"), None);
    }

    #[test]
    fn a_program_is_named_by_its_command_line() {
        assert_eq!(
            program("/a/b/kube-controller-manager\0--x\0").as_deref(),
            Some("kube-controller-manager")
        );
        assert_eq!(
            program("/proc/self/exe\0internal\0policy\0").as_deref(),
            Some("e2e policy")
        );
        assert_eq!(
            program("postgres: walwriter \0").as_deref(),
            Some("postgres")
        );
        assert_eq!(program(""), None);
    }

    #[test]
    fn only_what_is_new_is_shown() {
        let before = Inventory {
            links: BTreeSet::from(["lo".to_owned()]),
            ..Inventory::default()
        };
        let mut after = before.clone();
        assert!(after.since(&before).is_empty());
        after.links.insert("veth1".to_owned());
        assert!(format!("{:#}", after.since(&before)).contains("1 links\n    veth1"));
    }
}
