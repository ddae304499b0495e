//! The custom resources of ReportApp Operator (`reportapp.dev/v1alpha1`) as Rust types.
//!
//! One module per kind: [`report_app`], [`secret_rotation`], [`incident_action`]. The doc comments of the
//! types are what `kubectl explain` and the reference page show, so they are written for the people
//! who write the YAML. Rules that one object can check by itself stand beside the field as CEL and are
//! enforced by the API server; rules that need other objects are checked by the operator.
//! `reportapp-crdgen` writes the YAML.

pub mod approval;
pub mod generate;
pub mod incident_action;
pub mod one_shot;
pub mod period;
pub mod reference;
pub mod report_app;
pub mod schedule;
pub mod secret_rotation;

pub use incident_action::{IncidentAction, IncidentActionSpec, IncidentActionStatus};
pub use period::Period;
pub use report_app::{ReportApp, ReportAppSpec, ReportAppStatus};
pub use secret_rotation::{SecretRotation, SecretRotationSpec, SecretRotationStatus};

/// API group of every kind.
pub const GROUP: &str = "reportapp.dev";

/// Annotation by which an existing Secret or workload says which ReportApps may use it: a comma
/// separated list of ReportApp names in its own namespace.
pub const ALLOW_ANNOTATION: &str = "reportapp.dev/allow";
