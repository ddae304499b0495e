//! The newest version of each ReportApp this process wrote itself. The watch cache may lag behind our
//! own writes; deciding on the older version would repeat them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use kube::ResourceExt as _;
use reportapp_crds::ReportApp;

/// Versions by uid.
#[derive(Debug, Default)]
pub struct Latest {
    versions: Mutex<HashMap<String, Arc<ReportApp>>>,
}

impl Latest {
    /// Keeps what the API server answered to a write.
    pub fn remember(&self, written: ReportApp) {
        if let Some(uid) = written.uid() {
            self.lock().insert(uid, Arc::new(written));
        }
    }

    /// The newer of `seen` and what was written; the latter is forgotten once it is overtaken.
    pub fn of(&self, seen: Arc<ReportApp>) -> Arc<ReportApp> {
        let Some(uid) = seen.uid() else {
            return seen;
        };
        let mut versions = self.lock();
        match versions.get(&uid) {
            Some(written) if version(written) > version(&seen) => Arc::clone(written),
            Some(_) => {
                versions.remove(&uid);
                seen
            }
            None => seen,
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.lock().retain(|_, app| {
            app.namespace().as_deref() != Some(namespace) || app.name_any() != name
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<ReportApp>>> {
        self.versions
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// Versions of one kind are ordered numbers; a server whose versions are none gives no order, and
/// then what was seen wins.
fn version(app: &ReportApp) -> Option<u64> {
    app.resource_version()?.parse().ok()
}
