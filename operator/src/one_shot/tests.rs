//! Conditions, deadlines, transitions and owners of what is carried out once.

use serde_json::json;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn verdict(phase: Phase, stalled: bool) -> Verdict {
    Verdict {
        stalled,
        ..Verdict::plain(phase, "Because", "it is so")
    }
}

fn states(verdict: &Verdict) -> Vec<(String, String)> {
    let conditions = conditions(verdict, &[], Some(1), at(0));
    let states = conditions.into_iter().map(|c| (c.type_, c.status));
    states.filter(|(_, status)| status == "True").collect()
}

#[test]
fn at_any_time_one_condition_holds() {
    for (verdict, kind) in [
        (verdict(Phase::Pending, false), RECONCILING),
        (verdict(Phase::Running, false), RECONCILING),
        (verdict(Phase::Running, true), STALLED),
        (verdict(Phase::Succeeded, false), READY),
        (verdict(Phase::Failed, false), STALLED),
        (verdict(Phase::Expired, false), STALLED),
    ] {
        let holds = [(kind.to_owned(), "True".to_owned())];
        assert_eq!(states(&verdict), holds, "{verdict:?}");
    }
}

#[test]
fn a_condition_keeps_its_time_while_it_holds() {
    let first = conditions(&verdict(Phase::Running, false), &[], Some(1), at(10));
    let second = conditions(&verdict(Phase::Succeeded, false), &first, Some(1), at(20));
    let times: Vec<_> = second.iter().map(|c| c.last_transition_time.0).collect();
    assert_eq!(times, [at(20), at(20), at(10)], "Stalled was False before");
}

#[test]
fn the_deadline_counts_from_the_first_look_else_from_the_creation() {
    let metadata = ObjectMeta {
        creation_timestamp: Some(Time(at(1_000))),
        ..ObjectMeta::default()
    };
    let hold = Duration::from_secs(7);
    assert_eq!(end(&metadata, None, 60, hold), Some(at(1_067)));
    let started = Time(at(5_000));
    let end = end(&metadata, Some(&started), 60, Duration::ZERO);
    assert_eq!(end, Some(at(5_060)));
}

#[test]
fn an_event_tells_the_end_then_what_stalls_then_the_step() {
    let conditions_of = |verdict: &Verdict| conditions(verdict, &[], Some(1), at(0));
    let step = |word: &str, what: &str| Some((word.to_owned(), what.to_owned()));
    let (running, stuck) = (
        verdict(Phase::Running, false),
        verdict(Phase::Running, true),
    );
    let (running, stuck) = (conditions_of(&running), conditions_of(&stuck));
    let over = conditions_of(&verdict(Phase::Failed, false));
    let stand = |phase, conditions, step| Stand {
        phase: Some(phase),
        conditions,
        step,
    };
    let before = stand(Phase::Running, &running, step("Restarting", "a"));
    let tell = |after: Stand<'_>| transition(&before, &after).map(|(_, word)| word);
    assert_eq!(tell(before.clone()), None);
    let next = stand(Phase::Running, &running, step("Restarting", "b"));
    assert_eq!(tell(next).as_deref(), Some("Restarting"));
    let stalled = stand(Phase::Running, &stuck, step("Restarting", "b"));
    assert_eq!(tell(stalled.clone()).as_deref(), Some("Because"));
    let failed = stand(Phase::Failed, &over, step("Restarting", "b"));
    assert_eq!(tell(failed.clone()).as_deref(), Some("Failed"));
    assert_eq!(transition(&failed, &failed), None);
    assert_eq!(transition(&stalled, &stalled), None);
}

#[test]
fn what_another_object_controls_is_given_to_no_second_owner() {
    let mut app = crate::reportapp::testing::example_app();
    app.metadata.uid = Some("app".to_owned());
    let of = |owners: serde_json::Value| -> ObjectMeta {
        serde_json::from_value(json!({ "ownerReferences": owners })).unwrap()
    };
    let uids = |metadata: &ObjectMeta| -> Vec<String> {
        let owners = owners(metadata, &app).into_iter();
        owners.map(|owner| owner.uid).collect()
    };
    let owner = |uid: &str, controller: bool| {
        json!({
            "apiVersion": "v1", "kind": "K", "name": "n", "uid": uid, "controller": controller,
        })
    };
    assert_eq!(uids(&ObjectMeta::default()), ["app"]);
    assert_eq!(uids(&of(json!([owner("app", true)]))), ["app"]);
    assert_eq!(uids(&of(json!([owner("tool", false)]))), ["tool", "app"]);
    assert_eq!(uids(&of(json!([owner("action", true)]))), ["action"]);
    assert!(belongs_to(&of(json!([owner("app", false)])), &app));
    assert!(!belongs_to(&of(json!([owner("action", true)])), &app));
}
