//! Reports beside those the application brings with it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::reference::config_map_name;

/// Report files, one report each.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Reports {
    /// Name of a ConfigMap in the namespace of the ReportApp that carries the annotation
    /// `reportapp.dev/allow: <name of the ReportApp>`. Each key is a file with one report. API pods read
    /// a changed file within about a minute and are not restarted for it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = config_map_name())]
    pub config_map: String,
}
