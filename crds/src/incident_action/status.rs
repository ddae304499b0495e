//! What the operator reports about an action. A report, never the source of a decision: each look
//! at an action looks at workloads and rotations first.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ActionType;
use crate::one_shot::Phase;
use crate::report_app::credential::WorkloadKind;
use crate::secret_rotation::StepName;

/// How far an action is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IncidentActionStatus {
    /// Generation of the spec this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Which field of the spec says what is done, as one word.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub action_type: Option<ActionType>,

    /// For people; programs read the conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// What it waits for, or how it ended, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,

    /// `Ready` (True when it has succeeded), `Reconciling` and `Stalled` as kstatus reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,

    /// When the operator first looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,

    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,

    /// What is done, in order. Written before anything is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(max = 1024)))]
    pub plan: Vec<String>,

    /// Workloads that get new pods, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 34))]
    pub workloads: Vec<WorkloadProgress>,

    /// The rotation that was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationProgress>,

    /// The revocation that was written into the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<RevocationProgress>,

    /// How far the removal of keys is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caches: Option<CacheProgress>,

    /// When what was changed is put back by itself. Absent when nothing will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts_at: Option<Time>,

    /// When what was changed was put back because its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted_at: Option<Time>,

    /// What was measured of the effect, each figure beside what it has to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub verification: Vec<Figure>,
}

/// How far one workload is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadProgress {
    /// Kind of workload.
    pub kind: WorkloadKind,

    /// Name.
    #[schemars(length(max = 253))]
    pub name: String,

    /// Pods of before that are left, Terminating ones included. Absent until its turn comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_pods: Option<i32>,

    /// Whether no old pod is left and every wanted new one is available.
    #[serde(default)]
    pub done: bool,
}

/// How far the rotation of an action is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RotationProgress {
    /// Name of the SecretRotation, whose status tells the rest.
    #[schemars(length(max = 253))]
    pub name: String,

    /// Its phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// Its step in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,
}

/// How far the revocation of an action is. Whatever was not measured is absent.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RevocationProgress {
    /// Its number in the store. Tokens issued under a smaller one are not accepted any more.
    pub revision: i64,

    /// Sessions that were open and ended by it, counted in the store right before. Absent for permissions,
    /// and when the operator was killed before it could write the number down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_before: Option<i64>,

    /// Processes of the API that said themselves that they accept nothing older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_confirmed: Option<i32>,

    /// Processes that said nothing until their leases were over: they hang, are cut off, or vanished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes_outwaited: Option<i32>,

    /// Milliseconds from the store's answer to the acknowledgement, that is until no process accepted
    /// older tokens any more. Absent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_after_ms: Option<i64>,
}

/// How far the removal of keys from Redis is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CacheProgress {
    /// Keys that were looked at, in every round. A crash begins anew and counts on.
    pub scanned: i64,

    /// Keys that were removed.
    pub removed: i64,

    /// The round over all keys in hand, from 1. The last one finds none.
    pub round: i32,
}

/// One figure that was measured.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// What was counted, such as `oldPods`.
    #[schemars(length(max = 63))]
    pub name: String,

    /// What it came to when it was measured last.
    pub measured: i64,

    /// What it has to be for the action to succeed.
    pub expected: i64,
}

impl Figure {
    /// One of which nothing may be left.
    pub fn none(name: &str, measured: i64) -> Self {
        Self {
            name: name.to_owned(),
            measured,
            expected: 0,
        }
    }
}
