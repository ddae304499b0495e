//! Where the application's images come from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::secret_names;

/// Images are `<registry>/reportapp-api`, `<registry>/reportapp-bot` and
/// `<registry>/reportapp-tunnel`, all with one tag unless a digest is given.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Registry and path without a trailing slash, for example `ghcr.io/example`.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$')").message("spec.image.registry must be a registry host and path such as ghcr.io/example: lower case, no scheme, no trailing slash, no tag"))]
    pub registry: String,

    /// Tag of all images, for example `0.1.0`.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$')").message("spec.image.tag must be a tag such as 0.1.0: letters, digits, '_', '.', '-', not starting with '.' or '-'"))]
    pub tag: String,

    /// Digests that pin single images; a digest wins over the tag.
    #[serde(default)]
    pub digests: Digests,

    /// When the kubelet pulls an image. Default: `IfNotPresent`.
    #[serde(default)]
    pub pull_policy: PullPolicy,

    /// Names of Secrets of type `kubernetes.io/dockerconfigjson` in the namespace of the
    /// ReportApp; each must carry the annotation `reportapp.dev/allow`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = secret_names())]
    pub pull_secrets: Vec<String>,
}

/// Digests of single images, `sha256:` and 64 hexadecimal digits.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Digest of `reportapp-api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub api: Option<String>,

    /// Digest of `reportapp-bot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub bot: Option<String>,

    /// Digest of `reportapp-tunnel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71), regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub tunnel: Option<String>,
}

/// When the kubelet pulls an image.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// At each start of a container.
    Always,
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// Not at all: the node must have it.
    Never,
}

impl PullPolicy {
    /// The value of `imagePullPolicy` in a pod.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
