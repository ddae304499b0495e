//! A measured server as the kernel sees it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A child that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program whose output goes to a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Self(command.spawn().unwrap())
    }

    /// CPU of all its threads so far, from `/proc/PID/stat`: user and system time in hundredths of a second.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // The name, which may hold spaces, ends with a parenthesis.
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let ticks = fields
            .skip(11)
            .take(2)
            .map(|field| field.parse::<f64>().unwrap());
        ticks.sum::<f64>() / 100.0
    }

    /// Forgets the most memory the process ever had; returns what it has now, in MiB.
    pub(crate) fn forget_peak(&self) -> f64 {
        // proc(5): 5 resets the peak to what is resident.
        fs::write(format!("/proc/{}/clear_refs", self.0.id()), "5").unwrap();
        self.peak_mib()
    }

    /// The most resident memory since then, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        kib(&status, "VmHWM:") / 1024.0
    }

    /// Memory in MiB that is not shared, or shared and counted in part.
    pub(crate) fn memory_mib(&self) -> f64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0.id())).unwrap();
        kib(&rollup, "Pss:") / 1024.0
    }
}

/// A figure of a file with a line for each.
fn kib(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
