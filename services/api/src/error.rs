//! Every way a request can fail, and the one place where that becomes an HTTP answer.
//!
//! The answer is a problem document (RFC 9457). Its text is written for a person and says what to do;
//! the log text keeps the cause. Answers of class 5xx are logged here, once, and nowhere else.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use reportapp_pool::PoolError;
use reportapp_session::PasswordError;
use reportapp_session::epochs::{EpochError, RevokeError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::reply::Reply;

use crate::erp::accounts::Obstacle;
use crate::request_id;
use crate::store::StoreError;

/// A failed request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApiError {
    /// No token, or one that is not good here, or its session ended.
    #[error("not signed in")]
    NotSignedIn,
    /// The user may not do this.
    #[error("the user lacks the role")]
    Forbidden,
    /// A rule about who may change what stands in the way.
    #[error("refused: {message}")]
    Denied {
        /// Stable code.
        code: &'static str,
        /// What stands in the way, and who could do it.
        message: String,
    },
    /// The change contradicts what is there.
    #[error("conflict: {message}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// The field at fault, if it is one.
        field: Option<&'static str>,
        /// What is there and what to do.
        message: String,
    },
    /// A request that another site made the browser send.
    #[error("the request comes from another site")]
    CrossOrigin,
    /// A request that changes something under a cookie without showing that a page of ours sent it.
    #[error("the request carries no valid CSRF token")]
    CsrfRefused,
    /// The password was right, and has to be replaced with a one-time code first.
    #[error("the password has to be reset")]
    PasswordResetRequired,
    /// Wrong name or password; the same for an unknown or inactive user.
    #[error("wrong name or password")]
    InvalidCredentials,
    /// Too many sign-ins, or wrong codes.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// A part of the request is missing or wrong.
    #[error("invalid request: {message}")]
    Invalid {
        /// Stable code.
        code: &'static str,
        /// The field at fault, if it is one.
        field: Option<&'static str>,
        /// Field, value and remedy in one sentence.
        message: String,
    },
    /// A parameter of a report is missing or wrong.
    #[error("invalid parameter: {message}")]
    InvalidParameter {
        /// Stable code.
        code: &'static str,
        /// Name of the parameter.
        field: String,
        /// Field, value and remedy in one sentence.
        message: String,
    },
    /// The thing asked for does not exist.
    #[error("not found: {message}")]
    NotFound {
        /// Stable code.
        code: &'static str,
        /// The field at fault, if it is one.
        field: Option<&'static str>,
        /// What is not there and what to do.
        message: String,
    },
    /// The path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// A request body that we do not read.
    #[error("body refused: {message}")]
    BodyRefused {
        /// 400, 408, 411, 413 or 415.
        status: StatusCode,
        /// What to send instead.
        message: &'static str,
    },
    /// An ERP database does not answer.
    #[error("the database of server {server} failed")]
    DatabaseUnavailable {
        /// The server's name.
        server: String,
        /// What the pool said.
        source: PoolError,
    },
    /// An ERP database answers with something the report does not expect.
    #[error("a report on server {server} failed")]
    ReportFailed {
        /// The server's name.
        server: String,
        /// What the pool said.
        source: PoolError,
    },
    /// As many exports as an ERP database can bear are running.
    #[error("too many exports of server {server} are running")]
    TooManyExports {
        /// The server's name.
        server: String,
    },
    /// None of the media types the client accepts can be made.
    #[error("no acceptable media type")]
    NotAcceptable,
    /// Nobody can sign in at an ERP server, though its database answers.
    #[error("signing in at server {server} does not work")]
    ErpSignInUnavailable {
        /// The server's name.
        server: String,
        /// What is in the way.
        source: Obstacle,
    },
    /// The store does not answer, so nothing can be decided.
    #[error("the store failed")]
    StoreUnavailable(#[source] StoreError),
    /// What was revoked cannot be known, so nobody can be let in.
    #[error("the epochs are out of date{}", cause(.0.as_ref()))]
    EpochsUnavailable(Option<EpochError>),
    /// The store is behind what this process knows: revocations may be lost.
    #[error("the store of epochs was put back to an earlier state")]
    EpochsPutBack,
    /// Sessions could not be ended everywhere in time.
    #[error("a revocation was not acknowledged")]
    NotRevoked(#[source] RevokeError),
    /// A change of what somebody may do is written, and some process may not know it yet.
    #[error("a change was not acknowledged")]
    ChangeNotConfirmed(#[source] RevokeError),
    /// More is asked than can be answered.
    #[error("more is asked than can be answered")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// All cores are checking passwords.
    #[error("too many passwords are being checked")]
    Busy,
    /// The request took too long.
    #[error("the request ran into its deadline")]
    DeadlineExceeded,
    /// A mistake of ours.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// Media type of every failed answer.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Programs go by `code`, so no problem needs a type of its own (RFC 9457, section 4.2.1).
const PROBLEM_TYPE: &str = "about:blank";

/// The body of every failed answer: a problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ErrorBody {
    /// Always `about:blank`: the problem is what `code` says.
    #[serde(rename = "type")]
    pub kind: String,
    /// The phrase of the HTTP status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A sentence for people that says what to do.
    pub detail: String,
    /// Stable CamelCase code for programs.
    pub code: String,
    /// The field of the request at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The id of the request, as in the header `x-request-id` and in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
}

impl ApiError {
    /// A wrong or missing field; `message` names field, value and remedy.
    pub fn invalid(code: &'static str, field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            code,
            field: Some(field),
            message: message.into(),
        }
    }

    /// A wrong or missing parameter of a report; `message` names field, value and remedy.
    pub fn parameter(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self::InvalidParameter {
            code,
            field: field.to_owned(),
            message: message.into(),
        }
    }

    /// A thing that does not exist, found through `field`.
    pub fn not_found(code: &'static str, field: &'static str, message: impl Into<String>) -> Self {
        Self::NotFound {
            code,
            field: Some(field),
            message: message.into(),
        }
    }

    /// Sorts a failure of an ERP database: the weather of the network, or a mistake.
    pub fn erp(server: &str, source: PoolError) -> Self {
        let server = server.to_owned();
        match source {
            PoolError::Query { .. }
            | PoolError::Constraint { .. }
            | PoolError::Type { .. }
            | PoolError::NoColumn { .. } => Self::ReportFailed { server, source },
            _ => Self::DatabaseUnavailable { server, source },
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn | Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::Denied { .. }
            | Self::CrossOrigin
            | Self::CsrfRefused
            | Self::PasswordResetRequired => StatusCode::FORBIDDEN,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Invalid { .. } | Self::InvalidParameter { .. } => StatusCode::BAD_REQUEST,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::BodyRefused { status, .. } => *status,
            Self::DatabaseUnavailable { .. }
            | Self::TooManyExports { .. }
            | Self::ErpSignInUnavailable { .. }
            | Self::StoreUnavailable(_)
            | Self::EpochsUnavailable(_)
            | Self::EpochsPutBack
            | Self::NotRevoked(_)
            | Self::ChangeNotConfirmed(_)
            | Self::DeadlineExceeded
            | Self::Overloaded { .. }
            | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::ReportFailed { .. } | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn => "NotSignedIn",
            Self::Forbidden => "Forbidden",
            Self::CrossOrigin => "CrossOrigin",
            Self::CsrfRefused => "CsrfTokenInvalid",
            Self::PasswordResetRequired => "PasswordResetRequired",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::TooManyAttempts { .. } => "TooManyAttempts",
            Self::Invalid { code, .. }
            | Self::InvalidParameter { code, .. }
            | Self::NotFound { code, .. }
            | Self::Denied { code, .. }
            | Self::Conflict { code, .. } => code,
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::BodyRefused { .. } => "BodyRefused",
            Self::DatabaseUnavailable { .. } => "DatabaseUnavailable",
            Self::ReportFailed { .. } => "ReportFailed",
            Self::TooManyExports { .. } => "TooManyExports",
            Self::NotAcceptable => "NotAcceptable",
            Self::ErpSignInUnavailable { .. } => "ErpSignInUnavailable",
            Self::StoreUnavailable(_) => "StoreUnavailable",
            // The same database, and the same to do about it.
            Self::EpochsUnavailable(_) => "StoreUnavailable",
            Self::EpochsPutBack => "StorePutBack",
            Self::NotRevoked(_) => "SessionsNotEnded",
            Self::ChangeNotConfirmed(_) => "ChangeNotConfirmed",
            Self::Overloaded { .. } => "Overloaded",
            Self::Busy => "Busy",
            Self::DeadlineExceeded => "DeadlineExceeded",
            Self::Internal(_) => "Internal",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotSignedIn => "You are not signed in or your session has ended; sign in again.",
            Self::Forbidden => "Your account may not do this; ask an administrator for a role.",
            Self::CrossOrigin => "This request was sent by another site; use the application.",
            Self::CsrfRefused => {
                "This request was not sent by a page of the application, or by one of an earlier \
                 session; send the cookie `csrf_token` back as the header `x-csrf-token`."
            }
            Self::PasswordResetRequired => {
                "Your password must be replaced: ask an administrator for a one-time code, or send \
                 /password to the bot in a linked Telegram chat, and choose a new password with it."
            }
            Self::InvalidCredentials => "The user name or the password is wrong.",
            Self::TooManyAttempts { retry_after } => {
                let seconds = whole_seconds(*retry_after);
                return format!("Too many attempts; try again in {seconds} seconds.");
            }
            Self::Invalid { message, .. }
            | Self::InvalidParameter { message, .. }
            | Self::NotFound { message, .. }
            | Self::Denied { message, .. }
            | Self::Conflict { message, .. } => {
                return message.clone();
            }
            Self::MethodNotAllowed => "This address does not support that method.",
            Self::BodyRefused { message, .. } => message,
            Self::DatabaseUnavailable { server, .. } => {
                return format!(
                    "The database of server {server} does not answer at the moment; \
                     try again in a minute or ask your administrator."
                );
            }
            Self::ReportFailed { server, .. } => {
                return format!(
                    "The report could not be read from server {server}; \
                     give your administrator the request id."
                );
            }
            Self::TooManyExports { server } => {
                return format!(
                    "Server {server} is busy with other exports; try again in half a minute."
                );
            }
            Self::NotAcceptable => {
                "None of the media types in `Accept` can be made; ask for application/json, text/csv, \
                 application/pdf, application/x-ndjson or \
                 application/vnd.openxmlformats-officedocument.spreadsheetml.sheet."
            }
            Self::ErpSignInUnavailable { server, .. } => {
                return format!(
                    "Signing in at server {server} does not work at the moment; ask your administrator."
                );
            }
            Self::StoreUnavailable(_) | Self::EpochsUnavailable(_) => {
                "The application's database does not answer at the moment; try again in a minute."
            }
            Self::EpochsPutBack => {
                "The application's database was put back to an earlier state; an administrator \
                 must end all sessions before anybody can be let in."
            }
            Self::NotRevoked(RevokeError::NotCommitted { .. }) => {
                "The sessions could not be ended: the application's database does not answer; \
                 try again in a minute."
            }
            Self::NotRevoked(RevokeError::NotAcknowledged { .. }) => {
                "The sessions are being ended, which could not be confirmed in time; \
                 try again to have it confirmed."
            }
            Self::ChangeNotConfirmed(_) => {
                "The change is saved. That it holds everywhere could not be confirmed in time; it will \
                 within half a minute, or save it again to have it confirmed."
            }
            Self::Overloaded { retry_after } => {
                let seconds = whole_seconds(*retry_after);
                return format!(
                    "More is asked here than can be answered at the moment; try again in {seconds} s."
                );
            }
            Self::Busy => "Too many people are signing in at this moment; try again in a second.",
            Self::DeadlineExceeded => "The answer took too long; try again.",
            Self::Internal(_) => {
                "Something went wrong here; give your administrator the request id."
            }
        }
        .to_owned()
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::InvalidParameter { field, .. } => Some(field),
            Self::Invalid { field, .. }
            | Self::NotFound { field, .. }
            | Self::Conflict { field, .. } => *field,
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after } | Self::Overloaded { retry_after } => {
                Some(*retry_after)
            }
            Self::Busy => Some(Duration::from_secs(1)),
            Self::TooManyExports { .. } => Some(Duration::from_secs(30)),
            Self::DatabaseUnavailable { .. }
            | Self::ErpSignInUnavailable { .. }
            | Self::StoreUnavailable(_)
            | Self::EpochsUnavailable(_)
            | Self::NotRevoked(_)
            | Self::ChangeNotConfirmed(_) => Some(Duration::from_secs(5)),
            _ => None,
        }
    }

    /// Writes it down where it is our fault. [`ApiError::into_response`] does; call it where the answer has
    /// begun already.
    pub(crate) fn log(&self) {
        let cause = std::error::Error::source(self).map(|source| {
            let deeper = source.source().map(|source| format!(": {source}"));
            format!("{source}{}", deeper.unwrap_or_default())
        });
        let cause = cause.as_deref().unwrap_or_default();
        if self.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = self.code(), cause, "request failed: {self}");
        } else {
            tracing::warn!(code = self.code(), cause, "request failed: {self}");
        }
    }

    /// The answer; logs it if it is our fault.
    pub fn into_response(self) -> warp::reply::Response {
        let status = self.status();
        // Those who are turned away are counted; a line for each would be load of its own.
        if status.is_server_error() && !matches!(self, Self::Overloaded { .. }) {
            self.log();
        }
        let body = ErrorBody {
            kind: PROBLEM_TYPE.to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.message(),
            code: self.code().to_owned(),
            field: self.field().map(str::to_owned),
            request_id: request_id::current(),
        };
        let mut response: Response<_> = warp::reply::json(&body).into_response();
        *response.status_mut() = status;
        let media_type = HeaderValue::from_static(PROBLEM_JSON);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        if let Some(wait) = self.retry_after() {
            let seconds = HeaderValue::from(whole_seconds(wait));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(source: StoreError) -> Self {
        Self::StoreUnavailable(source)
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::Busy,
            PasswordError::Failed => Self::Internal("failed to compute a password hash"),
        }
    }
}

fn cause(error: Option<&EpochError>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}

/// Rounded up: a client that waits this long is not sent away again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_attempt_says_when_to_come_back_rounded_up() {
        let retry_after = Duration::from_millis(2_100);
        let response = ApiError::TooManyAttempts { retry_after }.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "3");
    }

    #[test]
    fn a_lost_database_is_unavailable_and_a_bad_statement_is_our_fault() {
        let lost = PoolError::Unreachable {
            pool: "main".into(),
            detail: "refused".into(),
        };
        assert_eq!(ApiError::erp("main", lost).status(), 503);
        let wrong = PoolError::NoColumn {
            column: "cont".into(),
        };
        assert_eq!(ApiError::erp("main", wrong).status(), 500);
    }

    #[test]
    fn the_cause_is_never_part_of_the_answer() {
        let source = PoolError::LoginRefused {
            pool: "main".into(),
            detail: "role canary".into(),
        };
        let error = ApiError::erp("main", source);
        assert!(!error.message().contains("canary"));
        assert!(error.message().contains("main"));
    }
}
