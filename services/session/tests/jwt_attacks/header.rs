//! Headers: another algorithm or none, keys that the token itself brings or names, parameters that
//! change what a reader has to do.

use serde_json::{Value, json};

use crate::forge::{Case, Forge, claims, encode, hmac_signed, parts, without};

pub(crate) fn cases(forge: &Forge) -> Vec<Case> {
    let mut cases = no_signature(forge);
    cases.extend(other_algorithms(forge));
    cases.extend(symmetric(forge));
    cases.extend(types(forge));
    cases.extend(own_keys(forge));
    cases.extend(parameters(forge));
    cases.extend(twice(forge));
    cases
}

/// `none` in every spelling, with the signature left out, left as it was, and made of zeros.
fn no_signature(forge: &Forge) -> Vec<Case> {
    let spellings = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!(" none"),
        json!("none\u{0}"),
        json!("n\u{43e}ne"),
        json!(""),
        json!(null),
        json!(false),
        json!(0),
        json!([]),
        json!(["none"]),
        json!({}),
    ];
    let mut cases = Vec::new();
    for spelling in spellings {
        let token = forge.with_header(&forge.header_with("alg", spelling.clone()));
        let [header, payload, _] = parts(&token);
        let unsigned = format!("{header}.{payload}.");
        let zeros = format!("{unsigned}{}", encode(&[0; 64]));
        let name = format!("alg {spelling}");
        cases.push(Case::refused(format!("{name}, no signature"), unsigned));
        cases.push(Case::refused(
            format!("{name}, a signature of zeros"),
            zeros,
        ));
        cases.push(Case::refused(format!("{name}, signed by us"), token));
    }
    cases
}

fn other_algorithms(forge: &Forge) -> Vec<Case> {
    let names = [
        "HS256",
        "HS384",
        "HS512",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "Ed25519",
        "Ed448",
        "EdDsa",
        "eddsa",
        "EDDSA",
        "EdDSA ",
        "EdDSA\0",
        "EdDSA,none",
        "dir",
        "RSA-OAEP",
        "A256KW",
    ];
    let named = names.map(|name| {
        let header = forge.header_with("alg", json!(name));
        Case::refused(
            format!("alg {name:?}, signed by us"),
            forge.with_header(&header),
        )
    });
    let mut cases = Vec::from(named);
    let header = without(&forge.header(), "alg");
    cases.push(Case::refused(
        "no alg, signed by us",
        forge.with_header(&header),
    ));
    let header = forge.header_with("alg", json!(["EdDSA", "none"]));
    cases.push(Case::refused(
        "a list of algs, signed by us",
        forge.with_header(&header),
    ));
    cases
}

/// The public key, in whatever form somebody might have loaded it, used as a secret.
fn symmetric(forge: &Forge) -> Vec<Case> {
    let x = forge.own.x();
    let set = serde_json::to_vec(&forge.tokens.keys().jwks()).unwrap();
    let secrets: [(&str, &[u8]); 8] = [
        ("raw", forge.own.public()),
        ("PEM", forge.own.public_pem.as_bytes()),
        ("trimmed PEM", forge.own.public_pem.trim_end().as_bytes()),
        ("DER", &forge.own.public_der),
        ("base64url", x.as_bytes()),
        ("JWKS", &set),
        ("kid", forge.kid.as_bytes()),
        ("empty", b""),
    ];
    let mut cases = Vec::new();
    for algorithm in ["HS256", "HS384", "HS512"] {
        for (form, secret) in secrets {
            let token = hmac_signed(algorithm, &forge.kid, secret);
            let name = format!("{algorithm} under the public key, {form}");
            cases.push(Case::refused(name, token));
        }
    }
    cases
}

fn types(forge: &Forge) -> Vec<Case> {
    let other = [
        json!("jwt"),
        json!("at+jwt"),
        json!("application/jwt"),
        json!("JWS"),
        json!("JOSE"),
        json!("JWE"),
        json!("JWT "),
        json!("refresh"),
        json!(""),
        json!(null),
        json!(1),
        json!(["JWT"]),
    ];
    let mut cases: Vec<Case> = other
        .into_iter()
        .map(|typ| {
            let header = forge.header_with("typ", typ.clone());
            Case::refused(
                format!("typ {typ}, signed by us"),
                forge.with_header(&header),
            )
        })
        .collect();
    let header = without(&forge.header(), "typ");
    cases.push(Case::refused(
        "no typ, signed by us",
        forge.with_header(&header),
    ));
    cases
}

/// The attacker's own key, brought along or pointed at, with a signature that fits it.
fn own_keys(forge: &Forge) -> Vec<Case> {
    let url = json!("https://attacker.example/keys.json");
    let brought = [
        ("jwk", forge.foreign.jwk()),
        ("jwks", json!({"keys": [forge.foreign.jwk()]})),
        ("jku", url.clone()),
        ("x5u", url),
        ("x5c", json!([encode(forge.foreign.public())])),
        ("x5t", json!(encode(&[1; 20]))),
        ("x5t#S256", json!(encode(&[1; 32]))),
        ("epk", forge.foreign.jwk()),
    ];
    let mut cases = Vec::new();
    for (name, value) in brought {
        let header = forge.header_with(name, value);
        let foreign = forge.foreign.sign(header.to_string(), claims().to_string());
        cases.push(Case::refused(format!("{name} and its signature"), foreign));
        let keyless = without(&header, "kid").to_string();
        let foreign = forge.foreign.sign(keyless, claims().to_string());
        cases.push(Case::refused(format!("{name} without kid"), foreign));
        let own = forge.with_header(&header);
        cases.push(Case::refused(format!("{name}, signed by us"), own));
    }
    let header = forge.header_with("jku", json!("file:///dev/null"));
    cases.push(Case::refused(
        "jku to a file, signed by us",
        forge.with_header(&header),
    ));
    cases
}

/// What asks a reader for more, or for something else, than ours does.
fn parameters(forge: &Forge) -> Vec<Case> {
    let headers = [
        (
            "crit unknown",
            json!({"crit": ["exp-strict"], "exp-strict": true}),
        ),
        ("crit b64", json!({"crit": ["b64"], "b64": false})),
        ("crit b64 true", json!({"crit": ["b64"], "b64": true})),
        ("crit empty", json!({"crit": []})),
        ("crit null", json!({"crit": null})),
        ("crit text", json!({"crit": "b64"})),
        ("crit of a standard name", json!({"crit": ["alg"]})),
        ("crit of something absent", json!({"crit": ["absent"]})),
        ("b64 false", json!({"b64": false})),
        ("b64 as text", json!({"b64": "false"})),
        ("zip", json!({"zip": "DEF"})),
        ("enc", json!({"enc": "A256GCM"})),
        ("cty JWT", json!({"cty": "JWT"})),
        ("apu and apv", json!({"apu": "QQ", "apv": "QQ"})),
        ("p2c and p2s", json!({"p2c": i32::MAX, "p2s": "QQ"})),
        ("iv and tag", json!({"iv": "QQ", "tag": "QQ"})),
        ("nonce", json!({"nonce": "1"})),
        ("url", json!({"url": "https://shop.example/"})),
        (
            "claims repeated in the header",
            json!({"iss": "shop", "aud": "shop"}),
        ),
        ("an unknown name", json!({"x": 1})),
        ("ALG in capitals beside alg", json!({"ALG": "none"})),
        ("__proto__", json!({"__proto__": {"alg": "none"}})),
    ];
    let forged = headers.map(|(name, more)| {
        let mut header = forge.header();
        let more = more.as_object().unwrap().clone();
        header.as_object_mut().unwrap().extend(more);
        Case::refused(format!("{name}, signed by us"), forge.with_header(&header))
    });
    let mut cases = Vec::from(forged);
    cases.push(unencoded(forge));
    cases
}

/// RFC 7797: the payload as it is, which other readers would take for base64.
fn unencoded(forge: &Forge) -> Case {
    let more =
        json!({"crit": ["b64"], "b64": false, "alg": "EdDSA", "typ": "JWT", "kid": forge.kid});
    let [_, payload, _] = parts(&forge.good()).map(str::to_owned);
    let message = format!("{}.{payload}", encode(more.to_string().as_bytes()));
    let signature = encode(&forge.own.signature(&message));
    Case::refused(
        "b64 false over a payload that reads as base64",
        format!("{message}.{signature}"),
    )
}

/// A name that occurs twice: one reader takes the first, another the last.
fn twice(forge: &Forge) -> Vec<Case> {
    let kid = &forge.kid;
    let headers = [
        (
            "alg none, then ours",
            format!(r#"{{"alg":"none","typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#),
        ),
        (
            "alg ours, then none",
            format!(r#"{{"alg":"EdDSA","typ":"JWT","alg":"none","kid":"{kid}"}}"#),
        ),
        (
            "alg ours twice",
            format!(r#"{{"alg":"EdDSA","typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#),
        ),
        (
            "alg escaped beside alg",
            format!(r#"{{"alg":"EdDSA","typ":"JWT","\u0061lg":"none","kid":"{kid}"}}"#),
        ),
        (
            "kid foreign, then ours",
            format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"x","kid":"{kid}"}}"#),
        ),
        (
            "kid ours, then foreign",
            format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}","kid":"x"}}"#),
        ),
        (
            "typ twice",
            format!(r#"{{"alg":"EdDSA","typ":"JWE","typ":"JWT","kid":"{kid}"}}"#),
        ),
    ];
    let forged = headers.map(|(name, header)| {
        let token = forge.own.sign(header, claims().to_string());
        Case::refused(format!("{name}, signed by us"), token)
    });
    let mut cases = Vec::from(forged);
    for name in ["sub", "sid", "jti", "iat", "exp", "iss", "aud", "rev"] {
        let claims = claims();
        let again = format!(r#","{name}":{}}}"#, claims[name]);
        let doubled = claims.to_string();
        let doubled = format!("{}{again}", doubled.trim_end_matches('}'));
        let token = forge.own.sign(forge.header().to_string(), doubled);
        cases.push(Case::refused(
            format!("claim {name} twice, signed by us"),
            token,
        ));
    }
    let later: Value = json!(crate::forge::NOW + 1_000_000);
    let claims = claims().to_string();
    let longer = format!(r#"{},"exp":{later}}}"#, claims.trim_end_matches('}'));
    let token = forge.own.sign(forge.header().to_string(), longer);
    cases.push(Case::refused(
        "claim exp twice, the second later, signed by us",
        token,
    ));
    cases
}
