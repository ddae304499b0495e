//! The application's store as an action reaches it: over the network with the login the application
//! uses now, whether its API is up or down.

use std::time::Duration;

use kube::{Client, ResourceExt as _};
use reportapp_config::credential::Secret;
use reportapp_config::database::{PoolConfig, TlsMode};
use reportapp_crds::ReportApp;
use reportapp_crds::incident_action::Whose;
use reportapp_pool::{NamedTls, Pool, PoolError, PostgresLogin, Value};
use reportapp_session::epochs::{
    self, EpochError, Revision, RevokeError, Scope, invalidate_sessions, registered_processes,
};

use super::invalidate::{self, Invalidated};
use super::trouble::{Reason, Trouble};
use crate::backend::Endpoint;
use crate::canary::check;
use crate::rotation::ledger;
use crate::rotation::plan;

/// What the administrator of the database sees in `pg_stat_activity`.
const NAME: &str = "reportapp-operator";
/// How long a login, and how long a statement may take, in milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// An open way to the store of one application.
#[derive(Debug)]
pub struct AppStore {
    pool: Pool,
    /// Host, port and database.
    place: String,
}

impl AppStore {
    /// Finds the store of `app` and logs in as its API does.
    ///
    /// # Errors
    /// What is missing, or does not answer.
    pub async fn of(app: &ReportApp, client: &Client) -> Result<Self, Trouble> {
        let name = app.spec.store.credential.as_deref().unwrap_or_default();
        let credential = app.spec.credentials.iter().find(|c| c.name == name);
        let credential = credential.ok_or_else(|| {
            let app = app.name_any();
            unusable(format!(
                "spec.store.credential of ReportApp {app} names no entry of spec.credentials"
            ))
        })?;
        let (secrets, in_use, _) = check::current(client, app, credential)
            .await
            .map_err(unusable)?;
        let (endpoint, database) =
            plan::store(app, &secrets).map_err(|trouble| unusable(trouble.message))?;
        Self::connect(&endpoint, &database, &in_use.value).await
    }

    /// Logs in to the store at `endpoint`.
    ///
    /// # Errors
    /// When it does not answer, or does not want this login.
    pub async fn connect(
        endpoint: &Endpoint,
        database: &str,
        login: &ledger::Value,
    ) -> Result<Self, Trouble> {
        let tls = match endpoint.tls {
            TlsMode::Disable => None,
            TlsMode::VerifyFull => {
                let name = endpoint.server_name.as_deref().unwrap_or(&endpoint.host);
                let tls = NamedTls::new(endpoint.authority.as_deref(), name);
                Some(tls.map_err(unusable)?)
            }
        };
        let login = PostgresLogin {
            host: endpoint.host.clone(),
            port: endpoint.port,
            database: database.to_owned(),
            tls,
            username: login.username.clone().unwrap_or_default(),
            password: Secret::from(login.secret.expose()),
            pool: PoolConfig {
                min: 0,
                max: 2,
                acquire_timeout_ms: PATIENCE_MS,
                statement_timeout_ms: PATIENCE_MS,
                ..PoolConfig::default()
            },
        };
        let place = format!("{}:{}/{database}", endpoint.host, endpoint.port);
        let pool = Pool::with_login(NAME, &login).map_err(|error| unusable(error.to_string()))?;
        let store = Self { pool, place };
        match store.pool.probe().await {
            Ok(()) => Ok(store),
            Err(error) => Err(store.trouble(&error)),
        }
    }

    /// Ends the session with the store.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// What ending sessions of `whose` would do.
    ///
    /// # Errors
    /// What would stand in the way of it.
    pub async fn plan(&self, whose: &Whose) -> Result<Vec<String>, Trouble> {
        let scope = self.scope(whose).await?;
        let told = match (whose, &scope) {
            (Whose::User(user), Scope::User(id)) if user != id => format!("user {user} (id {id})"),
            _ => whose.to_string(),
        };
        let processes = registered_processes(&self.pool).await;
        let processes = processes.map_err(|error| self.epoch_trouble(&error))?;
        Ok(invalidate::plan(&told, &self.place, processes))
    }

    /// Ends the sessions of `whose` under the name `action`, and waits for at most `limit` until no
    /// process accepts them. Repeated, it goes on with the same revocation.
    ///
    /// # Errors
    /// When the store does not answer or refuses; it may be written down all the same.
    pub async fn invalidate(
        &self,
        action: &str,
        whose: &Whose,
        limit: Duration,
    ) -> Result<Invalidated, Trouble> {
        let scope = self.scope(whose).await?;
        match invalidate_sessions(&self.pool, action, vec![scope], limit).await {
            Ok(revoked) => Ok(Invalidated::Acknowledged(revoked)),
            Err(RevokeError::NotAcknowledged {
                revision, silent, ..
            }) => Ok(Invalidated::Committed {
                revision,
                in_doubt: silent,
            }),
            Err(RevokeError::NotCommitted { cause, .. }) => Err(self.epoch_trouble(&cause)),
        }
    }

    /// The revision that was raised under the name `action`, if one was.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn revision(&self, action: &str) -> Result<Option<Revision>, Trouble> {
        let found = epochs::revision_of(&self.pool, action).await;
        found.map_err(|error| self.epoch_trouble(&error))
    }

    /// What the store calls them.
    async fn scope(&self, whose: &Whose) -> Result<Scope, Trouble> {
        Ok(match whose {
            Whose::All => Scope::All,
            Whose::Tenant(id) => Scope::Tenant(id.clone()),
            Whose::Session(id) => Scope::Session(id.clone()),
            Whose::User(user) => Scope::User(self.user_id(user).await?),
        })
    }

    /// The id of a user by id or, in any case, by name.
    async fn user_id(&self, user: &str) -> Result<String, Trouble> {
        let sql = "SELECT id FROM users_enhanced WHERE id = $1 OR username_key = $2
                   ORDER BY id = $1 DESC LIMIT 1";
        // As the API spells keys when it creates users.
        let key = user.trim().to_lowercase();
        let params = [Value::Text(user.to_owned()), Value::Text(key)];
        let found = self.pool.query_opt(sql, &params).await;
        let found = found.map_err(|error| self.trouble(&error))?;
        let Some(row) = found else {
            let message = format!(
                "spec.invalidateSessions.user: the store at {} has no user with the name or id {user}, so \
                 there is nothing to end; create the action anew with the right one",
                self.place
            );
            return Err(Trouble::new(Reason::UnknownUser, message));
        };
        row.get("id").map_err(|error| self.trouble(&error))
    }

    fn trouble(&self, error: &PoolError) -> Trouble {
        match error.is_transient() {
            true => self.unreachable(&error.to_string()),
            false => self.refused(&error.to_string()),
        }
    }

    fn epoch_trouble(&self, error: &EpochError) -> Trouble {
        match error {
            EpochError::Unreachable { detail } => self.unreachable(detail),
            EpochError::Refused { detail } | EpochError::Corrupt { detail } => self.refused(detail),
        }
    }

    fn unreachable(&self, detail: &str) -> Trouble {
        let message = format!(
            "the store at {} does not answer: {detail}. Start it, and let the operator's pods reach it; \
             until then nobody knows whether the sessions are ended",
            self.place
        );
        Trouble::new(Reason::StoreUnreachable, message)
    }

    fn refused(&self, detail: &str) -> Trouble {
        unusable(format!(
            "the store at {} cannot be used: {detail}. It must accept the login of the API and have the \
             tables of this version, which the API makes when it starts",
            self.place
        ))
    }
}

fn unusable(message: impl Into<String>) -> Trouble {
    Trouble::new(Reason::StoreNotUsable, message)
}
