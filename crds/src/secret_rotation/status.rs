//! What the operator reports about a rotation. A report, never the source of a decision: each step
//! looks at ledger, backend and pods first.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::one_shot::Phase;

/// How far a rotation is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretRotationStatus {
    /// Generation of the spec this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// For people; programs read the conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// The step in hand: of several credentials, the one that is furthest behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,

    /// What it waits for, or how it ended, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,

    /// `Ready` (True when it has succeeded), `Reconciling` and `Stalled` as kstatus reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// When the first step began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// What is done, in order, without values. Written before anything is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(max = 1024)))]
    pub plan: Vec<String>,

    /// How far each credential is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub credentials: Vec<CredentialProgress>,
}

/// Steps of a rotation, in their order.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
pub enum StepName {
    /// Choosing strategy and target.
    Plan,
    /// Emergency only: the old values are blocked and their sessions ended.
    Block,
    /// Writing the new value to the ledger as pending.
    Generate,
    /// Changing the backend.
    Apply,
    /// Logging in with the new value, over the application's own path.
    Test,
    /// Making the new value the current one in the ledger.
    Promote,
    /// Handing the new value to pods and published places.
    Publish,
    /// Waiting for the pods that use it.
    RollOut,
    /// Waiting until nobody uses the old value.
    Converge,
    /// Disabling the old value and proving that it is refused.
    Retire,
    /// Writing the result to the ledger.
    Close,
}

/// How far one credential is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialProgress {
    /// Name under the ReportApp's `spec.credentials`.
    #[schemars(length(max = 40))]
    pub name: String,

    /// How it is rotated, such as `AlternatingUsers`.
    #[schemars(length(max = 40))]
    pub strategy: String,

    /// Login name before the rotation, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub from: Option<String>,

    /// Login name after the rotation, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub to: Option<String>,

    /// Sessions of the old value the backend shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_sessions: Option<i32>,

    /// Pods that still use the old value, Terminating ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_pods: Option<i32>,

    /// Emergency: sessions of old values that were ended before anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_sessions: Option<i32>,

    /// Emergency: since when every old value is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_at: Option<Time>,

    /// Seconds in which new logins failed: in an emergency from `blockedAt`, in place from the start of
    /// the step `Apply`, until every pod had the new value. Absent before that, where nobody watched it
    /// end, and with strategies under which no login fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage_seconds: Option<i32>,

    /// Emergency: pods that had the old value and were replaced, as many as were seen at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_pods: Option<i32>,

    /// Whether a login with the old value was seen to be refused after it was retired.
    #[serde(default)]
    pub old_refused: bool,

    /// Its steps so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 24))]
    pub steps: Vec<RotationStep>,
}

/// One step of one credential.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RotationStep {
    /// Which.
    pub name: StepName,

    /// When it began.
    pub started_at: Time,

    /// When it ended; absent while it is in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// How often it was tried.
    pub attempts: i32,
}
