//! Report files: that the ConfigMap exists and lends itself. What is in it is for the API to judge, file by
//! file, so that one that is wrong stops no other.

use super::super::lending;
use super::super::model::{ConsumerLookup, ProblemReason};
use super::Check;

/// Where the spec names the ConfigMap.
const PATH: &str = "spec.reports.configMap";

impl Check<'_> {
    /// Name of the ConfigMap to mount, if the spec names one.
    pub(super) fn reports(&mut self) -> Option<String> {
        let spec = self.spec;
        let name = &spec.reports.as_ref()?.config_map;
        let namespace = &self.namespace;
        let (reason, message) = match &self.fetched.report_files {
            Some(ConsumerLookup::Lent) => return Some(name.clone()),
            Some(ConsumerLookup::NotLent { annotation }) => {
                let list = annotation.as_deref();
                let remedy = lending::command(namespace, "configmap", name, list, &self.name);
                let message = format!(
                    "ConfigMap {name} does not allow this ReportApp to use it; its owner can: {remedy}"
                );
                (ProblemReason::ConfigMapNotAllowed, message)
            }
            Some(ConsumerLookup::Forbidden(why)) => (
                ProblemReason::Forbidden,
                format!("the operator may not read ConfigMap {name}: {why}"),
            ),
            Some(ConsumerLookup::Missing) | None => (
                ProblemReason::ConfigMapMissing,
                format!("there is no ConfigMap {name} in namespace {namespace}; create it"),
            ),
        };
        self.problem(reason, PATH, message)
    }
}
