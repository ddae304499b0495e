//! The application's store as an action reaches it: over the network with the login the application
//! uses now, whether its API is up or down.

use std::convert::Infallible;
use std::time::Duration;

use kube::{Client, ResourceExt as _};
use reportapp_config::credential::Secret;
use reportapp_config::database::{PoolConfig, TlsMode};
use reportapp_crds::ReportApp;
use reportapp_crds::incident_action::{Holders, Whose};
use reportapp_pool::{NamedTls, Pool, PoolError, PostgresLogin};
use reportapp_session::directory;
use reportapp_session::epochs::{
    self, EpochError, Revision, RevokeError, Scope, invalidate_sessions, registered_processes,
};
use tokio::sync::watch;

use super::invalidate::{self, Invalidated, Target};
use super::trouble::{Reason, Trouble};
use crate::backend::Endpoint;
use crate::backend::redis::wake::Wakes;
use crate::canary::check::Afresh;
use crate::rotation::ledger;
use crate::rotation::plan;

mod users;

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
    /// Where to say that something was revoked.
    wakes: Option<Wakes>,
}

impl AppStore {
    /// Finds the store of `app` and logs in as its API does.
    ///
    /// # Errors
    /// What is missing, or does not answer.
    pub async fn of(app: &ReportApp, client: &Client) -> Result<Self, Trouble> {
        let read = Afresh::read(client, app).await.map_err(unusable)?;
        let name = app.spec.store.credential.as_deref().unwrap_or_default();
        let login = read.value_of(name, "spec.store.credential");
        let login = login.map_err(unusable)?;
        let (endpoint, database) =
            plan::store(app, read.secrets()).map_err(|trouble| unusable(trouble.message))?;
        let store = Self::connect(&endpoint, &database, &login).await?;
        Ok(store.waking(wakes(app, &read)))
    }

    /// The same, with the processes of the application woken by what is revoked.
    #[must_use]
    pub fn waking(self, wakes: Option<Wakes>) -> Self {
        Self { wakes, ..self }
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
        let store = Self {
            pool,
            place,
            wakes: None,
        };
        match store.pool.probe().await {
            Ok(()) => Ok(store),
            Err(error) => Err(store.trouble(&error)),
        }
    }

    /// Ends the session with the store.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// What invalidating `target` would do.
    ///
    /// # Errors
    /// What would stand in the way of it.
    pub async fn plan(&self, target: &Target) -> Result<Vec<String>, Trouble> {
        let scopes = self.scopes(target).await?;
        let told = told(target, &scopes);
        let processes = self.processes().await?;
        Ok(invalidate::plan(target, &told, &self.place, processes))
    }

    /// How many open sessions invalidating `target` under the name `action` would end. `None`: it has done so
    /// already, or it ends none.
    ///
    /// # Errors
    /// What would stand in the way of it.
    pub async fn sessions_before(
        &self,
        action: &str,
        target: &Target,
    ) -> Result<Option<i64>, Trouble> {
        if matches!(target, Target::Permissions(_)) || self.revision(action).await?.is_some() {
            return Ok(None);
        }
        let mut open = 0;
        for scope in self.scopes(target).await? {
            let counted = directory::open_sessions(&self.pool, &scope).await;
            open += counted.map_err(|error| self.trouble(&error))?;
        }
        Ok(Some(open))
    }

    /// Invalidates `target` under the name `action`, and waits for at most `limit` until every process
    /// does so. Repeated, it goes on with the same revocation.
    ///
    /// # Errors
    /// When the store does not answer or refuses; it may be written down all the same.
    pub async fn invalidate(
        &self,
        action: &str,
        target: &Target,
        limit: Duration,
    ) -> Result<Invalidated, Trouble> {
        // Once it is committed, the name in the spec may be somebody else's, or nobody's; and what is raised
        // under that name is not raised again, so that its scopes do not matter.
        let scopes = match self.revision(action).await? {
            Some(_) => Vec::new(),
            None => self.scopes(target).await?,
        };
        self.raise(action, scopes, limit).await
    }

    /// Ends under the name `action` what processes of the API kept of the ERP's answers, and waits for at most
    /// `limit` until none gives any of it.
    ///
    /// # Errors
    /// As [`AppStore::invalidate`].
    pub async fn empty_caches(
        &self,
        action: &str,
        limit: Duration,
    ) -> Result<Invalidated, Trouble> {
        self.raise(action, vec![Scope::Caches], limit).await
    }

    /// Raises epochs under the name `action`, and waits for at most `limit` until every process knows.
    async fn raise(
        &self,
        action: &str,
        scopes: Vec<Scope>,
        limit: Duration,
    ) -> Result<Invalidated, Trouble> {
        let (news, raised) = watch::channel(None);
        let wake = |revision| {
            news.send_replace(Some(revision));
        };
        let revoked = tokio::select! {
            revoked = invalidate_sessions(&self.pool, action, scopes, limit, wake) => revoked,
            never = self.wake_processes(raised) => match never {},
        };
        match revoked {
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

    /// Tells the processes of what was raised, which they would find out by themselves a moment later. It
    /// never ends, because nobody waits for it.
    async fn wake_processes(&self, mut raised: watch::Receiver<Option<Revision>>) -> Infallible {
        let revision = { raised.wait_for(Option::is_some).await }.map_or(None, |news| *news);
        if let (Some(wakes), Some(revision)) = (&self.wakes, revision)
            && let Err(error) = wakes.tell(revision).await
        {
            tracing::debug!(%error, "no process was woken; each reads the store by itself");
        }
        std::future::pending().await
    }

    async fn processes(&self) -> Result<usize, Trouble> {
        let processes = registered_processes(&self.pool).await;
        processes.map_err(|error| self.epoch_trouble(&error))
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
    async fn scopes(&self, target: &Target) -> Result<Vec<Scope>, Trouble> {
        Ok(match target {
            Target::Sessions(Whose::All) => vec![Scope::All],
            Target::Sessions(Whose::Tenant(name)) => {
                vec![Scope::Tenant(self.tenant_id(name).await?)]
            }
            Target::Sessions(Whose::Session(id)) => vec![Scope::Session(id.clone())],
            Target::Sessions(Whose::User(name)) => {
                let person = self.person("invalidateSessions", name).await?;
                vec![Scope::User(person.id)]
            }
            Target::Permissions(Holders::All) => vec![Scope::Permissions],
            Target::Permissions(Holders::Role(name)) => {
                let roles = self.role_ids(name).await?;
                roles.into_iter().map(Scope::RolePermissions).collect()
            }
            Target::Permissions(Holders::User(name)) => {
                let person = self.person("invalidatePermissions", name).await?;
                vec![Scope::UserPermissions(person.id)]
            }
        })
    }

    async fn tenant_id(&self, name: &str) -> Result<String, Trouble> {
        let found = directory::find_tenant(&self.pool, name).await;
        let found = found.map_err(|error| self.trouble(&error))?;
        found.ok_or_else(|| {
            let path = "invalidateSessions.tenant";
            self.unknown(Reason::UnknownTenant, path, "tenant", name)
        })
    }

    async fn role_ids(&self, name: &str) -> Result<Vec<String>, Trouble> {
        let found = directory::find_roles(&self.pool, name).await;
        let found = found.map_err(|error| self.trouble(&error))?;
        match found.is_empty() {
            false => Ok(found),
            true => {
                let path = "invalidatePermissions.role";
                Err(self.unknown(Reason::UnknownRole, path, "role", name))
            }
        }
    }

    fn unknown(&self, reason: Reason, path: &str, what: &str, name: &str) -> Trouble {
        let message = format!(
            "spec.{path}: the store at {} has no {what} with the name or id {name}, so there is nothing to \
             do; create the action anew with the right one",
            self.place
        );
        Trouble::new(reason, message)
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
             until then nobody knows what the action has changed",
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

/// Where to wake the processes of `app`. What stands in the way of it is not the action's trouble.
fn wakes(app: &ReportApp, read: &Afresh<'_>) -> Option<Wakes> {
    let redis = app.spec.redis.as_ref()?;
    let login = read.value_of(&redis.credential, "spec.redis.credential");
    let wakes = login.and_then(|login| {
        let endpoint = plan::redis(app, read.secrets()).map_err(|trouble| trouble.message)?;
        Wakes::new(endpoint, login, &app.name_any()).map_err(|error| error.to_string())
    });
    match wakes {
        Ok(wakes) => Some(wakes),
        Err(error) => {
            tracing::debug!(error, "no process is woken; each reads the store by itself");
            None
        }
    }
}

/// What is invalidated, with the ids the store knows where a name was written.
fn told(target: &Target, scopes: &[Scope]) -> String {
    let (told, name) = match target {
        Target::Sessions(whose) => (whose.to_string(), named(whose)),
        Target::Permissions(holders) => match holders {
            Holders::All => (holders.to_string(), None),
            Holders::Role(name) | Holders::User(name) => (holders.to_string(), Some(name)),
        },
    };
    let ids: Vec<_> = scopes.iter().filter_map(id).collect();
    match name {
        Some(name) if ids.iter().any(|id| id != name) => format!("{told} (id {})", ids.join(", ")),
        _ => told,
    }
}

fn named(whose: &Whose) -> Option<&String> {
    match whose {
        Whose::Tenant(name) | Whose::User(name) => Some(name),
        Whose::All | Whose::Session(_) => None,
    }
}

fn id(scope: &Scope) -> Option<String> {
    match scope {
        Scope::All | Scope::Permissions | Scope::Caches => None,
        Scope::Tenant(id)
        | Scope::User(id)
        | Scope::Session(id)
        | Scope::RolePermissions(id)
        | Scope::UserPermissions(id)
        | Scope::CachesOf(id) => Some(id.clone()),
    }
}

fn unusable(message: impl Into<String>) -> Trouble {
    Trouble::new(Reason::StoreNotUsable, message)
}
