//! `undo`: puts back what another action changed.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Which action is undone.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Undo {
    /// Name of an IncidentAction of the same ReportApp that has ended: a `disableUser` or a
    /// `forcePasswordReset`. Other types leave nothing that could be put back.
    #[schemars(length(min = 1, max = 100))]
    pub action_ref: String,
}
