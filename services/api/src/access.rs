//! What the sender of a request may do: remembered between requests, and never longer than it is true.
//!
//! A request whose token the epochs let through finds its user here, without a network call while the
//! memory is fresh ([`App::person`]). What an administrator changes is written, raises an epoch that makes
//! every process read anew ([`App::changed`]), and is answered when no process uses the old state.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_session::access::{Memories, Permission};
use reportapp_session::epochs::Scope;
use reportapp_session::random;

use crate::app::App;
use crate::error::ApiError;
use crate::store::Person;

/// Read the figures of the ERP.
pub(crate) const REPORTS_VIEW: Permission = Permission::of("reports", "view");
/// See one's linked chats, and ask for figures in them.
pub(crate) const TELEGRAM_VIEW: Permission = Permission::of("telegram", "view");
/// Link a chat to oneself.
pub(crate) const TELEGRAM_CREATE: Permission = Permission::of("telegram", "create");
/// Unlink one's chat.
pub(crate) const TELEGRAM_DELETE: Permission = Permission::of("telegram", "delete");
/// See users.
pub(crate) const USERS_VIEW: Permission = Permission::of("users", "view");
/// Create users.
pub(crate) const USERS_CREATE: Permission = Permission::of("users", "create");
/// Change users, lock them, give them roles.
pub(crate) const USERS_EDIT: Permission = Permission::of("users", "edit");
/// Remove users.
pub(crate) const USERS_DELETE: Permission = Permission::of("users", "delete");
/// See where others are signed in.
pub(crate) const SESSIONS_VIEW: Permission = Permission::of("sessions", "view");
/// Sign others out.
pub(crate) const SESSIONS_DELETE: Permission = Permission::of("sessions", "delete");
/// See roles.
pub(crate) const ROLES_VIEW: Permission = Permission::of("roles", "view");
/// Make roles.
pub(crate) const ROLES_CREATE: Permission = Permission::of("roles", "create");
/// Change roles.
pub(crate) const ROLES_EDIT: Permission = Permission::of("roles", "edit");
/// Remove roles.
pub(crate) const ROLES_DELETE: Permission = Permission::of("roles", "delete");
/// See tenants.
pub(crate) const TENANTS_VIEW: Permission = Permission::of("tenants", "view");
/// Make tenants.
pub(crate) const TENANTS_CREATE: Permission = Permission::of("tenants", "create");
/// Change tenants.
pub(crate) const TENANTS_EDIT: Permission = Permission::of("tenants", "edit");

/// See what the caches of reports hold, and how they do.
pub(crate) const CACHE_VIEW: Permission = Permission::of("cache", "view");
/// Empty the caches of reports.
pub(crate) const CACHE_DELETE: Permission = Permission::of("cache", "delete");
/// See how the memories of sessions and permissions do.
pub(crate) const SECURITY_VIEW: Permission = Permission::of("security", "view");

/// A role that is changed by a statement typed into the database is felt after so long.
pub(crate) const LIFE: Duration = Duration::from_secs(30);
/// Users remembered at most; some hundred bytes each.
pub(crate) const CAPACITY: usize = 20_000;

/// The memory of a process.
pub(crate) fn memories() -> Memories<Person> {
    Memories::new(LIFE, CAPACITY)
}

impl App {
    /// The user with this id, whose token [`crate::epochs::Epochs::admit`] let through.
    ///
    /// # Errors
    /// When the store has to be asked and cannot answer.
    pub(crate) async fn person(&self, id: &str) -> Result<Option<Arc<Person>>, ApiError> {
        let now = Instant::now();
        let stale = |person: &Person, loaded| self.epochs.stale(&person.remembered(loaded));
        if let Some(person) = self.people.recall(id, now, stale) {
            return Ok(Some(person));
        }
        // Before the question: what is raised while the store looks makes the answer stale.
        let loaded = self.epochs.revision();
        let person = self.store.find_person(id).await?.map(Arc::new);
        match &person {
            // Nobody who was locked waits for a memory to fade once they may sign in again.
            Some(person) if person.user.is_active => {
                self.people.keep(id, Arc::clone(person), loaded, now);
            }
            _ => self.people.forget(id),
        }
        Ok(person)
    }

    /// Tells every process that what `scopes` name has changed in the store; returns when none uses what
    /// it remembered.
    ///
    /// # Errors
    /// [`ApiError::ChangeNotConfirmed`]: it is written all the same.
    pub(crate) async fn changed(&self, scopes: Vec<Scope>) -> Result<(), ApiError> {
        match self.epochs.revoke(random::id(), scopes).await {
            Ok(_) => Ok(()),
            Err(ApiError::NotRevoked(error)) => Err(ApiError::ChangeNotConfirmed(error)),
            Err(error) => Err(error),
        }
    }
}
