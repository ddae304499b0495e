//! Keepers whose clusters end with this process.
//!
//! When a command is interrupted its work is dropped, upon which each keeper takes its cluster
//! down by itself; [`settle`] lets the command wait for that, so that its end means that
//! nothing is left.

use std::sync::Mutex;

use tokio::process::Child;

static WARDS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// A keeper that is waited for at the end of this process, unless released.
#[derive(Debug)]
pub(crate) struct Ward(u32);

impl Ward {
    pub(crate) fn of(keeper: Child) -> Self {
        let id = keeper.id().unwrap_or_default();
        wards().push(keeper);
        Self(id)
    }

    /// The cluster may outlive this process.
    pub(crate) fn release(self) {
        drop(self.take());
    }

    /// Waits until the keeper has ended.
    pub(crate) async fn ended(self) {
        if let Some(mut keeper) = self.take() {
            // It cannot be waited for only if it is gone.
            let _ = keeper.wait().await;
        }
    }

    fn take(self) -> Option<Child> {
        let mut wards = wards();
        let position = wards
            .iter()
            .position(|keeper| keeper.id() == Some(self.0))?;
        Some(wards.swap_remove(position))
    }
}

/// Waits for the keepers of all clusters that belong to this process. Their [`Cluster`]s must
/// have been dropped.
///
/// [`Cluster`]: super::Cluster
pub async fn settle() {
    let keepers = std::mem::take(&mut *wards());
    for mut keeper in keepers {
        let _ = keeper.wait().await;
    }
}

fn wards() -> std::sync::MutexGuard<'static, Vec<Child>> {
    WARDS.lock().expect("no holder of the lock panics")
}
