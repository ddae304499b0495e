//! Mutations: a good token changed anywhere never verifies, and no text at all makes a reader panic.

use proptest::prelude::*;

use crate::forge::{Decision, Forge, NOW, at};

/// One change of a token, at a place that is given as a share of its length.
#[derive(Clone, Debug)]
enum Change {
    Replace(f64, char),
    Insert(f64, char),
    Remove(f64),
    Flip(f64, u8),
    CutAfter(f64),
    Repeat(f64, f64),
    Swap(f64, f64),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = || 0.0..1.0_f64;
    let letter = || prop_oneof![proptest::char::range('!', '~'), any::<char>()];
    let change = prop_oneof![
        (place(), letter()).prop_map(|(at, by)| Change::Replace(at, by)),
        (place(), letter()).prop_map(|(at, what)| Change::Insert(at, what)),
        place().prop_map(Change::Remove),
        (place(), 0..7_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        place().prop_map(Change::CutAfter),
        (place(), place()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
    ];
    proptest::collection::vec(change, 1..4)
}

fn apply(letters: &mut Vec<char>, change: &Change) {
    let length = letters.len();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share below one of a short length"
    )]
    let at = |share: f64| (share * length as f64) as usize;
    if length == 0 {
        return;
    }
    match *change {
        Change::Replace(place, by) => letters[at(place)] = by,
        Change::Insert(place, what) => letters.insert(at(place), what),
        Change::Remove(place) => drop(letters.remove(at(place))),
        Change::Flip(place, bit) => {
            let letter = &mut letters[at(place)];
            let code = u32::from(*letter) ^ (1 << bit);
            *letter = char::from_u32(code).unwrap_or('~');
        }
        Change::CutAfter(place) => letters.truncate(at(place)),
        Change::Repeat(one, other) => {
            let (from, to) = (at(one.min(other)), at(one.max(other)));
            let again = letters[from..to].to_vec();
            letters.splice(to..to, again);
        }
        Change::Swap(one, other) => letters.swap(at(one), at(other)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused(changes in changes()) {
        thread_local! {
            static FORGE: (Forge, String) = {
                let forge = Forge::new();
                let good = forge.good();
                (forge, good)
            };
        }
        FORGE.with(|(forge, good)| {
            let mut letters: Vec<char> = good.chars().collect();
            for change in &changes {
                apply(&mut letters, change);
            }
            let changed: String = letters.into_iter().collect();
            if changed != *good {
                prop_assert_eq!(forge.decide(&changed, at(NOW)), Decision::Invalid, "{}", changed);
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_text_makes_the_reader_panic(parts in proptest::collection::vec(any::<Vec<u8>>(), 0..6), text in any::<String>()) {
        thread_local! {
            static FORGE: Forge = Forge::new();
        }
        FORGE.with(|forge| {
            let encoded: Vec<String> = parts.iter().map(|part| crate::forge::encode(part)).collect();
            prop_assert_eq!(forge.decide(&encoded.join("."), at(NOW)), Decision::Invalid);
            prop_assert_eq!(forge.decide(&text, at(NOW)), Decision::Invalid);
            Ok(())
        })?;
    }
}
