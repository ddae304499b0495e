//! Values the spec takes from Vault.

use super::*;

const FIRST_VALUE: &str = "spec.credentials[erp].from.vaultPath";

#[test]
fn a_value_in_vault_is_used_as_one_in_a_secret_and_so_is_the_password_of_a_url() {
    let expected = |password: &str| {
        let values = [("password", SecretBytes::new(password))];
        let app = validate(&example_with_secret("erp-login", &values)).expect("valid");
        app.servers[0].login.clone()
    };
    for (value, password) in [
        ("canary0value", "canary0value"),
        (
            "postgresql://reports_read:canary0%40value@erp/erp",
            "canary0@value",
        ),
    ] {
        let app = validate(&with_vault(found_in_vault(value))).expect("valid");
        assert_eq!(app.servers[0].login, expected(password));
        assert!(app.unread.is_empty());
    }
}

#[test]
fn a_value_in_vault_that_cannot_be_used_is_refused() {
    let mut elsewhere = with_vault(found_in_vault("x"));
    let mut app = (*elsewhere.app).clone();
    app.spec.secret_store.vault = None;
    elsewhere.app = app.into();
    let (invalid, missing) = (
        ProblemReason::InvalidValue,
        ProblemReason::StoreValueMissing,
    );
    assert_refused(
        &elsewhere,
        invalid,
        FIRST_VALUE,
        "needs spec.secretStore.vault",
    );
    let other = format!("postgresql://boss:{CANARY}@erp/erp");
    for (found, reason, hint) in [
        (found_in_vault(" \n"), invalid, "is empty"),
        (found_in_vault(&other), invalid, "user boss"),
        (unread(Reason::LedgerUnusable), missing, "unseal it"),
    ] {
        assert_refused(&with_vault(found), reason, FIRST_VALUE, hint);
    }
}

#[test]
fn pods_keep_the_value_they_have_while_vault_does_not_give_it() {
    for (reason, problem) in [
        (Reason::StoreUnavailable, ProblemReason::StoreUnavailable),
        (Reason::StoreDenied, ProblemReason::StoreDenied),
    ] {
        let mut fetched = with_vault(unread(reason));
        assert_refused(&fetched, problem, FIRST_VALUE, "unseal it");
        let before = validate(&example()).expect("valid").servers[0]
            .login
            .clone();
        fetched.kept.insert("erp".to_owned(), before.files.clone());
        let app = validate(&fetched).expect("valid");
        assert_eq!(app.servers[0].login, before);
        let [sentence] = app.unread.as_slice() else {
            panic!("{:?}", app.unread);
        };
        assert!(sentence.contains("credential erp") && sentence.contains("unseal it"));
    }
}

#[test]
fn an_administrator_in_vault_is_checked_but_may_be_withheld() {
    let with = |found| {
        let mut fetched = with_vault(found_in_vault("x"));
        let mut app = (*fetched.app).clone();
        let admin = r#"{"username": "boss", "password": {"vaultPath": "erp/boss"}}"#;
        app.spec.servers[0].admin = serde_json::from_str(admin).expect("an administrator");
        fetched.app = app.into();
        let name = "vault:erp/boss#password".to_owned();
        fetched.secrets.insert(name, found);
        fetched
    };
    assert!(validate(&with(unread(Reason::StoreUnavailable))).is_ok());
    assert_refused(
        &with(unread(Reason::LedgerUnusable)),
        ProblemReason::StoreValueMissing,
        "spec.servers[main].admin.password.vaultPath",
        "unseal it",
    );
}
