//! Logins of administrators, which change credentials, are the operator's alone: nothing that is built for
//! the application names their Secrets or holds their values.

use reportapp_crds::report_app::Admin;
use serde_json::json;

use super::super::super::model::SecretLookup;
use super::*;

/// The value of every administrator; shares nothing with other values of the example.
const ADMINISTRATOR: &str = "administrator0of0everything";
/// Databases and Redis, by the credential that says so in the names of their Secrets.
const PLACES: [&str; 3] = ["erp", "store", "redis"];

fn admin(place: &str) -> Option<Admin> {
    let password = json!({ "secretRef": { "name": format!("{place}-admin") } });
    let admin = json!({ "username": "root", "password": password });
    Some(serde_json::from_value(admin).expect("an administrator"))
}

/// The example, in which every login can be changed.
fn administered() -> FetchedReportApp {
    let mut fetched = example_with(|app| {
        app.spec.servers[0].admin = admin("erp");
        app.spec.store.admin = admin("store");
        app.spec.redis.as_mut().expect("a Redis").admin = admin("redis");
    });
    for place in PLACES {
        let lookup = SecretLookup::Found {
            data: [("password".to_owned(), SecretBytes::new(ADMINISTRATOR))].into(),
            kind: "Opaque".to_owned(),
        };
        fetched.secrets.insert(format!("{place}-admin"), lookup);
    }
    fetched
}

/// Whether a text holds a value, plain or in the encoding of Secrets at any of its three alignments.
fn holds(text: &str, value: &str) -> bool {
    let encoded = |skip: usize| STANDARD.encode(&value.as_bytes()[skip..])[..16].to_owned();
    text.contains(value) || (0..3).any(|skip| text.contains(&encoded(skip)))
}

#[test]
fn no_pod_is_given_the_login_of_an_administrator() {
    let resources = built(&administered());
    let mut text = serde_json::to_string(&objects(&resources)).expect("serialisable");
    // Of Secrets the values too.
    text += &serde_json::to_string(&resources.secrets).expect("serialisable");
    assert!(holds(&text, &format!("{CANARY}-erp")), "it is looked for");
    assert!(!holds(&text, ADMINISTRATOR));
    for place in PLACES {
        assert!(!text.contains(&format!("{place}-admin")), "{place}");
    }
    assert!(!format!("{resources:?}").contains(ADMINISTRATOR));
}
