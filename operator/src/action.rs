//! One step of the runbook, from `IncidentAction` to the figures that show its effect.
//!
//! ```text
//! IncidentAction ── reconcile ── resolve ──> Live ──┐
//!                                                   ├─ runner::pass ──> Found ── status ──> written on change
//!                       claim: whose turn is it ────┘
//! ```
//!
//! One that has begun belongs to its `ReportApp`: that is written before its first effect, when its
//! turn has come ([`claim`]). From then on every pass looks at what is there and does the next thing
//! that is missing:
//!
//! | type | effects | what tells that one is done |
//! |---|---|---|
//! | `RollingRestart` ([`restart`]) | the mark of each workload | the pod template bears the action's uid |
//! | `RotateCredential` ([`rotate`]) | the `SecretRotation`; a note that it was made | its name follows from the action's uid |
//! | `InvalidateSessions`, `InvalidatePermissions` ([`invalidate`]) | the revocation in the application's store ([`app_store`]) | it is named by the action's uid |
//! | `DisableUser`, `ForcePasswordReset` ([`user`]) | change, snapshot and revocation, in one transaction of the store | the snapshot is named by the action's uid |
//! | `Undo` ([`undo`]) | the user is put back and the snapshot marked, in one transaction | the mark |
//! | `InvalidateCaches` ([`caches`]) | keys are gone from Redis | a round over all keys finds none |
//!
//! So a pass may be repeated, or end anywhere, and status is never asked. [`runner`] knows the outside
//! only as a [`world`], which [`live`] implements and tests wrap in a layer that fails at any chosen
//! effect. [`revert`] puts back what a `duration` was given to, after the end. [`keep`] deletes finished ones, [`metrics`] counts them.

pub mod app_store;
pub mod approval;
pub mod caches;
pub mod claim;
pub mod invalidate;
pub mod keep;
mod live;
pub mod metrics;
pub mod reconcile;
mod resolve;
pub mod restart;
pub mod revert;
pub mod rotate;
pub mod runner;
pub mod status;
pub mod sweeps;
pub mod trouble;
pub mod undo;
pub mod user;
pub mod world;
