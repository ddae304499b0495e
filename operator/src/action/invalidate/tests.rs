//! What a revocation makes of the action.

use std::time::Duration;

use reportapp_session::epochs::ProcessId;

use super::*;

fn revoked(confirmed: u32, outwaited: u32) -> Revoked {
    let processes = |base: &str, count| (0..count).map(|n| ProcessId::new(base, n)).collect();
    Revoked {
        revision: Revision(1_796_000_000_000_000),
        commit: Duration::from_millis(4),
        acknowledgement: Duration::from_millis(2_040),
        confirmed: processes("api", confirmed),
        outwaited: processes("gone", outwaited),
        roster_known: true,
    }
}

fn ana() -> Target {
    Target::Sessions(Whose::User("ana".to_owned()))
}

fn everybody() -> Target {
    Target::Sessions(Whose::All)
}

fn verdict(found: &Found) -> &Verdict {
    match &found.state {
        State::Stands(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_acknowledged_one_succeeds_and_says_who_confirmed_and_who_was_outwaited() {
    let found = found(&ana(), &Invalidated::Acknowledged(revoked(2, 1)), Some(7));
    assert_eq!(verdict(&found).phase, Phase::Succeeded);
    assert_eq!(
        verdict(&found).message,
        "sessions of user ana ended: 2 processes confirmed, the leases of 1 process were waited for; none \
         accepts older tokens, 2.0 s after the commit"
    );
    let progress = found.revocation.unwrap();
    assert_eq!(progress.revision, 1_796_000_000_000_000);
    assert_eq!(progress.processes_confirmed, Some(2));
    assert_eq!(progress.processes_outwaited, Some(1));
    assert_eq!(progress.acknowledged_after_ms, Some(2_040));
    assert_eq!(progress.sessions_before, Some(7));
    assert_eq!(found.figures[0].measured, 0);
}

#[test]
fn without_a_list_of_processes_no_number_of_them_is_claimed() {
    let unknown = Revoked {
        roster_known: false,
        ..revoked(0, 0)
    };
    let acknowledged = found(&everybody(), &Invalidated::Acknowledged(unknown), None);
    let progress = acknowledged.revocation.as_ref().unwrap();
    assert_eq!(progress.processes_confirmed, None);
    assert_eq!(progress.processes_outwaited, None);
    let message = &verdict(&acknowledged).message;
    assert!(
        message.contains("the longest lease was waited for"),
        "{message}"
    );
    let (revision, in_doubt) = (Revision(7), None);
    let committed = found(
        &everybody(),
        &Invalidated::Committed { revision, in_doubt },
        None,
    );
    assert_eq!(committed.figures, []);
}

#[test]
fn a_committed_one_runs_until_nobody_is_in_doubt() {
    let (revision, in_doubt) = (Revision(7), Some(3));
    let found = found(&ana(), &Invalidated::Committed { revision, in_doubt }, None);
    assert_eq!(verdict(&found).phase, Phase::Running);
    assert!(verdict(&found).message.contains("3 processes"));
    assert_eq!(
        (found.figures[0].measured, found.figures[0].expected),
        (3, 0)
    );
    assert_eq!(found.revocation.unwrap().acknowledged_after_ms, None);
}

#[test]
fn a_late_one_tells_a_revocation_that_was_committed_from_none() {
    let none = too_late(&ana(), None);
    assert!(
        verdict(&none)
            .message
            .ends_with("no session of user ana was ended")
    );
    let some = too_late(&ana(), Some(Revision(7)));
    assert_eq!(verdict(&some).phase, Phase::Expired);
    assert!(verdict(&some).message.contains("Revision 7 is committed"));
}

#[test]
fn what_can_never_work_is_told_at_once() {
    let mut app = crate::reportapp::testing::example_app();
    assert_eq!(check_store(&app), Ok(()));
    app.spec.store.engine = StoreEngine::Sqlite;
    let trouble = check_store(&app).unwrap_err();
    assert_eq!(trouble.reason, Reason::StoreNotReachable);
    assert!(trouble.reason.is_lasting());
}

#[test]
fn permissions_are_read_anew_and_nobody_is_signed_out() {
    let target = Target::Permissions(Holders::Role("reader".to_owned()));
    let found = found(&target, &Invalidated::Acknowledged(revoked(1, 0)), None);
    assert_eq!(
        verdict(&found).message,
        "permissions of role reader are read anew: 1 process confirmed; none goes by what it remembered, \
         2.0 s after the commit"
    );
    let plan = plan(&target, "role reader", "db:5432/app", 1);
    assert!(plan[0].contains("Nobody is signed out"), "{plan:?}");
    let late = too_late(&target, Some(Revision(7)));
    assert!(
        verdict(&late)
            .message
            .contains("each process reads permissions of role reader anew")
    );
}

#[test]
fn a_plan_says_whose_where_and_how_many_processes_are_waited_for() {
    let plan = plan(&ana(), "user ana (id 17)", "db:5432/app", 1);
    for word in ["user ana (id 17)", "db:5432/app", "cannot be undone"] {
        assert!(plan[0].contains(word), "{plan:?}");
    }
    assert!(plan[1].contains("of which 1 is registered"), "{plan:?}");
}
