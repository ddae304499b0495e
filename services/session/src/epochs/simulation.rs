//! The whole protocol in virtual time: processes with clocks of their own, revokers, a sweeper and a
//! store behind links that delay, lose and stall; wake-ups that get lost, late, doubled or invented;
//! pauses and crashes of everybody. One seed, one run.
//!
//! What happened goes into a [`history::History`], which knows the true order of everything and finds
//! each request that was accepted though it began after the acknowledgement of a revocation of its
//! token. That the checker has eyes is shown by planting bugs ([`Flaw`]), each of which it must find.

mod actors;
pub(super) mod chance;
mod flaw;
mod history;
mod process;
mod store;
mod world;

use std::time::Duration;

use chance::Chance;
use flaw::Flaw;
use world::World;

/// Virtual time, in nanoseconds.
type Nanos = u64;
const MILLI: Nanos = 1_000_000;
const MICRO: Nanos = 1_000;

/// What goes wrong in a run, each as a probability in thousandths of one occasion.
#[derive(Clone, Debug, Default)]
struct Weather {
    /// A message to or from the store is lost.
    lost: u64,
    /// A message is slow.
    slow: u64,
    /// A link of one process is cut for a while.
    cut: u64,
    /// The store stands still for a while.
    stall: u64,
    /// A wake-up is lost, late or doubled.
    wake: u64,
    /// A process stands still for a while.
    pause: u64,
    /// A process crashes, or stops in good order.
    crash: u64,
    /// A revoker crashes and is resumed.
    revoker: u64,
    /// Clocks run at different rates.
    rates: bool,
    /// Processes have leases of different length.
    leases: bool,
}

impl Weather {
    /// Every kind of trouble is there or not, so that each also meets silence of the others.
    fn of(chance: &mut Chance) -> Self {
        let mut some = |most: u64| {
            if chance.once_in(2) {
                chance.below(most)
            } else {
                0
            }
        };
        Self {
            lost: some(200),
            slow: some(300),
            cut: some(400),
            stall: some(150),
            wake: some(1_000),
            pause: some(300),
            crash: some(200),
            revoker: some(500),
            rates: some(4) > 0,
            leases: some(4) > 0,
        }
    }
}

fn run(seed: u64, flaw: Flaw) -> World {
    let mut chance = Chance::new(seed);
    let weather = Weather::of(&mut chance);
    let mut world = World::new(chance, weather, flaw);
    world.run();
    world
}

#[test]
fn in_thousands_of_runs_nothing_acknowledged_is_accepted_and_everything_is_acknowledged() {
    let (mut accepted, mut revoked, mut acknowledged, mut refused) = (0, 0, 0, 0);
    for seed in 0..3_000 {
        let world = run(seed, Flaw::None);
        assert_eq!(world.history.violations(), &[], "seed {seed}");
        assert_eq!(world.history.wrongly_refused(), 0, "seed {seed}");
        assert_eq!(world.history.open(), 0, "seed {seed}");
        assert_eq!(world.stuck(), 0, "seed {seed}");
        let counts = world.history.counts();
        accepted += counts.accepted;
        revoked += counts.revoked;
        refused += counts.unavailable;
        acknowledged += world.history.acknowledged();
    }
    println!("{accepted} accepted, {revoked} revoked, {refused} unavailable, {acknowledged} acts");
    assert!(accepted > 100_000 && revoked > 100_000 && refused > 1_000 && acknowledged > 10_000);
}

#[test]
fn with_a_healthy_store_and_wake_ups_a_revocation_takes_milliseconds_and_nobody_is_refused() {
    for seed in 0..200 {
        let chance = Chance::new(seed);
        let mut world = World::new(chance, Weather::default(), Flaw::None);
        world.run();
        assert_eq!(world.history.violations(), &[], "seed {seed}");
        assert_eq!(world.history.counts().unavailable, 0, "seed {seed}");
        let slowest = world.history.slowest();
        assert!(
            slowest < Duration::from_millis(30),
            "seed {seed}: {slowest:?}"
        );
    }
}

#[test]
fn with_a_healthy_store_a_revocation_takes_a_lease_and_its_margin_at_most() {
    let bound = super::outlasting(world::LEASE).mul_f64(1.021) + Duration::from_millis(10);
    for seed in 0..200 {
        let weather = Weather {
            wake: 1_000,
            pause: 300,
            crash: 300,
            rates: true,
            ..Weather::default()
        };
        let mut world = World::new(Chance::new(seed), weather, Flaw::None);
        world.run();
        assert_eq!(world.history.violations(), &[], "seed {seed}");
        let slowest = world.history.slowest();
        assert!(slowest <= bound, "seed {seed}: {slowest:?} > {bound:?}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    for flaw in Flaw::ALL {
        let found = (0..10_000).find(|seed| !run(*seed, flaw).history.violations().is_empty());
        println!("{flaw:?}: seed {found:?}");
        assert!(found.is_some(), "{flaw:?} was not found");
    }
}
