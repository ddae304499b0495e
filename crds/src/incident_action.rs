//! `IncidentAction`: one typed step of the runbook on one `ReportApp`. One-shot: the spec never
//! changes, but for an approval, and it ends in `Succeeded`, `Failed` or `Expired`.
//!
//! What it does is a union: one field per type, exactly one of which is set. A type that does not
//! exist yet is no field of the schema, so the API server refuses it.

pub mod disable_user;
pub mod invalidate_caches;
pub mod invalidate_permissions;
pub mod invalidate_sessions;
pub mod rolling_restart;
pub mod rotate_credential;
pub mod status;
pub mod undo;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::approval::Approval;
use crate::{Period, approval};
pub use disable_user::{DisableUser, ForcePasswordReset};
pub use invalidate_caches::{CacheNamespace, InvalidateCaches};
pub use invalidate_permissions::{Holders, InvalidatePermissions};
pub use invalidate_sessions::{Everybody, InvalidateSessions, Whose};
pub use rolling_restart::RollingRestart;
pub use rotate_credential::{RotateCredential, RotateMode};
pub use status::{
    CacheProgress, Figure, IncidentActionStatus, RevocationProgress, RotationProgress,
    WorkloadProgress,
};
pub use undo::Undo;

/// One step of the runbook on a ReportApp, carried out once: the one field that is set of
/// `rollingRestart`, `rotateCredential`, `invalidateSessions`, `invalidatePermissions`,
/// `invalidateCaches`, `disableUser`, `forcePasswordReset` and `undo` says which. Its effect is measured,
/// and the figures stand in the status.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "reportapp.dev",
    version = "v1alpha1",
    kind = "IncidentAction",
    plural = "incidentactions",
    shortname = "iact",
    category = "reportapp-operator",
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
#[x_kube(validation = Rule::new(approval::fixed(&FIXED)).message("an IncidentAction never changes, but for spec.approval; create another one"))]
#[x_kube(validation = Rule::new(approval::SET_ONCE).message("spec.approval is set once and stays"))]
#[x_kube(validation = Rule::new(approval::BY_ANOTHER).message("spec.approval: an action is approved by somebody else than the one in spec.requestedBy, which must be there"))]
#[x_kube(validation = Rule::new("!has(self.duration) || has(self.disableUser) || has(self.forcePasswordReset)").message("spec.duration: only disableUser and forcePasswordReset are reverted after a time; leave it out"))]
#[x_kube(validation = Rule::new("[has(self.rollingRestart), has(self.rotateCredential), has(self.invalidateSessions), has(self.invalidatePermissions), has(self.invalidateCaches), has(self.disableUser), has(self.forcePasswordReset), has(self.undo)].filter(x, x).size() == 1").message("an IncidentAction needs exactly one of rollingRestart, rotateCredential, invalidateSessions, invalidatePermissions, invalidateCaches, disableUser, forcePasswordReset and undo"))]
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

    /// Who asks for it: the user who creates the object, which the chart's admission policy checks. An
    /// action that needs an approval must have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub requested_by: Option<String>,

    /// The consent of a second person, written after the action was created. The ReportApp's
    /// `spec.incidents.approval` says which types wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,

    /// Only plan: nothing is changed, and status shows what would be. Default: false.
    #[serde(default)]
    pub dry_run: bool,

    /// How long what was changed stays so: afterwards the operator puts it back, as `undo` does. For
    /// `disableUser` and `forcePasswordReset`. Default: until somebody undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Period>,

    /// Seconds after which an action that has not succeeded ends, waiting for an approval included.
    /// Default: 3600.
    #[serde(default = "IncidentActionSpec::default_deadline")]
    #[schemars(range(min = 30, max = 604_800))]
    pub active_deadline_seconds: i64,
}

/// Fields of the spec, each action's own field included, that never change.
pub const FIXED: [&str; 15] = [
    "app",
    "rollingRestart",
    "rotateCredential",
    "invalidateSessions",
    "invalidatePermissions",
    "invalidateCaches",
    "disableUser",
    "forcePasswordReset",
    "undo",
    "reason",
    "incidentRef",
    "requestedBy",
    "dryRun",
    "duration",
    "activeDeadlineSeconds",
];

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

    /// Has what people may do read anew by every process, with the next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidate_permissions: Option<InvalidatePermissions>,

    /// Removes keys of chosen namespaces from Redis, in batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidate_caches: Option<InvalidateCaches>,

    /// Keeps a user from signing in, and ends the user's sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_user: Option<DisableUser>,

    /// Has a user choose a new password, with a code an administrator issues, and ends the user's
    /// sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_password_reset: Option<ForcePasswordReset>,

    /// Puts back what another action changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl ActionUnion {
    /// The one field that is set; `None` of a union that the API server would refuse.
    pub fn chosen(&self) -> Option<Chosen<'_>> {
        let Self {
            rolling_restart,
            rotate_credential,
            invalidate_sessions,
            invalidate_permissions,
            invalidate_caches,
            disable_user,
            force_password_reset,
            undo,
        } = self;
        let fields = [
            rolling_restart.as_ref().map(Chosen::RollingRestart),
            rotate_credential.as_ref().map(Chosen::RotateCredential),
            invalidate_sessions.as_ref().map(Chosen::InvalidateSessions),
            { invalidate_permissions.as_ref() }.map(Chosen::InvalidatePermissions),
            invalidate_caches.as_ref().map(Chosen::InvalidateCaches),
            disable_user.as_ref().map(Chosen::DisableUser),
            { force_password_reset.as_ref() }.map(Chosen::ForcePasswordReset),
            undo.as_ref().map(Chosen::Undo),
        ];
        let mut set = fields.into_iter().flatten();
        set.next().filter(|_| set.next().is_none())
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
    /// `invalidatePermissions`.
    InvalidatePermissions(&'a InvalidatePermissions),
    /// `invalidateCaches`.
    InvalidateCaches(&'a InvalidateCaches),
    /// `disableUser`.
    DisableUser(&'a DisableUser),
    /// `forcePasswordReset`.
    ForcePasswordReset(&'a ForcePasswordReset),
    /// `undo`.
    Undo(&'a Undo),
}

impl Chosen<'_> {
    /// Its type.
    pub fn action_type(self) -> ActionType {
        match self {
            Self::RollingRestart(_) => ActionType::RollingRestart,
            Self::RotateCredential(_) => ActionType::RotateCredential,
            Self::InvalidateSessions(_) => ActionType::InvalidateSessions,
            Self::InvalidatePermissions(_) => ActionType::InvalidatePermissions,
            Self::InvalidateCaches(_) => ActionType::InvalidateCaches,
            Self::DisableUser(_) => ActionType::DisableUser,
            Self::ForcePasswordReset(_) => ActionType::ForcePasswordReset,
            Self::Undo(_) => ActionType::Undo,
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
    /// What people may do is read anew.
    InvalidatePermissions,
    /// Keys are removed from Redis.
    InvalidateCaches,
    /// A user may not sign in.
    DisableUser,
    /// A user has to choose a new password.
    ForcePasswordReset,
    /// What another action changed is put back.
    Undo,
}

impl std::fmt::Display for ActionType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_field_says_what_is_done() {
        let chosen = |text: &str| {
            let union = serde_json::from_str::<ActionUnion>(text).unwrap();
            union.chosen().map(|chosen| chosen.action_type())
        };
        let user = r#"{"user":"ana"}"#;
        for (text, expected) in [
            (
                r#"{"rollingRestart":{}}"#.to_owned(),
                ActionType::RollingRestart,
            ),
            (
                format!(r#"{{"disableUser":{user}}}"#),
                ActionType::DisableUser,
            ),
            (
                format!(r#"{{"forcePasswordReset":{user}}}"#),
                ActionType::ForcePasswordReset,
            ),
            (r#"{"undo":{"actionRef":"a"}}"#.to_owned(), ActionType::Undo),
        ] {
            assert_eq!(chosen(&text), Some(expected), "{text}");
        }
        assert_eq!(chosen("{}"), None);
        let two = format!(r#"{{"disableUser":{user},"forcePasswordReset":{user}}}"#);
        assert_eq!(chosen(&two), None);
    }
}
