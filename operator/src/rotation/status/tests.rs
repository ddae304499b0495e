//! What people and programs read after each pass.

use std::time::Duration;

use reportapp_crds::secret_rotation::SecretRotationSpec;

use super::super::machine::{Sessions, Waiting};
use super::super::target::Strategy;
use super::super::trouble::Trouble;
use super::*;
use crate::reportapp::status::{READY, RECONCILING, STALLED};

fn rotation(mode: Mode) -> SecretRotation {
    let spec = serde_json::json!({
        "app": "erp", "credentials": ["main", "cache"], "mode": mode, "reason": "test",
    });
    let spec: SecretRotationSpec = serde_json::from_value(spec).unwrap();
    let mut rotation = SecretRotation::new("now", spec);
    rotation.metadata.generation = Some(1);
    rotation
}

fn targets() -> [Target; 2] {
    [("main", 0), ("cache", 1)].map(|(name, index)| Target {
        name: name.to_owned(),
        strategy: Strategy::AlternatingUsers,
        role: Some(name.to_owned()),
        file: "password",
        hold: Duration::ZERO,
        index,
    })
}

fn progress(step: StepName, state: State) -> Progress {
    Progress {
        step,
        state,
        from: None,
        to: None,
        old_sessions: None,
        old_pods: None,
        rolled_out: false,
        old_refused: false,
        blocked: None,
    }
}

fn waiting(step: StepName) -> Progress {
    let waiting = Waiting {
        step,
        message: "waiting".to_owned(),
        until: None,
    };
    progress(step, State::Waiting(waiting))
}

fn stalled(reason: Reason) -> Progress {
    let trouble = Trouble::new(reason, "3 sessions are left, of: worker");
    progress(StepName::Converge, State::Stalled(trouble))
}

fn ended(succeeded: bool, both_valid: bool) -> Progress {
    let state = State::Ended {
        succeeded,
        both_valid,
    };
    progress(StepName::Close, state)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The status after a pass at `second`, kept in the rotation as the API would.
fn pass(
    rotation: &mut SecretRotation,
    second: i64,
    course: Course,
    found: &[Progress],
) -> SecretRotationStatus {
    let facts = Facts {
        rotation,
        now: at(second),
        course,
    };
    let status = after_pass(&facts, &targets(), found);
    rotation.status = Some(status.clone());
    status
}

/// Phase, reason, and which conditions hold.
fn summary(status: &SecretRotationStatus) -> (Phase, &str, Vec<&str>) {
    let holding = status.conditions.iter().filter(|c| c.status == "True");
    (
        status.phase.unwrap(),
        status.conditions[0].reason.as_str(),
        holding.map(|condition| condition.type_.as_str()).collect(),
    )
}

#[test]
fn conditions_read_as_kstatus_does() {
    let acted = || progress(StepName::Apply, State::Acted);
    let superseded = || progress(StepName::Close, State::Superseded);
    let barrier = || progress(StepName::Publish, State::AtBarrier);
    let table = [
        (
            acted(),
            acted(),
            Phase::Running,
            "Working",
            vec![RECONCILING],
        ),
        (
            acted(),
            barrier(),
            Phase::Running,
            "Working",
            vec![RECONCILING],
        ),
        (
            waiting(StepName::RollOut),
            acted(),
            Phase::Running,
            "Waiting",
            vec![RECONCILING],
        ),
        (
            waiting(StepName::Plan),
            acted(),
            Phase::Pending,
            "WaitingForOther",
            vec![RECONCILING],
        ),
        (
            acted(),
            stalled(Reason::StoreUnavailable),
            Phase::Running,
            "StoreUnavailable",
            vec![STALLED],
        ),
        (
            acted(),
            stalled(Reason::Raced),
            Phase::Running,
            "Working",
            vec![RECONCILING],
        ),
        (
            ended(true, false),
            acted(),
            Phase::Running,
            "Working",
            vec![RECONCILING],
        ),
        (
            ended(true, false),
            ended(true, false),
            Phase::Succeeded,
            "Succeeded",
            vec![READY],
        ),
        (
            ended(true, false),
            ended(false, true),
            Phase::Failed,
            "OldSessionsRemain",
            vec![STALLED],
        ),
        (
            ended(false, false),
            ended(false, false),
            Phase::Expired,
            "DeadlineExceeded",
            vec![STALLED],
        ),
        (
            ended(true, false),
            superseded(),
            Phase::Failed,
            "Superseded",
            vec![STALLED],
        ),
    ];
    for (one, two, phase, reason, holding) in table {
        let status = pass(&mut rotation(Mode::Manual), 1, Course::Forward, &[one, two]);
        assert_eq!(summary(&status), (phase, reason, holding));
        assert!(
            status
                .conditions
                .iter()
                .all(|c| c.observed_generation == Some(1))
        );
        assert_eq!(status.finished_at.is_some(), phase.is_final());
    }
}

#[test]
fn the_clients_that_stayed_are_named_at_the_end() {
    let mut rotation = rotation(Mode::Manual);
    let mut left = stalled(Reason::OldSessionsRemain);
    left.old_sessions = Some(Sessions {
        count: 3,
        clients: "worker (3)".to_owned(),
    });
    pass(&mut rotation, 1, Course::Forward, &[left.clone(), left]);
    let found = [ended(false, true), ended(false, true)];
    let status = pass(&mut rotation, 9, Course::Late, &found);
    assert!(status.message.unwrap().contains("of: worker"));
    assert_eq!(status.credentials[0].old_sessions, Some(3));
}

#[test]
fn a_rotation_taken_back_tells_why() {
    let found = || [ended(false, false), ended(false, false)];
    let table = [
        (
            Mode::Manual,
            Course::Late,
            Phase::Expired,
            "DeadlineExceeded",
            "the old value is in use",
        ),
        (
            Mode::Manual,
            Course::Cancelled,
            Phase::Expired,
            "Cancelled",
            "the old value is in use",
        ),
        (
            Mode::Emergency,
            Course::Late,
            Phase::Failed,
            "DeadlineExceeded",
            "no new value is in use",
        ),
    ];
    for (mode, course, phase, reason, text) in table {
        let status = pass(&mut rotation(mode), 1, course, &found());
        assert_eq!(summary(&status), (phase, reason, vec![STALLED]));
        assert!(status.message.unwrap().contains(text));
    }
}

#[test]
fn what_nobody_approved_of_waits_with_its_plan_and_ends_unchanged() {
    let rotation = rotation(Mode::Emergency);
    let at = |course| {
        let facts = Facts {
            rotation: &rotation,
            now: at(1),
            course,
        };
        unapproved(&facts, vec!["a line".to_owned()])
    };
    let waits = at(Course::Forward);
    let holding = vec![RECONCILING];
    assert_eq!(
        summary(&waits),
        (Phase::AwaitingApproval, "AwaitingApproval", holding)
    );
    assert_eq!(waits.plan, ["a line"]);
    for (course, reason) in [
        (Course::Late, "DeadlineExceeded"),
        (Course::Cancelled, "Cancelled"),
    ] {
        let ended = at(course);
        assert_eq!(summary(&ended), (Phase::Expired, reason, vec![STALLED]));
        let message = ended.message.unwrap();
        assert!(message.ends_with("nothing was changed"), "{message}");
    }
}

#[test]
fn nobody_waits_for_what_no_look_will_mend() {
    let rotation = rotation(Mode::Manual);
    for (reason, phase) in [
        (Reason::RequesterMissing, Phase::Failed),
        (Reason::AppNotReady, Phase::Running),
    ] {
        let facts = Facts {
            rotation: &rotation,
            now: at(1),
            course: Course::Forward,
        };
        let status = in_trouble(&facts, reason, "why");
        let told = reason.to_string();
        assert_eq!(summary(&status), (phase, told.as_str(), vec![STALLED]));
    }
}

#[test]
fn times_of_steps_and_transitions_are_kept() {
    let mut rotation = rotation(Mode::Manual);
    let acted = |step| [progress(step, State::Acted), progress(step, State::Acted)];
    pass(
        &mut rotation,
        1,
        Course::Forward,
        &acted(StepName::Generate),
    );
    pass(&mut rotation, 2, Course::Forward, &acted(StepName::Apply));
    pass(&mut rotation, 3, Course::Forward, &acted(StepName::Apply));
    let rolling = || [waiting(StepName::RollOut), waiting(StepName::RollOut)];
    pass(&mut rotation, 4, Course::Forward, &rolling());
    let before = pass(&mut rotation, 5, Course::Forward, &rolling());
    let again = pass(&mut rotation, 6, Course::Forward, &rolling());
    assert_eq!(before, again, "nothing new is nothing to write");

    assert_eq!(again.started_at, Some(Time(at(1))));
    assert_eq!(again.step, Some(StepName::RollOut));
    let steps: Vec<_> = again.credentials[0]
        .steps
        .iter()
        .map(|step| {
            (
                step.name,
                step.started_at.0,
                step.finished_at.clone(),
                step.attempts,
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            (StepName::Generate, at(1), Some(Time(at(2))), 1),
            (StepName::Apply, at(2), Some(Time(at(4))), 2),
            (StepName::RollOut, at(4), None, 1),
        ]
    );
    let reconciling = &again.conditions[1];
    assert_eq!(reconciling.last_transition_time, Time(at(1)));

    let found = [ended(true, false), ended(true, false)];
    let status = pass(&mut rotation, 9, Course::Forward, &found);
    assert_eq!(status.finished_at, Some(Time(at(9))));
    let open = |step: &RotationStep| step.finished_at.is_none();
    assert!(!status.credentials[0].steps.iter().any(open));
    assert_eq!(status.conditions[0].last_transition_time, Time(at(9)));
}

#[test]
fn what_was_counted_once_stays_until_it_is_counted_again() {
    let mut rotation = rotation(Mode::Emergency);
    let mut blocked = progress(StepName::Generate, State::Acted);
    blocked.blocked = Some(4);
    blocked.old_refused = true;
    blocked.to = Some("main_a".to_owned());
    blocked.from = Some("main".to_owned());
    let other = || progress(StepName::Generate, State::Acted);
    pass(&mut rotation, 1, Course::Forward, &[blocked, other()]);
    let status = pass(&mut rotation, 2, Course::Forward, &[other(), other()]);
    let main = &status.credentials[0];
    assert!(main.old_refused);
    assert_eq!(main.from.as_deref(), Some("main"));
    assert_eq!(main.to.as_deref(), Some("main_a"));
    let names: Vec<_> = main.steps.iter().map(|step| step.name).collect();
    assert_eq!(names, [StepName::Block, StepName::Generate]);
}

#[test]
fn an_emergency_ends_with_its_cost() {
    let mut rotation = rotation(Mode::Emergency);
    let blocked = |step, state| {
        let mut found = progress(step, state);
        found.blocked = Some(2);
        found
    };
    let sealed = || {
        let trouble = Trouble::new(Reason::BlockedAwaitingStore, "the ledger is sealed");
        blocked(StepName::Block, State::Stalled(trouble))
    };
    pass(&mut rotation, 1, Course::Forward, &[sealed(), sealed()]);
    let status = pass(&mut rotation, 5, Course::Forward, &[sealed(), sealed()]);
    let names = |status: &SecretRotationStatus| -> Vec<_> {
        let steps = status.credentials[0].steps.iter();
        steps.map(|step| step.name).collect()
    };
    assert_eq!(names(&status), [StepName::Block], "one block, however long");
    let generated = || blocked(StepName::Generate, State::Acted);
    let status = pass(
        &mut rotation,
        7,
        Course::Forward,
        &[generated(), generated()],
    );
    assert_eq!(names(&status), [StepName::Block, StepName::Generate]);
    let through = || Progress {
        rolled_out: true,
        ..ended(true, false)
    };
    let status = pass(&mut rotation, 9, Course::Forward, &[through(), through()]);
    assert_eq!(
        status.message.as_deref(),
        Some(
            "main, cache: the new value is in use, the old one is refused. Cost: main: no new login \
             for 8 s, 6 sessions ended, 0 pods replaced; cache: no new login for 8 s, 6 sessions \
             ended, 0 pods replaced"
        )
    );
}

#[test]
fn steps_are_bounded_as_the_schema_is() {
    let mut rotation = rotation(Mode::Manual);
    for second in 0..100 {
        let step = match second % 2 {
            0 => StepName::RollOut,
            _ => StepName::Converge,
        };
        let found = [waiting(step), waiting(step)];
        pass(&mut rotation, second, Course::Forward, &found);
    }
    let status = rotation.status.unwrap();
    assert_eq!(status.credentials[0].steps.len(), MAX_STEPS);
}
