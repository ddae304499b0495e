//! Events a security lead wants to see, beside the changes of rows.
//!
//! Grants, forced resets and locked users are noticed by triggers of the database, whoever causes them;
//! what changes no row is written from here.

use jiff::Timestamp;
use reportapp_pool::Engine;

use super::context::{as_system, current};
use super::{Store, StoreError, moment, opt_text, text};

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// To be expected.
    Info,
    /// Worth a look when there are many.
    Warning,
    /// Worth a look.
    Critical,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// What, as a stable word.
    pub kind: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Path of the request.
    pub path: Option<String>,
    /// Method of the request.
    pub method: Option<String>,
    /// What the client says it is.
    pub user_agent: Option<String>,
}

impl SecurityEvent {
    /// An event that no request stands for.
    pub fn new(kind: &'static str, severity: Severity) -> Self {
        Self {
            kind,
            severity,
            path: None,
            method: None,
            user_agent: None,
        }
    }
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Store {
    /// Writes an event down that nothing waits for: a store that does not answer loses it, and the log says so.
    pub(crate) async fn note_security_event(&self, event: &SecurityEvent) {
        if let Err(error) = self.log_security_event(event).await {
            tracing::warn!(%error, kind = event.kind, "failed to write a security event");
        }
    }

    /// Writes an event down; user, tenant, address and request are those of the running request.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn log_security_event(&self, event: &SecurityEvent) -> Result<(), StoreError> {
        let context = current();
        let mut params = vec![
            text(event.kind),
            text(event.severity.as_str()),
            opt_text(event.path.clone()),
            opt_text(event.method.clone()),
            opt_text(event.user_agent.clone()),
            opt_text(context.tenant().map(str::to_owned)),
        ];
        let sql = match self.engine() {
            Engine::Postgres => {
                "SELECT log_security_event($1, $2, p_request_path => $3, p_request_method => $4,
                                           p_user_agent => $5, p_tenant_id => $6)"
            }
            Engine::Sqlite => {
                params.extend([
                    text(context.service),
                    opt_text(context.user),
                    opt_text(context.address),
                    opt_text(context.request),
                    moment(Timestamp::now()),
                ]);
                "INSERT INTO security_events (event_type, severity, request_path, request_method,
                                              user_agent, tenant_id, service_name, user_id,
                                              ip_address, request_id, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            }
        };
        // Evidence is written whoever the request acts for.
        as_system(async {
            match self.engine() {
                Engine::Postgres => self.pool()?.query(sql, &params).await.map(drop),
                Engine::Sqlite => self.pool()?.execute(sql, &params).await.map(drop),
            }
            .map_err(StoreError::from)
        })
        .await
    }
}
