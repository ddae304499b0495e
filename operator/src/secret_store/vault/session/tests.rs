//! When a token is kept, prolonged and replaced.

use super::*;

fn after(life: Life, seconds: u64) -> Step {
    life.step(life.since + Duration::from_secs(seconds))
}

#[test]
fn a_token_is_prolonged_when_two_thirds_of_its_life_are_over() {
    let life = Life::new(90, true);
    assert_eq!(after(life, 59), Step::Keep);
    assert_eq!(after(life, 60), Step::Renew);
    assert_eq!(after(life, 90), Step::LogIn);
}

#[test]
fn a_token_that_cannot_be_prolonged_is_replaced_in_time() {
    assert_eq!(after(Life::new(90, false), 60), Step::LogIn);
}

#[test]
fn a_token_without_an_end_is_kept() {
    assert_eq!(after(Life::new(0, false), 1_000_000), Step::Keep);
}

#[test]
fn a_renewal_near_the_greatest_age_is_not_worth_it() {
    let life = Life::new(90, true);
    assert!(!life.renewed(90, true).is_running_out());
    assert!(life.renewed(20, true).is_running_out());
    // Step by step it shows as well.
    assert!(life.renewed(40, true).renewed(20, true).is_running_out());
}

#[test]
fn an_address_with_a_path_or_a_user_is_refused() {
    for address in [
        "https://v/vault",
        "https://user@v",
        "vault:8200",
        "ftp://v",
        "",
    ] {
        let settings = Settings {
            address: address.to_owned(),
            namespace: None,
            authority: None,
            mount: "secret".to_owned(),
            prefix: "reportapp".to_owned(),
            login: Login::Token(crate::rotation::ledger::SecretText::new("t")),
        };
        let refused = Session::new(settings).err();
        assert!(
            matches!(refused, Some(StoreError::Unusable(_))),
            "{address}: {refused:?}"
        );
    }
}
