//! One rotation, from `SecretRotation` to the proof that the old value is dead.
//!
//! The whole sequence of one credential, as [`machine`] decides it from what it sees (ledger, backend,
//! publication, pods), never from status:
//!
//! | step | effect | durable before it acts |
//! |---|---|---|
//! | Block (emergency) | old values disabled, sessions ended | nothing: repeated until the ledger answers |
//! | Generate | new value written to the ledger as `pending` | the id of the rotation and its fence |
//! | Apply | backend made to accept `pending` | `pending` |
//! | Test | login with `pending` over the application's own path | |
//! | Promote | ledger: `pending` → `current`, old one kept as `previous` | both values |
//! | Publish | value handed to pods and published places | `current` |
//! | RollOut | wait: every workload runs pods with the new value, none with the old | |
//! | Converge | wait: backend shows no session of the old value (and the hold is over) | |
//! | Retire | old value disabled, login with it refused | |
//! | Close | result written to the ledger | |
//!
//! A rotation that may not go on is taken back in the opposite order: the old value made to work,
//! published and rolled out, and only then the new one disabled. Where it is too late for that, both
//! stay valid, and the next rotation disables what is left before it generates.
//!
//! Several credentials meet before Publish and before Retire, so that each workload rolls out once.
//! Signing keys pass Publish and RollOut three times: the new key verifies everywhere, then signs,
//! then stands alone. [`runner`] carries decisions out through a [`world`], which [`live`] implements
//! and tests wrap in a layer that fails at any chosen effect. [`reconcile`] is the way in.

mod approval;
pub mod consumers;
pub mod ledger;
pub(crate) mod live;
pub mod machine;
pub mod metrics;
pub mod outside;
pub mod plan;
pub mod publish_template;
pub mod reconcile;
pub(crate) mod report;
pub mod runner;
pub mod schedule;
pub mod status;
mod strategy;
pub mod target;
pub mod trigger;
pub mod trouble;
pub mod world;
