//! `IncidentAction`: one typed step of the runbook on one `ReportApp`. One-shot: the spec never
//! changes, and it ends in `Succeeded`, `Failed` or `Expired`.
//!
//! What it does is a union: one field per type, exactly one of which is set. A type that does not
//! exist yet is no field of the schema, so the API server refuses it.

pub mod invalidate_sessions;
pub mod rolling_restart;
pub mod rotate_credential;
pub mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use invalidate_sessions::{Everybody, InvalidateSessions, Whose};
pub use rolling_restart::RollingRestart;
pub use rotate_credential::{RotateCredential, RotateMode};
pub use status::{
    Figure, IncidentActionStatus, RevocationProgress, RotationProgress, WorkloadProgress,
};

/// One step of the runbook on a ReportApp, carried out once: exactly one of `rollingRestart`,
/// `rotateCredential` and `invalidateSessions` says which. Its effect is measured, and the figures stand in the status.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "reportapp.dev",
    version = "v1alpha1",
    kind = "IncidentAction",
    plural = "incidentactions",
    shortname = "iact",
    category = "reportapp",
    namespaced,
    status = "IncidentActionStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name.size() <= 100").message("metadata.name must be at most 100 characters"),
    printcolumn(name = "App", type_ = "string", json_path = ".spec.app"),
    printcolumn(name = "Type", type_ = "string", json_path = ".status.type"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Incident", type_ = "string", json_path = ".spec.incidentRef", priority = 1),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("an IncidentAction never changes; create another one"))]
#[x_kube(validation = Rule::new("[has(self.rollingRestart), has(self.rotateCredential), has(self.invalidateSessions)].filter(x, x).size() == 1").message("an IncidentAction needs exactly one of rollingRestart, rotateCredential and invalidateSessions"))]
pub struct IncidentActionSpec {
    /// Name of the ReportApp, in the same namespace.
    #[schemars(length(min = 1, max = 40))]
    pub app: String,

    /// What is done.
    #[serde(flatten)]
    pub action: ActionUnion,

    /// Why, for those who read it later.
    #[schemars(length(min = 1, max = 512))]
    pub reason: String,

    /// Name or number of the incident it belongs to, for those who read it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub incident_ref: Option<String>,

    /// Who asks for it: the user who creates the object, which the chart's admission policy checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: Option<String>,

    /// Only plan: nothing is changed, and status shows what would be. Default: false.
    #[serde(default)]
    pub dry_run: bool,

    /// Seconds after which an action that has not succeeded ends. Default: 3600.
    #[serde(default = "IncidentActionSpec::default_deadline")]
    #[schemars(range(min = 30, max = 604_800))]
    pub active_deadline_seconds: i64,
}

impl IncidentActionSpec {
    /// Default of `active_deadline_seconds`.
    pub fn default_deadline() -> i64 {
        3_600
    }
}

/// What an action does: one field per type.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ActionUnion {
    /// Replaces the pods of the application, and of marked workloads, one workload after the other.
    /// No request fails. `{}` restarts every component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_restart: Option<RollingRestart>,

    /// Rotates credentials: creates a SecretRotation and reports how it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_credential: Option<RotateCredential>,

    /// Ends sessions: no process accepts a token of them any more. It cannot be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidate_sessions: Option<InvalidateSessions>,
}

impl ActionUnion {
    /// The one field that is set; `None` of a union that the API server would refuse.
    pub fn chosen(&self) -> Option<Chosen<'_>> {
        let Self {
            rolling_restart,
            rotate_credential,
            invalidate_sessions,
        } = self;
        match (rolling_restart, rotate_credential, invalidate_sessions) {
            (Some(restart), None, None) => Some(Chosen::RollingRestart(restart)),
            (None, Some(rotate), None) => Some(Chosen::RotateCredential(rotate)),
            (None, None, Some(invalidate)) => Some(Chosen::InvalidateSessions(invalidate)),
            _ => None,
        }
    }
}

/// The one field of an [`ActionUnion`] that is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chosen<'a> {
    /// `rollingRestart`.
    RollingRestart(&'a RollingRestart),
    /// `rotateCredential`.
    RotateCredential(&'a RotateCredential),
    /// `invalidateSessions`.
    InvalidateSessions(&'a InvalidateSessions),
}

impl Chosen<'_> {
    /// Its type.
    pub fn action_type(self) -> ActionType {
        match self {
            Self::RollingRestart(_) => ActionType::RollingRestart,
            Self::RotateCredential(_) => ActionType::RotateCredential,
            Self::InvalidateSessions(_) => ActionType::InvalidateSessions,
        }
    }
}

/// Types of actions.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum ActionType {
    /// Pods are replaced.
    RollingRestart,
    /// Credentials are rotated.
    RotateCredential,
    /// Sessions are ended.
    InvalidateSessions,
}

impl std::fmt::Display for ActionType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::RollingRestart => "RollingRestart",
            Self::RotateCredential => "RotateCredential",
            Self::InvalidateSessions => "InvalidateSessions",
        })
    }
}
