//! Every order of up to seven steps over the four levels, against an independent rule.

use super::{Bearer, Epochs, Revision, Scope};

/// Steps: raise one of seven scopes, issue a token, or read what was raised so far.
const STEPS: usize = 9;
const DEPTH: usize = 7;
/// The rule counts each level by itself: everybody, own tenant, own user, own session.
const OWN: usize = 4;

/// One token as the rule sees it: the four counters it was issued under, and the revision it carries.
#[derive(Clone, Copy)]
struct Issued {
    counters: [u32; OWN],
    revision: Revision,
}

#[derive(Clone)]
struct World {
    revision: Revision,
    log: Vec<(Scope, Revision)>,
    counters: [u32; OWN],
    token: Option<Issued>,
    epochs: Epochs,
    /// The counters at the last read.
    read: [u32; OWN],
    seen: usize,
}

fn scope(step: usize) -> Scope {
    match step {
        0 => Scope::All,
        1 => Scope::Tenant("own".to_owned()),
        2 => Scope::User("own".to_owned()),
        3 => Scope::Session("own".to_owned()),
        // The same id on another level must mean nothing, nor another id on the same.
        4 => Scope::Tenant("other".to_owned()),
        5 => Scope::User("other".to_owned()),
        _ => Scope::Session("other".to_owned()),
    }
}

impl World {
    fn step(&mut self, step: usize) {
        match step {
            0..7 => {
                self.revision.0 += 1;
                self.log.push((scope(step), self.revision));
                if step < OWN {
                    self.counters[step] += 1;
                }
            }
            7 => {
                self.token = Some(Issued {
                    counters: self.counters,
                    revision: self.revision,
                });
            }
            _ => {
                // Half of the reads repeat what an earlier one brought.
                let from = if self.seen.is_multiple_of(2) {
                    0
                } else {
                    self.seen
                };
                self.epochs.merge(Revision(0), &self.log[from..]);
                self.seen = self.log.len();
                self.read = self.counters;
            }
        }
    }

    /// Whether the table decides as the rule does.
    fn right(&self) -> bool {
        let Some(issued) = self.token else {
            return true;
        };
        let token = Bearer {
            tenant: Some("own"),
            user: "own",
            session: "own",
            issued: issued.revision,
        };
        let valid = (0..OWN).all(|level| self.read[level] <= issued.counters[level]);
        self.epochs.revoked(&token) != valid
    }
}

fn explore(world: &World, left: usize, cases: &mut u64, wrong: &mut u64) {
    for step in 0..STEPS {
        let mut next = world.clone();
        next.step(step);
        *cases += 1;
        *wrong += u64::from(!next.right());
        if left > 1 {
            explore(&next, left - 1, cases, wrong);
        }
    }
}

#[test]
fn in_millions_of_orders_over_four_levels_no_decision_is_wrong() {
    let world = World {
        revision: Revision(0),
        log: Vec::new(),
        counters: [0; OWN],
        token: None,
        epochs: Epochs::default(),
        read: [0; OWN],
        seen: 0,
    };
    let (mut cases, mut wrong) = (0, 0);
    explore(&world, DEPTH, &mut cases, &mut wrong);
    println!("{cases} orders over four levels, {wrong} decided wrongly");
    assert!(cases > 1_000_000, "{cases}");
    assert_eq!(wrong, 0, "of {cases}");
}
