//! The control groups of one cluster: `/reportapp-e2e/<name>` in every hierarchy.
//!
//! Pods get theirs below it (the kubelet's `cgroupRoot`), the box's other processes are in
//! `box`, the keeper in `keeper`. Membership is read from the version 2 hierarchy, which
//! exists beside version 1 on most machines and which container runtimes leave alone there,
//! so that its `box` holds every process of every pod as well. Without it, the version 1
//! hierarchies are read instead.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The folder shared by all clusters, below each hierarchy's root.
pub(crate) const PARENT: &str = "reportapp-e2e";

/// How long dying processes may take to leave their group.
const LEAVE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    mount: PathBuf,
    version_2: bool,
}

/// One cluster's groups.
#[derive(Debug, Clone)]
pub(crate) struct Cgroups {
    name: String,
    hierarchies: Vec<Hierarchy>,
}

impl Cgroups {
    /// The groups of the cluster `name`, existing or not.
    ///
    /// # Errors
    /// When the machine has no control groups mounted.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let mounts =
            std::fs::read_to_string("/proc/self/mountinfo").context("failed to read the mounts")?;
        let hierarchies = parse(&mounts);
        if hierarchies.is_empty() {
            bail!("no control groups are mounted at /sys/fs/cgroup: pods need them");
        }
        Ok(Self {
            name: name.to_owned(),
            hierarchies,
        })
    }

    /// The group's path inside each hierarchy, as the kubelet wants it.
    pub(crate) fn path(&self) -> String {
        format!("/{PARENT}/{}", self.name)
    }

    /// Creates the groups.
    ///
    /// # Errors
    /// When a hierarchy is read-only.
    pub(crate) fn create(&self) -> Result<()> {
        for hierarchy in &self.hierarchies {
            let parent = hierarchy.mount.join(PARENT);
            for dir in [&parent, &parent.join(&self.name)] {
                std::fs::create_dir_all(dir)
                    .with_context(|| format!("failed to create {}", dir.display()))?;
                prepare(dir, hierarchy);
            }
        }
        for part in ["box", "keeper"] {
            let dir = self.membership().join(part);
            std::fs::create_dir_all(&dir)
                .with_context(|| format!("failed to create {}", dir.display()))?;
        }
        Ok(())
    }

    /// Moves the calling process into `part` (`box` or `keeper`); children follow.
    ///
    /// # Errors
    /// When the group does not exist.
    pub(crate) fn enter(&self, part: &str) -> io::Result<()> {
        std::fs::write(self.membership().join(part).join("cgroup.procs"), "0")
    }

    /// Moves the calling process back to the top of the hierarchy, so that its group can go.
    pub(crate) fn leave(&self) -> io::Result<()> {
        std::fs::write(self.hierarchy().mount.join("cgroup.procs"), "0")
    }

    /// Processes of `part`; of the whole cluster if `part` is empty.
    pub(crate) fn processes(&self, part: &str) -> Vec<i32> {
        let mut found = Vec::new();
        if self.hierarchy().version_2 {
            collect(&self.membership().join(part), &mut found);
        } else {
            for hierarchy in &self.hierarchies {
                collect(
                    &hierarchy.mount.join(PARENT).join(&self.name).join(part),
                    &mut found,
                );
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Kills every process of `part` (all, if empty) and waits until none is left. Blocks.
    ///
    /// # Errors
    /// When one does not die.
    pub(crate) fn kill(&self, part: &str) -> Result<()> {
        let deadline = Instant::now() + LEAVE;
        loop {
            // One write ends the whole subtree at once, forks included; older kernels lack it.
            if std::fs::write(self.membership().join(part).join("cgroup.kill"), "1").is_err() {
                for process in self.processes(part) {
                    // It may be gone by now, which is what is wanted.
                    let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
                }
            }
            let left = self.processes(part);
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("processes {left:?} of the cluster {} do not end", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Removes the groups, which must be without processes. Blocks while the kernel still
    /// holds on to one.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub(crate) fn remove(&self) -> Result<()> {
        let deadline = Instant::now() + LEAVE;
        for hierarchy in &self.hierarchies {
            let parent = hierarchy.mount.join(PARENT);
            while let Err(error) = remove_tree(&parent.join(&self.name)) {
                if Instant::now() > deadline {
                    return Err(error).with_context(|| {
                        format!("failed to remove control groups of {}", self.name)
                    });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            // Stays while another cluster has groups below it.
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }

    /// Whether a group of this cluster exists.
    pub(crate) fn exist(&self) -> bool {
        self.hierarchies
            .iter()
            .any(|hierarchy| hierarchy.mount.join(PARENT).join(&self.name).exists())
    }

    fn hierarchy(&self) -> &Hierarchy {
        self.hierarchies
            .iter()
            .find(|hierarchy| hierarchy.version_2)
            .unwrap_or(&self.hierarchies[0])
    }

    fn membership(&self) -> PathBuf {
        self.hierarchy().mount.join(PARENT).join(&self.name)
    }
}

/// All groups of all clusters on this machine.
pub(crate) fn all() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found = Vec::new();
    for hierarchy in parse(&mounts) {
        collect_dirs(&hierarchy.mount.join(PARENT), &mut found);
    }
    found
}

fn parse(mountinfo: &str) -> Vec<Hierarchy> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let version_2 = match kind.split_whitespace().next()? {
                "cgroup" => false,
                "cgroup2" => true,
                _ => return None,
            };
            let mount = PathBuf::from(place.split_whitespace().nth(4)?);
            mount
                .starts_with("/sys/fs/cgroup")
                .then_some(Hierarchy { mount, version_2 })
        })
        .collect()
}

/// What a new group needs before others can be made in it. Failures show when a pod starts.
fn prepare(dir: &Path, hierarchy: &Hierarchy) {
    let above = dir.parent().unwrap_or(dir);
    if hierarchy.version_2 {
        let available =
            std::fs::read_to_string(above.join("cgroup.controllers")).unwrap_or_default();
        for controller in available.split_whitespace() {
            for level in [above, dir] {
                let _ = std::fs::write(
                    level.join("cgroup.subtree_control"),
                    format!("+{controller}"),
                );
            }
        }
        return;
    }
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(value) = std::fs::read_to_string(above.join(file)) {
            let _ = std::fs::write(dir.join(file), value.trim());
        }
    }
}

fn collect(dir: &Path, found: &mut Vec<i32>) {
    let listed = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    found.extend(
        listed
            .lines()
            .filter_map(|line| line.parse::<i32>().ok())
            .filter(|pid| *pid > 0),
    );
    for child in children(dir) {
        collect(&child, found);
    }
}

fn collect_dirs(dir: &Path, found: &mut Vec<PathBuf>) {
    if dir.is_dir() {
        found.push(dir.to_owned());
        for child in children(dir) {
            collect_dirs(&child, found);
        }
    }
}

fn remove_tree(dir: &Path) -> io::Result<()> {
    for child in children(dir) {
        remove_tree(&child)?;
    }
    match std::fs::remove_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn children(dir: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_hierarchies_are_found() {
        let mountinfo = "25 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                         26 25 0:23 / /sys/fs/cgroup/pids rw shared:9 - cgroup cgroup rw,pids\n\
                         27 25 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = parse(mountinfo);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            Hierarchy {
                mount: "/sys/fs/cgroup/pids".into(),
                version_2: false
            }
        );
        assert!(found[1].version_2);
    }
}
