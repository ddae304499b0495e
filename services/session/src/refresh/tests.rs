//! The rules of a line, and that no order of uses leaves two people in it.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

#[test]
fn a_token_is_read_back_and_nothing_else_is_taken_for_one() {
    let token = RefreshToken::begin();
    assert_eq!(RefreshToken::read(token.expose()), Some(token.clone()));
    let text = token.expose();
    for bad in [
        "",
        ".",
        "abc",
        &text[1..],
        &format!("{text}0"),
        &text.replace('.', "0"),
    ] {
        assert_eq!(RefreshToken::read(bad), None, "{bad}");
    }
    assert_eq!(
        RefreshToken::read(&text.replace(text.get(40..41).unwrap(), "é")),
        None
    );
}

#[test]
fn tokens_of_a_session_have_family_and_prefix_in_common_and_nothing_shows_them() {
    let first = RefreshToken::begin();
    let second = first.successor();
    assert_ne!(first.hash(), second.hash());
    assert_eq!(first.family_hash(), second.family_hash());
    assert_eq!(first.prefix(), second.prefix());
    assert_ne!(first.family_hash(), RefreshToken::begin().family_hash());
    assert!(!format!("{first:?}").contains(first.prefix()));
}

#[test]
fn the_token_before_is_good_for_ten_seconds_and_older_ones_never() {
    let first = RefreshToken::begin();
    let line = Line::begin(&first);
    assert_eq!(line.judge(&first.hash(), at(0)), Presented::Current);
    let line = line
        .replace(Presented::Current, "second".to_owned(), at(0))
        .unwrap();
    assert_eq!(line.judge("second", at(5)), Presented::Current);
    assert_eq!(line.judge(&first.hash(), at(10)), Presented::JustReplaced);
    assert_eq!(line.judge(&first.hash(), at(11)), Presented::Reused);
    let line = line
        .replace(Presented::Current, "third".to_owned(), at(1))
        .unwrap();
    assert_eq!(line.judge(&first.hash(), at(1)), Presented::Reused);
    assert_eq!(
        line.replace(Presented::Reused, "fourth".to_owned(), at(1)),
        None
    );
}

#[test]
fn replacing_once_more_does_not_prolong_the_time_and_makes_the_first_replacement_worthless() {
    let first = RefreshToken::begin();
    let line = Line::begin(&first);
    let line = line
        .replace(Presented::Current, "lost".to_owned(), at(0))
        .unwrap();
    let line = line
        .replace(Presented::JustReplaced, "kept".to_owned(), at(9))
        .unwrap();
    assert_eq!(line.judge("kept", at(9)), Presented::Current);
    assert_eq!(line.judge("lost", at(9)), Presented::Reused);
    assert_eq!(line.judge(&first.hash(), at(11)), Presented::Reused);
}

#[test]
fn the_csrf_token_belongs_to_one_session() {
    let token = csrf_token("s1", "f1");
    assert_eq!(token, csrf_token("s1", "f1"));
    assert_eq!(token.len(), 64);
    for other in [csrf_token("s2", "f1"), csrf_token("s1", "f2")] {
        assert_ne!(token, other);
    }
}

/// A session as its holders see it: each presents the last token they were given.
struct Shared {
    line: Line,
    held: Vec<String>,
    is_over: bool,
}

impl Shared {
    fn present(&mut self, holder: usize, next: String, now: Timestamp) {
        if self.is_over {
            return;
        }
        let presented = self.line.judge(&self.held[holder], now);
        match self.line.replace(presented, next.clone(), now) {
            Some(line) => {
                self.line = line;
                self.held[holder] = next;
            }
            None => self.is_over = true,
        }
    }

    /// Holders whose token would still be good when everybody's grace is over.
    fn living(&self) -> usize {
        let is_current = |held: &&String| **held == self.line.current;
        self.held.iter().filter(is_current).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_order_of_uses_leaves_at_most_one_living_line(
        uses in prop::collection::vec((0_usize..3, 0_i64..20), 1..24),
    ) {
        let first = RefreshToken::begin();
        let mut shared = Shared {
            line: Line::begin(&first),
            held: vec![first.hash(); 3],
            is_over: false,
        };
        let mut now = 0;
        for (number, (holder, pause)) in uses.into_iter().enumerate() {
            now += pause;
            shared.present(holder, format!("t{number}"), at(now));
            prop_assert!(shared.is_over || shared.living() == 1);
        }
    }

    #[test]
    fn a_stolen_token_is_found_out_when_both_have_used_theirs(
        thief_first in any::<bool>(),
        before in 0_usize..5,
        uses in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        let owner_and_thief = |thief: bool| usize::from(thief);
        let first = RefreshToken::begin();
        let mut shared = Shared {
            line: Line::begin(&first),
            held: vec![first.hash(); 2],
            is_over: false,
        };
        let mut now = 0;
        for number in 0..before {
            now += 900;
            shared.present(0, format!("before{number}"), at(now));
        }
        shared.held[1] = shared.held[0].clone();
        // Each use is later than the grace of the one before it.
        for (number, thief) in uses.into_iter().enumerate() {
            now += 11;
            shared.present(owner_and_thief(thief), format!("t{number}"), at(now));
        }
        for (number, thief) in [thief_first, !thief_first].into_iter().enumerate() {
            now += 11;
            shared.present(owner_and_thief(thief), format!("last{number}"), at(now));
        }
        prop_assert!(shared.is_over);
    }
}
