//! Access tokens: signed proof of who signed in and in which session (RFC 7519, EdDSA).
//!
//! A token alone is not enough: whoever accepts one must also ask whether it was revoked since, by the
//! epochs ([`Claims::bearer`] is what they judge), and whether the session named by `sid` still exists.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::epochs::{Bearer, Revision};
use crate::keys::KeySet;
use crate::random;

mod strict;

/// Clocks of two replicas may differ by this much.
const LEEWAY_SECONDS: i64 = 5;

/// What a token says. All times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Id of the user.
    pub sub: String,
    /// Id of the session the token belongs to.
    pub sid: String,
    /// Id of the tenant the user acts for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The ERP server the user signed in at; absent for accounts of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<String>,
    /// The revision the token was issued under; see [`Bearer::issued`]. A token without it is from a
    /// release before epochs and counts as older than every revocation.
    #[serde(default)]
    pub rev: Revision,
    /// What a page must send along when a browser sends this token by itself, as a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
    /// Id of the token.
    pub jti: String,
    /// Issued at.
    pub iat: i64,
    /// Not to be accepted from this moment on.
    pub exp: i64,
    /// Issuer: the name of the application.
    pub iss: String,
    /// Audience: the name of the application.
    pub aud: String,
}

impl Claims {
    /// Who the token speaks for, as the epochs judge it.
    pub fn bearer(&self) -> Bearer<'_> {
        Bearer {
            tenant: self.tenant.as_deref(),
            user: &self.sub,
            session: &self.sid,
            issued: self.rev,
        }
    }
}

/// What a token may say besides whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// See [`Claims::server_id`].
    pub server_id: Option<String>,
    /// See [`Claims::csrf`]: a browser may send the token as a cookie, if it sends this along.
    pub csrf: Option<String>,
}

/// A token as handed to a client.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The compact serialisation. A secret: whoever holds it is the user.
    pub value: String,
    /// Seconds until it expires.
    pub expires_in: u64,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Why a token was refused. Deliberately coarse: a client learns no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The lifetime is over.
    #[error("the access token has expired")]
    Expired,
    /// Malformed, signed by a key we do not accept, or meant for another application.
    #[error("the access token is not valid here")]
    Invalid,
}

/// Issues and verifies the access tokens of one application.
#[derive(Debug)]
pub struct Tokens {
    app: String,
    lifetime_seconds: u64,
    keys: KeySet,
}

impl Tokens {
    /// Tokens of `app`, valid for `lifetime_seconds`, under `keys`.
    pub fn new(app: impl Into<String>, lifetime_seconds: u64, keys: KeySet) -> Self {
        Self {
            app: app.into(),
            lifetime_seconds,
            keys,
        }
    }

    /// Life of a token.
    pub fn lifetime_seconds(&self) -> u64 {
        self.lifetime_seconds
    }

    /// The accepted keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Signs a token for its bearer, to be sent in a header.
    pub fn issue(&self, bearer: &Bearer<'_>, now: Timestamp) -> AccessToken {
        self.issue_with(bearer, Extras::default(), now)
    }

    /// Signs a token that says more than whose it is.
    pub fn issue_with(&self, bearer: &Bearer<'_>, extras: Extras, now: Timestamp) -> AccessToken {
        let lifetime = i64::try_from(self.lifetime_seconds).unwrap_or(i64::MAX);
        let claims = Claims {
            sub: bearer.user.to_owned(),
            sid: bearer.session.to_owned(),
            tenant: bearer.tenant.map(str::to_owned),
            server_id: extras.server_id,
            rev: bearer.issued,
            csrf: extras.csrf,
            jti: random::id(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(lifetime),
            iss: self.app.clone(),
            aud: self.app.clone(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.keys.signing_id().to_owned());
        let value = jsonwebtoken::encode(&header, &claims, self.keys.signing())
            .expect("a loaded Ed25519 key signs any claims");
        AccessToken {
            value,
            expires_in: self.lifetime_seconds,
        }
    }

    /// Checks signature, key, application and time, and returns what the token says.
    ///
    /// # Errors
    /// [`TokenError::Expired`] only for a token that is good in every other way.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let form = strict::Form::read(token).ok_or(TokenError::Invalid)?;
        let key = self.keys.verifying(&form.kid).ok_or(TokenError::Invalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation())
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let leeway = SignedDuration::from_secs(LEEWAY_SECONDS);
        let not_before = form.not_before().ok_or(TokenError::Invalid)?;
        if claims.iat.max(not_before.unwrap_or(i64::MIN)) > (now + leeway).as_second() {
            return Err(TokenError::Invalid);
        }
        if claims.exp <= (now - leeway).as_second() {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Time is checked by the caller against the clock it was given.
        validation.validate_exp = false;
        validation.set_issuer(&[&self.app]);
        validation.set_audience(&[&self.app]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new("shop", 600, KeySet::ephemeral())
    }

    fn bearer() -> Bearer<'static> {
        Bearer {
            tenant: None,
            user: "u",
            session: "s",
            issued: Revision(1),
        }
    }

    #[test]
    fn a_token_of_a_release_before_epochs_is_older_than_every_revocation() {
        let tokens = tokens();
        let claims = serde_json::json!({
            "sub": "u", "sid": "s", "jti": "t", "iat": 1_000_000, "exp": 1_000_600,
            "iss": "shop", "aud": "shop",
        });
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(tokens.keys.signing_id().to_owned());
        let token = jsonwebtoken::encode(&header, &claims, tokens.keys.signing()).unwrap();
        let claims = tokens.verify(&token, at(1_000_001)).unwrap();
        assert_eq!(claims.bearer().issued, Revision(0));
    }

    #[test]
    fn a_token_says_who_signed_in_and_in_which_session() {
        let tokens = tokens();
        let issued = Revision(1_800_000_000_000_000);
        let bearer = Bearer {
            tenant: Some("acme"),
            user: "user-1",
            session: "session-1",
            issued,
        };
        let token = tokens.issue(&bearer, at(1_000_000));
        let claims = tokens.verify(&token.value, at(1_000_001)).unwrap();
        let found = claims.bearer();
        assert_eq!((found.user, found.session), ("user-1", "session-1"));
        assert_eq!((found.tenant, found.issued), (Some("acme"), issued));
        assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("shop", "shop"));
        assert_eq!(claims.exp - claims.iat, 600);
        assert_eq!((claims.csrf, claims.server_id), (None, None));
        let extras = Extras {
            server_id: Some("main".to_owned()),
            csrf: Some("c".to_owned()),
        };
        let token = tokens.issue_with(&bearer, extras, at(1_000_000));
        let claims = tokens.verify(&token.value, at(1_000_001)).unwrap();
        assert_eq!(claims.csrf.as_deref(), Some("c"));
        assert_eq!(claims.server_id.as_deref(), Some("main"));
    }

    #[test]
    fn a_token_is_refused_once_its_life_and_the_leeway_are_over() {
        let tokens = tokens();
        let token = tokens.issue(&bearer(), at(1_000_000)).value;
        assert!(tokens.verify(&token, at(1_000_604)).is_ok());
        assert_eq!(
            tokens.verify(&token, at(1_000_605)),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        let tokens = tokens();
        let token = tokens.issue(&bearer(), at(1_000_100)).value;
        assert_eq!(
            tokens.verify(&token, at(1_000_000)),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn a_token_of_another_key_or_application_is_refused() {
        let now = at(1_000_000);
        let foreign = tokens().issue(&bearer(), now).value;
        assert_eq!(tokens().verify(&foreign, now), Err(TokenError::Invalid));

        let mut tokens = tokens();
        let own = tokens.issue(&bearer(), now).value;
        tokens.app = "other".to_owned();
        assert_eq!(tokens.verify(&own, now), Err(TokenError::Invalid));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let tokens = tokens();
        let now = at(1_000_000);
        let token = tokens.issue(&bearer(), now).value;
        let (body, signature) = token.rsplit_once('.').unwrap();
        let flipped: String = signature
            .chars()
            .rev()
            .collect::<String>()
            .chars()
            .rev()
            .skip(1)
            .collect();
        for bad in [
            format!("{body}.A{flipped}"),
            format!("{body}."),
            String::new(),
            "a.b.c".into(),
        ] {
            if bad != token {
                assert_eq!(tokens.verify(&bad, now), Err(TokenError::Invalid), "{bad}");
            }
        }
    }

    #[test]
    fn the_printed_form_of_a_token_hides_it() {
        let token = tokens().issue(&bearer(), at(1_000_000));
        assert!(!format!("{token:?}").contains(&token.value));
    }
}
