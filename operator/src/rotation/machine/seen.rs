//! What the machine is shown of the outside world, by the words of its own trade.

use crate::backend::Login;
use crate::rotation::target::Round;

/// What consumers were last given, as Kubernetes holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Rotation whose value is the one in use.
    pub rotation: String,
    /// Which version of it.
    pub round: Round,
}

/// What the workloads that use a credential are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every workload runs the published value and no pod with another one is left.
    Complete,
    /// Pods are being replaced; the text says which are left.
    Moving {
        /// Pods with another value, Terminating ones included.
        old_pods: u32,
        /// What is waited for.
        message: String,
    },
    /// Pods with the new value do not become ready; the text says why.
    Unhealthy {
        /// Pods with another value, Terminating ones included.
        old_pods: u32,
        /// Which pod, and what to do.
        message: String,
    },
}

impl Rollout {
    /// Pods that do not start, by what keeps them from it.
    pub fn unhealthy(old_pods: u32, obstacle: &str) -> Self {
        Self::Unhealthy {
            old_pods,
            message: format!(
                "{obstacle}. The old value still works, so everything serves; mend the pod, or \
                 delete the rotation to stop"
            ),
        }
    }
}

/// Sessions of a login, as the backend shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// How many.
    pub count: u32,
    /// Who: names or addresses of clients.
    pub clients: String,
}

/// What was just seen of one credential; what was not asked is `None`.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Name of another rotation that is under way, if it was asked for.
    pub other: Option<String>,
    /// Login with the value that is introduced.
    pub pending: Option<Login>,
    /// Login with the value in use.
    pub current: Option<Login>,
    /// Login with the old value.
    pub previous: Option<Login>,
    /// Pods of the published value.
    pub rollout: Option<Rollout>,
    /// Sessions of the old value; before the first step, of the user whose turn it is.
    pub sessions: Option<Sessions>,
    /// Whether the value was set in this look already.
    pub prepared: bool,
    /// Whether the value that ends was disabled in this look already.
    pub retired: bool,
}
