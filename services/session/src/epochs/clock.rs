//! Time as leases see it: the clock that also runs while the machine sleeps and that nobody sets.
//!
//! Moments of two machines are never compared. What crosses machines is a length of time, and
//! [`outlasting`] makes it long enough for clocks that run at different rates.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// No process holds a lease longer than this, so that somebody who cannot learn which processes
/// exist knows how long to wait nevertheless.
pub const LONGEST_LEASE: Duration = Duration::from_secs(30);

/// How far the rate of a clock may be from that of true time, in millionths. Time daemons slew by at
/// most 500, quartz is wrong by less than 100; the rest is for virtual machines.
const RATE_ERROR_PPM: u128 = 10_000;
const MILLION: u128 = 1_000_000;

/// An instant of one machine's boot-time clock, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// This many nanoseconds after the clock's zero.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's zero.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// This much later.
    pub fn after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait))
    }

    /// This much earlier, or the clock's zero.
    pub fn before(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(wait))
    }

    /// Time from `earlier` to this moment; nothing if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Something to read the time from.
pub trait Clock: Send + Sync {
    /// The present. Never less than it said before.
    fn now(&self) -> Moment;
}

/// `CLOCK_BOOTTIME`: unlike the wall clock it cannot be set, unlike `CLOCK_MONOTONIC` it goes on
/// while the machine is suspended.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> Moment {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
        Moment(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }
}

/// How long somebody has to wait by their own clock until `lease` is over by any other.
pub fn outlasting(lease: Duration) -> Duration {
    // Their clock may be fast while the other is slow.
    let nanos = lease.as_nanos() * (MILLION + RATE_ERROR_PPM);
    let nanos = nanos.div_ceil(MILLION - RATE_ERROR_PPM);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The lease of a process and how eagerly it renews it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    lease: Duration,
    renew: Duration,
    retry: Duration,
}

/// A lease longer than [`LONGEST_LEASE`] was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lease of {asked:?} is too long: revocations would take that long; choose at most 30 s")]
pub struct LeaseTooLong {
    /// What was asked for.
    pub asked: Duration,
}

impl Terms {
    /// A lease of this length, renewed four times within it.
    ///
    /// # Errors
    /// [`LeaseTooLong`].
    pub fn new(lease: Duration) -> Result<Self, LeaseTooLong> {
        if lease > LONGEST_LEASE {
            return Err(LeaseTooLong { asked: lease });
        }
        Ok(Self {
            lease,
            renew: lease / 4,
            retry: lease / 20,
        })
    }

    /// How long a view may be used without another look at the store.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Time between two renewals.
    pub fn renew(&self) -> Duration {
        self.renew
    }

    /// Time between a failed renewal and the next.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// How long an operation on the store may take before it counts as failed.
    pub fn patience(&self) -> Duration {
        self.lease / 2
    }

    /// How long a request that needs a read of its own waits for a store that fails: as long as others,
    /// who have a lease, do without it.
    pub fn forbearance(&self) -> Duration {
        self.lease
    }
}

impl Default for Terms {
    /// Two seconds: a store that is slow for 1.5 s is not noticed, a process that vanished delays an
    /// acknowledgement by two seconds.
    fn default() -> Self {
        let lease = Duration::from_secs(2);
        Self::new(lease).expect("two seconds are fewer than thirty")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_outlasts_the_lease_of_the_slowest_clock_by_the_fastest() {
        let wait = outlasting(Duration::from_secs(2)).as_secs_f64();
        assert!(wait / 1.01 >= 2.0 / 0.99, "{wait}");
        assert!(wait < 2.05, "{wait}");
    }

    #[test]
    fn a_lease_is_never_longer_than_anybody_would_wait() {
        assert!(Terms::new(LONGEST_LEASE).is_ok());
        assert!(Terms::new(LONGEST_LEASE + Duration::from_nanos(1)).is_err());
    }

    #[test]
    fn the_boot_clock_goes_forward() {
        let first = BootClock.now();
        assert!(first > Moment::default() && BootClock.now() >= first);
    }
}
