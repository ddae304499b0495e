//! A gate before a model of a server, in virtual time: what an overload costs, and whom.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

impl Ticket for Instant {
    fn is_wanted(&self) -> bool {
        true
    }
}

/// A server that works on this many requests at once without slowing down, this long on each: 2,000 a second.
const AT_ONCE: f64 = 20.0;
const UNLOADED: Duration = Duration::from_millis(10);
const CAPACITY: f64 = 2_000.0;

/// What came of the requests of one class.
#[derive(Default)]
struct Outcome {
    asked: u32,
    /// From asking to the answer.
    took: Vec<Duration>,
}

impl Outcome {
    fn success(&self) -> f64 {
        self.took.len() as f64 / f64::from(self.asked)
    }

    fn slowest_hundredth(&mut self) -> Duration {
        self.took.sort_unstable();
        self.took[self.took.len() * 99 / 100]
    }
}

/// Requests in hand, by the time of their end, with the times they were asked and let in.
type InHand = BinaryHeap<Reverse<(Instant, u8, Instant, Instant)>>;

const CLASSES: [Class; 2] = [Class::Interactive, Class::Export];

struct Model {
    gate: Gate<Instant>,
    in_hand: InHand,
    outcomes: [Outcome; 2],
}

impl Model {
    fn begin(&mut self, now: Instant, class: Class, asked: Instant) {
        let crowd = (self.in_hand.len() + 1) as f64;
        let took = UNLOADED.mul_f64((crowd / AT_ONCE).max(1.0));
        let class = u8::from(class == Class::Export);
        self.in_hand.push(Reverse((now + took, class, asked, now)));
    }

    fn ask(&mut self, now: Instant, class: Class) {
        self.outcomes[usize::from(class == Class::Export)].asked += 1;
        if self.gate.enter(now, class) {
            self.begin(now, class, now);
        } else {
            self.gate.wait(now, class, now);
        }
    }

    fn end_until(&mut self, until: Instant) {
        while let Some(Reverse((now, class, asked, begun))) = self.in_hand.peek().copied()
            && now <= until
        {
            self.in_hand.pop();
            let class = usize::from(class);
            self.outcomes[class].took.push(now - asked);
            for (class, asked) in self.gate.leave(now, CLASSES[class], Some(now - begun)) {
                self.begin(now, class, asked);
            }
        }
    }
}

/// Ten seconds of these rates after a quiet second and five seconds that are not measured.
fn simulate(people_a_second: f64, exports_a_second: f64) -> [Outcome; 2] {
    let begun = Instant::now();
    let mut model = Model {
        gate: Gate::new(begun, 2),
        in_hand: InHand::new(),
        outcomes: Default::default(),
    };
    for quiet in 0..200 {
        let now = begun + quiet * Duration::from_millis(10);
        model.end_until(now);
        model.ask(now, Class::Interactive);
    }
    let begun = begun + Duration::from_secs(3);
    let mut due = [0.0, 0.0];
    for tick in 0..30_000_u32 {
        let now = begun + tick * Duration::from_micros(500);
        model.end_until(now);
        if tick == 10_000 {
            model.outcomes = Default::default();
        }
        for (class, rate) in [people_a_second, exports_a_second].into_iter().enumerate() {
            due[class] += rate / 2_000.0;
            while due[class] >= 1.0 {
                due[class] -= 1.0;
                model.ask(now, CLASSES[class]);
            }
        }
    }
    model.outcomes
}

#[test]
fn three_times_as_many_people_as_can_be_served_cost_no_work_and_those_let_in_no_time() {
    let [mut calm, _] = simulate(0.8 * CAPACITY, 0.0);
    assert!((calm.success() - 1.0).abs() < 0.001, "{}", calm.success());
    let [mut crowded, _] = simulate(3.0 * CAPACITY, 0.0);
    let goodput = crowded.took.len() as f64 / 10.0;
    assert!(goodput >= 0.9 * CAPACITY, "{goodput} a second");
    let (crowded, calm) = (crowded.slowest_hundredth(), calm.slowest_hundredth());
    assert!(crowded <= calm * 2, "{crowded:?} instead of {calm:?}");
}

#[test]
fn exports_are_turned_away_before_anybody_who_looks_at_a_page() {
    let [people, exports] = simulate(0.7 * CAPACITY, 2.3 * CAPACITY);
    assert!(people.success() >= 0.994, "{}", people.success());
    assert!(exports.success() < 0.3, "{}", exports.success());
    assert!(exports.took.len() > 1_000, "what is left over is theirs");
}

#[test]
fn exports_never_take_the_last_share() {
    let now = Instant::now();
    let mut gate = Gate::<Instant>::new(now, 2);
    let exports = (0..100).filter(|_| gate.enter(now, Class::Export)).count();
    assert_eq!(exports, gate.limit() / 2);
    let people = (0..100).filter(|_| gate.enter(now, Class::Interactive));
    assert_eq!(people.count(), gate.limit() - exports);
}

#[test]
fn nobody_overtakes_a_person_who_waits() {
    let now = Instant::now();
    let mut gate = Gate::<Instant>::new(now, 2);
    while gate.enter(now, Class::Interactive) {}
    gate.wait(now, Class::Export, now);
    gate.wait(now, Class::Interactive, now);
    let classes = |next: Vec<(Class, Instant)>| next.into_iter().map(|(class, _)| class);
    let mut left = || classes(gate.leave(now, Class::Interactive, None)).collect::<Vec<_>>();
    assert_eq!(left(), [Class::Interactive]);
    assert_eq!(left(), [Class::Export]);
    assert_eq!(left(), []);
}

#[test]
fn signing_in_has_a_bound_of_its_own() {
    let now = Instant::now();
    let mut gate = Gate::<Instant>::new(now, 2);
    while gate.enter(now, Class::Interactive) {}
    let sign_ins = (0..100).filter(|_| gate.enter(now, Class::SignIn)).count();
    assert_eq!(sign_ins, 4, "reports do not hold them up");
    gate.leave(now, Class::Interactive, None);
    assert!(gate.enter(now, Class::Interactive), "nor they reports");
    assert!(
        gate.enter(now, Class::Essential),
        "and some are always let in"
    );
}
