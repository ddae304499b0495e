//! When a credential is rotated next. Pure: the clock and what happened so far come in, one instant
//! goes out, the same for every operator that asks.
//!
//! The way of an instant: the interval or the cron expression gives what is *due* (counted from the
//! last success, so that a rotation made by hand moves the next one too); a failure since then asks
//! for [`RETRY_MAX`] at most of patience; [`calendar`] moves the result to the next allowed
//! instant; the credential's own share of the jitter is added where the later instant is allowed as
//! well.
//!
//! A run that was missed (operator down, schedule suspended) stays due until one succeeds, so it is
//! caught up once, however many instants went by. The name of the `SecretRotation` follows from the
//! instant ([`rotation_name`]): two operators create one object, and one of them learns that it
//! exists.

pub mod calendar;
pub mod check;

#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_lc_rs::digest;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_crds::report_app::credential::Rotation;
use reportapp_crds::schedule::Schedule;

use crate::reportapp::naming;
use calendar::{Calendar, InvalidCalendar};

/// Longest wait between a failure and the next try.
pub const RETRY_MAX: Duration = Duration::from_secs(3_600);
/// Shortest wait between a failure and the next try.
pub const RETRY_MIN: Duration = Duration::from_secs(60);
/// How late a start may be before it counts as missed: more than one look at the clock takes.
const PUNCTUAL: SignedDuration = SignedDuration::from_mins(5);
/// Longest jitter nobody asked for.
const JITTER_MAX: Duration = Duration::from_secs(3_600);
/// The share of an interval that is its jitter, and its wait after a failure.
const TENTH: u32 = 10;
/// Characters of a Kubernetes name that is also a label value.
const MAX_NAME: usize = 63;
/// Digits of an instant in a name, with the hyphen before them.
const STAMP: usize = 15;
/// Digits of the hash at the end of a name that was cut, with the hyphen before them.
const HASH: usize = 11;

/// What happened to a credential so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When the credential came to the `ReportApp`; intervals count from here until a first
    /// success.
    pub created: Timestamp,
    /// When it was rotated last: scheduled, by hand or in an emergency.
    pub last_success: Option<Timestamp>,
    /// When a rotation of it failed, expired or was cancelled last, if ever.
    pub last_failure: Option<Timestamp>,
}

/// The next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When; in the past when it should have begun already. Whole seconds.
    pub at: Timestamp,
    /// Whether a start was missed and is caught up.
    pub missed: bool,
}

/// Why a schedule gives no start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {
    /// Neither an interval nor a cron expression.
    #[error(
        "rotated only by a SecretRotation that somebody creates: it has neither every nor schedule"
    )]
    ByHand,
    /// Turned off.
    #[error("rotation.suspend is true; set it to false to go on")]
    Suspended,
    /// A cron expression or a time zone that is none.
    #[error(transparent)]
    Invalid(#[from] InvalidCalendar),
    /// Windows and blackouts leave nothing.
    #[error(
        "rotation.windows and rotation.blackouts leave no instant to start at; open a window that no \
         blackout covers"
    )]
    NothingAllowed,
    /// After the last instant of the calendar.
    #[error("the next start lies beyond the calendar; give a shorter rotation.every")]
    BeyondCalendar,
}

/// The next start of a rotation of one credential.
///
/// `seed` tells credentials apart and never changes: the uid of the `ReportApp` and the
/// credential's name. The start has come when `at` is not after `now`; until a rotation has
/// succeeded or failed the answer stays the same then, unless a window closes over it.
///
/// # Errors
/// [`Never`], with the reason for people.
pub fn next_due(
    rotation: &Rotation,
    past: &Past,
    now: Timestamp,
    seed: &str,
) -> Result<Due, Never> {
    if rotation.suspend {
        return Err(Never::Suspended);
    }
    let calendar = Calendar::new(rotation)?;
    let regular = regular(rotation, past.last_success.unwrap_or(past.created))?;
    let failed = past
        .last_failure
        .filter(|failure| past.last_success.is_none_or(|success| success < *failure));
    let (start, jitter) = match failed {
        // Failures spread by themselves.
        Some(failure) if failure >= regular.at => {
            let start = later(failure, retry_delay(regular.interval));
            (start.ok_or(Never::BeyondCalendar)?, Duration::ZERO)
        }
        // A failure before that time was of a rotation made by hand: the regular start stands.
        _ => (regular.at, regular.jitter),
    };
    let planned = place(&calendar, whole_second(start), share(jitter, seed))?;
    // A start that was missed waits for an allowed instant like any other.
    let at = if planned < now {
        match calendar.next_allowed(now).ok_or(Never::NothingAllowed)? {
            open if open == now => planned,
            next => next,
        }
    } else {
        planned
    };
    Ok(Due {
        at,
        missed: planned
            .saturating_add(PUNCTUAL)
            .is_ok_and(|late| late < now),
    })
}

/// Name of the `SecretRotation` that rotates `credential` of `app` at `at`.
///
/// # Caveats
/// Hyphens make two pairs share a name (`a-b`, `c` and `a`, `b-c`). Who finds the name taken
/// compares `spec.app` and `spec.credentials` and, when they are others', asks for the second
/// after.
pub fn rotation_name(app: &str, credential: &str, at: Timestamp) -> String {
    let base = format!("{app}-{credential}");
    let base = if base.len() <= MAX_NAME - STAMP {
        base
    } else {
        let head = base[..MAX_NAME - STAMP - HASH].trim_end_matches('-');
        format!("{head}-{}", naming::short_hash(base.as_bytes()))
    };
    format!("{base}-{}", at.strftime("%Y%m%d%H%M%S"))
}

/// How long to wait after a failure: a tenth of the interval, between [`RETRY_MIN`] and
/// [`RETRY_MAX`].
pub fn retry_delay(interval: Duration) -> Duration {
    (interval / TENTH).clamp(RETRY_MIN, RETRY_MAX)
}

/// What interval or expression say, before calendar and jitter.
struct Regular {
    at: Timestamp,
    /// Distance to the start after it.
    interval: Duration,
    /// Most that is added to it.
    jitter: Duration,
}

fn regular(rotation: &Rotation, base: Timestamp) -> Result<Regular, Never> {
    let asked = rotation.jitter.map(|jitter| jitter.as_duration());
    match (rotation.every, &rotation.schedule) {
        (Some(every), _) => {
            let interval = every.as_duration();
            Ok(Regular {
                at: later(base, interval).ok_or(Never::BeyondCalendar)?,
                interval,
                jitter: asked.unwrap_or_else(|| (interval / TENTH).min(JITTER_MAX)),
            })
        }
        (None, Some(expression)) => {
            let schedule = Schedule::parse(expression, rotation.time_zone.as_deref())
                .map_err(|why| InvalidCalendar::new("schedule", why))?;
            let at = schedule.next_after(base).ok_or(Never::BeyondCalendar)?;
            let interval = schedule
                .next_after(at)
                .and_then(|next| next.duration_since(at).try_into().ok());
            Ok(Regular {
                at,
                interval: interval.unwrap_or(Duration::MAX),
                jitter: asked.unwrap_or_default(),
            })
        }
        (None, None) => Err(Never::ByHand),
    }
}

/// The first allowed instant from `start` on, later by `share` where that is allowed without
/// leaving the window.
fn place(calendar: &Calendar, start: Timestamp, share: Duration) -> Result<Timestamp, Never> {
    let allowed = calendar.next_allowed(start).ok_or(Never::NothingAllowed)?;
    Ok(later(allowed, share)
        .filter(|moved| calendar.next_allowed(*moved) == Some(*moved))
        .unwrap_or(allowed))
}

/// A credential's own part of the jitter, in whole seconds: the same for ever, spread evenly over
/// credentials.
pub(crate) fn share(jitter: Duration, seed: &str) -> Duration {
    let hash = digest::digest(&digest::SHA256, seed.as_bytes());
    let mut head = [0; 8];
    head.copy_from_slice(&hash.as_ref()[..8]);
    Duration::from_secs(u64::from_be_bytes(head) % jitter.as_secs().max(1))
}

fn later(instant: Timestamp, by: Duration) -> Option<Timestamp> {
    instant.checked_add(SignedDuration::try_from(by).ok()?).ok()
}

/// The first whole second that is not before `instant`: names have seconds.
fn whole_second(instant: Timestamp) -> Timestamp {
    let floor = instant.as_second();
    let up = i64::from(instant.subsec_nanosecond() > 0);
    Timestamp::from_second(floor.saturating_add(up)).unwrap_or(instant)
}
