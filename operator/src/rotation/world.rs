//! Everything a rotation reads or changes, as one trait: ledger, backends, Kubernetes. The runner
//! knows nothing else of the outside, so a test puts a layer here that fails before or after any
//! chosen effect, over real servers.

use std::future::Future;

use k8s_openapi::jiff::Timestamp;

use super::ledger::{Entry, Value};
use super::machine::{Published, Rollout, Sessions};
use super::target::{Round, Target};
use super::trouble::Trouble;
use crate::backend::Login;
use crate::secret_store::Version;

/// A ledger entry as it was read.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The entry; the default when there is none yet.
    pub entry: Entry,
    /// Its version; `None` when there is none yet.
    pub version: Option<Version>,
}

/// A version of a credential to hand to consumers.
#[derive(Clone, Debug)]
pub struct Publication<'a> {
    /// The credential.
    pub target: &'a Target,
    /// Its ledger, which holds the values.
    pub entry: &'a Entry,
    /// Which version of it.
    pub round: Round,
    /// What was published when the decision was made.
    pub before: Option<&'a Published>,
}

/// The outside of a rotation. Every method may be repeated; none is called twice at the same time for
/// one credential.
pub trait World: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Reads the ledger.
    fn read(&self, target: &Target) -> impl Future<Output = Result<Read, Trouble>> + Send;

    /// Replaces the version that was read.
    fn write(
        &self,
        target: &Target,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// The name of the rotation with this uid, unless nobody carries it out any more.
    fn carried_out(
        &self,
        rotation: &str,
    ) -> impl Future<Output = Result<Option<String>, Trouble>> + Send;

    /// The value in use before the first rotation.
    fn adopted(&self, target: &Target) -> impl Future<Output = Result<Value, Trouble>> + Send;

    /// Logs in with a value over the application's own path; `None` where there is nothing to log
    /// in to.
    fn login(
        &self,
        target: &Target,
        value: &Value,
    ) -> impl Future<Output = Result<Option<Login>, Trouble>> + Send;

    /// Sessions of a value, which is not the one `in_use`.
    fn sessions(
        &self,
        target: &Target,
        value: &Value,
        in_use: Option<&Value>,
    ) -> impl Future<Output = Result<Sessions, Trouble>> + Send;

    /// Makes the backend accept a value beside the one in use.
    fn prepare(
        &self,
        target: &Target,
        fence: u64,
        value: &Value,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Makes the backend refuse a value and ends its sessions; the one `in_use` stays.
    fn disable(
        &self,
        target: &Target,
        fence: u64,
        value: &Value,
        in_use: Option<&Value>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Makes the backend refuse every value this credential ever had and ends their sessions; gives
    /// how many those were.
    fn block(
        &self,
        target: &Target,
        fence: u64,
    ) -> impl Future<Output = Result<u32, Trouble>> + Send;

    /// What consumers were last given.
    fn published(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Option<Published>, Trouble>> + Send;

    /// Hands versions to pods and published places, all in one go; [`Reason::Raced`] and nothing is
    /// done when something else is published than was seen, because a newer rotation may have been
    /// there.
    ///
    /// [`Reason::Raced`]: super::trouble::Reason::Raced
    fn publish(
        &self,
        publications: &[Publication<'_>],
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// What the workloads that use the published value are doing.
    fn rollout(&self, target: &Target) -> impl Future<Output = Result<Rollout, Trouble>> + Send;
}
