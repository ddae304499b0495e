//! The forger's workshop: our own keys, foreign ones, and tokens of any form signed by either.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rcgen::PublicKeyData as _;
use reportapp_session::epochs::{Bearer, Revision};
use reportapp_session::{KeySet, TokenError, Tokens};
use serde_json::{Value, json};

pub(crate) const APP: &str = "shop";
pub(crate) const LIFE: u64 = 600;
/// When the tokens of the table are issued and, unless a case says otherwise, judged.
pub(crate) const NOW: i64 = 1_800_000_000;

/// What is to become of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Valid,
    Expired,
    Invalid,
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) token: String,
    /// When it is judged, in seconds since 1970.
    pub(crate) now: i64,
    pub(crate) right: Decision,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, token: impl Into<String>, right: Decision) -> Self {
        Self {
            name: name.into(),
            token: token.into(),
            now: NOW,
            right,
        }
    }

    pub(crate) fn refused(name: impl Into<String>, token: impl Into<String>) -> Self {
        Self::new(name, token, Decision::Invalid)
    }
}

/// A key pair in the forms an attacker may want.
pub(crate) struct Key {
    pair: Ed25519KeyPair,
    pub(crate) private_pem: String,
    pub(crate) public_pem: String,
    pub(crate) public_der: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Self {
            private_pem: pair.serialize_pem(),
            public_pem: pair.public_key_pem(),
            public_der: pair.subject_public_key_info(),
            pair: Ed25519KeyPair::from_pkcs8(&pair.serialize_der()).unwrap(),
        }
    }

    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn x(&self) -> String {
        encode(self.public())
    }

    pub(crate) fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": self.x()})
    }

    pub(crate) fn signature(&self, message: &str) -> Vec<u8> {
        self.pair.sign(message.as_bytes()).as_ref().to_vec()
    }

    /// Any header and payload, byte for byte, under a good signature of this key.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", encode(header.as_ref()), encode(payload.as_ref()));
        let signature = encode(&self.signature(&message));
        format!("{message}.{signature}")
    }
}

/// An application, its signing key, and one that only verifies.
pub(crate) struct Forge {
    pub(crate) own: Key,
    pub(crate) retired: Key,
    pub(crate) foreign: Key,
    pub(crate) kid: String,
    pub(crate) tokens: Tokens,
}

impl Forge {
    pub(crate) fn new() -> Self {
        let (own, retired, foreign) = (Key::new(), Key::new(), Key::new());
        let keys = key_set(&own, &[&retired.public_pem]);
        Self {
            kid: keys.signing_id().to_owned(),
            tokens: Tokens::new(APP, LIFE, keys),
            own,
            retired,
            foreign,
        }
    }

    pub(crate) fn decide(&self, token: &str, now: Timestamp) -> Decision {
        decide(&self.tokens, token, now)
    }

    /// A token as the application hands it out.
    pub(crate) fn good(&self) -> String {
        issue(&self.tokens)
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "EdDSA", "kid": self.kid})
    }

    /// The header with one name set or replaced.
    pub(crate) fn header_with(&self, name: &str, value: Value) -> Value {
        let mut header = self.header();
        header[name] = value;
        header
    }

    /// Signed with our own key.
    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        self.own.sign(header.to_string(), claims.to_string())
    }

    pub(crate) fn with_header(&self, header: &Value) -> String {
        self.signed(header, &claims())
    }

    pub(crate) fn with_claims(&self, claims: &Value) -> String {
        self.signed(&self.header(), claims)
    }
}

pub(crate) fn claims() -> Value {
    json!({
        "sub": "u1", "sid": "s1", "rev": 7, "jti": "t1",
        "iat": NOW, "exp": NOW + 600, "iss": APP, "aud": APP,
    })
}

pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn without(object: &Value, name: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// The keys of an application that signs with one and also accepts others, as PEM.
pub(crate) fn key_set(signing: &Key, verifying: &[&str]) -> KeySet {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: &str| std::fs::write(folder.path().join(name), pem).unwrap();
    write("signing.pem", &signing.private_pem);
    for (number, pem) in verifying.iter().enumerate() {
        write(&format!("verify-{number}.pem"), pem);
    }
    KeySet::load(folder.path()).unwrap()
}

pub(crate) fn issue(tokens: &Tokens) -> String {
    let bearer = Bearer {
        tenant: Some("acme"),
        user: "u1",
        session: "s1",
        issued: Revision(7),
    };
    tokens.issue(&bearer, at(NOW)).value
}

pub(crate) fn decide(tokens: &Tokens, token: &str, now: Timestamp) -> Decision {
    match tokens.verify(token, now) {
        Ok(_) => Decision::Valid,
        Err(TokenError::Expired) => Decision::Expired,
        Err(TokenError::Invalid) => Decision::Invalid,
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The three parts of a token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// A token with a symmetric signature under `secret`.
pub(crate) fn hmac_signed(algorithm: &str, kid: &str, secret: &[u8]) -> String {
    let hash = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let header = json!({"typ": "JWT", "alg": algorithm, "kid": kid}).to_string();
    let claims = claims().to_string();
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let key = hmac::Key::new(hash, secret);
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", encode(tag.as_ref()))
}
