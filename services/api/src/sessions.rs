//! The life of a session: begun under a stamp, listed, ended for good.
//!
//! A session ends by its epoch, which no process forgets; its record in the session store goes
//! afterwards, and only for tidiness. So nothing is lost with a Redis that fails, lags or was emptied.

use std::time::Duration;

use http::header::{HeaderValue, SET_COOKIE};
use jiff::Timestamp;
use reportapp_session::epochs::{Revision, Scope};
use reportapp_session::{Session, SessionError, random};
use warp::reply::Response;

use crate::app::App;
use crate::error::ApiError;
use crate::handlers::endpoint::json;
use crate::model::{LoginResponse, UserView};
use crate::store::User;

impl App {
    /// A new session of `user`, as the answer that hands its token over. `issued` is a stamp from before
    /// the credentials were looked at; see [`crate::epochs::Epochs::stamp`].
    ///
    /// # Errors
    /// When the session store cannot answer.
    pub(crate) async fn begin_session(
        &self,
        user: User,
        issued: Revision,
        address: Option<String>,
    ) -> Result<Response, ApiError> {
        let now = Timestamp::now();
        let life = Duration::from_secs(self.tokens.lifetime_seconds());
        let session =
            Session::begin(&user.id, issued, address, life, now).within(user.tenant.clone());
        self.sessions.begin(&session).await?;
        let token = self.tokens.issue(&session.bearer(), now);
        let cookie = self.cookie(Some((&token.value, token.expires_in)));
        let mut response = json(&LoginResponse {
            access_token: token.value,
            token_type: "Bearer",
            expires_in: token.expires_in,
            user: UserView::from(user),
        });
        let cookie = HeaderValue::from_str(&cookie).expect("tokens and prefixes are plain ASCII");
        response.headers_mut().insert(SET_COOKIE, cookie);
        Ok(response)
    }

    /// The sessions of a user that have not ended, oldest first.
    ///
    /// # Errors
    /// When the session store cannot answer.
    pub(crate) async fn living_sessions(&self, user: &str) -> Result<Vec<Session>, ApiError> {
        let mut sessions = self.sessions.list(user).await?;
        sessions.retain(|session| !self.epochs.knows_revoked(&session.bearer()));
        Ok(sessions)
    }

    /// Ends sessions; returns when no process accepts a token of them.
    ///
    /// # Errors
    /// [`ApiError::NotRevoked`].
    pub(crate) async fn end_sessions(&self, sessions: Vec<Session>) -> Result<(), ApiError> {
        let scopes = sessions.iter().map(|session| session.id.clone());
        let scopes = scopes.map(Scope::Session).collect();
        self.epochs.revoke(random::id(), scopes).await?;
        for session in &sessions {
            tidied(self.sessions.end(session).await);
        }
        Ok(())
    }

    /// Ends the session a token names, whether or not it is remembered.
    ///
    /// # Errors
    /// [`ApiError::NotRevoked`].
    pub(crate) async fn end_session(&self, id: &str) -> Result<(), ApiError> {
        let scopes = vec![Scope::Session(id.to_owned())];
        // Named after the session, so that signing out twice is one revocation.
        self.epochs.revoke(format!("logout-{id}"), scopes).await?;
        let forget = async {
            match self.sessions.find(id).await? {
                Some(session) => self.sessions.end(&session).await,
                None => Ok(()),
            }
        };
        tidied(forget.await);
        Ok(())
    }

    /// Ends every session of a user, begun or just being begun; returns the revision under which the
    /// next one may begin.
    ///
    /// # Errors
    /// [`ApiError::NotRevoked`].
    pub(crate) async fn end_all_sessions(&self, user: &str) -> Result<Revision, ApiError> {
        let scopes = vec![Scope::User(user.to_owned())];
        let revoked = self.epochs.revoke(random::id(), scopes).await?;
        tidied(self.sessions.end_others(user, None).await.map(drop));
        Ok(revoked.revision)
    }
}

/// The session has ended; its record may stay until its life is over.
fn tidied(forgotten: Result<(), SessionError>) {
    if let Err(error) = forgotten {
        tracing::warn!(%error, "an ended session is still recorded; nobody accepts its tokens");
    }
}
