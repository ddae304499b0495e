//! The box's view of the file system: the host's, with `/run`, `/var/lib` and `/var/log`
//! replaced by the cluster's own, and the kernel settings that the kubelet wants to change
//! covered, so that the host's stay as they are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};

use crate::cluster::paths::Paths;

/// What the kubelet demands of the kernel. It finds these values and changes nothing.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Arranges the mounts. The mount namespace is private already.
pub(super) fn prepare(paths: &Paths) -> Result<()> {
    // Volumes that propagate mounts need shared mounts; shared within the box only.
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_SHARED | MsFlags::MS_REC, none)
        .context("failed to share mounts within the box")?;

    // Before /run is covered, as the sources may be below it.
    let covers = paths.etc().join("kernel");
    std::fs::create_dir_all(&covers)?;
    for (setting, value) in KERNEL_SETTINGS {
        let cover = covers.join(setting.replace('/', "."));
        std::fs::write(&cover, format!("{value}\n"))?;
        let target = Path::new("/proc/sys").join(setting);
        if target.exists() {
            bind(&cover, &target)?;
        }
    }
    bind(&paths.lib_dir(), Path::new("/var/lib"))?;
    bind(&paths.log_dir(), Path::new("/var/log"))?;
    bind(&paths.box_run(), Path::new("/run"))?;
    for dir in [
        "/run/lock",
        "/run/netns",
        "/var/lib/cni",
        "/var/lib/kubelet",
        "/var/log/pods",
    ] {
        std::fs::create_dir_all(PathBuf::from(dir))
            .with_context(|| format!("failed to create {dir}"))?;
    }
    Ok(())
}

fn bind(source: &Path, target: &Path) -> Result<()> {
    let none: Option<&str> = None;
    mount(Some(source), target, none, MsFlags::MS_BIND, none).with_context(|| {
        format!(
            "failed to mount {} over {}",
            source.display(),
            target.display()
        )
    })
}
