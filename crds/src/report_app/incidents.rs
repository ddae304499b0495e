//! Defaults for incidents of an application.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Defaults for incidents of this application. Not implemented yet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Incidents {
    /// People or channels to notify.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 253)))]
    pub notify: Vec<String>,
}
