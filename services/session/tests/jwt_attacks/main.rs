//! Attacks on access tokens: a table of forgeries and edge cases, each with the only right decision,
//! the vectors of Project Wycheproof, and mutations of good tokens.
//!
//! Most forgeries are signed with our own key, as if the attacker had found somebody to sign for them:
//! so it is the form that is judged, and not only that the signature does not fit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod claims;
mod encoding;
mod forge;
mod header;
mod keys;
mod mutation;
mod wycheproof;

use std::collections::BTreeSet;

use forge::{Case, Decision, Forge, at};

#[test]
fn every_attack_in_the_table_is_decided_right() {
    let forge = Forge::new();
    let mut cases = header::cases(&forge);
    cases.extend(keys::cases(&forge));
    cases.extend(encoding::cases(&forge));
    cases.extend(claims::cases(&forge));
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "each case has a name of its own");
    let refused = cases.iter().filter(|case| case.right != Decision::Valid);
    let refused = refused.count();
    assert!(refused >= 150, "only {refused} attacks");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| judge(&forge, case))
        .collect();
    println!("{} cases, {refused} of them attacks", cases.len());
    assert!(wrong.is_empty(), "decided wrongly:\n{}", wrong.join("\n"));
}

/// What is wrong with the decision on a case, if it is.
fn judge(forge: &Forge, case: &Case) -> Option<String> {
    let decision = forge.decide(&case.token, at(case.now));
    let is_right = decision == case.right;
    (!is_right).then(|| format!("  {}: {decision:?}, not {:?}", case.name, case.right))
}
