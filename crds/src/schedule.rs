//! Cron expressions as specs carry them: five fields and an IANA time zone. Whether an expression
//! is one cannot be said in CEL, so the operator asks here, and asks for its instants as well.
//!
//! Clock changes: a fixed time (`30 3 * * *`) that the clock skips comes at the first instant after
//! the gap, and one that the clock passes twice comes the first time only. An expression with a `*`
//! or a step as minute or hour follows the clock: nothing in the skipped hour, both passes of the
//! doubled one.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

/// A schedule that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Not a cron expression.
    #[error(
        "{text:?} is no cron expression of five fields (minute hour day month weekday): {why}; \
         for example `30 2 * * 0` is Sunday 02:30"
    )]
    Expression {
        /// The expression.
        text: String,
        /// What the parser says.
        why: String,
    },
    /// A cron expression for a day that no calendar has.
    #[error("{text:?} never comes: no month has such a day")]
    Never {
        /// The expression.
        text: String,
    },
    /// Not a time zone.
    #[error("{name:?} is no IANA time zone; write one such as Europe/Bucharest")]
    TimeZone {
        /// The name.
        name: String,
    },
}

/// A cron expression in its time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// Reads an expression and, when given, its time zone (default: UTC).
    ///
    /// # Errors
    /// [`InvalidSchedule`], the expression before the zone.
    pub fn parse(expression: &str, time_zone: Option<&str>) -> Result<Self, InvalidSchedule> {
        let text = expression.to_owned();
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| InvalidSchedule::Expression {
                text: text.clone(),
                why: error.to_string(),
            })?;
        // Any start will do: a date that exists comes back within the eight years around a leap
        // day.
        let start = date(2024, 1, 1).at(0, 0, 0, 0);
        if cron.find_next_occurrence(&start, true).is_err() {
            return Err(InvalidSchedule::Never { text });
        }
        let zone = match time_zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| InvalidSchedule::TimeZone {
                name: name.to_owned(),
            })?,
        };
        Ok(Self { cron, zone })
    }

    /// The first instant after `instant`; `None` beyond the calendar.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let start = instant.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&start, false).ok()?;
        Some(next.timestamp())
    }

    /// The last instant that is not after `instant`; `None` before the calendar.
    pub fn last_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let start = instant.to_zoned(self.zone.clone());
        let last = self.cron.find_previous_occurrence(&start, true).ok()?;
        Some(last.timestamp())
    }
}

/// Checks an expression and, when given, its time zone.
///
/// # Errors
/// [`InvalidSchedule`], the expression before the zone.
pub fn check(expression: &str, time_zone: Option<&str>) -> Result<(), InvalidSchedule> {
    Schedule::parse(expression, time_zone).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{InvalidSchedule, Schedule, check};
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    /// The instants after `from` and until `to` of an expression in Bucharest.
    fn instants(expression: &str, from: &str, to: &str) -> Vec<String> {
        let schedule = Schedule::parse(expression, Some("Europe/Bucharest")).expect(expression);
        let mut found = Vec::new();
        let mut instant = at(from);
        while let Some(next) = schedule.next_after(instant).filter(|next| *next <= at(to)) {
            assert_eq!(schedule.last_until(next), Some(next), "{expression}");
            found.push(next.to_string());
            instant = next;
        }
        found
    }

    #[test]
    fn a_fixed_time_in_the_skipped_hour_comes_right_after_it() {
        // On 29 March 2026 the clock goes from 03:00 (+02) to 04:00 (+03).
        let found = instants("30 3 * * *", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(found, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn a_fixed_time_in_the_doubled_hour_comes_once() {
        // On 25 October 2026 the clock goes from 04:00 (+03) back to 03:00 (+02).
        let found = instants("30 3 * * *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(found, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn an_hourly_schedule_goes_on_every_hour_through_both_clock_changes() {
        let spring = instants("0 * * * *", "2026-03-28T23:30:00Z", "2026-03-29T03:00:00Z");
        assert_eq!(spring.len(), 4, "{spring:?}");
        let autumn = instants("0 * * * *", "2026-10-24T23:30:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(autumn.len(), 4, "{autumn:?}");
    }

    #[test]
    fn a_leap_day_is_waited_for() {
        let schedule = Schedule::parse("0 0 29 2 *", None).expect("a leap day");
        let next = schedule.next_after(at("2024-02-29T00:00:00Z"));
        assert_eq!(next, Some(at("2028-02-29T00:00:00Z")));
        // 2100 is no leap year.
        let next = schedule.next_after(at("2096-02-29T00:00:00Z"));
        assert_eq!(next, Some(at("2104-02-29T00:00:00Z")));
    }

    #[test]
    fn the_last_instant_includes_the_given_one() {
        let schedule = Schedule::parse("0 2 * * *", None).expect("daily");
        assert_eq!(
            schedule.last_until(at("2026-11-22T01:59:59Z")),
            Some(at("2026-11-21T02:00:00Z"))
        );
        assert_eq!(
            schedule.last_until(at("2026-11-22T02:00:00Z")),
            Some(at("2026-11-22T02:00:00Z"))
        );
    }

    #[test]
    fn accepts_five_fields_and_a_time_zone() {
        assert_eq!(check("30 2 * * 0", Some("Europe/Bucharest")), Ok(()));
        assert_eq!(check("*/15 * 29 2 *", None), Ok(()));
    }

    #[test]
    fn refuses_what_is_no_expression_never_comes_or_names_no_zone() {
        for bad in ["", "nightly", "61 2 * * *", "0 30 2 * * *"] {
            assert!(matches!(
                check(bad, None),
                Err(InvalidSchedule::Expression { .. })
            ));
        }
        assert!(matches!(
            check("0 0 30 2 *", None),
            Err(InvalidSchedule::Never { .. })
        ));
        assert!(matches!(
            check("0 2 * * *", Some("Europe/Bukarest")),
            Err(InvalidSchedule::TimeZone { .. })
        ));
    }
}
