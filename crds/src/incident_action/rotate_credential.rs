//! `rotateCredential`: a rotation as one step of an incident.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret_rotation::Mode;

/// Which credentials get new values.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RotateCredential {
    /// Names of entries of the ReportApp's `spec.credentials`. Several rotate together, with one
    /// roll-out of each workload.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 40)))]
    #[x_kube(validation = Rule::new("self.all(c, self.exists_one(d, d == c))").message("spec.rotateCredential.credentials names a credential twice"))]
    pub credentials: Vec<String>,

    /// How. Default: `Manual`.
    #[serde(default)]
    pub mode: RotateMode,
}

/// How credentials are rotated.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotateMode {
    /// Old and new value work side by side until nobody uses the old one. No request fails.
    #[default]
    Manual,
    /// The old value has leaked: it is blocked first, whatever fails because of it.
    Emergency,
}

impl From<RotateMode> for Mode {
    fn from(mode: RotateMode) -> Self {
        match mode {
            RotateMode::Manual => Self::Manual,
            RotateMode::Emergency => Self::Emergency,
        }
    }
}
