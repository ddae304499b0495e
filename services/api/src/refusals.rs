//! Refused requests that become security events.
//!
//! What was asked and the status of its answer decide ([`Asked::event`]). Whoever is refused over and over
//! fills neither the table nor the database's time: a few events per minute and caller are written.

use std::time::{Duration, Instant};

use http::{Method, Request, StatusCode};
use reportapp_session::{Throttle, ThrottleLimits};

use crate::sessions::user_agent;
use crate::store::Store;
use crate::store::context::current;
use crate::store::security_events::{SecurityEvent, Severity};

/// Events of one kind about one caller: five at once, then one per minute.
const LIMITS: ThrottleLimits = ThrottleLimits {
    burst: 5,
    refill: Duration::from_secs(60),
    keys: 10_000,
};
/// Longer paths are cut.
const MAX_PATH: usize = 256;

/// What of a request is written down when it is refused. The query is not: it may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    method: Method,
    path: String,
    user_agent: Option<String>,
}

impl Asked {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().chars().take(MAX_PATH).collect(),
            user_agent: user_agent(request.headers()),
        }
    }

    /// The event an answer with this status is.
    pub(crate) fn event(&self, status: StatusCode) -> Option<SecurityEvent> {
        let is_sign_in = self.method == Method::POST && self.path == "/api/auth/login";
        let (kind, severity) = match status {
            StatusCode::UNAUTHORIZED if is_sign_in => ("sign_in_refused", Severity::Info),
            StatusCode::TOO_MANY_REQUESTS if is_sign_in => ("sign_in_throttled", Severity::Warning),
            StatusCode::FORBIDDEN => ("permission_denied", Severity::Warning),
            _ => return None,
        };
        Some(SecurityEvent {
            kind,
            severity,
            path: Some(self.path.clone()),
            method: Some(self.method.to_string()),
            user_agent: self.user_agent.clone(),
        })
    }
}

/// Writes events, not too many of them.
#[derive(Debug)]
pub(crate) struct Notes(Throttle);

impl Default for Notes {
    fn default() -> Self {
        Self(Throttle::new(LIMITS))
    }
}

impl Notes {
    /// Writes an event about the running request, which is refused either way.
    pub(crate) async fn write(&self, store: &Store, event: &SecurityEvent) {
        let context = current();
        let caller = context.user.or(context.address).unwrap_or_default();
        let key = format!("{} {caller}", event.kind);
        if self.0.take(&key, Instant::now()).is_err() {
            return;
        }
        store.note_security_event(event).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str) -> Asked {
        let request = Request::builder().method(method).uri(path).body(());
        Asked::of(&request.unwrap())
    }

    #[test]
    fn refusals_are_events_and_everything_else_is_not() {
        let sign_in = asked(Method::POST, "/api/auth/login");
        let other = asked(Method::GET, "/api/companies?token=canary");
        let kind = |asked: &Asked, status| asked.event(status).map(|event| event.kind);
        assert_eq!(
            kind(&sign_in, StatusCode::UNAUTHORIZED),
            Some("sign_in_refused")
        );
        assert_eq!(
            kind(&sign_in, StatusCode::TOO_MANY_REQUESTS),
            Some("sign_in_throttled")
        );
        assert_eq!(
            kind(&other, StatusCode::FORBIDDEN),
            Some("permission_denied")
        );
        for (asked, status) in [
            (&sign_in, StatusCode::OK),
            (&other, StatusCode::UNAUTHORIZED),
            (&other, StatusCode::NOT_FOUND),
            (&sign_in, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            assert_eq!(kind(asked, status), None);
        }
        assert_eq!(
            other.event(StatusCode::FORBIDDEN).unwrap().path.as_deref(),
            Some("/api/companies")
        );
    }
}
