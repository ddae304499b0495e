//! `disableUser` and `forcePasswordReset`: a user who may not sign in any more, or not with the password
//! of now. Both end the user's sessions, and both can be undone.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A user who may not sign in any more.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DisableUser {
    /// Who: the name the user signs in with, in any case, or the user's id. An id goes before a name.
    #[schemars(length(min = 1, max = 253))]
    pub user: String,

    /// Disable also the last active enterprise administrator, after whom nobody can manage the platform.
    /// Default: false.
    #[serde(default)]
    pub force: bool,
}

/// A user whose password of now does not suffice any more: a new one is chosen with a code that an
/// administrator issues.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ForcePasswordReset {
    /// Who: the name the user signs in with, in any case, or the user's id. An id goes before a name.
    #[schemars(length(min = 1, max = 253))]
    pub user: String,
}
