//! From the headers of a request to the user who sent it.
//!
//! Five questions must be answered yes: is the token ours and fresh, was it not revoked, does its
//! session still exist, is its user still active, and may they do this. The second is answered from this
//! process's copy of the epochs, the third from the copy of the sessions, the last two from what this
//! process remembers of the user ([`crate::access`]), each of them else by the store. A store that cannot
//! answer refuses the request; a cache of sessions that cannot answer makes it slower.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use reportapp_session::access::{Access, Permission, UserKind};
use reportapp_session::{Claims, Session, Sight};

use crate::app::App;
use crate::cookies::{self, ACCESS};
use crate::error::ApiError;
use crate::store::{Person, User, context};

/// Who sent a request, proven.
#[derive(Debug)]
pub struct Caller {
    /// The user.
    pub user: User,
    /// What the user may do.
    pub access: Arc<Access>,
    /// The session the request belongs to.
    pub session: Session,
}

impl Caller {
    /// Refuses a caller without the permission. Where it counts is [`Access::reaches`].
    ///
    /// # Errors
    /// [`ApiError::Forbidden`].
    pub fn require(&self, needed: &Permission) -> Result<(), ApiError> {
        match self.access.allows(needed) {
            true => Ok(()),
            false => Err(ApiError::Forbidden),
        }
    }
}

impl App {
    /// What the token of a request says, if it is good and was not revoked. Its session may have been
    /// forgotten and its user locked.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`], or that nobody knows what was revoked.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Claims, ApiError> {
        let token = token(headers).ok_or(ApiError::NotSignedIn)?;
        let claims = self.tokens.verify(token, Timestamp::now());
        let claims = claims.map_err(|_| ApiError::NotSignedIn)?;
        self.epochs.admit(&claims.bearer()).await?;
        Ok(claims)
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`], or the store that could not answer.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let claims = self.admit(headers).await?;
        // Nobody is known yet in whose sight the two could be.
        let (session, person) = context::as_system(async {
            futures::join!(self.find_session(&claims.sid), self.person(&claims.sub))
        })
        .await;
        let session = session?.filter(|session| session.user == claims.sub);
        let session = session.ok_or(ApiError::NotSignedIn)?;
        let person = person?.filter(|person| person.user.is_active);
        let person = person.ok_or(ApiError::NotSignedIn)?;
        // A token is good for the server it names, which is its user's.
        let erp = person.user.erp.as_ref();
        if claims.server_id.as_deref() != erp.map(|erp| erp.server.as_str()) {
            return Err(ApiError::NotSignedIn);
        }
        context::identify(&person.user.id, sight(&person));
        Ok(Caller {
            user: person.user.clone(),
            access: Arc::clone(&person.access),
            session,
        })
    }

    /// A caller who may do this, where they may do anything.
    ///
    /// # Errors
    /// As [`App::authenticate`], and [`ApiError::Forbidden`].
    pub async fn authorize(
        &self,
        headers: &HeaderMap,
        needed: &Permission,
    ) -> Result<Caller, ApiError> {
        let caller = self.authenticate(headers).await?;
        caller.require(needed)?;
        Ok(caller)
    }

    /// Lets only the bot in.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`].
    pub fn authenticate_bot(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let presented = bearer(headers);
        let matches = self
            .internal_token
            .as_ref()
            .zip(presented)
            .is_some_and(|(own, presented)| own.matches(presented));
        if matches {
            Ok(())
        } else {
            Err(ApiError::NotSignedIn)
        }
    }
}

/// Whose rows a user sees in the store.
fn sight(person: &Person) -> Sight {
    match (person.access.kind, &person.access.tenant) {
        (UserKind::EnterpriseAdmin, _) => Sight::Platform,
        (UserKind::SuperAdmin, _) => Sight::SuperAdmin(person.user.id.clone()),
        (UserKind::User, Some(tenant)) => Sight::Tenant(tenant.clone()),
        (UserKind::User, None) => Sight::NoTenant,
    }
}

/// The header wins over the cookie: a script that sends one means it.
fn token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| cookies::read(headers, ACCESS))
}

/// The token in the header of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_header_wins_over_the_cookie() {
        let both = headers(&[
            ("authorization", "bearer abc"),
            ("cookie", "access_token=xyz"),
        ]);
        assert_eq!(token(&both), Some("abc"));
    }

    #[test]
    fn only_a_bearer_token_is_taken_from_the_header() {
        assert_eq!(token(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(
            token(&headers(&[("cookie", "access_token=xyz")])),
            Some("xyz")
        );
    }
}
