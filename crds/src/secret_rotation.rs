//! `SecretRotation`: one rotation of one or more credentials of a `ReportApp`. One-shot: the spec
//! never changes, but for an approval, and it ends in `Succeeded`, `Failed` or `Expired`.

pub mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::{self, Approval};
pub use crate::one_shot::Phase;
pub use status::{CredentialProgress, RotationStep, SecretRotationStatus, StepName};

/// One rotation of credentials of a ReportApp: a new value is made, tried, rolled out, and the old
/// one proven dead. Create one to rotate now; the schedule of a credential creates them as well.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "reportapp.dev",
    version = "v1alpha1",
    kind = "SecretRotation",
    plural = "secretrotations",
    shortname = "rot",
    category = "reportapp-operator",
    namespaced,
    status = "SecretRotationStatus",
    derive = "PartialEq",
    validation = Rule::new("self.metadata.name.size() <= 100").message("metadata.name must be at most 100 characters"),
    printcolumn(name = "App", type_ = "string", json_path = ".spec.app"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Step", type_ = "string", json_path = ".status.step"),
    printcolumn(name = "Credentials", type_ = "string", json_path = ".spec.credentials", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(approval::fixed(&FIXED)).message("a SecretRotation never changes, but for spec.approval; create another one"))]
#[x_kube(validation = Rule::new(approval::SET_ONCE).message("spec.approval is set once and stays"))]
#[x_kube(validation = Rule::new(approval::BY_ANOTHER).message("spec.approval: a rotation is approved by somebody else than the one in spec.requestedBy, which must be there"))]
pub struct SecretRotationSpec {
    /// Name of the ReportApp, in the same namespace.
    #[schemars(length(min = 1, max = 40))]
    pub app: String,

    /// Names of entries of its `spec.credentials`. Several rotate together, with one roll-out of
    /// each workload.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 40)))]
    #[x_kube(validation = Rule::new("self.all(c, self.exists_one(d, d == c))").message("spec.credentials names a credential twice"))]
    pub credentials: Vec<String>,

    /// What kind of rotation it is. Default: `Manual`.
    #[serde(default)]
    pub mode: Mode,

    /// Why, for those who read it later.
    #[schemars(length(min = 1, max = 512))]
    pub reason: String,

    /// Who asks for it: the user who creates the object, which the chart's admission policy checks. A
    /// rotation that needs an approval must have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: Option<String>,

    /// The consent of a second person, written after the rotation was created. One that somebody creates
    /// waits for it where the ReportApp's `spec.incidents.approval` lists `RotateCredential`; what the
    /// operator creates, for a schedule, a refused login or an action, does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,

    /// Only plan: nothing is changed, and status shows what would be. Default: false.
    #[serde(default)]
    pub dry_run: bool,

    /// Seconds after which a rotation that has not succeeded ends, waiting for an approval included.
    /// Default: 3600.
    #[serde(default = "SecretRotationSpec::default_deadline")]
    #[schemars(range(min = 30, max = 604_800))]
    pub active_deadline_seconds: i64,
}

/// Fields of the spec that never change.
pub const FIXED: [&str; 7] = [
    "app",
    "credentials",
    "mode",
    "reason",
    "requestedBy",
    "dryRun",
    "activeDeadlineSeconds",
];

impl SecretRotationSpec {
    /// Default of `active_deadline_seconds`.
    pub fn default_deadline() -> i64 {
        3_600
    }
}

/// What kind of rotation it is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Made by the schedule of a credential.
    Scheduled,
    /// Made by a person. No request fails.
    #[default]
    Manual,
    /// The old value has leaked: it is blocked first, whatever fails because of it, and a running
    /// rotation of the same credential gives way.
    Emergency,
}
