//! From a `SecretRotation` and its `ReportApp` to the [`Target`]s and the backends they change.
//! Reads the named Secrets (administrators, authorities), changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::ResourceExt as _;
use reportapp_config::TUNNEL_PORT;
use reportapp_config::credential as file;
use reportapp_config::database::TlsMode;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::credential::{Credential, DatabaseUse, RedisUse, RetirePolicy};
use reportapp_crds::report_app::{
    Admin as AdminSpec, Redis as RedisSpec, SecretKeyRef, Tls, TlsMode as TlsWanted,
};

use super::ledger::SecretText;
use super::target::{Strategy, Target};
use super::trouble::{Reason, Trouble};
use crate::backend::postgres::Postgres;
use crate::backend::redis::Redis;
use crate::backend::redis::caches::Caches;
use crate::backend::{Admin, BackendError, Endpoint};
use crate::login_url;
use crate::reportapp::model::{SecretBytes, SecretLookup};
use crate::reportapp::naming::{self, Component};
use crate::secret_store::vault::path::lookup_name;

mod choice;
#[cfg(test)]
mod tests;

use choice::Choice;

/// Time a token is accepted beyond its life, for clocks that differ (the API's own leeway).
const TOKEN_LEEWAY: Duration = Duration::from_secs(10);

/// What a credential opens, ready to be changed.
pub enum Backend {
    /// A PostgreSQL login.
    Postgres(Postgres),
    /// A Redis ACL user.
    Redis(Redis),
    /// Nothing outside Kubernetes.
    None,
}

impl Backend {
    /// Checks every right a rotation needs; gives notices for the plan.
    ///
    /// # Errors
    /// The first right that is missing, with the statement that gives it.
    pub async fn preflight(&self) -> Result<Vec<String>, BackendError> {
        match self {
            Self::Postgres(postgres) => postgres.preflight().await,
            Self::Redis(redis) => redis.preflight().await,
            Self::None => Ok(Vec::new()),
        }
    }
}

/// A credential and what it opens.
pub struct Planned {
    /// The credential.
    pub target: Target,
    /// How it is rotated and what decided on that, in one sentence.
    pub why: String,
    /// What it opens.
    pub backend: Backend,
}

/// Secrets the spec names, as they were found.
pub type Secrets = BTreeMap<String, SecretLookup>;

/// Resolves credential `name`, the `index`-th of its rotation.
///
/// # Errors
/// What the spec lacks for this credential to rotate.
pub fn plan(
    app: &ReportApp,
    secrets: &Secrets,
    name: &str,
    index: usize,
) -> Result<Planned, Trouble> {
    let credential = app.spec.credentials.iter().find(|c| c.name == name);
    let Some(credential) = credential else {
        let known: Vec<_> = app
            .spec
            .credentials
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        return Err(refused(format!(
            "spec.credentials of ReportApp {} has no entry {name}; it has: {}",
            app.name_any(),
            known.join(", ")
        )));
    };
    let resolver = Resolver { app, secrets };
    let (Choice { strategy, why }, backend) = resolver.backend(credential)?;
    Ok(Planned {
        target: Target {
            name: name.to_owned(),
            strategy,
            role: credential.opens.login().map(str::to_owned),
            file: file_of(credential),
            hold: hold(app, credential, strategy),
            index,
        },
        why,
        backend,
    })
}

/// Tokens of an old key live on; readers of published places tell nobody when they read.
fn hold(app: &ReportApp, credential: &Credential, strategy: Strategy) -> Duration {
    let readers = match &credential.rotation {
        _ if credential.publish.is_empty() => Duration::ZERO,
        Some(rotation) => rotation.retire.after.as_duration(),
        None => RetirePolicy::default().after.as_duration(),
    };
    match strategy {
        Strategy::KeyOverlap => {
            readers.max(app.spec.api.token_lifetime.as_duration() + TOKEN_LEEWAY)
        }
        _ => readers,
    }
}

/// File of a credential's value in the pods, and the key its first value has without saying so.
pub fn file_of(credential: &Credential) -> &'static str {
    let opens = &credential.opens;
    if opens.jwt.is_some() {
        file::SIGNING_KEY
    } else if opens.ssh.is_some() {
        file::PRIVATE_KEY
    } else if opens.telegram.is_some() {
        file::TOKEN
    } else if opens.generic.is_some() {
        "value"
    } else {
        file::PASSWORD
    }
}

/// What a credential opens, for logins alone: needs no administrator and changes nothing.
///
/// # Errors
/// What the spec lacks for a login.
pub fn entrance(
    app: &ReportApp,
    secrets: &Secrets,
    credential: &Credential,
) -> Result<Backend, Trouble> {
    let resolver = Resolver { app, secrets };
    let (opens, key) = (&credential.opens, resolver.key(&credential.name));
    if let Some(database) = &opens.database {
        let place = resolver.database(database)?;
        let role = database.role.clone();
        let postgres = Postgres::for_logins(place.endpoint, place.name, role, key)?;
        return Ok(Backend::Postgres(postgres));
    }
    if let Some(redis) = &opens.redis {
        let (_, endpoint) = resolver.redis_server()?;
        let redis = Redis::for_logins(endpoint, redis.user.clone(), key)?;
        return Ok(Backend::Redis(redis));
    }
    Ok(Backend::None)
}

/// Where the application keeps its own state: endpoint, and name of the database.
///
/// # Errors
/// What the spec lacks, or the authority that cannot be read.
pub fn store(app: &ReportApp, secrets: &Secrets) -> Result<(Endpoint, String), Trouble> {
    let resolver = Resolver { app, secrets };
    let place = resolver.store()?;
    Ok((place.endpoint, place.name))
}

/// Where the application's Redis is.
///
/// # Errors
/// What the spec lacks, or the authority that cannot be read.
pub fn redis(app: &ReportApp, secrets: &Secrets) -> Result<Endpoint, Trouble> {
    let resolver = Resolver { app, secrets };
    Ok(resolver.redis_server()?.1)
}

/// The keys of the application's Redis, as its administrator reaches them.
///
/// # Errors
/// What the spec lacks.
pub fn caches(app: &ReportApp, secrets: &Secrets) -> Result<Caches, Trouble> {
    let resolver = Resolver { app, secrets };
    let (redis, endpoint) = resolver.redis_server()?;
    let credential = &redis.credential;
    let admin = resolver.admin("spec.redis", credential, redis.admin.as_ref())?;
    Ok(Caches::new(endpoint, admin)?)
}

/// A database of the spec, and the administrator it names.
struct DatabasePlace<'a> {
    path: String,
    endpoint: Endpoint,
    name: String,
    admin: Option<&'a AdminSpec>,
}

fn place<'a>(
    path: String,
    endpoint: Endpoint,
    database: Option<&String>,
    admin: Option<&'a AdminSpec>,
) -> Result<DatabasePlace<'a>, Trouble> {
    let Some(name) = database.cloned() else {
        return Err(refused(format!("{path}.database is missing")));
    };
    Ok(DatabasePlace {
        path,
        endpoint,
        name,
        admin,
    })
}

struct Resolver<'a> {
    app: &'a ReportApp,
    secrets: &'a Secrets,
}

impl Resolver<'_> {
    fn backend(&self, credential: &Credential) -> Result<(Choice, Backend), Trouble> {
        let (opens, name) = (&credential.opens, &credential.name);
        if let Some(database) = &opens.database {
            return self.postgres(credential, database);
        }
        if let Some(redis) = &opens.redis {
            return self.redis(credential, redis);
        }
        if opens.jwt.is_some() {
            return Ok((Choice::of_kind(Strategy::KeyOverlap), Backend::None));
        }
        if opens.generic.is_some() {
            return Ok((Choice::of_kind(Strategy::ValueOnly), Backend::None));
        }
        let kind = if opens.ssh.is_some() {
            "ssh"
        } else {
            "telegram"
        };
        Err(refused(format!(
            "credential {name} is of kind {kind}, which this version does not rotate; change its \
             Secret by hand, the pods follow"
        )))
    }

    fn postgres(
        &self,
        credential: &Credential,
        database: &DatabaseUse,
    ) -> Result<(Choice, Backend), Trouble> {
        let name = &credential.name;
        let place = self.database(database)?;
        let admin = self.admin(&place.path, name, place.admin)?;
        let choice = Choice::of_login(database.strategy, &credential.publish, Strategy::InPlace);
        let role = database.role.clone();
        let backend = Postgres::new(place.endpoint, place.name, admin, role, self.key(name))?;
        Ok((choice, Backend::Postgres(backend)))
    }

    /// Where the application finds a database.
    fn database(&self, database: &DatabaseUse) -> Result<DatabasePlace<'_>, Trouble> {
        match &database.server {
            Some(server) => self.server(server),
            None => self.store(),
        }
    }

    fn server(&self, name: &str) -> Result<DatabasePlace<'_>, Trouble> {
        let found = self.app.spec.servers.iter().find(|s| s.name == name);
        let server = found.ok_or_else(|| refused(format!("spec.servers has no entry {name}")))?;
        let port = server.port_or_default();
        let mut endpoint = self.endpoint(&server.host, port, &server.tls)?;
        if server.tunnel.is_some() {
            let tunnel = Component::Tunnel(server.name.clone());
            let service = naming::workload(&self.app.name_any(), &tunnel);
            endpoint.server_name = endpoint.server_name.or(Some(server.host.clone()));
            endpoint.host = format!("{service}.{}.svc", self.namespace());
            endpoint.port = TUNNEL_PORT;
        }
        let path = format!("spec.servers[{}]", server.name);
        place(
            path,
            endpoint,
            server.database.as_ref(),
            server.admin.as_ref(),
        )
    }

    fn store(&self) -> Result<DatabasePlace<'_>, Trouble> {
        let store = &self.app.spec.store;
        let host = store.host.as_deref().unwrap_or_default();
        let endpoint = self.endpoint(host, store.port.unwrap_or(5432), &store.tls)?;
        let path = "spec.store".to_owned();
        place(
            path,
            endpoint,
            store.database.as_ref(),
            store.admin.as_ref(),
        )
    }

    fn redis(
        &self,
        credential: &Credential,
        redis_use: &RedisUse,
    ) -> Result<(Choice, Backend), Trouble> {
        let name = &credential.name;
        let (redis, endpoint) = self.redis_server()?;
        let admin = self.admin("spec.redis", name, redis.admin.as_ref())?;
        let (wanted, publish) = (redis_use.strategy, &credential.publish);
        let choice = Choice::of_login(wanted, publish, Strategy::TwoPasswords);
        let backend = Redis::new(endpoint, admin, redis_use.user.clone(), self.key(name))?;
        Ok((choice, Backend::Redis(backend)))
    }

    fn redis_server(&self) -> Result<(&RedisSpec, Endpoint), Trouble> {
        let Some(redis) = &self.app.spec.redis else {
            return Err(refused("spec.redis is missing".to_owned()));
        };
        let endpoint = self.endpoint(&redis.host, redis.port, &redis.tls)?;
        Ok((redis, endpoint))
    }

    fn namespace(&self) -> String {
        self.app.namespace().unwrap_or_default()
    }

    /// Names the credential among all of every cluster that shares the backend.
    fn key(&self, credential: &str) -> String {
        format!("{}/{}/{credential}", self.namespace(), self.app.name_any())
    }

    fn endpoint(&self, host: &str, port: u16, tls: &Tls) -> Result<Endpoint, Trouble> {
        let authority = match &tls.ca_secret_ref {
            Some(reference) => Some(self.value(reference, "ca.crt")?.expose().to_owned()),
            None => None,
        };
        Ok(Endpoint {
            host: host.to_owned(),
            port,
            tls: match tls.mode {
                TlsWanted::Disable => TlsMode::Disable,
                TlsWanted::VerifyFull => TlsMode::VerifyFull,
            },
            authority,
            server_name: tls.server_name.clone(),
        })
    }

    fn admin(
        &self,
        path: &str,
        credential: &str,
        admin: Option<&AdminSpec>,
    ) -> Result<Admin, Trouble> {
        let Some(admin) = admin else {
            return Err(refused(format!(
                "{path}.admin is missing: name a login that may change credential {credential}; \
                 docs/reference says which rights it needs"
            )));
        };
        let source = &admin.password;
        let text = match (&source.secret_ref, &source.vault_path) {
            (Some(reference), _) => self.value(reference, file::PASSWORD)?,
            (None, Some(reference)) => self.vault_value(reference)?,
            (None, None) => {
                let message = format!("{path}.admin.password needs secretRef or vaultPath");
                return Err(refused(message));
            }
        };
        Ok(Admin {
            username: admin.username.clone(),
            password: password(&text, &admin.username, &format!("{path}.admin.password"))?,
        })
    }

    /// A password in Vault, which was read before.
    fn vault_value(&self, reference: &str) -> Result<SecretText, Trouble> {
        match self.secrets.get(&lookup_name(reference, file::PASSWORD)) {
            Some(SecretLookup::Found { data, .. }) => {
                let value = data.values().next().map(SecretBytes::expose);
                let text = String::from_utf8_lossy(value.unwrap_or_default());
                Ok(SecretText::new(text.trim_end_matches(['\r', '\n'])))
            }
            Some(SecretLookup::Unread(trouble)) => Err(trouble.clone()),
            _ => Err(refused(format!(
                "vaultPath {reference} needs spec.secretStore.vault"
            ))),
        }
    }

    /// A value of a Secret that lends itself to the application.
    fn value(&self, reference: &SecretKeyRef, key: &str) -> Result<SecretText, Trouble> {
        value(self.secrets, &self.app.name_any(), reference, key)
    }
}

/// The password of `user` that `text` is or, as a connection URL, carries. `path` is that of the
/// field.
///
/// # Errors
/// When it is the URL of somebody else.
pub fn password(text: &SecretText, user: &str, path: &str) -> Result<SecretText, Trouble> {
    match login_url::password(text.expose(), user) {
        Ok(password) => Ok(password.unwrap_or_else(|| text.clone())),
        Err(why) => Err(refused(format!("the value of {path} {why}"))),
    }
}

/// A value of a Secret that lends itself to `app`, as text.
///
/// # Errors
/// When Secret or key are missing, not lent, or no text.
pub fn value(
    secrets: &Secrets,
    app: &str,
    reference: &SecretKeyRef,
    key: &str,
) -> Result<SecretText, Trouble> {
    let (name, key) = (&reference.name, reference.key_or(key));
    match secrets.get(name) {
        Some(SecretLookup::Found { data, .. }) => {
            let found = data
                .get(key)
                .ok_or_else(|| refused(format!("Secret {name} has no key {key}; add it")))?;
            let text = std::str::from_utf8(found.expose())
                .map_err(|_| refused(format!("key {key} of Secret {name} is not text")))?;
            Ok(SecretText::new(text.trim_end_matches(['\r', '\n'])))
        }
        Some(SecretLookup::NotAllowed { .. }) => Err(refused(format!(
            "Secret {name} does not lend itself to this ReportApp: kubectl annotate secret {name} \
             reportapp.dev/allow={app}"
        ))),
        Some(SecretLookup::Forbidden(answer)) => {
            Err(Trouble::new(Reason::ApiServer, answer.clone()))
        }
        Some(SecretLookup::Unread(trouble)) => Err(trouble.clone()),
        Some(SecretLookup::Missing) | None => {
            Err(refused(format!("there is no Secret {name}; create it")))
        }
    }
}

fn refused(message: String) -> Trouble {
    Trouble::new(Reason::AppNotReady, message)
}
