//! Scheduled backups of the store.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Scheduled backups of the store. Not implemented yet.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Cron expression with five fields.
    #[schemars(length(min = 1, max = 100))]
    pub schedule: String,

    /// IANA time zone of `schedule`. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,

    /// Number of backups kept. Default: 7.
    #[serde(default = "Backup::default_retention")]
    #[schemars(range(min = 1, max = 1000))]
    pub retention: i32,
}

impl Backup {
    fn default_retention() -> i32 {
        7
    }
}
