//! Random orders of revocations, reads of the store and reads of a user, against an independent rule:
//! a memory is stale exactly if something that concerns it was raised, and is known here, after it
//! was read.

use proptest::prelude::*;

use super::{Epochs, Remembered, Revision, Scope};

#[derive(Clone, Debug)]
enum Step {
    Raise(Scope),
    /// The process reads the epochs, from the beginning or only what is new.
    Look(bool),
    /// The process reads the user.
    Load,
    /// Everything so far is older than any token.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let id = || prop_oneof![Just("own".to_owned()), Just("other".to_owned())];
    let scope = prop_oneof![
        Just(Scope::All),
        id().prop_map(Scope::Tenant),
        id().prop_map(Scope::User),
        id().prop_map(Scope::Session),
        Just(Scope::Permissions),
        id().prop_map(Scope::RolePermissions),
        id().prop_map(Scope::UserPermissions),
        Just(Scope::Caches),
        id().prop_map(Scope::CachesOf),
    ];
    prop_oneof![
        5 => scope.prop_map(Step::Raise),
        3 => any::<bool>().prop_map(Step::Look),
        2 => Just(Step::Load),
        1 => Just(Step::Settle),
    ]
}

/// A session of one's own is no part of what one may do.
fn concerns(scope: &Scope) -> bool {
    match scope {
        Scope::All | Scope::Permissions => true,
        Scope::Tenant(id)
        | Scope::User(id)
        | Scope::RolePermissions(id)
        | Scope::UserPermissions(id) => id == "own",
        Scope::Session(_) | Scope::Caches | Scope::CachesOf(_) => false,
    }
}

/// The rule counts events one by one.
#[derive(Default)]
struct Rule {
    known: usize,
    loaded_at: usize,
    settled: usize,
}

impl Rule {
    fn stale(&self, log: &[(Scope, Revision)]) -> bool {
        let forgotten = self.settled > self.loaded_at;
        let unread = self.loaded_at.min(self.known)..self.known;
        forgotten || log[unread].iter().any(|(scope, _)| concerns(scope))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_memory_is_stale_exactly_after_something_that_concerns_it(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        let roles = ["first".to_owned(), "own".to_owned()];
        let mut log: Vec<(Scope, Revision)> = Vec::new();
        let (mut epochs, mut rule, mut loaded) = (Epochs::default(), Rule::default(), Revision(0));
        for step in steps {
            match step {
                Step::Raise(scope) => log.push((scope, Revision(log.len() as u64 + 1))),
                Step::Look(again) => {
                    let from = if again { 0 } else { rule.known };
                    epochs.merge(Revision(0), &log[from..]);
                    rule.known = log.len();
                }
                Step::Load => {
                    loaded = Revision(rule.known as u64);
                    rule.loaded_at = rule.known;
                }
                Step::Settle => {
                    epochs.merge(Revision(rule.known as u64), &[]);
                    rule.settled = rule.known;
                }
            }
            let memory = Remembered { tenant: Some("own"), user: "own", roles: &roles, loaded };
            prop_assert_eq!(epochs.stale(&memory), rule.stale(&log));
        }
    }
}
