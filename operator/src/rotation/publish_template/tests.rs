//! What templates become, and what is said about mistakes.

use super::*;
use proptest::prelude::*;

fn render(template: &str, secret: &str) -> Result<String, InvalidTemplate> {
    let secret = SecretText::new(secret);
    let values = Values {
        username: Some("bisman_backend_a"),
        secret: &secret,
        host: Some("db.internal"),
        port: Some(5432),
        database: Some("bisman"),
    };
    Ok(Template::parse(template)?
        .render(&values)?
        .expose()
        .to_owned())
}

fn target(place: &str, key: &str, template: Option<&str>) -> Publish {
    Publish {
        vault_path: place.starts_with("vault").then(|| place.to_owned()),
        aws_secret: None,
        kubernetes_secret: place.starts_with("secret").then(|| place.to_owned()),
        key: key.to_owned(),
        template: template.map(str::to_owned),
    }
}

#[test]
fn placeholders_are_replaced_and_everything_else_stays() {
    for (template, expected) in [
        (
            "postgresql://{{ username }}:{{ password | urlencode }}@{{ host }}:{{ port }}/{{ database }}",
            "postgresql://bisman_backend_a:p%40ss%2Fw%20%C8%99@db.internal:5432/bisman",
        ),
        (
            r#"{"a":{"password":"{{password}}"}}"#,
            r#"{"a":{"password":"p@ss/w ș"}}"#,
        ),
        ("{{ value }}\n", "p@ss/w ș\n"),
        (
            "{{value|urlencode}}{{ host }}",
            "p%40ss%2Fw%20%C8%99db.internal",
        ),
        ("ș { } }} plain", "ș { } }} plain"),
        ("", ""),
    ] {
        assert_eq!(render(template, "p@ss/w ș").as_deref(), Ok(expected));
    }
}

#[test]
fn a_value_is_never_read_as_a_template() {
    assert_eq!(
        render("{{ password }}", "{{ host }}").as_deref(),
        Ok("{{ host }}")
    );
}

#[test]
fn a_mistake_is_named_with_its_position_and_the_remedy() {
    for (template, message) in [
        (
            "ș{{ password",
            "character 2: {{ is not closed; write }} after the name",
        ),
        (
            "x {{ user }}",
            "character 3: \"user\" is no placeholder; write one of username, password, value, host, \
             port and database",
        ),
        (
            "{{ host }} {{ password | base64 }}",
            "character 12: \"base64\" is no filter; write urlencode, or nothing after the name",
        ),
        (
            "{{ password | urlencode | urlencode }}",
            "character 1: \"urlencode | urlencode\" is no filter; write urlencode, or nothing after the name",
        ),
        (
            "{{}}",
            "character 1: \"\" is no placeholder; write one of username, password, value, host, port and database",
        ),
    ] {
        let why = Template::parse(template).expect_err(template);
        assert_eq!(why.to_string(), message);
    }
}

#[test]
fn a_placeholder_without_a_value_is_refused_by_name() {
    let secret = SecretText::new("x");
    let values = Values {
        username: None,
        secret: &secret,
        host: None,
        port: None,
        database: None,
    };
    let template = Template::parse("{{ username }}:{{ password }}").expect("a template");
    let why = template.render(&values).expect_err("no user name");
    assert_eq!(why, InvalidTemplate::NoValue(Field::Username));
    assert!(
        why.to_string()
            .starts_with("{{ username }} stands for nothing here")
    );
    let alone = Template::of(&target("secret", "password", None)).expect("the default");
    assert_eq!(alone.render(&values).expect("a value").expose(), "x");
}

#[test]
fn a_target_carries_the_user_name_in_its_text_or_beside_it() {
    let url = Some("postgresql://{{ username }}:{{ password }}@{{ host }}");
    assert!(carries_username(url));
    assert!(!carries_username(None) && !carries_username(Some("{{ password }}")));
    let name = Some("{{ username }}");
    let cases = [
        (vec![], true),
        (vec![target("vault/a", "DATABASE_URL", url)], true),
        (vec![target("secret-a", "password", None)], false),
        // A pair in one place; the reader of one finds the other.
        (
            vec![
                target("secret-a", "password", None),
                target("secret-a", "username", name),
            ],
            true,
        ),
        (
            vec![
                target("secret-a", "password", None),
                target("secret-b", "username", name),
            ],
            false,
        ),
        // A URL for one reader does not help the reader of the password.
        (
            vec![
                target("vault/a", "DB_PASSWORD", None),
                target("vault/a", "DATABASE_URL", url),
            ],
            false,
        ),
    ];
    for (targets, expected) in cases {
        assert_eq!(
            target_without_username(&targets).is_none(),
            expected,
            "{targets:?}"
        );
    }
}

/// The opposite of [`urlencode`], by the letter of RFC 3986.
fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [
                bytes.next().expect("a digit"),
                bytes.next().expect("a digit"),
            ];
            decoded.extend(hex::decode(pair).expect("two digits"));
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).expect("what was encoded is text")
}

proptest! {
    #[test]
    fn urlencode_keeps_only_unreserved_characters_and_reads_back(text in any::<String>()) {
        let encoded = urlencode(&text);
        prop_assert!(encoded.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%".contains(c)));
        prop_assert_eq!(decode(&encoded), text);
    }

    #[test]
    fn a_url_with_an_encoded_password_reads_back(text in any::<String>()) {
        let rendered = render("postgresql://{{ username }}:{{ password | urlencode }}@{{ host }}/", &text).expect("rendered");
        let url = url::Url::parse(&rendered).expect("a URL");
        prop_assert_eq!(url.host_str(), Some("db.internal"));
        prop_assert_eq!(decode(url.password().unwrap_or_default()), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z{}| ș]{0,40}") {
        let _read_or_refused = Template::parse(&text);
    }
}
