//! Users of the store: changed under the name of an action, and put back.

use std::time::Duration;

use reportapp_session::directory::{self, DirectoryError, Person, Snapshot};
use reportapp_session::epochs::Scope;

use super::super::trouble::{Reason, Trouble};
use super::super::undo::{self, PutBack, Undone};
use super::super::user::{self, Changed, UserChange};
use super::{AppStore, unusable};

impl AppStore {
    /// What changing a user would do.
    ///
    /// # Errors
    /// What would stand in the way of it.
    pub async fn plan_change(&self, change: &UserChange) -> Result<Vec<String>, Trouble> {
        let person = self.person(path(change), &change.user).await?;
        let checked = directory::check(&self.pool, &person, change.change).await;
        checked.map_err(|error| self.directory_trouble(error))?;
        let processes = self.processes().await?;
        Ok(user::plan(change, &person, &self.place, processes))
    }

    /// Changes a user under the name `action`, waits for at most `limit` until no process accepts the
    /// user's tokens of before, and measures what is left. Repeated, it goes on with the same change.
    ///
    /// # Errors
    /// When the store does not answer or refuses; it may be changed all the same.
    pub async fn change(
        &self,
        action: &str,
        change: &UserChange,
        limit: Duration,
    ) -> Result<Changed, Trouble> {
        // Once it is done, the name in the spec may be somebody else's.
        let known = self.snapshot(action).await?;
        let user = match known {
            Some(snapshot) => snapshot.user,
            None => self.person(path(change), &change.user).await?.id,
        };
        let changed = directory::change(&self.pool, action, &user, change.change).await;
        let snapshot = changed.map_err(|error| self.directory_trouble(error))?;
        let scopes = directory::scopes_of(&snapshot.user).to_vec();
        let invalidated = self.raise(action, scopes, limit).await?;
        let ended = directory::end_late(&self.pool, action, &snapshot).await;
        ended.map_err(|error| self.directory_trouble(error))?;
        let measured = directory::measure(&self.pool, &snapshot).await;
        Ok(Changed {
            measured: measured.map_err(|error| self.directory_trouble(error))?,
            snapshot,
            invalidated,
        })
    }

    /// What was there before the action `action` changed it.
    ///
    /// # Errors
    /// When the store does not answer or refuses.
    pub async fn snapshot(&self, action: &str) -> Result<Option<Snapshot>, Trouble> {
        let found = directory::snapshot(&self.pool, action).await;
        found.map_err(|error| self.directory_trouble(error))
    }

    /// What undoing an action would do.
    ///
    /// # Errors
    /// What would stand in the way of it.
    pub async fn plan_undo(&self, undone: &Undone) -> Result<Vec<String>, Trouble> {
        let missing = || self.directory_trouble(DirectoryError::NoSnapshot(undone.uid.clone()));
        let snapshot = self.snapshot(&undone.uid).await?.ok_or_else(missing)?;
        let processes = self.processes().await?;
        Ok(undo::plan(undone, &snapshot, &self.place, processes))
    }

    /// Puts back what an action changed, under the name `by`, and waits for at most `limit` until every
    /// process knows. Repeated, it changes nothing more.
    ///
    /// # Errors
    /// When the store does not answer or refuses; it may be put back all the same.
    pub async fn put_back(
        &self,
        by: &str,
        undone: &Undone,
        limit: Duration,
    ) -> Result<PutBack, Trouble> {
        let in_store = directory::undo(&self.pool, by, &undone.uid).await;
        let in_store = in_store.map_err(|error| self.directory_trouble(error))?;
        let (directory::Undone::Restored(snapshot)
        | directory::Undone::NothingDiffered(snapshot)
        | directory::Undone::Earlier(snapshot)) = &in_store;
        let scopes = vec![Scope::UserPermissions(snapshot.user.clone())];
        let invalidated = self.raise(by, scopes, limit).await?;
        Ok(PutBack {
            undone: in_store,
            invalidated,
        })
    }

    /// The user whom the field `path` of the spec names.
    pub(super) async fn person(&self, path: &str, name: &str) -> Result<Person, Trouble> {
        let found = directory::find_user(&self.pool, name).await;
        let found = found.map_err(|error| self.trouble(&error))?;
        found.ok_or_else(|| {
            let path = format!("{path}.user");
            self.unknown(Reason::UnknownUser, &path, "user", name)
        })
    }

    fn directory_trouble(&self, error: DirectoryError) -> Trouble {
        let (reason, remedy) = match &error {
            DirectoryError::Database(cause) => return self.trouble(cause),
            DirectoryError::Epochs(cause) => return self.epoch_trouble(cause),
            DirectoryError::Corrupt(_) => {
                return unusable(format!("the store at {}: {error}", self.place));
            }
            DirectoryError::UnknownUser(_) => (
                Reason::UnknownUser,
                "it was deleted meanwhile, so there is nothing to do",
            ),
            DirectoryError::LastAdministrator(_) => (
                Reason::LastAdministrator,
                "nobody could manage the platform afterwards. Make somebody else one first, or create the \
                 action again with spec.disableUser.force: true",
            ),
            DirectoryError::ErpAccount { .. } => (
                Reason::ErpAccount,
                "have it changed there, and end the sessions with invalidateSessions; to keep the user \
                 out, use disableUser",
            ),
            DirectoryError::NoSnapshot(_) => (
                Reason::NotUndoable,
                "the action changed nothing, so there is nothing to put back",
            ),
            DirectoryError::ChangedSince { .. } => (
                Reason::ChangedSince,
                "what somebody decided later is not undone",
            ),
            DirectoryError::HeldByLater { .. } => (
                Reason::ChangedSince,
                "undo the IncidentAction with that uid, which now puts back what this one would have",
            ),
        };
        let place = &self.place;
        Trouble::new(reason, format!("the store at {place}: {error}; {remedy}"))
    }
}

/// The field of the spec that names the user.
fn path(change: &UserChange) -> &'static str {
    match change.change {
        directory::Change::Disable { .. } => "disableUser",
        directory::Change::ForceReset => "forcePasswordReset",
    }
}
