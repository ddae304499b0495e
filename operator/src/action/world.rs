//! Everything an action reads or changes, as one trait. The runner knows nothing else of the outside,
//! so a test puts a layer here that fails before or after any chosen effect.

use std::future::Future;

use reportapp_crds::SecretRotation;
use reportapp_crds::incident_action::CacheNamespace;
use reportapp_crds::report_app::credential::Workload;
use reportapp_session::directory::Snapshot;
use reportapp_session::epochs::Revision;

use super::caches::Swept;
use super::invalidate::{Invalidated, Target};
use super::restart::Seen;
use super::runner::Task;
use super::trouble::Trouble;
use super::undo::{PutBack, Undone};
use super::user::{Changed, UserChange};

/// Whether an action may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has begun, now or earlier, and nobody goes first.
    Ours,
    /// Another one goes first: its name.
    Behind(String),
}

/// The rotation of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// It was never seen.
    Unmade,
    /// It is there.
    Made(Box<SecretRotation>),
    /// It was made, and somebody has deleted it.
    Gone,
}

/// The outside of one action. Every method may be repeated; none is called twice at the same time.
pub trait World: Send + Sync {
    /// Whether it has begun.
    fn is_begun(&self) -> bool;

    /// What the action will do, in order; of workloads see [`World::look`]. What would stand in the way is
    /// trouble now. Nothing is changed by it.
    fn plan(&self, task: &Task) -> impl Future<Output = Result<Vec<String>, Trouble>> + Send;

    /// Begins, unless another action goes first. Effect: the action belongs to its `ReportApp`.
    fn take_turn(&self) -> impl Future<Output = Result<Turn, Trouble>> + Send;

    /// Looks at a workload and its pods.
    fn look(&self, workload: &Workload) -> impl Future<Output = Result<Seen, Trouble>> + Send;

    /// Has a workload replace its pods. Effect: its pod template bears the mark of the action.
    fn mark(&self, workload: &Workload) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Looks for the rotation of the action.
    fn rotation(&self) -> impl Future<Output = Result<Rotation, Trouble>> + Send;

    /// Creates the rotation of the action. Effect: it exists; one that exists already will do.
    fn create_rotation(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Notes on the action that its rotation was made, so that one that somebody deletes is not made
    /// again. Effect: the note; one that is there already will do.
    fn note_rotation(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Counts the sessions that an invalidation would end. `None`: it has ended them already, or it ends none.
    fn sessions_before(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Option<i64>, Trouble>> + Send;

    /// Ends sessions, or has permissions read anew, and waits a while until every process does so. Effect:
    /// the revocation under the uid of the action; one that is there already will do.
    fn invalidate(
        &self,
        target: &Target,
    ) -> impl Future<Output = Result<Invalidated, Trouble>> + Send;

    /// Looks for the revocation of the action.
    fn revision(&self) -> impl Future<Output = Result<Option<Revision>, Trouble>> + Send;

    /// Changes a user and ends the user's sessions, waits a while until no process accepts them, and
    /// measures what is left. Effect: change and snapshot under the uid of the action, together; those
    /// that are there already will do.
    fn change_user(
        &self,
        change: &UserChange,
    ) -> impl Future<Output = Result<Changed, Trouble>> + Send;

    /// Looks for the snapshot of the action, or of the one that it undoes.
    fn snapshot(
        &self,
        of: Option<&Undone>,
    ) -> impl Future<Output = Result<Option<Snapshot>, Trouble>> + Send;

    /// Puts back what an action changed, this one or another. Effect: the user is as before and the
    /// snapshot put back, together; one that was put back already will do.
    fn put_back(&self, undone: &Undone) -> impl Future<Output = Result<PutBack, Trouble>> + Send;

    /// Removes keys of these namespaces for a while. Effect: some of them are gone.
    fn sweep(
        &self,
        namespaces: &[CacheNamespace],
    ) -> impl Future<Output = Result<Swept, Trouble>> + Send;

    /// Ends what processes of the API give of these namespaces from their own memories; `None`: they keep
    /// nothing of them, or cannot be reached. Effect: none gives an answer that was read before. Repeated, it
    /// goes on with the same revocation.
    fn empty_memories(
        &self,
        namespaces: &[CacheNamespace],
    ) -> impl Future<Output = Result<Option<Invalidated>, Trouble>> + Send;
}
