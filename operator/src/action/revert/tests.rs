//! When something is put back, and what the status says of it.

use reportapp_crds::IncidentAction;
use reportapp_session::directory::{Kind, Snapshot};
use reportapp_session::epochs::{Revision, Revoked};
use serde_json::json;

use super::super::trouble::Reason;
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn action(phase: &str) -> IncidentAction {
    serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
        "metadata": { "name": "lock", "uid": "u" },
        "spec": {
            "app": "demo", "reason": "test", "duration": "30m", "disableUser": { "user": "ana" },
        },
        "status": { "phase": phase, "revertsAt": Time(at(1_000)), "finishedAt": Time(at(10)) },
    }))
    .unwrap()
}

fn try_it(
    action: &IncidentAction,
    outcome: Result<PutBack, Trouble>,
) -> (IncidentActionStatus, Option<(EventType, String)>) {
    let facts = Facts {
        action,
        now: at(2_000),
        late: false,
    };
    let own = Undone::of(action).unwrap();
    after(&facts, outcome.map(|done| (own, done)))
}

fn put_back(invalidated: Invalidated) -> PutBack {
    PutBack {
        undone: directory::Undone::Restored(Snapshot {
            kind: Kind::Disable,
            user: "17".to_owned(),
            differs: true,
            sessions: Vec::new(),
            revision: Revision(7),
            taken_at: at(5),
            undone_at: Some(at(1_999)),
        }),
        invalidated,
    }
}

fn acknowledged() -> Invalidated {
    Invalidated::Acknowledged(Revoked {
        revision: Revision(9),
        commit: std::time::Duration::ZERO,
        acknowledgement: std::time::Duration::ZERO,
        confirmed: Vec::new(),
        outwaited: Vec::new(),
        roster_known: true,
    })
}

fn stalled(status: &IncidentActionStatus) -> bool {
    let mut conditions = status.conditions.iter();
    conditions.any(|found| found.type_ == STALLED && found.status == "True")
}

#[test]
fn it_is_due_at_its_time_and_never_without_one() {
    let action = action("Succeeded");
    let status = action.status.as_ref();
    assert_eq!(left(status, at(900)), Some(SignedDuration::from_secs(100)));
    // The operator was down.
    assert!(left(status, at(90_000)).unwrap().is_negative());
    assert_eq!(left(None, at(0)), None);
    assert_eq!(left(Some(&IncidentActionStatus::default()), at(0)), None);
}

#[test]
fn what_was_put_back_says_when_and_the_phase_stays() {
    for phase in ["Succeeded", "Expired"] {
        let action = action(phase);
        let (status, event) = try_it(&action, Ok(put_back(acknowledged())));
        assert_eq!(status.phase, action.status.as_ref().unwrap().phase);
        assert_eq!(status.reverts_at, None);
        assert_eq!(status.reverted_at, Some(Time(at(1_999))));
        assert_eq!(status.finished_at, Some(Time(at(10))));
        let message = status.message.unwrap();
        assert!(
            message.starts_with("user ana may sign in again"),
            "{message}"
        );
        assert_eq!(event.unwrap().1, "Reverted");
    }
}

#[test]
fn while_a_process_may_not_know_it_is_not_called_put_back() {
    let action = action("Succeeded");
    let committed = Invalidated::Committed {
        revision: Revision(9),
        in_doubt: Some(1),
    };
    let (status, event) = try_it(&action, Ok(put_back(committed)));
    assert!(status.reverts_at.is_some() && status.reverted_at.is_none());
    assert_eq!(event, None);
}

#[test]
fn a_store_that_is_away_stalls_it_and_it_stays_due() {
    let mut action = action("Succeeded");
    let away = || Err(Trouble::new(Reason::StoreUnreachable, "it is away"));
    let (status, event) = try_it(&action, away());
    assert!(status.reverts_at.is_some() && stalled(&status));
    assert_eq!(blocked(&status), Some("StoreUnreachable"));
    assert_eq!(event.unwrap().1, "StoreUnreachable");
    action.status = Some(status);
    let (again, event) = try_it(&action, away());
    assert_eq!(event, None, "it was told");
    action.status = Some(again);
    let (status, _) = try_it(&action, Ok(put_back(acknowledged())));
    assert!(status.reverted_at.is_some() && !stalled(&status));
}

#[test]
fn what_somebody_changed_since_is_given_up_with_the_reason() {
    let action = action("Succeeded");
    let since = Trouble::new(Reason::ChangedSince, "somebody did");
    let (status, event) = try_it(&action, Err(since));
    assert_eq!((status.reverts_at, status.reverted_at), (None, None));
    assert_eq!(status.phase, Some(Phase::Succeeded));
    assert!(
        status
            .message
            .unwrap()
            .contains("is not put back: somebody did")
    );
    assert_eq!(event.unwrap().1, "ChangedSince");
}
