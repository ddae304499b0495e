//! PostgreSQL: two users in turn, members of one base role.
//!
//! ```text
//!            ┌ <role>_a  LOGIN, SET role = <role> ┐  one of them is in use,
//! <role> ◀───┤                                    │  the other NOLOGIN without a password
//! (NOLOGIN)  └ <role>_b  as the other             ┘
//! ```
//!
//! Privileges and objects belong to the base role alone; a twin becomes it when it logs in. The
//! login the application had before is the base role itself: the first rotation moves it to a twin
//! and leaves the base role as a group. Where the user name cannot change, the base role's password
//! is set in place.
//!
//! Each change is one transaction on a direct connection: lock, fence, statements, new fence
//! ([`change`]). Passwords leave this process as SCRAM verifiers only, except towards a server whose
//! `pg_hba.conf` asks for plain passwords at login.

mod change;
mod fence;
mod link;
mod preflight;
mod rehearsal;
mod roles;
mod sessions;
mod statements;

use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reportapp_config::database::TlsMode;
use reportapp_pool::NamedTls;

use super::{Admin, BackendError, Endpoint, Login, Outline, Session, identities, twins};
use link::{Link, LoginFailure};
pub use statements::identifier;

/// PostgreSQL cuts longer names, silently.
const NAME_MAX_BYTES: usize = 63;
/// Upper bound of one verb, from the first packet to the last.
const VERB_TIMEOUT: Duration = Duration::from_secs(30);

/// One role of one PostgreSQL server, and the administrator who may change it, if there is one.
#[derive(Clone)]
pub struct Postgres {
    endpoint: Endpoint,
    tls: Option<NamedTls>,
    database: String,
    admin: Option<Admin>,
    role: String,
    key: String,
}

impl Postgres {
    /// Names what is to be changed; `key` is `<namespace>/<app>/<credential>` and tells one owner of
    /// a role from another. Nothing is dialled yet.
    ///
    /// # Errors
    /// When the names or the TLS settings are not usable, or the administrator is one of the users
    /// that rotate.
    pub fn new(
        endpoint: Endpoint,
        database: String,
        admin: Admin,
        role: String,
        key: String,
    ) -> Result<Self, BackendError> {
        if identities(&role).contains(&admin.username) {
            return Err(BackendError::Refused(format!(
                "the administrator {:?} is one of the users that rotate for role {role:?}; give the \
                 server another administrator",
                admin.username
            )));
        }
        Ok(Self {
            admin: Some(admin),
            ..Self::for_logins(endpoint, database, role, key)?
        })
    }

    /// As [`Postgres::new`] without an administrator: only [`Postgres::login`] can succeed.
    ///
    /// # Errors
    /// When the names or the TLS settings are not usable.
    pub fn for_logins(
        endpoint: Endpoint,
        database: String,
        role: String,
        key: String,
    ) -> Result<Self, BackendError> {
        let refuse = |text: String| Err(BackendError::Refused(text));
        if role.is_empty() || role.contains('\0') || role.starts_with("pg_") {
            return refuse(format!("{role:?} cannot be the name of a PostgreSQL role"));
        }
        if let Some(long) = twins(&role).iter().find(|name| name.len() > NAME_MAX_BYTES) {
            return refuse(format!(
                "the name {long:?} is longer than the {NAME_MAX_BYTES} bytes PostgreSQL keeps; \
                 rename the role to {} bytes or less",
                NAME_MAX_BYTES - 2
            ));
        }
        let tls = match endpoint.tls {
            TlsMode::Disable => None,
            TlsMode::VerifyFull => {
                let name = endpoint.server_name.as_deref().unwrap_or(&endpoint.host);
                let tls = NamedTls::new(endpoint.authority.as_deref(), name);
                Some(tls.map_err(BackendError::Refused)?)
            }
        };
        Ok(Self {
            endpoint,
            tls,
            database,
            admin: None,
            role,
            key,
        })
    }

    /// Whether every later step may succeed; gives notices for the plan. Changes nothing.
    ///
    /// # Errors
    /// [`BackendError::RightMissing`] with the statements to run; [`BackendError::Refused`] when a
    /// role is not what it should be.
    pub async fn preflight(&self) -> Result<Vec<String>, BackendError> {
        self.bounded(preflight::run(self)).await
    }

    /// Makes or repairs a twin, so that `password` opens it and it equals the base role in all but
    /// its name.
    ///
    /// # Errors
    /// [`BackendError::Fenced`] when a newer rotation was here; `Refused` for any name that is not a
    /// twin.
    pub async fn prepare(
        &self,
        fence: u64,
        username: &str,
        password: &str,
    ) -> Result<(), BackendError> {
        self.bounded(change::prepare(self, fence, username, password))
            .await
    }

    /// Logs in once, as the application would, and looks at what came of it.
    ///
    /// # Errors
    /// When the server cannot be asked; a refused login is not an error.
    pub async fn login(&self, username: &str, password: &str) -> Result<Login, BackendError> {
        self.bounded(async {
            match self.open(username, password).await {
                Ok(link) => {
                    let outcome = self.compare(&link, username).await;
                    link.close().await;
                    outcome
                }
                Err(LoginFailure::Refused(_)) => Ok(Login::Refused),
                Err(LoginFailure::Incomplete(text)) => Ok(Login::Lacking(text)),
                Err(LoginFailure::Other(error)) => Err(error),
            }
        })
        .await
    }

    /// The sessions that were opened as `username`, by program and client.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn sessions(&self, username: &str) -> Result<Vec<Session>, BackendError> {
        self.bounded(sessions::list(self, username)).await
    }

    /// Refuses further logins as `username`; a twin loses its password too. A role that does not
    /// exist is refused anyhow.
    ///
    /// # Errors
    /// As [`Postgres::prepare`], for any name that is not the role or a twin.
    pub async fn disable(&self, fence: u64, username: &str) -> Result<(), BackendError> {
        self.bounded(change::disable(self, fence, username)).await
    }

    /// Ends the sessions that were opened as `username` until none is left; gives their number.
    ///
    /// # Errors
    /// [`BackendError::Unreachable`] when some are still there after five seconds.
    pub async fn end_sessions(&self, username: &str) -> Result<u32, BackendError> {
        self.bounded(sessions::end(self, username)).await
    }

    /// Changes the password of an existing user in place and lets it log in.
    ///
    /// # Errors
    /// As [`Postgres::disable`]; `Refused` when the user does not exist.
    pub async fn set_password(
        &self,
        fence: u64,
        username: &str,
        password: &str,
    ) -> Result<(), BackendError> {
        self.bounded(change::set_password(self, fence, username, password))
            .await
    }

    /// The statements of a rotation from one user to another, without values.
    pub fn plan(&self, from: Option<&str>, to: &str) -> Outline {
        statements::plan(&self.role, from, to)
    }

    async fn compare(&self, link: &Link, username: &str) -> Result<Login, BackendError> {
        let became = link.current_user().await?;
        let roles = link.roles(&self.role).await?;
        let mut differences = Vec::new();
        if became != self.role {
            differences.push(format!(
                "a session of {username:?} runs as {became:?} instead of {:?}",
                self.role
            ));
        }
        if let (true, Some(base), Some(twin)) = (
            self.is_twin(username),
            roles.get(&self.role),
            roles.get(username),
        ) {
            differences.extend(base.differences(twin));
        }
        Ok(if differences.is_empty() {
            Login::Accepted
        } else {
            Login::Lacking(differences.join("; "))
        })
    }

    fn is_twin(&self, username: &str) -> bool {
        twins(&self.role).iter().any(|twin| twin == username)
    }

    /// Only users of this role are ever a target.
    fn check_target(&self, username: &str) -> Result<(), BackendError> {
        if identities(&self.role).contains(username) {
            return Ok(());
        }
        Err(BackendError::Refused(format!(
            "{username:?} is neither role {:?} nor one of the users that take turns for it",
            self.role
        )))
    }

    async fn open(&self, username: &str, password: &str) -> Result<Link, LoginFailure> {
        Link::open(
            &self.endpoint,
            self.tls.as_ref(),
            &self.database,
            username,
            password,
        )
        .await
    }

    /// Empty without an administrator.
    fn admin_name(&self) -> &str {
        self.admin
            .as_ref()
            .map_or("", |admin| admin.username.as_str())
    }

    async fn open_admin(&self) -> Result<Link, BackendError> {
        let Some(admin) = &self.admin else {
            return Err(BackendError::AdminRefused(format!(
                "no administrator is named who may change role {:?}; name one under `admin`",
                self.role
            )));
        };
        let (name, password) = (&admin.username, admin.password.expose());
        self.open(name, password)
            .await
            .map_err(|failure| match failure {
                LoginFailure::Refused(detail) => BackendError::AdminRefused(format!(
                    "PostgreSQL refuses the administrator {name:?} ({detail}); correct the Secret \
                     or path that `admin` names"
                )),
                LoginFailure::Incomplete(_) => BackendError::RightMissing(format!(
                    "the administrator {name:?} may not connect; run: GRANT CONNECT ON DATABASE {} \
                     TO {};",
                    statements::identifier(&self.database),
                    statements::identifier(name)
                )),
                LoginFailure::Other(error) => error,
            })
    }

    /// On the heap: a conversation with PostgreSQL is a large future, and whoever awaits one of several in
    /// turn would hold the space of each.
    fn bounded<'a, T>(
        &'a self,
        verb: impl Future<Output = Result<T, BackendError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, BackendError>> {
        let bounded = tokio::time::timeout(VERB_TIMEOUT, verb).map(|outcome| match outcome {
            Ok(outcome) => outcome,
            Err(_) => Err(BackendError::Unreachable(format!(
                "PostgreSQL at {}:{} did not answer within {} s",
                self.endpoint.host,
                self.endpoint.port,
                VERB_TIMEOUT.as_secs()
            ))),
        });
        bounded.boxed()
    }
}

/// What makes a user accept a known password again; without that password.
pub fn set_back(username: &str) -> String {
    let user = statements::identifier(username);
    format!("ALTER ROLE {user} LOGIN PASSWORD '<that password>';")
}
