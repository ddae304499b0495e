//! Where somebody signs in, and whether what they gave is right there.
//!
//! There is one way for the accounts of the application, and one for each ERP server that checks passwords
//! itself. Which ways there are is the same for everybody: a list that depended on the name would tell who
//! exists.

use reportapp_config::api::ErpAuth;
use reportapp_pool::PoolError;

use crate::app::App;
use crate::erp::Server;
use crate::erp::accounts::{Account, Obstacle};
use crate::error::ApiError;
use crate::guesses::Guess;
use crate::model::{ServerKind, SignInServer};
use crate::store::users::erp::qualified;
use crate::store::users::{ErpIdentity, username_key};
use crate::store::{StoreError, User};

/// Where a name and a password are checked.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    /// Here.
    Store,
    /// At this server.
    Erp(&'a Server),
}

/// What became of a name and a password.
pub(crate) struct Judged {
    /// The user of that name, if they are known here.
    pub(crate) user: Option<User>,
    /// Whether the password is theirs.
    pub(crate) is_right: bool,
    /// What the application keeps of the password, if it is kept here.
    pub(crate) hash: Option<String>,
}

impl Way<'_> {
    /// The name under which guesses are counted: those at one server use up nothing elsewhere.
    pub(crate) fn identity(&self, username: &str) -> String {
        match self {
            Self::Store => username.to_owned(),
            Self::Erp(server) => qualified(username, &server.name),
        }
    }
}

impl App {
    /// The way to `server`; without one, to the accounts of the application. A server whose people have
    /// accounts here is reached with one of those.
    ///
    /// # Errors
    /// `ServerUnknown`.
    pub(crate) fn way(&self, server: Option<&str>) -> Result<Way<'_>, ApiError> {
        let Some(name) = server else {
            return Ok(Way::Store);
        };
        let server = self.servers.get(Some(name))?;
        Ok(match server.auth {
            ErpAuth::Store => Way::Store,
            ErpAuth::Erp => Way::Erp(server),
        })
    }

    /// Refuses the name of a new account that people of an ERP server would have here.
    ///
    /// # Errors
    /// `InvalidName`.
    pub(crate) fn check_not_of_erp(&self, username: &str) -> Result<(), ApiError> {
        let key = username_key(username);
        let servers = self.servers.all().iter();
        let mut servers = servers.filter(|server| server.auth == ErpAuth::Erp);
        match servers.find(|server| key.ends_with(&qualified("", &server.name))) {
            None => Ok(()),
            Some(server) => {
                let message = format!(
                    "Names that end in @{} belong to people of that ERP server; choose another one.",
                    server.name
                );
                Err(ApiError::invalid("InvalidName", "username", message))
            }
        }
    }

    /// Every way, those of the ERP servers first.
    pub(crate) fn ways(&self) -> Vec<SignInServer> {
        let servers = self.servers.all().iter();
        let servers = servers.filter(|server| server.auth == ErpAuth::Erp);
        let mut ways: Vec<SignInServer> = servers
            .map(|server| SignInServer {
                server: Some(server.name.clone()),
                title: server.name.clone(),
                kind: ServerKind::Erp,
            })
            .collect();
        ways.push(SignInServer {
            server: None,
            title: self.name.clone(),
            kind: ServerKind::Store,
        });
        ways
    }

    /// Checks a password against the accounts of the application. An unknown name takes as long as a known one.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn judge_here(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Judged, ApiError> {
        let known = self.store.find_credentials(username).await?;
        let hash = known.as_ref().map(|known| known.password_hash.as_str());
        // Who was inserted by hand has none yet: the same answer after the same work as for a wrong one.
        let hash = hash.filter(|hash| !hash.is_empty());
        Ok(Judged {
            is_right: self.passwords.verify(password, hash).await?,
            hash: hash.map(str::to_owned),
            user: known.map(|known| known.user),
        })
    }

    /// Has a password checked by an ERP. A guess that never reached it is given back: an ERP that is away
    /// keeps nobody out for longer than that.
    ///
    /// # Errors
    /// When the ERP or the store cannot answer.
    pub(crate) async fn judge_there(
        &self,
        server: &Server,
        (username, password): (&str, &str),
        guess: &Guess,
    ) -> Result<Judged, ApiError> {
        // In any case, so that the time of an answer does not tell who has been here.
        let known = self.store.find_erp_user(&server.name, username).await?;
        match server.verify(username.trim(), password).await {
            Ok(Some(account)) => Ok(Judged {
                user: Some(self.stand_in(server, account).await?),
                is_right: true,
                hash: None,
            }),
            Ok(None) => Ok(Judged {
                user: known,
                is_right: false,
                hash: None,
            }),
            Err(error) => {
                if !was_heard(&error) {
                    self.take_back(guess);
                }
                Err(error)
            }
        }
    }

    /// The user of the store for an account of an ERP.
    async fn stand_in(&self, server: &Server, account: Account) -> Result<User, ApiError> {
        let identity = ErpIdentity {
            server: server.name.clone(),
            user: account.id,
        };
        let made = self
            .store
            .erp_user(&identity, &account.username, &account.name);
        made.await.map_err(|error| match error {
            StoreError::Database(error) if error.is_unique_violation() => ApiError::Conflict {
                code: "Taken",
                field: Some("username"),
                message: format!(
                    "The application has another account called {}; ask an administrator.",
                    qualified(&account.username, &server.name)
                ),
            },
            error => error.into(),
        })
    }
}

/// Whether the ERP may have judged the password although there is no answer.
fn was_heard(error: &ApiError) -> bool {
    match error {
        ApiError::DatabaseUnavailable { source, .. } => {
            matches!(source, PoolError::StatementTimeout { .. })
        }
        ApiError::ErpSignInUnavailable { source, .. } => matches!(source, Obstacle::Functions(_)),
        _ => true,
    }
}
