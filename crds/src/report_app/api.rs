//! The HTTP API and the web pages it serves.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::reference::secret_name;
use crate::Period;

/// Pods of the HTTP API.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// Number of pods, unless `autoscaling` decides. Default: 1.
    #[serde(default = "Api::default_replicas")]
    #[schemars(range(min = 0, max = 100))]
    pub replicas: i32,

    /// CPU and memory of each pod. Default: requests 50m and 64Mi, memory limit 512Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Let a HorizontalPodAutoscaler choose the number of pods. When it is added, the running
    /// number stays until the autoscaler changes it; when it is removed, `replicas` applies again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,

    /// CIDRs of proxies whose `X-Forwarded-For` header names the client. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 49)))]
    #[x_kube(validation = Rule::new("self.all(c, isCIDR(c))").message("spec.api.trustedProxies must be CIDRs such as 10.0.0.0/8"))]
    pub trusted_proxies: Vec<String>,

    /// Longest life of an access token; above 15m it is 15m. Default: 1h.
    #[serde(default = "Api::default_token_lifetime")]
    pub token_lifetime: Period,

    /// How long a stopping pod may take to finish the requests in hand. Default: 30s.
    #[serde(default = "Api::default_drain")]
    pub drain: Period,

    /// Name of the entry of `spec.credentials` with the key that signs access tokens. Absent: the
    /// operator generates a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub signing_credential: Option<String>,

    /// The audit trail in the application's store.
    // Not written while nothing is chosen, so that specs from before it stay what they were.
    #[serde(default, skip_serializing_if = "Audit::is_default")]
    pub audit: Audit,
}

impl Api {
    fn default_replicas() -> i32 {
        1
    }
    fn default_token_lifetime() -> Period {
        Period::from_secs(3_600)
    }
    fn default_drain() -> Period {
        Period::from_secs(30)
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            replicas: Self::default_replicas(),
            resources: None,
            autoscaling: None,
            trusted_proxies: Vec::new(),
            token_lifetime: Self::default_token_lifetime(),
            drain: Self::default_drain(),
            signing_credential: None,
            audit: Audit::default(),
        }
    }
}

/// The record of who changed what, kept on a PostgreSQL store.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Days for which rows of the audit trail are kept; older ones are removed in whole sealed batches. The
    /// store refuses to remove younger rows than 30 days. Default: 90.
    #[serde(default = "Audit::default_retention_days")]
    #[schemars(range(min = 30, max = 36_500))]
    pub retention_days: u32,
}

impl Audit {
    fn default_retention_days() -> u32 {
        90
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            retention_days: Self::default_retention_days(),
        }
    }
}

/// Bounds of a HorizontalPodAutoscaler on CPU.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas").message("spec.api.autoscaling.minReplicas must not exceed maxReplicas"))]
pub struct Autoscaling {
    /// Fewest pods. Default: 2.
    #[serde(default = "Autoscaling::default_min_replicas")]
    #[schemars(range(min = 1, max = 100))]
    pub min_replicas: i32,

    /// Most pods.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,

    /// Average CPU use to aim at, in percent of the request. Default: 75.
    #[serde(
        default = "Autoscaling::default_target",
        rename = "targetCPUUtilizationPercentage"
    )]
    #[schemars(range(min = 1, max = 100))]
    pub target_cpu_utilization_percentage: i32,
}

impl Autoscaling {
    fn default_min_replicas() -> i32 {
        2
    }
    fn default_target() -> i32 {
        75
    }
}

/// How the application is reached from outside the cluster: one Ingress.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Host name of the application. Two ReportApps cannot share a host: the older one keeps it.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')").message("spec.web.host must be a host name such as reports.example.com: lower case, no scheme, no port, no path"))]
    pub host: String,

    /// Path below which the application is served; starts and ends with `/`. Default: `/`.
    #[serde(default = "Web::default_path_prefix")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = Rule::new("self == '/' || self.matches('^/([a-zA-Z0-9._~-]+/)+$')").message("spec.web.pathPrefix must start and end with '/', for example /erp/"))]
    pub path_prefix: String,

    /// Ingress class. Absent: the default class of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub ingress_class_name: Option<String>,

    /// Certificate of the host. Absent: a certificate of the operator's own authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<WebTls>,
}

impl Web {
    fn default_path_prefix() -> String {
        "/".to_owned()
    }
}

/// A certificate somebody else keeps fresh, for example cert-manager.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct WebTls {
    /// Name of a Secret of type `kubernetes.io/tls` with the annotation `reportapp.dev/allow`. It
    /// is mounted into the API pods and read again when it changes.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secret_name())]
    pub secret_name: String,
}
