//! Metrics of the process itself, read from `/proc` each time they are asked for.
//!
//! The names and units are the ones every Prometheus client uses. A value that cannot be read is
//! left out rather than reported as zero.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Opts};

/// `USER_HZ`: the unit of times in `/proc/self/stat`. It is 100 on every architecture that Rust's
/// Linux targets run on; asking `sysconf` would need unsafe code.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory, file descriptors, CPU time and start time of this process.
pub(crate) struct ProcessCollector {
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    cpu_seconds: prometheus::Counter,
    start_seconds: Gauge,
}

impl ProcessCollector {
    pub(crate) fn new() -> Self {
        let gauge = |name: &str, help: &str| Gauge::new(name, help).expect("names are constants");
        Self {
            resident_bytes: gauge("process_resident_memory_bytes", "Resident memory in bytes."),
            virtual_bytes: gauge("process_virtual_memory_bytes", "Virtual memory in bytes."),
            open_fds: gauge("process_open_fds", "Open file descriptors."),
            max_fds: gauge(
                "process_max_fds",
                "Most file descriptors this process may open.",
            ),
            cpu_seconds: prometheus::Counter::with_opts(Opts::new(
                "process_cpu_seconds_total",
                "User and system CPU time in seconds.",
            ))
            .expect("names are constants"),
            start_seconds: gauge("process_start_time_seconds", "Start time, in Unix seconds."),
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        [
            self.resident_bytes.desc(),
            self.virtual_bytes.desc(),
            self.open_fds.desc(),
            self.max_fds.desc(),
            self.cpu_seconds.desc(),
            self.start_seconds.desc(),
        ]
        .concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::with_capacity(6);
        let mut gauge = |gauge: &Gauge, value: Option<f64>| {
            if let Some(value) = value {
                gauge.set(value);
                families.extend(gauge.collect());
            }
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        gauge(&self.resident_bytes, status_bytes(&status, "VmRSS:"));
        gauge(&self.virtual_bytes, status_bytes(&status, "VmSize:"));
        gauge(&self.open_fds, open_fds());
        gauge(&self.max_fds, max_fds(&limits));
        gauge(&self.start_seconds, start_seconds(&stat, &boot));
        if let Some(seconds) = cpu_seconds(&stat) {
            // CPU time never shrinks; the guard only covers a rounding at the last digit.
            self.cpu_seconds
                .inc_by((seconds - self.cpu_seconds.get()).max(0.0));
            families.extend(self.cpu_seconds.collect());
        }
        families
    }
}

/// A line such as `VmRSS:     1234 kB` of `/proc/self/status`.
fn status_bytes(status: &str, key: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a process has fewer than 2^52 descriptors"
)]
fn open_fds() -> Option<f64> {
    // The directory handle of this very read is among the entries.
    Some(
        fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1) as f64,
    )
}

fn max_fds(limits: &str) -> Option<f64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Field `number` (counted from 1, as in proc(5)) of `/proc/self/stat`, for numbers above 2: the
/// program's name, field 2, is in parentheses and may contain spaces.
fn stat_field(stat: &str, number: usize) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name
        .split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((stat_field(stat, 14)? + stat_field(stat, 15)?) / TICKS_PER_SECOND)
}

fn start_seconds(stat: &str, boot: &str) -> Option<f64> {
    let booted: f64 = boot
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(booted + stat_field(stat, 22)? / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 12300 1 2";

    #[test]
    fn cpu_and_start_time_are_found_behind_a_name_with_spaces_and_parentheses() {
        assert_eq!(cpu_seconds(STAT), Some(3.0));
        assert_eq!(start_seconds(STAT, "cpu 1\nbtime 1000\n"), Some(1123.0));
    }

    #[test]
    fn memory_is_reported_in_bytes() {
        assert_eq!(
            status_bytes("Name:\tx\nVmRSS:\t   2 kB\n", "VmRSS:"),
            Some(2048.0)
        );
        assert_eq!(status_bytes("Name:\tx\n", "VmRSS:"), None);
    }

    #[test]
    fn an_unlimited_number_of_files_is_left_out() {
        assert_eq!(
            max_fds("Max open files            1024   4096   files"),
            Some(1024.0)
        );
        assert_eq!(
            max_fds("Max open files            unlimited   unlimited   files"),
            None
        );
    }

    #[test]
    fn this_process_reports_all_six_metrics() {
        assert_eq!(ProcessCollector::new().collect().len(), 6);
    }
}
