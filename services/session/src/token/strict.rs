//! The one form of a token that is read: what [`super::Tokens::issue`] writes, and nothing that merely
//! means the same.
//!
//! A token comes in as text and leaves as the key it names, before any signature is looked at. Whatever
//! two readers could understand differently is refused here: a parameter nobody of us writes (`crit`,
//! `jku`, `jwk`, `b64`, `zip`, …), a name that occurs twice, base64 that is not canonical, another
//! algorithm than ours, a type that is not ours. What would have to be skipped is not skipped.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// Ours have some 500 characters; a reader of more is a reader of somebody's attack.
const LONGEST: usize = 8 * 1024;

const TYPE: &str = "JWT";
const ALGORITHM: &str = "EdDSA";

/// The header of a token. Unknown names, and known ones that occur twice, make it unreadable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// What is not among the claims of ours, and yet must be respected where somebody sets it.
#[derive(Deserialize)]
struct NotBefore {
    nbf: Option<i64>,
}

/// A token of the right form. Nothing is known about its truth yet.
pub(super) struct Form {
    /// The key that is said to have signed it.
    pub(super) kid: String,
    payload: Vec<u8>,
}

impl Form {
    /// Reads a token; `None` if it has any other form than ours.
    pub(super) fn read(token: &str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let mut parts = token.split('.');
        let mut part = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        let (header, payload, _signature) = (part()?, part()?, part()?);
        if parts.next().is_some() || !is_object(&payload) {
            return None;
        }
        let header: Header = is_object(&header).then(|| serde_json::from_slice(&header).ok())??;
        let ours = header.typ == TYPE && header.alg == ALGORITHM;
        ours.then_some(Self {
            kid: header.kid,
            payload,
        })
    }

    /// From when on the token is good, if it says so; `None` when that cannot be understood.
    pub(super) fn not_before(&self) -> Option<Option<i64>> {
        let claims: NotBefore = serde_json::from_slice(&self.payload).ok()?;
        Some(claims.nbf)
    }
}

/// A list of values in the right order would be read into a structure as well.
fn is_object(json: &[u8]) -> bool {
    json.first() == Some(&b'{')
}
