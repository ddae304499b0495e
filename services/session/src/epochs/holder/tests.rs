//! A process step by step; the simulation has the interleavings.

use super::*;

fn at(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}

fn reading(revision: u64, registered: bool) -> Reading {
    Reading {
        revision: Revision(revision),
        settled: Revision(0),
        raised: Vec::new(),
        registered,
    }
}

fn read_of(actions: &[Action]) -> Option<ReadId> {
    actions.iter().find_map(|action| match action {
        Action::Read(read, ..) => Some(*read),
        _ => None,
    })
}

fn published(actions: &[Action]) -> Option<Arc<View>> {
    actions.iter().find_map(|action| match action {
        Action::Publish(view) => Some(Arc::clone(view)),
        _ => None,
    })
}

/// A process with a lease from a read sent at 0 ms that showed revision 5.
fn serving() -> Holder {
    let mut holder = Holder::new("api", Terms::default());
    let read = read_of(&holder.step(at(0), Event::Tick)).unwrap();
    let actions = holder.step(at(1), Event::Answered(read, reading(5, true)));
    let fresh = published(&actions).unwrap().fresh_until();
    assert_eq!(fresh, Some(at(2_000)), "counted from the question");
    holder
}

#[test]
fn a_process_that_is_not_registered_gets_no_lease() {
    let mut holder = Holder::new("api", Terms::default());
    let actions = holder.step(at(0), Event::Tick);
    assert!(matches!(&actions[0], Action::Register(..)));
    let read = read_of(&actions).unwrap();
    let actions = holder.step(at(1), Event::Answered(read, reading(5, false)));
    let view = published(&actions).unwrap();
    assert_eq!((view.revision(), view.fresh_until()), (Revision(5), None));
    let process = holder.process().clone();
    assert!(read_of(&holder.step(at(2), Event::Registered(process))).is_some());
}

#[test]
fn what_is_published_is_confirmed_afterwards_and_once() {
    let mut holder = serving();
    let process = holder.process().clone();
    let confirmed = Event::Confirmed(process, Revision(5));
    assert!(holder.step(at(2), confirmed).is_empty());
    let read = read_of(&holder.step(at(600), Event::Tick)).unwrap();
    let actions = holder.step(at(601), Event::Answered(read, reading(6, true)));
    assert!(matches!(&actions[0], Action::Publish(_)));
    assert!(matches!(&actions[1], Action::Confirm(_, Revision(6))));
    let read = read_of(&holder.step(at(1_200), Event::Tick)).unwrap();
    let actions = holder.step(at(1_201), Event::Answered(read, reading(6, true)));
    assert_eq!(actions.len(), 1, "one confirmation is on its way");
}

#[test]
fn a_process_that_was_expelled_registers_under_a_new_name() {
    let mut holder = serving();
    let old = holder.process().clone();
    let read = read_of(&holder.step(at(600), Event::Tick)).unwrap();
    let actions = holder.step(at(601), Event::Answered(read, reading(6, false)));
    assert_ne!(holder.process(), &old);
    let register = |a: &Action| matches!(a, Action::Register(p, _) if p == holder.process());
    assert!(actions.iter().any(register));
    let fresh = published(&actions).unwrap().fresh_until();
    assert_eq!(fresh, Some(at(2_000)), "the lease it has is not longer");
}

#[test]
fn a_wake_up_reads_at_once_and_a_stale_one_does_nothing() {
    let mut holder = serving();
    assert!(holder.step(at(5), Event::Woken(Revision(5))).is_empty());
    assert!(read_of(&holder.step(at(6), Event::Woken(Revision(6)))).is_some());
}

#[test]
fn whoever_comes_during_a_read_waits_for_the_next() {
    let mut holder = serving();
    let first = read_of(&holder.step(at(3_000), Event::Asked(at(3_000)))).unwrap();
    assert!(holder.step(at(3_001), Event::Asked(at(3_001))).is_empty());
    let actions = holder.step(at(3_002), Event::Answered(first, reading(5, true)));
    assert!(read_of(&actions).is_some(), "sent after the second came");
    let first = holder.step(at(3_003), Event::Answered(first, reading(9, true)));
    assert!(first.is_empty(), "an answer counts once");
}

#[test]
fn an_unanswered_read_refuses_those_who_waited_as_long_as_a_lease() {
    let mut holder = serving();
    let read = read_of(&holder.step(at(3_000), Event::Asked(at(3_000)))).unwrap();
    let actions = holder.step(at(4_000), Event::ReadFailed(read));
    assert!(matches!(&actions[..], [Action::Refuse(until)] if *until == at(2_000)));
    assert_eq!(
        holder.due(),
        Some(at(4_100)),
        "and it is read again for those who wait"
    );
    let read = read_of(&holder.step(at(4_100), Event::Tick)).unwrap();
    let actions = holder.step(at(5_100), Event::ReadFailed(read));
    assert!(matches!(&actions[..], [Action::Refuse(until)] if *until == at(3_100)));
}

#[test]
fn nobody_is_refused_for_a_read_that_was_sent_before_they_came() {
    let mut holder = serving();
    let read = read_of(&holder.step(at(3_000), Event::Asked(at(3_000)))).unwrap();
    let actions = holder.step(at(9_000), Event::ReadFailed(read));
    assert!(matches!(&actions[..], [Action::Refuse(until)] if *until == at(3_000)));
}

#[test]
fn a_store_in_trouble_is_asked_once_for_all_who_came_since() {
    let mut holder = serving();
    let read = read_of(&holder.step(at(3_000), Event::Asked(at(3_000)))).unwrap();
    holder.step(at(3_001), Event::Asked(at(3_001)));
    let actions = holder.step(at(3_002), Event::ReadFailed(read));
    assert!(read_of(&actions).is_none());
    assert!(holder.step(at(3_003), Event::Asked(at(3_003))).is_empty());
    let due = holder.due().unwrap();
    assert_eq!(due, at(3_102));
    assert!(read_of(&holder.step(due, Event::Tick)).is_some());
}

#[test]
fn a_store_that_went_back_gives_no_lease_until_it_is_ahead_again() {
    let mut holder = serving();
    let read = read_of(&holder.step(at(600), Event::Tick)).unwrap();
    let actions = holder.step(at(601), Event::Answered(read, reading(4, true)));
    assert!(holder.went_back() && published(&actions).is_none());
    assert!(matches!(&actions[..], [Action::Refuse(until)] if *until == at(600)));
    let read = read_of(&holder.step(at(702), Event::Tick)).unwrap();
    let actions = holder.step(at(703), Event::Answered(read, reading(6, true)));
    assert!(!holder.went_back() && published(&actions).is_some());
}
