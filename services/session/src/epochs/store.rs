//! What the protocol asks of the place where epochs are durable.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Revision, Scope};

/// One registration of one API process. Never used again once it ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(String);

impl ProcessId {
    /// The registration number `round` of the process that calls itself `base`, which is unique
    /// among all processes that ever ran.
    pub fn new(base: &str, round: u32) -> Self {
        Self(format!("{base}.{round}"))
    }

    /// A registration as a store keeps it.
    pub(super) fn kept(text: String) -> Self {
        Self(text)
    }

    /// As a store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one look at the store showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Everything up to here is in it, nothing after.
    pub revision: Revision,
    /// All tokens issued under an earlier revision have expired.
    pub settled: Revision,
    /// What was raised after the revision asked for, with its new epoch.
    pub raised: Vec<(Scope, Revision)>,
    /// Whether the asking process was registered and not expelled.
    pub registered: bool,
}

/// A process that may hold a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub process: ProcessId,
    /// The length of its lease.
    pub lease: Duration,
    /// It accepts nothing this revision or an earlier one revoked.
    pub confirmed: Revision,
    /// It gets no further lease; it may still hold one.
    pub expelled: bool,
}

/// Why a store could not answer. Never contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    /// No connection, or no answer in time. What was asked may still happen.
    #[error("the store of epochs cannot be reached: {detail}")]
    Unreachable {
        /// What the client library said.
        detail: String,
    },
    /// The store answers and does not do what was asked.
    #[error("the store of epochs refuses: {detail}")]
    Refused {
        /// What it objects to.
        detail: String,
    },
    /// The store answered with something that is not ours.
    #[error("the store of epochs gave an answer that cannot be understood: {detail}")]
    Corrupt {
        /// What was wrong with it.
        detail: String,
    },
}

/// A boxed answer, so that the store is chosen at run time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, EpochError>> + Send + 'a>>;

/// Where epochs and registrations are durable.
///
/// Every operation is one transaction, and they happen one after the other: each sees all that were
/// answered before it was sent. So no replicas that lag, and no numbers from a sequence, which become
/// visible out of order. Every operation may be repeated; every error means "do not know".
pub trait EpochStore: Send + Sync {
    /// What was raised after `since`, and whether `process` is registered, in one snapshot.
    fn read<'a>(&'a self, process: &'a ProcessId, since: Revision) -> Answer<'a, Reading>;
    /// Raises the epochs of `scopes` to a new revision: the greater of last + 1 and the microseconds
    /// since 1970, so that none repeats even after a backup was restored. An `action` that was
    /// raised before gets the revision it got then.
    fn raise<'a>(&'a self, action: &'a str, scopes: &'a [Scope]) -> Answer<'a, Revision>;
    /// Remembers a process and the length of its lease. One that exists stays as it is.
    fn register<'a>(&'a self, process: &'a ProcessId, lease: Duration) -> Answer<'a, ()>;
    /// Remembers that `process` confirmed `revision`. Never lowers what it confirmed.
    fn confirm<'a>(&'a self, process: &'a ProcessId, revision: Revision) -> Answer<'a, ()>;
    /// All registered processes, expelled ones too.
    fn roster(&self) -> Answer<'_, Vec<Member>>;
    /// Gives `process` no further lease.
    fn expel<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()>;
    /// Forgets a process that holds no lease and gets none: it stopped serving and says so itself, or
    /// [`super::Sweeper`] knows.
    fn remove<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()>;
    /// Forgets what nobody needs when every token issued while `until` was still to come has expired.
    fn settle(&self, until: Revision) -> Answer<'_, ()>;
}
