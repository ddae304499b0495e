//! When a rotation may start: inside a window (when there is one) and outside every blackout. Pure.
//!
//! Lengths are real time: a window of two hours is two hours long on the day the clock changes as
//! well.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_crds::Period;
use reportapp_crds::report_app::credential::{Blackout, Rotation, RotationWindow};
use reportapp_crds::schedule::{InvalidSchedule, Schedule};

/// Changes from window to blackout and back that are looked at before the search gives up: several
/// years of a daily pair, and a fraction of a second of work.
const MAX_STEPS: usize = 1_000;

/// A cron expression or a time zone that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rotation.{path}: {why}")]
pub struct InvalidCalendar {
    /// Field below `rotation`, such as `windows[0].schedule`.
    pub path: String,
    /// What is wrong with it.
    #[source]
    pub why: InvalidSchedule,
}

impl InvalidCalendar {
    /// `why` at the field `path` below `rotation`.
    pub fn new(path: impl Into<String>, why: InvalidSchedule) -> Self {
        Self {
            path: path.into(),
            why,
        }
    }
}

/// The windows and blackouts of a rotation, ready to be asked.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Empty: always open.
    windows: Vec<Span>,
    blackouts: Vec<Span>,
}

/// Stretches of time.
#[derive(Clone, Debug)]
enum Span {
    /// From the first instant to before the second.
    Once(Timestamp, Timestamp),
    /// From each instant of the schedule for this long.
    Recurring(Box<Schedule>, SignedDuration),
}

impl Calendar {
    /// Reads windows and blackouts.
    ///
    /// # Errors
    /// The first field that is no schedule; [`super::check::problems`] lists them all.
    pub fn new(rotation: &Rotation) -> Result<Self, InvalidCalendar> {
        let zone = rotation.time_zone.as_deref();
        let windows = rotation.windows.iter().enumerate();
        let blackouts = rotation.blackouts.iter().enumerate();
        Ok(Self {
            windows: windows
                .map(|(index, window)| window_span(window, index, zone))
                .collect::<Result<_, _>>()?,
            blackouts: blackouts
                .filter_map(|(index, blackout)| blackout_span(blackout, index, zone).transpose())
                .collect::<Result<_, _>>()?,
        })
    }

    /// The first allowed instant that is not before `from`; `None` when there is none for years.
    pub fn next_allowed(&self, from: Timestamp) -> Option<Timestamp> {
        let mut instant = from;
        for _ in 0..MAX_STEPS {
            if let Some(end) = self.blackouts.iter().find_map(|span| span.end(instant)) {
                instant = end;
            } else if self.windows.is_empty()
                || self.windows.iter().any(|span| span.end(instant).is_some())
            {
                return Some(instant);
            } else {
                let openings = self.windows.iter().filter_map(|span| span.next(instant));
                instant = openings.min()?;
            }
        }
        None
    }
}

impl Span {
    /// When the stretch that `instant` lies in ends; `None` when it lies in none.
    fn end(&self, instant: Timestamp) -> Option<Timestamp> {
        let (from, to) = match self {
            Self::Once(from, to) => (*from, *to),
            Self::Recurring(schedule, duration) => {
                let from = schedule.last_until(instant)?;
                (from, from.checked_add(*duration).ok()?)
            }
        };
        (from <= instant && instant < to).then_some(to)
    }

    /// The first beginning after `instant`.
    fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once(from, _) => Some(*from).filter(|from| *from > instant),
            Self::Recurring(schedule, _) => schedule.next_after(instant),
        }
    }
}

fn window_span(
    window: &RotationWindow,
    index: usize,
    zone: Option<&str>,
) -> Result<Span, InvalidCalendar> {
    let zone = window.time_zone.as_deref().or(zone);
    let schedule = Schedule::parse(&window.schedule, zone)
        .map_err(|why| InvalidCalendar::new(format!("windows[{index}].schedule"), why))?;
    Ok(Span::Recurring(Box::new(schedule), signed(window.duration)))
}

/// `None` for a blackout that says neither when nor how often; the API server refuses it.
fn blackout_span(
    blackout: &Blackout,
    index: usize,
    zone: Option<&str>,
) -> Result<Option<Span>, InvalidCalendar> {
    if let (Some(from), Some(to)) = (&blackout.from, &blackout.to) {
        return Ok(Some(Span::Once(from.0, to.0)));
    }
    let (Some(expression), Some(duration)) = (&blackout.schedule, blackout.duration) else {
        return Ok(None);
    };
    let zone = blackout.time_zone.as_deref().or(zone);
    let schedule = Schedule::parse(expression, zone)
        .map_err(|why| InvalidCalendar::new(format!("blackouts[{index}].schedule"), why))?;
    Ok(Some(Span::Recurring(Box::new(schedule), signed(duration))))
}

fn signed(period: Period) -> SignedDuration {
    SignedDuration::try_from(period.as_duration()).unwrap_or(SignedDuration::MAX)
}
