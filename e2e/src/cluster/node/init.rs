//! The first process of the box.
//!
//! It starts the node and reaps what loses its parent. When it ends, the kernel ends every
//! other process of the PID namespace; it ends with the node, and when the keeper is gone.

use std::io::Read as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, wait};

use crate::cluster::cgroup::Cgroups;

/// Runs the node of the cluster `name`; gives the code to exit with.
///
/// # Errors
/// When the node cannot be started.
pub(crate) fn init(name: &str, api_port: u16) -> Result<i32> {
    Cgroups::of(name)?
        .enter("box")
        .context("failed to enter the cluster's control group")?;
    // The keeper never writes: its end closes when it dies or wants the box to end.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let node = Command::new("/proc/self/exe")
        .args([
            "internal",
            "node",
            "--name",
            name,
            "--api-port",
            &api_port.to_string(),
        ])
        .stdin(Stdio::null())
        .spawn()
        .context("failed to start the node")?;
    let node = i32::try_from(node.id()).expect("process ids are positive 32-bit numbers");
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid.as_raw() == node => return Ok(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid.as_raw() == node => {
                return Ok(128 + signal as i32);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("failed to wait for the node"),
        }
    }
}
