//! How long an old value is kept beyond its last use.

use super::*;

/// The credential of a text, in an application whose tokens live for an hour.
fn held(credential: &str, strategy: Strategy) -> Duration {
    let mut app = crate::reportapp::testing::example_app();
    app.spec.api.token_lifetime = reportapp_crds::Period::from_secs(HOUR);
    let credential = serde_yaml_ng::from_str(credential).expect("a credential");
    hold(&app, &credential, strategy)
}

const HOUR: u64 = 3_600;
const PUBLISH: &str = "publish: [{kubernetesSecret: shop, key: password}]";

#[test]
fn readers_of_published_places_are_given_their_time_and_tokens_theirs() {
    use Strategy::{AlternatingUsers, InPlace, KeyOverlap, TwoPasswords, ValueOnly};
    let after = |time: &str| format!("{PUBLISH}, rotation: {{retire: {{after: {time}}}}}");
    let token = HOUR + 10;
    for (opens, strategies) in [
        (
            "database: {store: true, role: a}",
            &[AlternatingUsers, InPlace][..],
        ),
        ("redis: {user: a}", &[AlternatingUsers, TwoPasswords][..]),
        ("generic: {}", &[ValueOnly][..]),
    ] {
        for &strategy in strategies {
            for (more, hours) in [
                (String::new(), 0),
                ("rotation: {retire: {after: 72h}}".to_owned(), 0),
                (PUBLISH.to_owned(), 24),
                (format!("{PUBLISH}, rotation: {{every: 90d}}"), 24),
                (after("72h"), 72),
                (after("0s"), 0),
            ] {
                let text = format!("{{name: a, {opens}, {more}}}");
                let expected = Duration::from_secs(hours * HOUR);
                assert_eq!(held(&text, strategy), expected, "{strategy:?}: {text}");
            }
        }
    }
    for (more, seconds) in [
        (String::new(), token),
        (PUBLISH.to_owned(), 24 * HOUR),
        (after("2h"), 2 * HOUR),
        (after("10m"), token),
    ] {
        let text = format!("{{name: a, jwt: {{}}, {more}}}");
        let expected = Duration::from_secs(seconds);
        assert_eq!(held(&text, KeyOverlap), expected, "{text}");
    }
}
