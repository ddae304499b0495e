//! Where the operator keeps current, pending and previous values of credentials.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{SecretKeyRef, secret_name};

/// At most one of the fields; none means `kubernetes`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.vault), has(self.awsSecretsManager), has(self.kubernetes)].filter(x, x).size() <= 1").message("give at most one of secretStore.vault, secretStore.awsSecretsManager and secretStore.kubernetes"))]
pub struct SecretStore {
    /// Vault KV version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<Vault>,

    /// AWS Secrets Manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_secrets_manager: Option<AwsSecretsManager>,

    /// A Secret in the namespace of the ReportApp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesSecrets>,
}

/// Vault KV version 2. Ledgers are at `<mount>/<pathPrefix>/<namespace>/<ReportApp>/<credential>`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// Address, for example `https://vault.example.com:8200`.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^https://[^/@?#\s]+/?$"))]
    pub address: String,

    /// Mount of the KV engine, which must be of version 2. Default: `secret`.
    #[serde(default = "Vault::default_mount")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")
    )]
    pub mount: String,

    /// Namespace of Vault Enterprise or OpenBao. Default: the root namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 256),
        regex(pattern = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/?$")
    )]
    pub namespace: Option<String>,

    /// Authority that signed Vault's certificate (default key `ca.crt`). Default: those of the
    /// operator's image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,

    /// Where ledgers begin, below the mount. Default: `reportapp`.
    #[serde(default = "Vault::default_path_prefix")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")
    )]
    pub path_prefix: String,

    /// How the operator logs in.
    pub auth: VaultAuth,
}

impl Vault {
    fn default_mount() -> String {
        "secret".to_owned()
    }

    fn default_path_prefix() -> String {
        "reportapp".to_owned()
    }
}

/// How the operator logs in to Vault: exactly one of the fields.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.kubernetes), has(self.jwt), has(self.appRole), has(self.token)].filter(x, x).size() == 1").message("give exactly one of secretStore.vault.auth.kubernetes, jwt, appRole and token"))]
pub struct VaultAuth {
    /// A token of the ReportApp's own ServiceAccount, which Vault has the API server check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<VaultKubernetesAuth>,

    /// A token of the ReportApp's own ServiceAccount, whose signature Vault checks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<VaultJwtAuth>,

    /// A role id and a secret id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_role: Option<VaultAppRoleAuth>,

    /// A token of Vault. It is renewed, but cannot be replaced when it has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<VaultTokenAuth>,
}

/// Login with auth method `kubernetes`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VaultKubernetesAuth {
    /// Mount of the auth method. Default: `kubernetes`.
    #[serde(default = "VaultKubernetesAuth::default_mount")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")
    )]
    pub mount: String,

    /// Role of the auth method.
    #[schemars(length(min = 1, max = 128))]
    pub role: String,

    /// Audience of the token, the only one it is good for. Default: `vault`.
    #[serde(default = "default_audience")]
    #[schemars(length(min = 1, max = 256))]
    pub audience: String,
}

impl VaultKubernetesAuth {
    fn default_mount() -> String {
        "kubernetes".to_owned()
    }
}

/// Login with auth method `jwt`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VaultJwtAuth {
    /// Mount of the auth method. Default: `jwt`.
    #[serde(default = "VaultJwtAuth::default_mount")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")
    )]
    pub mount: String,

    /// Role of the auth method.
    #[schemars(length(min = 1, max = 128))]
    pub role: String,

    /// Audience of the token, the only one it is good for. Default: `vault`.
    #[serde(default = "default_audience")]
    #[schemars(length(min = 1, max = 256))]
    pub audience: String,
}

impl VaultJwtAuth {
    fn default_mount() -> String {
        "jwt".to_owned()
    }
}

fn default_audience() -> String {
    "vault".to_owned()
}

/// Login with auth method `approle`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VaultAppRoleAuth {
    /// Mount of the auth method. Default: `approle`.
    #[serde(default = "VaultAppRoleAuth::default_mount")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$")
    )]
    pub mount: String,

    /// Role id.
    #[schemars(length(min = 1, max = 128))]
    pub role_id: String,

    /// Secret id (default key `secret-id`).
    pub secret_id_ref: SecretKeyRef,
}

impl VaultAppRoleAuth {
    fn default_mount() -> String {
        "approle".to_owned()
    }
}

/// Login with a token.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VaultTokenAuth {
    /// The token (default key `token`).
    pub secret_ref: SecretKeyRef,
}

/// AWS Secrets Manager. Ledgers are secrets `<pathPrefix>/<namespace>/<ReportApp>/<credential>`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AwsSecretsManager {
    /// Region, for example `eu-central-1`.
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = r"^[a-z]{2,8}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$")
    )]
    pub region: String,

    /// Where names of ledgers begin. Default: `reportapp`.
    #[serde(default = "AwsSecretsManager::default_path_prefix")]
    #[schemars(
        length(min = 1, max = 128),
        regex(pattern = r"^[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*$")
    )]
    pub path_prefix: String,

    /// Key of KMS that encrypts secrets which the operator creates: id, ARN or `alias/<name>`.
    /// Secrets that exist keep theirs. Default: the account's own key `aws/secretsmanager`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), regex(pattern = r"^[A-Za-z0-9_:/-]+$"))]
    pub kms_key_id: Option<String>,

    /// Address of Secrets Manager, for example of a VPC endpoint without private DNS. Default: the
    /// public one of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^https://[^/@?#\s]+/?$"))]
    pub endpoint: Option<String>,

    /// How the operator proves who it is.
    pub auth: AwsAuth,
}

impl AwsSecretsManager {
    fn default_path_prefix() -> String {
        "reportapp".to_owned()
    }
}

/// How the operator proves to AWS who it is: exactly one of the fields.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.webIdentity) != has(self.accessKey)").message("give exactly one of secretStore.awsSecretsManager.auth.webIdentity and accessKey"))]
pub struct AwsAuth {
    /// A role of IAM that trusts the cluster and the ReportApp's own ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_identity: Option<AwsWebIdentity>,

    /// An access key in a Secret. It does not end by itself; prefer `webIdentity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<AwsAccessKey>,
}

/// A role that is assumed with a token of the ReportApp's own ServiceAccount.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AwsWebIdentity {
    /// ARN of the role.
    #[schemars(
        length(min = 20, max = 2048),
        regex(pattern = r"^arn:[a-z0-9-]+:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$")
    )]
    pub role_arn: String,

    /// Audience of the token, the only one it is good for. Default: `sts.amazonaws.com`.
    #[serde(default = "AwsWebIdentity::default_audience")]
    #[schemars(length(min = 1, max = 256))]
    pub audience: String,

    /// Address of the Security Token Service, for example of a VPC endpoint without private DNS.
    /// Default: the public one of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^https://[^/@?#\s]+/?$"))]
    pub sts_endpoint: Option<String>,
}

impl AwsWebIdentity {
    fn default_audience() -> String {
        "sts.amazonaws.com".to_owned()
    }
}

/// An access key of IAM.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AwsAccessKey {
    /// Secret with the keys `access-key-id` and `secret-access-key` and, for a temporary access
    /// key, `session-token`. It carries the annotation `reportapp.dev/allow`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secret_name())]
    pub secret_name: String,
}

/// A Secret in the namespace of the ReportApp.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesSecrets {}
