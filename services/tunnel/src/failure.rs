//! A failure as the operator and a person see it: a stable reason and one plain sentence.

use reportapp_config::status::Reason;

/// Why the tunnel cannot carry a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The stable reason, which becomes a condition.
    pub reason: Reason,
    /// One sentence: what failed and what to look at. Never holds a secret.
    pub message: String,
}

impl Failure {
    /// A failure for `reason` with a sentence for a person.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Whether trying again soon is pointless, and may get us banned by the bastion: someone has
    /// to change a key or a configuration first.
    pub fn needs_a_person(&self) -> bool {
        matches!(
            self.reason,
            Reason::TunnelHostKeyMismatch | Reason::BastionLoginRefused
        )
    }
}
