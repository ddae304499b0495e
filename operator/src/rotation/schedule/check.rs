//! What is wrong with the `rotation` of a credential beyond what CEL can say: schedules, time
//! zones, lengths, and calendars that never allow a start. Pure; called when a `ReportApp` is
//! validated.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::Period;
use reportapp_crds::report_app::credential::Rotation;
use reportapp_crds::schedule;

use super::calendar::Calendar;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// A field below `rotation` and what is wrong with it.
pub type Problem = (String, String);

/// Every problem, in the order of the fields. Paths are relative to the rotation:
/// `windows[0].duration`.
pub fn problems(rotation: &Rotation, now: Timestamp) -> Vec<Problem> {
    let mut found = Vec::new();
    lengths(rotation, &mut found);
    let own = schedules(rotation, &mut found);
    let calendar = Calendar::new(rotation).ok().filter(|_| own);
    if calendar.is_some_and(|calendar| calendar.next_allowed(now).is_none()) {
        found.push((
            "windows".to_owned(),
            "blackouts cover every window, so no rotation ever starts; open a window that no \
             blackout covers"
                .to_owned(),
        ));
    }
    found
}

/// Lengths of time within their bounds.
fn lengths(rotation: &Rotation, found: &mut Vec<Problem>) {
    let month = 31 * DAY;
    let mut bound = |path: String, period: Option<Period>, least: Duration, most: Duration| {
        let Some(period) = period else { return };
        if !(least..=most).contains(&period.as_duration()) {
            let (least, most) = (written(least), written(most));
            let message = format!("{period} is out of bounds; write {least} to {most}");
            found.push((path, message));
        }
    };
    bound("every".to_owned(), rotation.every, MINUTE, 3_650 * DAY);
    let most = rotation.every.map_or(DAY, |every| {
        every
            .as_duration()
            .saturating_sub(Duration::from_secs(1))
            .min(DAY)
    });
    bound("jitter".to_owned(), rotation.jitter, Duration::ZERO, most);
    for (index, window) in rotation.windows.iter().enumerate() {
        let path = format!("windows[{index}].duration");
        bound(path, Some(window.duration), MINUTE, month);
    }
    for (index, blackout) in rotation.blackouts.iter().enumerate() {
        let path = format!("blackouts[{index}].duration");
        bound(path, blackout.duration, MINUTE, month);
    }
    let after = Some(rotation.retire.after);
    bound("retire.after".to_owned(), after, Duration::ZERO, 30 * DAY);
    let age = Some(rotation.history.max_age);
    bound("history.maxAge".to_owned(), age, DAY, 3_650 * DAY);
}

/// Cron expressions and time zones; whether all of them can be followed.
fn schedules(rotation: &Rotation, found: &mut Vec<Problem>) -> bool {
    let before = found.len();
    let zone = rotation.time_zone.as_deref();
    let mut check = |path: String, expression: &str, own: Option<&str>| {
        if let Err(why) = schedule::check(expression, own.or(zone)) {
            found.push((path, why.to_string()));
        }
    };
    if let Some(expression) = &rotation.schedule {
        check("schedule".to_owned(), expression, None);
    } else if zone.is_some() {
        // Only the zone is in question; the expression is one for sure.
        check("timeZone".to_owned(), "0 0 * * *", None);
    }
    for (index, window) in rotation.windows.iter().enumerate() {
        let path = format!("windows[{index}].schedule");
        check(path, &window.schedule, window.time_zone.as_deref());
    }
    for (index, blackout) in rotation.blackouts.iter().enumerate() {
        let path = format!("blackouts[{index}].schedule");
        if let Some(expression) = &blackout.schedule {
            check(path, expression, blackout.time_zone.as_deref());
        }
    }
    found.len() == before
}

/// A length as people write it.
fn written(length: Duration) -> String {
    Period::from_secs(length.as_secs()).to_string()
}
