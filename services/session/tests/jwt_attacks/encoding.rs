//! Form: parts too many or too few, other serialisations, base64 that is not canonical, white space,
//! JSON that is not an object, and sizes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use crate::forge::{Case, Forge, claims, decode, encode, parts};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn cases(forge: &Forge) -> Vec<Case> {
    let mut cases = shapes(forge);
    cases.extend(serialisations(forge));
    cases.extend(nested(forge));
    cases.extend(base64(forge));
    cases.extend(spaces(forge));
    cases.extend(json(forge));
    cases.extend(sizes(forge));
    cases
}

fn shapes(forge: &Forge) -> Vec<Case> {
    let good = forge.good();
    let [header, payload, signature] = parts(&good);
    let shapes = [
        ("nothing", String::new()),
        ("a dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("a thousand dots", ".".repeat(1_000)),
        ("a header alone", header.to_owned()),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("a dot before", format!(".{good}")),
        ("a dot after", format!("{good}.")),
        ("a fourth part", format!("{good}.{signature}")),
        (
            "a fourth and a fifth part",
            format!("{good}.{payload}.{signature}"),
        ),
        ("two tokens", format!("{good}.{good}")),
        (
            "parts in another order",
            format!("{payload}.{header}.{signature}"),
        ),
        ("three words", "a.b.c".to_owned()),
        ("not base64", "!!!.???.***".to_owned()),
    ];
    let shapes = shapes.map(|(name, token)| Case::refused(name, token));
    Vec::from(shapes)
}

fn serialisations(forge: &Forge) -> Vec<Case> {
    let good = forge.good();
    let [protected, payload, signature] = parts(&good);
    let flattened = json!({"payload": payload, "protected": protected, "signature": signature});
    let general = json!({
        "payload": payload,
        "signatures": [{"protected": protected, "signature": signature}],
    });
    let unprotected = json!({"payload": payload, "header": forge.header(), "signature": signature});
    // What anybody can make who has the public key alone.
    let wrapped = |algorithm: &str| {
        let header = json!({"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "kid": forge.kid});
        let header = encode(header.to_string().as_bytes());
        let (key, iv, tag) = (encode(&[1; 256]), encode(&[2; 12]), encode(&[3; 16]));
        format!("{header}.{key}.{iv}.{payload}.{tag}")
    };
    vec![
        Case::refused("flattened JSON", flattened.to_string()),
        Case::refused("general JSON", general.to_string()),
        Case::refused("an unprotected header", unprotected.to_string()),
        Case::refused("encrypted to the public key", wrapped("RSA-OAEP-256")),
        Case::refused("encrypted directly", wrapped("dir")),
        Case::refused("encrypted by agreement", wrapped("ECDH-ES")),
    ]
}

/// A token inside a token, with the outer one signed by us.
fn nested(forge: &Forge) -> Vec<Case> {
    let (header, good) = (forge.header().to_string(), forge.good());
    let with_type = forge.header_with("cty", json!("JWT")).to_string();
    vec![
        Case::refused("a token as payload", forge.own.sign(&header, &good)),
        Case::refused(
            "a token as text",
            forge.own.sign(&header, json!(good).to_string()),
        ),
        Case::refused(
            "a token as payload that is declared",
            forge.own.sign(with_type, &good),
        ),
        Case::refused("a token as a claim", {
            forge.with_claims(&json!({"token": good}))
        }),
    ]
}

fn base64(forge: &Forge) -> Vec<Case> {
    let good = forge.good();
    let mut cases = Vec::new();
    for position in 0..3 {
        let name = ["header", "payload", "signature"][position];
        let with = |part: String| {
            let mut parts = parts(&good).map(str::to_owned);
            parts[position] = part;
            parts.join(".")
        };
        let part = parts(&good)[position];
        let padded = [format!("{part}="), format!("{part}==")];
        for padded in padded {
            let count = padded.len() - part.len();
            cases.push(Case::refused(
                format!("{name} with padding of {count}"),
                with(padded),
            ));
        }
        let spaced = format!("{} {}", &part[..4], &part[4..]);
        cases.push(Case::refused(
            format!("{name} with a space in it"),
            with(spaced),
        ));
        let broken = format!("{}\r\n{}", &part[..4], &part[4..]);
        cases.push(Case::refused(
            format!("{name} with a line break in it"),
            with(broken),
        ));
        let percent = format!("%{:02X}{}", part.as_bytes()[0], &part[1..]);
        cases.push(Case::refused(
            format!("{name} with a percent sign"),
            with(percent),
        ));
    }
    cases.push(Case::refused(
        "spare bits set in the signature",
        spare_bits(&good),
    ));
    cases.extend(alphabets(forge));
    cases
}

/// The last letter of a signature carries four bits that mean nothing.
fn spare_bits(token: &str) -> String {
    let (start, last) = token.split_at(token.len() - 1);
    let value = ALPHABET
        .iter()
        .position(|letter| last.as_bytes() == [*letter]);
    let other = ALPHABET[value.unwrap() | 1];
    format!("{start}{}", char::from(other))
}

/// A token whose text differs between the alphabets, in the other one and with padding.
fn alphabets(forge: &Forge) -> Vec<Case> {
    let mut claims = claims();
    claims["note"] = json!("\u{1f511}\u{1f511}\u{ffff}>>>???~~~");
    let header = forge.header().to_string();
    let classic = STANDARD.encode(claims.to_string());
    assert!(classic.contains(['+', '/']), "{classic}");
    let sign = |payload: &str| {
        let message = format!("{}.{payload}", encode(header.as_bytes()));
        format!("{message}.{}", encode(&forge.own.signature(&message)))
    };
    let padded = URL_SAFE.encode(format!("{} ", json!(claims)));
    vec![
        Case::refused(
            "the classic alphabet, signed by us",
            sign(classic.trim_end_matches('=')),
        ),
        Case::refused(
            "padding, signed by us",
            sign(&format!("{}=", padded.trim_end_matches('='))),
        ),
    ]
}

fn spaces(forge: &Forge) -> Vec<Case> {
    let good = forge.good();
    let changed = [
        ("a space before", format!(" {good}")),
        ("a space after", format!("{good} ")),
        ("a line break after", format!("{good}\n")),
        ("a tab after", format!("{good}\t")),
        ("a zero byte after", format!("{good}\0")),
        ("a byte order mark before", format!("\u{feff}{good}")),
        ("a zero-width space after", format!("{good}\u{200b}")),
        ("quotes around", format!("\"{good}\"")),
        ("the scheme in front", format!("Bearer {good}")),
        ("a comma and another token", format!("{good},{good}")),
        ("full-width dots", good.replace('.', "\u{ff0e}")),
        ("percent-encoded dots", good.replace('.', "%2E")),
        ("capitals only", good.to_uppercase()),
        ("small letters only", good.to_lowercase()),
    ];
    Vec::from(changed.map(|(name, token)| Case::refused(name, token)))
}

/// Headers and payloads that are not what JSON calls an object, signed by us.
fn json(forge: &Forge) -> Vec<Case> {
    let (header, payload) = (forge.header().to_string(), claims().to_string());
    let kid = &forge.kid;
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let with_header = |name: &str, header: &[u8]| {
        let token = forge.own.sign(header, &payload);
        Case::refused(format!("header {name}, signed by us"), token)
    };
    let with_payload = |name: &str, payload: &[u8]| {
        let token = forge.own.sign(&header, payload);
        Case::refused(format!("payload {name}, signed by us"), token)
    };
    let list = format!(r#"["JWT","EdDSA","{kid}"]"#);
    let claim_list = format!(
        r#"["u1","s1",null,7,"t1",{},{},"shop","shop"]"#,
        claims()["iat"],
        claims()["exp"]
    );
    let invalid: Vec<u8> = payload
        .bytes()
        .map(|byte| if byte == b'u' { 0xff } else { byte })
        .collect();
    let mark = |text: &str| format!("\u{feff}{text}");
    vec![
        with_header("a list", list.as_bytes()),
        with_header("a text", b"\"EdDSA\""),
        with_header("null", b"null"),
        with_header("empty", b"{}"),
        with_header("cut off", header.trim_end_matches('}').as_bytes()),
        with_header(
            "with something after it",
            format!("{header}{{}}").as_bytes(),
        ),
        with_header(
            "with a trailing comma",
            header.replace('}', ",}").as_bytes(),
        ),
        with_header("with a comment", header.replace('{', "{/**/").as_bytes()),
        with_header("with single quotes", header.replace('"', "'").as_bytes()),
        with_header("in UTF-16", &utf16(&header)),
        with_header("after a byte order mark", mark(&header).as_bytes()),
        with_header("with invalid UTF-8", &[header.as_bytes(), b"\xff"].concat()),
        with_header(
            "with a zero byte",
            header.replace("EdDSA", "Ed\0DSA").as_bytes(),
        ),
        with_payload("a list", claim_list.as_bytes()),
        with_payload("a text", b"\"u1\""),
        with_payload("a number", b"1"),
        with_payload("null", b"null"),
        with_payload("empty", b"{}"),
        with_payload("cut off", payload.trim_end_matches('}').as_bytes()),
        with_payload(
            "with something after it",
            format!("{payload}{{}}").as_bytes(),
        ),
        with_payload("in UTF-16", &utf16(&payload)),
        with_payload("after a byte order mark", mark(&payload).as_bytes()),
        with_payload("with invalid UTF-8", &invalid),
        with_payload(
            "with a lone surrogate",
            payload.replace("u1", r"\ud800").as_bytes(),
        ),
        with_payload(
            "with NaN",
            payload.replace("\"rev\":7", "\"rev\":NaN").as_bytes(),
        ),
    ]
}

fn sizes(forge: &Forge) -> Vec<Case> {
    let (header, payload) = (forge.header().to_string(), claims().to_string());
    let deep = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
    let nested = |text: &str| format!(r#"{},"x":{deep}}}"#, text.trim_end_matches('}'));
    let long = |text: &str, length: usize| {
        format!(
            r#"{},"x":"{}"}}"#,
            text.trim_end_matches('}'),
            "x".repeat(length)
        )
    };
    let spaced = |text: &str, length: usize| format!("{{{}{}", " ".repeat(length), &text[1..]);
    let last = decode(parts(&forge.good())[2]);
    vec![
        Case::refused(
            "a header of a megabyte",
            forge.own.sign(long(&header, 1 << 20), &payload),
        ),
        Case::refused(
            "a header of blanks",
            forge.own.sign(spaced(&header, 1 << 20), &payload),
        ),
        Case::refused(
            "a payload of ten megabytes",
            forge.own.sign(&header, long(&payload, 10 << 20)),
        ),
        Case::refused(
            "a payload a little too large",
            forge.own.sign(&header, long(&payload, 8_000)),
        ),
        Case::refused("a deep header", forge.own.sign(nested(&header), &payload)),
        Case::refused("a deep payload", forge.own.sign(&header, nested(&payload))),
        Case::refused("a signature of a megabyte", {
            let good = forge.good();
            let [header, payload, _] = parts(&good);
            format!("{header}.{payload}.{}", encode(&last.repeat(1 << 14)))
        }),
    ]
}
