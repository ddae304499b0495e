//! Users of the application's store as somebody from outside changes them, with the API up or down:
//! looked up, kept from signing in, made to choose a new password, and put back.
//!
//! A change is one transaction under the name of the order that asks for it: what was there goes into
//! `incident_snapshots`, the user changes, their sessions end, and their epoch is raised. Repeated under
//! the same name, after an error or a crash, it finds its snapshot and changes nothing. [`undo`] puts back
//! what the snapshot says, unless somebody changed it since. Neither waits for processes to confirm: ask
//! [`crate::epochs::invalidate_sessions`] under the same name.

mod begin;
mod change;
mod find;
mod measure;
mod open;
mod undo;

use jiff::Timestamp;
use reportapp_pool::{Engine, PoolError, Row, Transaction, Value};
use serde::{Deserialize, Serialize};

use crate::epochs::{EpochError, Revision, Scope};

pub use change::{change, check, end_late, snapshot};
pub use find::{find_roles, find_tenant, find_user};
pub use measure::measure;
pub use open::open_sessions;
pub use undo::undo;

/// `reportap` in ASCII: the same number in every program and version.
const LOCK: i64 = 0x7265_706f_7274_6170;

/// A user as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Id.
    pub id: String,
    /// Name to sign in with, as first written.
    pub username: String,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// Whether the password of now is refused.
    pub must_reset_password: bool,
    /// Whether the user may do everything on the whole platform.
    pub is_enterprise_admin: bool,
    /// The ERP server that keeps the user's password; `None`: the application does.
    pub erp_server: Option<String>,
}

/// What is done to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user may not sign in.
    Disable {
        /// Also the last enterprise administrator who may.
        force: bool,
    },
    /// The password of now is refused.
    ForceReset,
}

/// What was there before a change, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What was done.
    pub kind: Kind,
    /// Id of the user.
    pub user: String,
    /// Whether the change made a difference: the user was not so already.
    pub differs: bool,
    /// Ids of the sessions that ended.
    pub sessions: Vec<String>,
    /// The revision under which they did.
    pub revision: Revision,
    /// When.
    pub taken_at: Timestamp,
    /// When it was put back.
    pub undone_at: Option<Timestamp>,
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Change::Disable`].
    Disable,
    /// [`Change::ForceReset`].
    ForceReset,
}

/// What a change is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Sessions of before that are not ended.
    pub active_sessions: i64,
    /// Whether the user can sign in with the password of then.
    pub sign_in_possible: bool,
}

/// How an undoing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The user is as before.
    Restored(Snapshot),
    /// The change had made no difference, so nothing was to be put back.
    NothingDiffered(Snapshot),
    /// It had been put back earlier.
    Earlier(Snapshot),
}

/// Why a user is not changed or put back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] PoolError),
    /// The epochs could not be raised.
    #[error(transparent)]
    Epochs(#[from] EpochError),
    /// There is no such user.
    #[error("there is no user with the id {0}")]
    UnknownUser(String),
    /// Nobody could manage the platform afterwards.
    #[error("{0} is the last active enterprise administrator")]
    LastAdministrator(String),
    /// The password is not kept here.
    #[error("the password of {username} is kept by the ERP server {server}")]
    ErpAccount {
        /// Name of the user.
        username: String,
        /// Name of the server.
        server: String,
    },
    /// Nothing was changed under this name.
    #[error("nothing was changed under the name {0}")]
    NoSnapshot(String),
    /// Somebody has changed since what would be put back.
    #[error("user {user} was changed since: {what}")]
    ChangedSince {
        /// Id of the user.
        user: String,
        /// What is different.
        what: String,
    },
    /// A later order wants the user to stay so.
    #[error("user {user} is kept so by the later order {order}")]
    HeldByLater {
        /// Id of the user.
        user: String,
        /// Name of the order.
        order: String,
    },
    /// What the store holds is not ours.
    #[error("the row {0} of incident_snapshots cannot be read; restore it from a backup")]
    Corrupt(String),
}

impl Change {
    /// Its kind.
    pub fn kind(self) -> Kind {
        match self {
            Self::Disable { .. } => Kind::Disable,
            Self::ForceReset => Kind::ForceReset,
        }
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::ForceReset => "force-reset",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Disable, Self::ForceReset]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// The statement that makes, or takes back, the difference. Never built from data.
    fn statement(self) -> &'static str {
        match self {
            Self::Disable => "UPDATE users_enhanced SET is_active = $2 WHERE id = $1",
            Self::ForceReset => "UPDATE users_enhanced SET must_reset_password = $2 WHERE id = $1",
        }
    }

    /// The value of the column when the change is in effect.
    fn in_effect(self) -> bool {
        match self {
            Self::Disable => false,
            Self::ForceReset => true,
        }
    }

    /// Whether the change is in effect for a user.
    fn holds(self, person: &Person) -> bool {
        match self {
            Self::Disable => !person.is_active,
            Self::ForceReset => person.must_reset_password,
        }
    }
}

/// The scopes a change of a user raises: tokens end, and what was remembered is forgotten.
pub fn scopes_of(user: &str) -> [Scope; 2] {
    [
        Scope::User(user.to_owned()),
        Scope::UserPermissions(user.to_owned()),
    ]
}

/// What a snapshot holds beside its columns.
#[derive(Serialize, Deserialize)]
struct Content {
    differs: bool,
    sessions: Vec<String>,
    revision: Revision,
}

const SNAPSHOT: &str = "SELECT action, kind, user_id, content, taken_at, undone_at
                        FROM incident_snapshots WHERE action = $1";

fn parse(row: &Row) -> Result<Snapshot, DirectoryError> {
    let action: String = row.get("action")?;
    let kind: String = row.get("kind")?;
    let content: String = row.get("content")?;
    let kind = Kind::parse(&kind);
    let content: Option<Content> = serde_json::from_str(&content).ok();
    let (Some(kind), Some(content)) = (kind, content) else {
        return Err(DirectoryError::Corrupt(action));
    };
    Ok(Snapshot {
        kind,
        user: row.get("user_id")?,
        differs: content.differs,
        sessions: content.sessions,
        revision: content.revision,
        taken_at: row.get("taken_at")?,
        undone_at: row.get("undone_at")?,
    })
}

/// Serialises those who change users, or migrate the store, until the end of the transaction; nothing to
/// do for the one writer of SQLite.
///
/// # Errors
/// What the database said.
pub async fn lock(transaction: &mut Transaction, engine: Engine) -> Result<(), PoolError> {
    match engine {
        Engine::Postgres => {
            let sql = format!("SELECT pg_advisory_xact_lock({LOCK})");
            transaction.batch(&sql).await
        }
        Engine::Sqlite => Ok(()),
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Now, as exactly as a store keeps it.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
