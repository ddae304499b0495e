//! What people and programs read after each pass.

use reportapp_crds::incident_action::{ActionType, Figure, WorkloadProgress};
use reportapp_crds::report_app::credential::WorkloadKind;

use super::*;
use crate::action::trouble::Reason;
use crate::reportapp::status::{READY, RECONCILING, STALLED};

fn action() -> IncidentAction {
    serde_json::from_value(serde_json::json!({
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
        "metadata": { "name": "restart", "generation": 1 },
        "spec": { "app": "demo", "reason": "test", "rollingRestart": {} },
    }))
    .unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The status after a pass at `second`, kept in the action as the API server would.
fn pass(
    action: &mut IncidentAction,
    second: i64,
    late: bool,
    found: impl Into<Found>,
) -> IncidentActionStatus {
    let facts = Facts {
        action,
        now: at(second),
        late,
    };
    let status = after_pass(&facts, found.into());
    action.status = Some(status.clone());
    status
}

fn stands(phase: Phase) -> State {
    State::Stands(Verdict::plain(phase, "Because", "so it is"))
}

fn trouble(reason: Reason) -> State {
    State::Stalled(Trouble::new(reason, "mend it"))
}

fn summary(status: &IncidentActionStatus) -> (Phase, &str, &str) {
    let holds = { status.conditions.iter() }.find(|condition| condition.status == "True");
    let holds = holds.unwrap();
    (status.phase.unwrap(), &holds.type_, &holds.reason)
}

#[test]
fn each_state_has_its_phase_and_its_condition() {
    let queued = || State::Queued("waiting for another".to_owned());
    for (state, late, expected) in [
        (
            State::Acted("working".to_owned()),
            false,
            (Phase::Running, RECONCILING, "Working"),
        ),
        (
            queued(),
            false,
            (Phase::Pending, RECONCILING, "WaitingForOther"),
        ),
        (
            queued(),
            true,
            (Phase::Expired, STALLED, "DeadlineExceeded"),
        ),
        (
            trouble(Reason::WorkloadNotLent),
            false,
            (Phase::Running, STALLED, "WorkloadNotLent"),
        ),
        (
            trouble(Reason::WorkloadNotLent),
            true,
            (Phase::Failed, STALLED, "WorkloadNotLent"),
        ),
        (
            trouble(Reason::Raced),
            true,
            (Phase::Running, RECONCILING, "Raced"),
        ),
        (
            stands(Phase::Succeeded),
            true,
            (Phase::Succeeded, READY, "Because"),
        ),
    ] {
        let what = format!("{state:?}, late: {late}");
        let status = pass(&mut action(), 10, late, state);
        assert_eq!(summary(&status), expected, "{what}");
        let ended = expected.0.is_final();
        assert_eq!(status.finished_at.is_some(), ended, "{what}");
    }
}

#[test]
fn what_a_pass_does_not_tell_stays_as_it_was() {
    let mut action = action();
    let mut first = Found::from(State::Acted("it has begun".to_owned()));
    first.plan = Some(vec!["1. Deployment demo-api".to_owned()]);
    first.workloads = vec![WorkloadProgress {
        kind: WorkloadKind::Deployment,
        name: "demo-api".to_owned(),
        old_pods: Some(2),
        done: false,
    }];
    first.figures = vec![Figure {
        name: "oldPods".to_owned(),
        measured: 2,
        expected: 0,
    }];
    let first = pass(&mut action, 10, false, first);
    let second = pass(&mut action, 20, false, trouble(Reason::ApiServer));
    assert_eq!(second.action_type, Some(ActionType::RollingRestart));
    assert_eq!(second.started_at, Some(Time(at(10))));
    assert_eq!(second.plan, first.plan);
    assert_eq!(second.workloads, first.workloads);
    assert_eq!(second.verification, first.verification);
}

#[test]
fn an_unchanged_action_has_an_unchanged_status() {
    let mut action = action();
    let first = pass(&mut action, 10, false, stands(Phase::Running));
    let second = pass(&mut action, 90, false, stands(Phase::Running));
    assert_eq!(first, second);
}

#[test]
fn the_workload_in_hand_is_the_step() {
    let workload = |name: &str, old_pods, done| WorkloadProgress {
        kind: WorkloadKind::Deployment,
        name: name.to_owned(),
        old_pods,
        done,
    };
    let mut status = IncidentActionStatus {
        workloads: vec![
            workload("demo-api", Some(0), true),
            workload("demo-bot", None, false),
        ],
        ..IncidentActionStatus::default()
    };
    assert_eq!(stand(&status).step, None, "its turn has not come");
    status.workloads[1].old_pods = Some(1);
    let step = ("Restarting".to_owned(), "Deployment demo-bot".to_owned());
    assert_eq!(stand(&status).step, Some(step));
}

#[test]
fn what_waits_for_an_approval_is_told_once_and_needs_nobody_to_mend_anything() {
    let mut action = action();
    let waiting = pass(&mut action, 10, false, stands(Phase::AwaitingApproval));
    assert_eq!(
        summary(&waiting),
        (Phase::AwaitingApproval, RECONCILING, "Because")
    );
    let nothing = IncidentActionStatus::default();
    let told = one_shot::transition(&stand(&nothing), &stand(&waiting));
    assert_eq!(told.unwrap().1, "AwaitingApproval");
    let again = one_shot::transition(&stand(&waiting), &stand(&waiting));
    assert!(again.is_none());
}

#[test]
fn when_something_is_put_back_is_kept_from_pass_to_pass() {
    let mut action = action();
    let found = Found {
        reverts_at: Some(at(1_810)),
        ..stands(Phase::Succeeded).into()
    };
    let first = pass(&mut action, 10, false, found);
    assert_eq!(first.reverts_at, Some(Time(at(1_810))));
    let second = pass(&mut action, 20, false, stands(Phase::Succeeded));
    assert_eq!(second.reverts_at, first.reverts_at);
}

#[test]
fn a_change_that_nobody_saw_is_looked_for_when_its_time_is_over() {
    let store = || trouble(Reason::StoreUnreachable);
    let mut lent = action();
    lent.spec.duration = Some(reportapp_crds::Period::from_secs(600));
    let status = pass(&mut lent.clone(), 100, true, store());
    assert_eq!(status.reverts_at, None, "it never began");
    lent.metadata.owner_references = Some(vec![Default::default()]);
    let status = pass(&mut lent.clone(), 50, false, store());
    assert_eq!(status.reverts_at, None, "it is tried again");
    let status = pass(&mut lent, 100, true, store());
    assert_eq!(status.phase, Some(Phase::Failed));
    assert_eq!(status.reverts_at, Some(Time(at(700))));
}
