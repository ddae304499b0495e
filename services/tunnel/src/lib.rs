//! SSH local forwarding to one ERP database: `reportapp-tunnel`.
//!
//! What flows through here: a pod of the application connects to a listener ([`forward`]), gets a
//! channel of a warm SSH session ([`sessions`], [`session`]) to the database host, and bytes are
//! copied both ways until both sides are done ([`pump`]). Beside that, [`probe`] asks the database
//! for a handshake through the same sessions and is the only writer of the dependency
//! `tunnel/<server>`, so that the operator sees one consistent reason.
//!
//! Trust is pinned: the bastion's host key must be in `knownHosts` ([`known_hosts`]); there is no
//! trust on first use. What can be wrong with the files we are given is decided at start
//! ([`target`]) and reported for as long as the process runs: a new value comes with a new pod, so
//! neither a retry nor a crash loop would help anybody.

pub mod failure;
pub mod forward;
pub mod known_hosts;
pub mod metrics;
pub mod private_key;
pub mod probe;
pub mod pump;
pub mod run;
pub mod session;
pub mod sessions;
pub mod target;

pub use run::{RunError, run};
