//! References to values that live elsewhere. All are in the namespace of the ReportApp: the types
//! have no field for another one.

use kube::KubeSchema;
use kube::core::Rule;
use serde::{Deserialize, Serialize};

/// What the API server takes as the name of a Secret, ConfigMap or workload, so that no other can be one.
const OBJECT_NAME: &str =
    "matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')";

/// The field names a Secret.
pub(super) fn secret_name() -> Rule {
    Rule::new(format!("self.{OBJECT_NAME}")).message(
        "name a Secret in the namespace of the ReportApp: lower case letters, digits, '-' and '.'; Secrets of other namespaces cannot be used",
    )
}

/// The field is a list of names of Secrets.
pub(super) fn secret_names() -> Rule {
    Rule::new(format!("self.all(name, name.{OBJECT_NAME})")).message(
        "name Secrets in the namespace of the ReportApp: lower case letters, digits, '-' and '.'; Secrets of other namespaces cannot be used",
    )
}

/// The field names a `ConfigMap`.
pub(super) fn config_map_name() -> Rule {
    Rule::new(format!("self.{OBJECT_NAME}")).message(
        "name a ConfigMap in the namespace of the ReportApp: lower case letters, digits, '-' and '.'; ConfigMaps of other namespaces cannot be used",
    )
}

/// The field names a workload.
pub(super) fn workload_name() -> Rule {
    Rule::new(format!("self.{OBJECT_NAME}")).message(
        "name a workload in the namespace of the ReportApp: lower case letters, digits, '-' and '.'; workloads of other namespaces cannot be used",
    )
}

/// Where a value comes from: exactly one of the fields.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretRef) != has(self.vaultPath)").message("give exactly one of secretRef and vaultPath"))]
pub struct ValueSource {
    /// A Secret in the namespace of the ReportApp that carries the annotation
    /// `reportapp.dev/allow: <name of the ReportApp>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,

    /// A path below the mount of `spec.secretStore.vault`, with the key after `#`, for example
    /// `erp/login#password`. Without a key: that of the use, as below. A connection URL such as
    /// `postgresql://user:password@host/database` stands for the password in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub vault_path: Option<String>,
}

/// One key of a Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyRef {
    /// Name of the Secret, in the namespace of the ReportApp.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secret_name())]
    pub name: String,

    /// Key inside the Secret. Default by use: `password` for databases and Redis, `private-key`
    /// for SSH, `signing.pem` for JWT, `token` for Telegram, `ca.crt` for authorities, `secret-id`
    /// and `token` for Vault, `value` for generic credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: Option<String>,
}

impl SecretKeyRef {
    /// The key to read, given the default of the use.
    pub fn key_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.key.as_deref().unwrap_or(default)
    }
}
