//! Going on with a session: a refresh token is exchanged for a new one and a new access token.
//!
//! The order keeps two promises. The stamp of the new tokens is taken before anything is looked at, so
//! whatever ends the session or locks the user from then on ends the new tokens too. And the old token
//! is replaced by comparing and setting its hash, so of all who present it at the same moment one is
//! first, and each of the others is judged anew by what that one left.

use http::HeaderMap;
use jiff::Timestamp;
use reportapp_session::Sight;
use reportapp_session::epochs::Revision;
use reportapp_session::refresh::{Presented, RefreshToken, csrf_token};

use crate::app::App;
use crate::csrf;
use crate::eligibility::Eligibility;
use crate::error::ApiError;
use crate::sessions::{SignedIn, Visitor, expiry};
use crate::store::security_events::{SecurityEvent, Severity};
use crate::store::{SessionRow, User, context};

/// Each failure means that somebody else got on; so many in a row are no accident.
const ATTEMPTS: usize = 8;

impl App {
    /// Exchanges a refresh token. `page` are the headers of a browser that sent it by itself, as a
    /// cookie.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`] for a token that is good for nothing, and when somebody else used it
    /// before, which ends its session.
    pub(crate) async fn refresh(
        &self,
        token: &RefreshToken,
        visitor: &Visitor,
        page: Option<&HeaderMap>,
    ) -> Result<SignedIn, ApiError> {
        for _ in 0..ATTEMPTS {
            if let Some(signed_in) = self.try_refresh(token, visitor, page).await? {
                return Ok(signed_in);
            }
        }
        Err(ApiError::Busy)
    }

    /// `None`: somebody else replaced a token of the session meanwhile.
    async fn try_refresh(
        &self,
        token: &RefreshToken,
        visitor: &Visitor,
        page: Option<&HeaderMap>,
    ) -> Result<Option<SignedIn>, ApiError> {
        let issued = self.epochs.stamp().await?;
        let now = Timestamp::now();
        let row = self.store.find_session_of(token, now).await?;
        let row = row.ok_or(ApiError::NotSignedIn)?;
        self.epochs.admit(&row.session.bearer()).await?;
        if let Some(headers) = page {
            let expected = csrf_token(&row.session.id, &row.family_hash);
            csrf::matches(headers, Some(&expected))?;
        }
        let presented = row.line.judge(&token.hash(), now);
        if presented == Presented::Reused {
            return Err(self.found_out(&row).await);
        }
        let user = self.still_eligible(&row.session.user).await?;
        context::identify(&user.id, Sight::Nothing);
        let next = token.successor();
        let tenant = user.tenant.clone();
        let renewal = Renewal {
            issued,
            tenant,
            visitor,
            now,
        };
        let renewed = renew(&row, presented, &next, renewal);
        let renewed = renewed.ok_or(ApiError::NotSignedIn)?;
        if !self.store.renew_session(&row, &renewed).await? {
            return Ok(None);
        }
        self.copy(&renewed.session).await;
        Ok(Some(SignedIn {
            user,
            row: renewed,
            refresh: next,
        }))
    }

    /// The user of a session, if they may still have one: here, and where they signed in.
    async fn still_eligible(&self, id: &str) -> Result<User, ApiError> {
        let user = self.store.find_user(id).await?;
        let user = user.ok_or(ApiError::NotSignedIn)?;
        match Eligibility::of(&user) {
            Eligibility::Eligible => {}
            Eligibility::MustReset => return Err(ApiError::PasswordResetRequired),
            Eligibility::Locked => return Err(ApiError::NotSignedIn),
        }
        if let Some(erp) = &user.erp {
            self.erp_account(erp).await?.ok_or(ApiError::NotSignedIn)?;
        }
        Ok(user)
    }

    /// Two people hold tokens of this session. Nobody can tell which of them it belongs to, so it ends
    /// for both. By its epoch alone: whoever renews it at this moment took their stamp before.
    async fn found_out(&self, row: &SessionRow) -> ApiError {
        let session = &row.session;
        self.session_metrics.reused();
        tracing::warn!(
            target: "reportapp_api::security",
            event = "refresh_token_reused",
            user = session.user,
            session = session.id,
            token = row.token_prefix,
            "a refresh token was used a second time: it may have been stolen; the session is ended"
        );
        context::identify(&session.user, Sight::Nothing);
        let event = SecurityEvent::new("session_reused", Severity::Critical);
        self.store.note_security_event(&event).await;
        match self.end_session(&session.id).await {
            Ok(()) => ApiError::NotSignedIn,
            Err(error) => error,
        }
    }
}

/// What a session is renewed with.
struct Renewal<'a> {
    issued: Revision,
    tenant: Option<String>,
    visitor: &'a Visitor,
    now: Timestamp,
}

/// The row after its token was replaced by `next`; `None`: it was not good.
fn renew(
    row: &SessionRow,
    presented: Presented,
    next: &RefreshToken,
    Renewal {
        issued,
        tenant,
        visitor,
        now,
    }: Renewal<'_>,
) -> Option<SessionRow> {
    let mut renewed = row.clone();
    renewed.line = row.line.replace(presented, next.hash(), now)?;
    renewed.last_activity_at = now;
    renewed.user_agent.clone_from(&visitor.user_agent);
    renewed.session.issued = issued;
    renewed.session.tenant = tenant;
    renewed.session.address.clone_from(&visitor.address);
    renewed.session.expires_at = expiry(row.session.created_at, now);
    Some(renewed)
}
