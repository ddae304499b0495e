//! Revocation by epochs: what makes "log out everybody" one number, and true everywhere.
//!
//! Every revocation gets the next [`Revision`] of the store, and that is the new *epoch* of what it
//! names: everybody, a tenant, a user or a session ([`Scope`]). A token carries the revision it was
//! issued under and is valid only while no epoch that concerns it, on any of the four levels, is
//! greater. One number stands for the epochs of all four levels at issue: an epoch is greater than
//! the one at issue exactly if it was raised after that revision.
//!
//! Three more levels end no token: they make processes forget what they remembered of what people may
//! do. A memory carries the revision it was read under, as a token does ([`Remembered`]). Two more do the
//! same for answers that were kept ([`Kept`]).
//!
//! What flows through: a [`Revoker`] commits a revocation in the [`EpochStore`]; each API process
//! runs a [`Holder`], which reads the store and publishes a [`View`]; the [`Gate`] judges each request
//! by that view alone while its lease lasts, by a read of its own after that, and refuses when there
//! is none. The revoker acknowledges when no process can hold an older view any more: either it has
//! confirmed, or its lease is over. [`Sweeper`] forgets processes that vanished.
//!
//! Holder, revoker and sweeper are pure: events and the time go in, actions come out, and whoever
//! drives them performs those: [`Keeper`] in an API process, [`revoke`] where one revokes. Wake-ups are events like any other; losing, repeating, inventing or
//! reordering them changes when something is read and nothing else.

mod clock;
mod gate;
pub mod holder;
mod invalidate;
mod keeper;
mod ledger;
mod memory;
mod revoke;
pub mod revoker;
mod sql;
mod store;
mod sweeper;
mod table;
mod view;

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod remembered;
#[cfg(test)]
mod simulation;

pub use clock::{BootClock, Clock, LONGEST_LEASE, LeaseTooLong, Moment, Terms, outlasting};
pub use gate::Gate;
pub use holder::Holder;
pub use invalidate::{invalidate_sessions, registered_processes, revision_of};
pub use keeper::{Keeper, Standing};
pub use memory::MemoryEpochStore;
pub use revoke::{RevokeError, Revoked, revoke};
pub use revoker::Revoker;
pub use sql::{Raised, SqlEpochStore, raise_within};
pub use store::{Answer, EpochError, EpochStore, Member, ProcessId, Reading};
pub use sweeper::Sweeper;
pub use table::Epochs;
pub use view::{Verdict, View};

/// The place of a revocation in the order of all of them. A store never gives one out twice, and
/// each is greater than all before it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// Whose tokens a revocation ends, or whose permissions have to be read anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of one tenant, by its id.
    Tenant(String),
    /// Those of one user, by their id.
    User(String),
    /// Those of one session, by its id.
    Session(String),
    /// What everybody may do, as processes remember it.
    Permissions,
    /// What the holders of a role may do, by the role's id.
    RolePermissions(String),
    /// What one user may do, by their id.
    UserPermissions(String),
    /// Every answer that was kept.
    Caches,
    /// The kept answers of one name, such as that of a report.
    CachesOf(String),
}

/// Who a token speaks for, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// Id of the tenant, if the user acts for one.
    pub tenant: Option<&'a str>,
    /// Id of the user.
    pub user: &'a str,
    /// Id of the session.
    pub session: &'a str,
    /// Revision of a read of the store that was sent before the credentials behind the token were
    /// checked. Taken afterwards, a password that was changed in between would live on in the token.
    pub issued: Revision,
}

/// What a process remembers of a user, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Remembered<'a> {
    /// Id of the tenant, if the user belongs to one.
    pub tenant: Option<&'a str>,
    /// Id of the user.
    pub user: &'a str,
    /// Ids of the roles the user holds.
    pub roles: &'a [String],
    /// A revision the process knew of before it asked.
    pub loaded: Revision,
}

/// An answer that was kept to be given again, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// What it answers, as [`Scope::CachesOf`] names it.
    pub name: &'a str,
    /// A revision the process knew of before it asked for the answer.
    pub loaded: Revision,
}
