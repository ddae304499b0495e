//! Refresh tokens: what keeps somebody signed in, replaced at every use. Pure.
//!
//! A token is `<family>.<secret>`. All tokens of a session have the family in common; the secret is new
//! each time. Whoever presents one shows by its family which session they mean, and [`Line`] decides
//! what their token is: the one that may be used, the one just replaced, or an older one. An older one
//! means that two people hold tokens of this session, one of whom stole theirs, and ends it. Nobody
//! without a token knows a family, so nobody else can end a session that way.
//!
//! Only hashes are kept. Both parts are random, so a plain hash cannot be turned back.

use aws_lc_rs::{digest, hmac};
use jiff::{SignedDuration, Timestamp};

use crate::random;

/// How long the token that was just replaced is good for: an answer was lost, or two windows asked at
/// the same time.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// Characters of a token that are shown to people.
const PREFIX: usize = 8;
/// Hexadecimal digits of a family and of a secret.
const FAMILY: usize = 32;
const SECRET: usize = 64;

/// A refresh token. A secret: whoever holds it is the user.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

impl RefreshToken {
    /// The first token of a new session.
    pub fn begin() -> Self {
        Self(format!("{}.{}", random::id(), random::secret()))
    }

    /// Another token of the same session.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self(format!("{}.{}", self.family(), random::secret()))
    }

    /// Reads a token somebody presents; `None`: it cannot be one of ours.
    pub fn read(text: &str) -> Option<Self> {
        let (family, secret) = text.split_once('.')?;
        let is_hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        (is_hex(family, FAMILY) && is_hex(secret, SECRET)).then(|| Self(text.to_owned()))
    }

    /// The token itself, to be handed to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store knows the token by.
    pub fn hash(&self) -> String {
        sha256(&self.0)
    }

    /// What the store knows the session by.
    pub fn family_hash(&self) -> String {
        sha256(self.family())
    }

    /// The beginning of the token, the same for all of a session, for people who compare.
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX]
    }

    fn family(&self) -> &str {
        &self.0[..FAMILY]
    }
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The token that proves that a page of our own sent a request: an HMAC of the session's id under a key
/// that only its record holds. The same for the whole life of the session, so that windows which
/// refresh it do not disturb each other.
pub fn csrf_token(session: &str, family_hash: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, family_hash.as_bytes());
    let message = format!("reportapp csrf {session}");
    hex::encode(hmac::sign(&key, message.as_bytes()))
}

/// What a presented token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The one that may be used.
    Current,
    /// The one before it, replaced a moment ago.
    JustReplaced,
    /// An older one: somebody else used it before.
    Reused,
}

/// The hashes of the tokens of a session that are good for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The token that may be used.
    pub current: String,
    /// The token it replaced, if it is not the first.
    pub previous: Option<String>,
    /// When the previous one was replaced for the first time.
    pub rotated_at: Option<Timestamp>,
}

impl Line {
    /// The line of a session that begins with this token.
    pub fn begin(first: &RefreshToken) -> Self {
        Self {
            current: first.hash(),
            previous: None,
            rotated_at: None,
        }
    }

    /// What the token with this hash is at `now`.
    pub fn judge(&self, hash: &str, now: Timestamp) -> Presented {
        if hash == self.current {
            return Presented::Current;
        }
        let is_previous = self.previous.as_deref() == Some(hash);
        let is_fresh = self
            .rotated_at
            .is_some_and(|at| now.duration_since(at) <= GRACE);
        if is_previous && is_fresh {
            Presented::JustReplaced
        } else {
            Presented::Reused
        }
    }

    /// The line after a good token was replaced by the one with the hash `next`; `None`: the token was
    /// not good. A token that is replaced once more keeps its place and its moment, so its time never
    /// grows; what it was replaced by before is good for nothing from then on.
    pub fn replace(&self, presented: Presented, next: String, now: Timestamp) -> Option<Self> {
        match presented {
            Presented::Current => Some(Self {
                previous: Some(self.current.clone()),
                current: next,
                rotated_at: Some(now),
            }),
            Presented::JustReplaced => Some(Self {
                current: next,
                ..self.clone()
            }),
            Presented::Reused => None,
        }
    }
}

#[cfg(test)]
mod tests;
