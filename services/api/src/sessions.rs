//! The life of a session: begun under a stamp, found, listed, ended for good. How it is renewed is in
//! [`crate::refresh`].
//!
//! The store holds the truth; [`App::sessions`] is a copy near at hand, whose loss costs time. A session
//! ends by its epoch, which no process forgets while a token or row from before it can be used; the row
//! and its copy follow, and only for tidiness.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderMap;
use http::header::USER_AGENT;
use jiff::{SignedDuration, Timestamp};
use reportapp_session::epochs::{Revision, Scope};
use reportapp_session::refresh::{RefreshToken, csrf_token};
use reportapp_session::{Extras, Session, SessionError, Sight, random};
use warp::reply::Response;

use crate::app::App;
use crate::cookies::{ACCESS, CSRF, Cookie, REFRESH};
use crate::error::ApiError;
use crate::handlers::endpoint::json;
use crate::model::{LoginResponse, UserView};
use crate::store::{SessionRow, StoreError, User, context};

/// A session that is not renewed for so long ends by itself.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// However often it is renewed, it ends then.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What is kept of a name a browser gives itself.
const MAX_USER_AGENT: usize = 256;

/// The name a program gives itself, cut to what is kept of it.
pub(crate) fn user_agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(MAX_USER_AGENT).collect())
}

/// Who asks for a session, or goes on with one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl Visitor {
    pub(crate) fn of(address: Option<IpAddr>, headers: &HeaderMap) -> Self {
        Self {
            address: address.map(|address| address.to_string()),
            user_agent: user_agent(headers),
        }
    }
}

/// A session together with the one thing its row does not hold.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) row: SessionRow,
    pub(crate) refresh: RefreshToken,
}

/// Where the tokens of a session go: what a browser holds as a cookie, no script of its needs to see.
#[derive(Clone, Copy)]
pub(crate) struct Delivery {
    pub(crate) cookies: bool,
    pub(crate) access_in_body: bool,
    pub(crate) refresh_in_body: bool,
}

/// When a session ends by itself that is begun or renewed at `now`.
pub(crate) fn expiry(created_at: Timestamp, now: Timestamp) -> Timestamp {
    let add = |moment: Timestamp, life: SignedDuration| {
        moment.checked_add(life).unwrap_or(Timestamp::MAX)
    };
    let pause = SignedDuration::try_from(LONGEST_PAUSE).unwrap_or(SignedDuration::MAX);
    add(now, pause).min(add(created_at, LONGEST_LIFE))
}

impl App {
    /// A new session of `user`. `issued` is a stamp from before the credentials and the right to a
    /// session were looked at; see [`crate::epochs::Epochs::stamp`].
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn begin_session(
        &self,
        user: User,
        issued: Revision,
        visitor: Visitor,
    ) -> Result<SignedIn, ApiError> {
        // The row is theirs in the trail.
        context::identify(&user.id, Sight::Nothing);
        let now = Timestamp::now();
        let session = Session::begin(&user.id, issued, visitor.address, LONGEST_PAUSE, now);
        let refresh = RefreshToken::begin();
        let row = SessionRow::begin(
            session.within(user.tenant.clone()),
            &refresh,
            visitor.user_agent,
        );
        self.store.insert_session(&row).await?;
        self.copy(&row.session).await;
        Ok(SignedIn { user, row, refresh })
    }

    /// The answer that hands the tokens of a session over.
    pub(crate) fn hand_over(&self, signed_in: SignedIn, delivery: Delivery) -> Response {
        let SignedIn { user, row, refresh } = signed_in;
        let now = Timestamp::now();
        let csrf = csrf_token(&row.session.id, &row.family_hash);
        let bearer = row.session.bearer();
        let extras = Extras {
            server_id: user.erp.as_ref().map(|erp| erp.server.clone()),
            csrf: Some(csrf.clone()),
        };
        let access = self.tokens.issue_with(&bearer, extras, now);
        let left = row.session.time_left(now).as_secs();
        let mut response = json(&LoginResponse {
            access_token: delivery.access_in_body.then(|| access.value.clone()),
            token_type: "Bearer",
            expires_in: access.expires_in,
            refresh_token: delivery
                .refresh_in_body
                .then(|| refresh.expose().to_owned()),
            user: UserView::from(user),
        });
        if delivery.cookies {
            let cookie = |name, value, seconds| Cookie {
                name,
                value,
                seconds,
            };
            let cookies = [
                cookie(ACCESS, access.value.as_str(), access.expires_in),
                cookie(REFRESH, refresh.expose(), left),
                cookie(CSRF, csrf.as_str(), left),
            ];
            self.set_cookies(response.headers_mut(), &cookies);
        }
        response
    }

    /// The session with this id, unless it is over: from the copy near at hand, else from the store.
    ///
    /// # Errors
    /// When the store cannot answer; a copy that cannot be asked only costs time.
    pub(crate) async fn find_session(&self, id: &str) -> Result<Option<Session>, ApiError> {
        let copy = self.sessions.find(id).await;
        let had_it = copy.as_ref().map(Option::is_some);
        self.session_metrics.looked_up(had_it);
        let answered = had_it.is_ok();
        match copy {
            Ok(Some(session)) => return Ok(Some(session)),
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "reading a session from the store instead"),
        }
        let row = self.store.find_session(id, Timestamp::now()).await?;
        let session = row.map(|row| row.session);
        if let (Some(session), true) = (&session, answered) {
            self.copy(session).await;
        }
        Ok(session)
    }

    /// Puts a session near at hand, if that works.
    pub(crate) async fn copy(&self, session: &Session) {
        if let Err(error) = self.sessions.begin(session).await {
            tracing::debug!(%error, "a session is not copied; it is read from the store");
        }
    }

    /// The sessions of a user that have not ended, oldest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn living_sessions(&self, user: &str) -> Result<Vec<SessionRow>, ApiError> {
        let mut rows = self.store.list_sessions(user, Timestamp::now()).await?;
        rows.retain(|row| !self.epochs.knows_revoked(&row.session.bearer()));
        Ok(rows)
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
            self.tidy_up(session).await;
        }
        Ok(())
    }

    /// Ends the session a token names, whether or not it is remembered.
    ///
    /// # Errors
    /// [`ApiError::NotRevoked`].
    pub(crate) async fn end_session(&self, id: &str) -> Result<(), ApiError> {
        let scopes = vec![Scope::Session(id.to_owned())];
        // Named after the session, so that ending it twice is one revocation.
        self.epochs.revoke(format!("logout-{id}"), scopes).await?;
        match self.find_session(id).await {
            Ok(Some(session)) => self.tidy_up(&session).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "{STILL_RECORDED}"),
        }
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
        tidied(self.store.close_sessions_of(user, revoked.revision).await);
        forgotten(self.sessions.end_others(user, None).await.map(drop));
        Ok(revoked.revision)
    }

    async fn tidy_up(&self, session: &Session) {
        tidied(self.store.close_session(&session.id).await);
        forgotten(self.sessions.end(session).await);
    }
}

const STILL_RECORDED: &str = "an ended session is still recorded; nobody accepts its tokens";

/// The session has ended; its row may stay as it is.
fn tidied(noted: Result<(), StoreError>) {
    if let Err(error) = noted {
        tracing::warn!(%error, "{STILL_RECORDED}");
    }
}

/// The session has ended; its copy may stay until its life is over.
fn forgotten(forgotten: Result<(), SessionError>) {
    if let Err(error) = forgotten {
        tracing::debug!(%error, "{STILL_RECORDED}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_a_week_after_its_last_use_and_a_month_after_its_beginning() {
        let day = |day: i64| Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap();
        assert_eq!(expiry(day(0), day(0)), day(7));
        assert_eq!(expiry(day(0), day(20)), day(27));
        assert_eq!(expiry(day(0), day(29)), day(30));
    }
}
