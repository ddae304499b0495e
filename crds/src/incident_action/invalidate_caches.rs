//! `invalidateCaches`: keys of chosen namespaces leave Redis, in batches.

use std::fmt;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which keys are removed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateCaches {
    /// Namespaces: of each, keys that begin with `<namespace>:` and `<app>:<namespace>:`. `session` signs
    /// nobody out whose session the store holds; `invalidateSessions` does.
    #[schemars(length(min = 1, max = 6))]
    #[x_kube(validation = Rule::new("self.all(n, self.exists_one(m, m == n))").message("spec.invalidateCaches.namespaces names a namespace twice"))]
    pub namespaces: Vec<CacheNamespace>,
}

/// Namespaces of keys that may be lost at any time. Locks, rate limits and counters of failed sign-ins are
/// not among them.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "lowercase")]
pub enum CacheNamespace {
    /// What users may do.
    Perm,
    /// Sessions.
    Session,
    /// Figures of dashboards.
    Dash,
    /// Reports.
    Report,
    /// Business partners.
    Party,
    /// Lists such as companies and periods.
    Meta,
}

impl fmt::Display for CacheNamespace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Perm => "perm",
            Self::Session => "session",
            Self::Dash => "dash",
            Self::Report => "report",
            Self::Party => "party",
            Self::Meta => "meta",
        })
    }
}
