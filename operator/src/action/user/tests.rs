//! What a changed user makes of the action.

use k8s_openapi::jiff::ToSpan as _;
use reportapp_session::epochs::{ProcessId, Revision, Revoked};
use std::time::Duration;

use super::*;

fn disable() -> UserChange {
    UserChange {
        user: "ana".to_owned(),
        change: Change::Disable { force: false },
        duration: Some("30m".parse().unwrap()),
    }
}

fn changed() -> Changed {
    Changed {
        snapshot: Snapshot {
            kind: Kind::Disable,
            user: "17".to_owned(),
            differs: true,
            sessions: vec!["s1".to_owned(), "s2".to_owned()],
            revision: Revision(7),
            taken_at: Timestamp::from_second(1_000).unwrap(),
            undone_at: None,
        },
        invalidated: Invalidated::Acknowledged(Revoked {
            revision: Revision(7),
            commit: Duration::ZERO,
            acknowledgement: Duration::from_millis(500),
            confirmed: vec![ProcessId::new("api", 0)],
            outwaited: Vec::new(),
            roster_known: true,
        }),
        measured: Measured {
            active_sessions: 0,
            sign_in_possible: false,
        },
    }
}

fn verdict(found: &Found) -> &Verdict {
    match &found.state {
        State::Stands(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_succeeds_with_three_figures_that_are_zero_and_says_when_it_is_put_back() {
    let found = found(&disable(), &changed());
    assert_eq!(verdict(&found).phase, Phase::Succeeded);
    assert_eq!(
        verdict(&found).message,
        "user ana may not sign in; 2 sessions ended: 1 process confirmed; none accepts older tokens, 0.5 s \
         after the commit"
    );
    let names: Vec<_> = found.figures.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        ["activeSessions", "signInPossible", "processesInDoubt"]
    );
    assert!(
        found
            .figures
            .iter()
            .all(|f| (f.measured, f.expected) == (0, 0))
    );
    let due = changed().snapshot.taken_at + 30.minutes();
    assert_eq!(found.reverts_at, Some(due));
}

#[test]
fn it_waits_while_a_process_is_in_doubt() {
    let committed = Changed {
        invalidated: Invalidated::Committed {
            revision: Revision(7),
            in_doubt: Some(1),
        },
        ..changed()
    };
    let found = found(&disable(), &committed);
    assert_eq!(verdict(&found).phase, Phase::Running);
    assert_eq!(found.figures[2].measured, 1);
}

#[test]
fn one_that_somebody_changed_back_at_once_has_not_succeeded() {
    let mut back = changed();
    back.measured.sign_in_possible = true;
    let State::Stalled(trouble) = found(&disable(), &back).state else {
        panic!("signing in is possible");
    };
    assert_eq!(trouble.reason, Reason::ChangedSince);
}

#[test]
fn what_was_undone_or_has_no_duration_is_not_put_back_by_itself() {
    let mut undone = changed().snapshot;
    undone.undone_at = Some(Timestamp::from_second(2_000).unwrap());
    assert_eq!(disable().reverts_at(&undone), None);
    let endless = UserChange {
        duration: None,
        ..disable()
    };
    assert_eq!(endless.reverts_at(&changed().snapshot), None);
}

#[test]
fn a_late_one_tells_a_change_from_none() {
    let none = too_late(&disable(), None);
    assert!(verdict(&none).message.ends_with("user ana was not changed"));
    let some = too_late(&disable(), Some(&changed().snapshot));
    assert_eq!(verdict(&some).phase, Phase::Expired);
    assert!(verdict(&some).message.contains("user ana may not sign in"));
    assert!(some.reverts_at.is_some(), "its time counts all the same");
}

#[test]
fn a_plan_says_who_where_and_what_comes_of_it() {
    let person = Person {
        id: "17".to_owned(),
        username: "Ana".to_owned(),
        is_active: true,
        must_reset_password: false,
        is_enterprise_admin: false,
        erp_server: None,
    };
    let lines = plan(&disable(), &person, "db:5432/app", 2).join("\n");
    for word in [
        "user ana (id 17) may not",
        "db:5432/app",
        "2 are registered",
        "30m later",
    ] {
        assert!(lines.contains(word), "{lines}");
    }
    assert!(!lines.contains("already"));
    let locked = Person {
        is_active: false,
        ..person
    };
    assert!(plan(&disable(), &locked, "db", 2)[0].contains("That is so already"));
}
