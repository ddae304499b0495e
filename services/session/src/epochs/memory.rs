//! Epochs of this process, for the one replica that runs without a database server. They end with
//! the process, and so does every token issued before.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::ledger::Ledger;
use super::store::{Answer, EpochStore, Member, ProcessId, Reading};
use super::{Revision, Scope};

/// All the rules of a store, on plain data behind a lock.
#[derive(Debug)]
pub struct MemoryEpochStore {
    ledger: Mutex<Ledger>,
}

impl MemoryEpochStore {
    /// Nothing issued before now is valid.
    pub fn new() -> Self {
        let ledger = Mutex::new(Ledger::starting_at(present()));
        Self { ledger }
    }

    /// As if an old backup had been restored.
    #[cfg(test)]
    pub(super) fn put_back(&self, to: Revision) {
        self.lock().revision = to;
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A panic elsewhere cannot leave the ledger half changed in a way that accepts more.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryEpochStore {
    fn default() -> Self {
        Self::new()
    }
}

/// The least revision a raise may get now.
fn present() -> Revision {
    Revision(u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0))
}

fn ready<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl EpochStore for MemoryEpochStore {
    fn read<'a>(&'a self, process: &'a ProcessId, since: Revision) -> Answer<'a, Reading> {
        ready(self.lock().read(process, since))
    }

    fn raise<'a>(&'a self, action: &'a str, scopes: &'a [Scope]) -> Answer<'a, Revision> {
        ready(self.lock().raise(action, scopes, present()))
    }

    fn register<'a>(&'a self, process: &'a ProcessId, lease: Duration) -> Answer<'a, ()> {
        self.lock().register(process, lease);
        ready(())
    }

    fn confirm<'a>(&'a self, process: &'a ProcessId, revision: Revision) -> Answer<'a, ()> {
        self.lock().confirm(process, revision);
        ready(())
    }

    fn roster(&self) -> Answer<'_, Vec<Member>> {
        ready(self.lock().roster())
    }

    fn expel<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.lock().expel(process);
        ready(())
    }

    fn remove<'a>(&'a self, process: &'a ProcessId) -> Answer<'a, ()> {
        self.lock().remove(process);
        ready(())
    }

    fn settle(&self, until: Revision) -> Answer<'_, ()> {
        self.lock().settle(until);
        ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_in_process_store_remembers_as_the_others_do() {
        let store = MemoryEpochStore::new();
        let process = ProcessId::new("api", 0);
        let begin = store.read(&process, Revision(0)).await.unwrap();
        assert_eq!(begin.settled, begin.revision, "older tokens are dead");
        store
            .register(&process, Duration::from_secs(2))
            .await
            .unwrap();
        let scopes = [Scope::User("ana".to_owned())];
        let raised = store.raise("iact-1", &scopes).await.unwrap();
        assert_eq!(store.raise("iact-1", &scopes).await.unwrap(), raised);
        let reading = store.read(&process, begin.revision).await.unwrap();
        assert!(reading.registered && reading.revision == raised);
        assert_eq!(reading.raised, [(scopes[0].clone(), raised)]);
        store.confirm(&process, raised).await.unwrap();
        assert_eq!(store.roster().await.unwrap()[0].confirmed, raised);
        store.settle(raised).await.unwrap();
        store.expel(&process).await.unwrap();
        let reading = store.read(&process, Revision(0)).await.unwrap();
        assert!(!reading.registered && reading.settled == raised && reading.raised.is_empty());
        store.remove(&process).await.unwrap();
        assert!(store.roster().await.unwrap().is_empty());
    }
}
