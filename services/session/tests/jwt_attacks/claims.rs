//! Claims: absent, of another type, for somebody else, too early, too late. All signed by us.

use serde_json::{Value, json};

use crate::forge::{Case, Decision, Forge, NOW, claims, claims_with, without};

pub(crate) fn cases(forge: &Forge) -> Vec<Case> {
    let mut cases = types(forge);
    cases.extend(somebody_else(forge));
    cases.extend(numbers(forge));
    cases.extend(times(forge));
    cases.extend(harmless(forge));
    cases
}

fn types(forge: &Forge) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["sub", "sid", "jti", "iat", "exp", "iss", "aud"] {
        let token = forge.with_claims(&without(&claims(), name));
        cases.push(Case::refused(format!("no {name}"), token));
        let wrong = [
            json!(null),
            json!(true),
            json!({}),
            json!([]),
            json!([claims()[name]]),
        ];
        for value in wrong {
            let token = forge.with_claims(&claims_with(name, value.clone()));
            cases.push(Case::refused(format!("{name} {value}"), token));
        }
        let swapped = match &claims()[name] {
            Value::String(_) => json!(1),
            number => json!(number.to_string()),
        };
        let token = forge.with_claims(&claims_with(name, swapped.clone()));
        cases.push(Case::refused(format!("{name} {swapped}"), token));
    }
    cases
}

/// Issuers and audiences that are not ours but look like it.
fn somebody_else(forge: &Forge) -> Vec<Case> {
    let others = [
        json!("other"),
        json!(""),
        json!("SHOP"),
        json!("shop "),
        json!(" shop"),
        json!("shop\u{0}"),
        json!("shop/"),
        json!("shop,other"),
        json!("https://shop"),
        json!("\u{455}hop"),
        json!("sh\u{200b}op"),
        json!("\u{ff53}\u{ff48}\u{ff4f}\u{ff50}"),
        json!("shop\u{202e}"),
        json!("*"),
        json!(["shop", "other"]),
        json!(["other", "shop"]),
    ];
    let mut cases = Vec::new();
    for name in ["iss", "aud"] {
        for other in &others {
            let token = forge.with_claims(&claims_with(name, other.clone()));
            cases.push(Case::refused(format!("{name} {other}"), token));
        }
    }
    cases
}

/// Numbers as other writers write them: with a fraction, an exponent, as text, too large.
fn numbers(forge: &Forge) -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["exp", "iat", "nbf", "rev"] {
        for spelling in [
            "1800000000.5",
            "1.8e9",
            "1e400",
            "\"1800000000\"",
            "9223372036854775808000",
            "18446744073709551616",
            "0x6b49d200",
            "01800000000",
            "+1800000000",
            "Infinity",
            "[1800000000]",
            "-",
        ] {
            let marked = claims_with(name, json!("MARK")).to_string();
            let payload = marked.replace("\"MARK\"", spelling);
            let token = forge.own.sign(forge.header().to_string(), payload);
            cases.push(Case::refused(format!("{name} written {spelling}"), token));
        }
    }
    let token = forge.with_claims(&claims_with("rev", json!(-1)));
    cases.push(Case::refused("rev -1", token));
    cases
}

/// Both sides of every limit; clocks may differ by five seconds.
fn times(forge: &Forge) -> Vec<Case> {
    use Decision::{Expired, Invalid, Valid};
    let limits = [
        ("exp", NOW + 600, NOW + 599, Valid),
        ("exp", NOW + 600, NOW + 604, Valid),
        ("exp", NOW + 600, NOW + 605, Expired),
        ("exp", NOW + 600, NOW + 606, Expired),
        ("exp", NOW, NOW, Valid),
        ("exp", NOW - 5, NOW, Expired),
        ("exp", 0, NOW, Expired),
        ("exp", 1, NOW, Expired),
        // Before 1970 there were no tokens.
        ("exp", -1, NOW, Invalid),
        ("exp", i64::MIN, NOW, Invalid),
        ("exp", i64::MAX, NOW, Valid),
        ("iat", NOW, NOW - 5, Valid),
        ("iat", NOW, NOW - 6, Invalid),
        ("iat", i64::MAX, NOW, Invalid),
        ("iat", i64::MIN, NOW, Valid),
        ("nbf", NOW + 5, NOW, Valid),
        ("nbf", NOW + 6, NOW, Invalid),
        ("nbf", i64::MAX, NOW, Invalid),
        ("nbf", i64::MIN, NOW, Valid),
        ("nbf", NOW, NOW, Valid),
    ];
    let cases = limits.map(|(name, value, now, right)| {
        let token = forge.with_claims(&claims_with(name, json!(value)));
        let shown = now - NOW;
        Case {
            now,
            ..Case::new(format!("{name} {value} judged at {shown:+}"), token, right)
        }
    });
    let mut cases = Vec::from(cases);
    let mut both = claims_with("exp", json!(NOW - 100));
    both["aud"] = json!("other");
    // Whoever is not meant learns nothing more.
    cases.push(Case::refused(
        "expired and for somebody else",
        forge.with_claims(&both),
    ));
    cases
}

/// What must go on working.
fn harmless(forge: &Forge) -> Vec<Case> {
    let good = [
        ("the least a token says", claims()),
        (
            "a claim of a later release",
            claims_with("server_id", json!("main")),
        ),
        ("no tenant", claims_with("tenant", json!(null))),
        ("a tenant", claims_with("tenant", json!("acme"))),
        ("no rev", without(&claims(), "rev")),
        ("the greatest rev", claims_with("rev", json!(u64::MAX))),
        (
            "a name in other letters",
            claims_with("sub", json!("Ștefan \u{1f642}")),
        ),
        ("nbf null", claims_with("nbf", json!(null))),
    ];
    let good =
        good.map(|(name, claims)| Case::new(name, forge.with_claims(&claims), Decision::Valid));
    let mut cases = Vec::from(good);
    let escaped = claims().to_string().replace("\"shop\"", r#""\u0073hop""#);
    let token = forge.own.sign(forge.header().to_string(), escaped);
    cases.push(Case::new(
        "the audience with an escaped letter",
        token,
        Decision::Valid,
    ));
    cases
}
