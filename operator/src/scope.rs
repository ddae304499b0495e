//! Which namespaces the operator works in. With a list, every request names one of them, so that a
//! Role in each is all it needs.

use std::fmt;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};

/// Namespaces the operator works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These, each with a Role.
    Namespaces(Vec<String>),
    /// All, with a ClusterRole.
    Cluster,
}

impl Scope {
    /// The parts that are watched one by one.
    pub fn parts(&self) -> Vec<ScopePart> {
        match self {
            Self::Namespaces(names) => names.iter().cloned().map(ScopePart::Namespace).collect(),
            Self::Cluster => vec![ScopePart::Cluster],
        }
    }
}

/// What one watch covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopePart {
    /// One namespace.
    Namespace(String),
    /// All namespaces.
    Cluster,
}

impl fmt::Display for ScopePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(name) => formatter.write_str(name),
            Self::Cluster => formatter.write_str("all namespaces"),
        }
    }
}

impl ScopePart {
    /// The objects of kind `K` in this part.
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::Namespace(name) => Api::namespaced(client.clone(), name),
            Self::Cluster => Api::all(client.clone()),
        }
    }
}
