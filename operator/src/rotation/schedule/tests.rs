//! Tables for the cases people ask about, properties for the rest.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use reportapp_crds::report_app::credential::Rotation;

use super::calendar::Calendar;
use super::check::problems;
use super::*;

const SEED: &str = "5f3c2a51-0000-4000-8000-000000000001/erp";

fn rotation(yaml: &str) -> Rotation {
    serde_yaml_ng::from_str(yaml).expect(yaml)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn since(created: &str) -> Past {
    Past {
        created: at(created),
        last_success: None,
        last_failure: None,
    }
}

/// The next start as text; `now` is an instant.
fn due(yaml: &str, past: &Past, now: &str) -> String {
    next_due(&rotation(yaml), past, at(now), SEED)
        .expect(yaml)
        .at
        .to_string()
}

#[test]
fn an_interval_counts_from_the_last_success() {
    let mut past = since("2026-01-01T00:00:00Z");
    let yaml = "{every: 90d, jitter: 0s}";
    assert_eq!(
        due(yaml, &past, "2026-01-02T00:00:00Z"),
        "2026-04-01T00:00:00Z"
    );
    past.last_success = Some(at("2026-02-01T10:20:30Z"));
    assert_eq!(
        due(yaml, &past, "2026-02-02T00:00:00Z"),
        "2026-05-02T10:20:30Z"
    );
}

#[test]
fn a_schedule_follows_its_time_zone_through_clock_changes_and_leap_days() {
    let zone = "timeZone: Europe/Bucharest";
    for (schedule, created, expected) in [
        ("30 3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ("30 3 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ("30 3 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("0 2 * * 0", "2026-07-01T00:00:00Z", "2026-07-04T23:00:00Z"),
        ("0 2 * * 0", "2026-12-01T00:00:00Z", "2026-12-06T00:00:00Z"),
        ("0 2 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
    ] {
        let yaml = format!("{{schedule: '{schedule}', {zone}}}");
        assert_eq!(due(&yaml, &since(created), created), expected, "{yaml}");
    }
}

#[test]
fn a_missed_run_is_caught_up_once_and_at_once() {
    let yaml = "{schedule: '0 2 * * *'}";
    let mut past = since("2026-06-01T00:00:00Z");
    let now = at("2026-06-20T12:00:00Z");
    let found = next_due(&rotation(yaml), &past, now, SEED).expect(yaml);
    assert_eq!((found.at, found.missed), (at("2026-06-01T02:00:00Z"), true));
    past.last_success = Some(now);
    let found = next_due(&rotation(yaml), &past, now, SEED).expect(yaml);
    assert_eq!(
        (found.at, found.missed),
        (at("2026-06-21T02:00:00Z"), false)
    );
}

#[test]
fn a_start_seen_a_moment_late_is_not_missed() {
    let past = since("2026-06-01T00:00:00Z");
    let now = at("2026-06-01T02:00:04Z");
    let found = next_due(&rotation("{schedule: '0 2 * * *'}"), &past, now, SEED);
    assert_eq!(
        found,
        Ok(Due {
            at: at("2026-06-01T02:00:00Z"),
            missed: false
        })
    );
}

#[test]
fn a_failure_waits_a_tenth_of_the_interval_and_at_most_an_hour() {
    let mut past = since("2026-01-01T00:00:00Z");
    past.last_failure = Some(at("2026-04-01T01:00:00Z"));
    for (yaml, expected) in [
        ("{every: 90d}", "2026-04-01T02:00:00Z"),
        ("{every: 2h}", "2026-04-01T01:12:00Z"),
        ("{every: 5m}", "2026-04-01T01:01:00Z"),
        ("{schedule: '0 0 * * *'}", "2026-04-01T02:00:00Z"),
    ] {
        let mut yaml = rotation(yaml);
        yaml.jitter = Some(reportapp_crds::Period::from_secs(0));
        let found = next_due(&yaml, &past, at("2026-04-01T01:00:01Z"), SEED);
        assert_eq!(found.expect("due").at.to_string(), expected);
    }
}

#[test]
fn a_failure_before_the_regular_start_or_before_a_success_changes_nothing() {
    let yaml = "{every: 90d, jitter: 0s}";
    let mut past = since("2026-01-01T00:00:00Z");
    past.last_failure = Some(at("2026-01-05T00:00:00Z"));
    assert_eq!(
        due(yaml, &past, "2026-01-06T00:00:00Z"),
        "2026-04-01T00:00:00Z"
    );
    past.last_success = Some(at("2026-01-06T00:00:00Z"));
    assert_eq!(
        due(yaml, &past, "2026-01-06T00:00:00Z"),
        "2026-04-06T00:00:00Z"
    );
}

#[test]
fn windows_and_blackouts_move_the_start_to_the_next_allowed_instant() {
    let created = "2026-11-02T12:00:00Z"; // a Monday
    let sundays = "{schedule: '0 2 * * 0', duration: 3h}";
    for (more, expected) in [
        (String::new(), "2026-11-03T12:00:00Z"),
        (format!("windows: [{sundays}]"), "2026-11-08T02:00:00Z"),
        (
            format!("windows: [{sundays}, {{schedule: '0 22 * * 3', duration: 1h}}]"),
            "2026-11-04T22:00:00Z",
        ),
        (
            format!(
                "windows: [{sundays}], blackouts: [{{from: '2026-11-07T00:00:00Z', to: '2026-11-08T03:30:00Z'}}]"
            ),
            "2026-11-08T03:30:00Z",
        ),
        (
            format!(
                "windows: [{sundays}], blackouts: [{{from: '2026-11-07T00:00:00Z', to: '2026-11-09T00:00:00Z'}}]"
            ),
            "2026-11-15T02:00:00Z",
        ),
        (
            "blackouts: [{schedule: '0 8 * * 1-5', duration: 10h, timeZone: Europe/Bucharest}]"
                .to_owned(),
            "2026-11-03T16:00:00Z",
        ),
    ] {
        let yaml = format!("{{every: 1d, jitter: 0s, {more}}}");
        assert_eq!(due(&yaml, &since(created), created), expected, "{yaml}");
    }
}

#[test]
fn a_window_keeps_its_length_when_the_clock_changes() {
    // 02:00 to 04:00 of the night in which 03:00 becomes 04:00 ends at 05:00.
    let yaml =
        "{every: 1d, timeZone: Europe/Bucharest, windows: [{schedule: '0 2 * * *', duration: 2h}]}";
    let calendar = Calendar::new(&rotation(yaml)).expect(yaml);
    let allowed = |text: &str| calendar.next_allowed(at(text)) == Some(at(text));
    assert!(allowed("2026-03-29T00:00:00Z") && allowed("2026-03-29T01:59:59Z"));
    assert!(!allowed("2026-03-29T02:00:00Z"));
    // In the night with two hours after three it ends in the second one.
    assert!(allowed("2026-10-24T23:00:00Z") && allowed("2026-10-25T00:59:59Z"));
    assert!(!allowed("2026-10-25T01:00:00Z"));
}

#[test]
fn a_missed_start_waits_for_the_next_window_and_keeps_its_name_there() {
    let yaml =
        rotation("{every: 7d, jitter: 0s, windows: [{schedule: '0 2 * * 0', duration: 1h}]}");
    let past = since("2026-11-01T02:00:00Z");
    let find = |now: &str| next_due(&yaml, &past, at(now), SEED).expect("due");
    let before = find("2026-11-10T00:00:00Z");
    assert_eq!(
        (before.at, before.missed),
        (at("2026-11-15T02:00:00Z"), true)
    );
    assert_eq!(find("2026-11-15T02:00:01Z"), find("2026-11-15T02:40:00Z"));
    assert!(find("2026-11-15T02:00:01Z").at <= at("2026-11-15T02:00:00Z"));
}

#[test]
fn jitter_never_leaves_the_window() {
    let created = "2026-11-02T12:00:00Z";
    let yaml = "{every: 7d, jitter: 1d, windows: [{schedule: '0 2 * * 0', duration: 1m}]}";
    assert_eq!(due(yaml, &since(created), created), "2026-11-15T02:00:00Z");
}

#[test]
fn jitter_is_a_tenth_of_the_interval_and_at_most_an_hour_unless_given() {
    let created = at("2026-01-01T00:00:00Z");
    let late = |yaml: &str, seed: &str| {
        let past = since("2026-01-01T00:00:00Z");
        let found = next_due(&rotation(yaml), &past, created, seed).expect(yaml);
        found.at.duration_since(created)
    };
    let seeds: Vec<String> = (0..200).map(|n| format!("{SEED}{n}")).collect();
    for (yaml, interval, most) in [
        ("{every: 90d}", 90 * 86_400, 3_600),
        ("{every: 100m}", 6_000, 600),
        ("{every: 90d, jitter: 2h}", 90 * 86_400, 7_200),
    ] {
        let shares: Vec<i64> = seeds
            .iter()
            .map(|seed| late(yaml, seed).as_secs() - interval)
            .collect();
        assert!(
            shares.iter().all(|share| (0..most).contains(share)),
            "{yaml}"
        );
        let latest = shares.iter().max().expect("some");
        assert!(
            *latest > most * 9 / 10,
            "{yaml} spreads to {latest} of {most}"
        );
    }
}

#[test]
fn what_never_starts_says_why() {
    let past = since("2026-01-01T00:00:00Z");
    for (yaml, hint) in [
        ("{}", "somebody creates"),
        ("{every: 90d, suspend: true}", "set it to false"),
        ("{schedule: nightly}", "rotation.schedule"),
        (
            "{every: 1d, windows: [{schedule: '0 2 * * *', duration: 1h, timeZone: Moon}]}",
            "rotation.windows[0].schedule",
        ),
        (
            "{every: 1d, windows: [{schedule: '0 2 * * *', duration: 1h}], blackouts: [{schedule: '0 0 * * *', duration: 1d}]}",
            "leave no instant",
        ),
    ] {
        let why = next_due(&rotation(yaml), &past, past.created, SEED).expect_err(yaml);
        assert!(why.to_string().contains(hint), "{yaml}: {why}");
    }
}

#[test]
fn every_problem_of_a_rotation_is_listed_with_its_path() {
    let now = at("2026-01-01T00:00:00Z");
    let bad = rotation(
        "{every: 5s, jitter: 1m, timeZone: Moon, windows: [{schedule: x, duration: 0s, timeZone: UTC}], \
          blackouts: [{schedule: '0 0 31 2 *', duration: 40d, timeZone: UTC}], retire: {after: 60d}, history: {maxAge: 1h}}",
    );
    let found = problems(&bad, now);
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "every",
            "jitter",
            "windows[0].duration",
            "blackouts[0].duration",
            "retire.after",
            "history.maxAge",
            "timeZone",
            "windows[0].schedule",
            "blackouts[0].schedule",
        ]
    );
    assert_eq!(found[0].1, "5s is out of bounds; write 1m to 3650d");
    let covered = rotation(
        "{every: 1d, windows: [{schedule: '0 2 * * *', duration: 1h}], blackouts: [{schedule: '0 0 * * *', duration: 1d}]}",
    );
    assert_eq!(problems(&covered, now)[0].0, "windows");
    assert_eq!(
        problems(&rotation("{every: 90d, timeZone: Europe/Bucharest}"), now),
        []
    );
    assert_eq!(problems(&Rotation::default(), now), []);
}

#[test]
fn a_name_has_the_instant_in_utc_and_63_characters_at_most() {
    let instant = at("2026-03-29T04:00:00+03:00");
    assert_eq!(
        rotation_name("demo", "erp", instant),
        "demo-erp-20260329010000"
    );
    let long = |last: &str| {
        rotation_name(
            &"a".repeat(40),
            &format!("{}{last}", "b".repeat(39)),
            instant,
        )
    };
    assert_eq!(long("c").len(), 63);
    assert_ne!(long("c"), long("d"));
    assert!(long("c").ends_with("-20260329010000"));
}

/// Any instant of the years in which this runs.
fn instants() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000_i64..2_200_000_000)
        .prop_map(|second| Timestamp::from_second(second).expect("within the calendar"))
}

/// Rotations with and without windows and blackouts.
fn rotations() -> impl Strategy<Value = Rotation> {
    let when = prop_oneof![
        Just("every: 90d"),
        Just("every: 1h"),
        Just("schedule: '30 3 * * *'"),
        Just("schedule: '*/20 3 * * *'"),
        Just("schedule: '0 0 29 2 *'"),
    ];
    let windows = prop_oneof![
        Just("windows: []"),
        Just("windows: [{schedule: '0 3 * * 0', duration: 2h}]"),
        Just(
            "windows: [{schedule: '*/30 * * * *', duration: 10m}, {schedule: '0 1 1 * *', duration: 1d}]"
        ),
    ];
    let blackouts = prop_oneof![
        Just("blackouts: []"),
        Just("blackouts: [{schedule: '0 0 24 12 *', duration: 10d}]"),
        Just(
            "blackouts: [{from: '2024-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z'}, {schedule: '0 8 * * 1-5', duration: 9h}]"
        ),
    ];
    (when, windows, blackouts).prop_map(|(when, windows, blackouts)| {
        rotation(&format!(
            "{{{when}, timeZone: Europe/Bucharest, {windows}, {blackouts}}}"
        ))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_start_is_allowed_and_never_before_its_time(
        yaml in rotations(), created in instants(), ahead in 0_i64..100_000_000, seed in "[a-z]{8}"
    ) {
        let past = Past { created, last_success: None, last_failure: None };
        let now = created.saturating_add(SignedDuration::from_secs(ahead)).expect("seconds");
        let calendar = Calendar::new(&yaml).expect("valid");
        let found = next_due(&yaml, &past, now, &seed).expect("due");
        prop_assert!(found.at > created);
        prop_assert_eq!(calendar.next_allowed(found.at), Some(found.at));
        if found.at <= now {
            prop_assert_eq!(calendar.next_allowed(now), Some(now));
        }
    }

    #[test]
    fn every_operator_that_asks_after_the_start_gets_the_same_name(
        yaml in rotations(), created in instants(), seed in "[a-z]{8}", later_by in 0_u64..500
    ) {
        let past = Past { created, last_success: None, last_failure: None };
        let planned = next_due(&yaml, &past, created, &seed).expect("due").at;
        let now = later(planned, Duration::from_secs(later_by)).expect("seconds");
        let found = next_due(&yaml, &past, now, &seed).expect("due").at;
        if found <= now {
            prop_assert_eq!(found, planned);
        }
    }

    #[test]
    fn after_a_failure_the_next_try_is_at_least_a_minute_away(
        yaml in rotations(), created in instants(), failed_after in 0_i64..100_000_000, seed in "[a-z]{8}"
    ) {
        let failure = created.saturating_add(SignedDuration::from_secs(failed_after)).expect("seconds");
        let regular = next_due(&yaml, &Past { created, last_success: None, last_failure: None }, created, &seed).expect("due").at;
        prop_assume!(failure >= regular);
        let past = Past { created, last_success: None, last_failure: Some(failure) };
        let found = next_due(&yaml, &past, failure, &seed).expect("due");
        prop_assert!(found.at.duration_since(failure) >= SignedDuration::from_mins(1));
    }

    #[test]
    fn the_first_allowed_instant_is_the_first_one(
        yaml in rotations(), from in instants(), part in 0.0_f64..1.0
    ) {
        let calendar = Calendar::new(&yaml).expect("valid");
        let found = calendar.next_allowed(from).expect("one");
        let wait = found.duration_since(from).as_secs();
        // No instant in between is allowed.
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any instant in between will do")]
        let between = (wait as f64 * part) as i64;
        let probe = from.saturating_add(SignedDuration::from_secs(between)).expect("seconds");
        prop_assert_eq!(calendar.next_allowed(probe), Some(found));
    }
}
