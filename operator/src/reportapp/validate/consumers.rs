//! Secrets and workloads of others that `publish` and `restart` name. One that does not lend itself
//! stops no application: pods need none of them, only rotations do. So it is a refusal beside the
//! application and no problem of the spec.

use super::super::lending;
use super::super::model::{Consumer, ConsumerKind, ConsumerLookup, Problem, ProblemReason};
use super::Check;

impl Check<'_> {
    /// What no rotation could use, in the order of the spec.
    pub(super) fn refused_consumers(&self) -> Vec<Problem> {
        let mut refused = Vec::new();
        for credential in &self.spec.credentials {
            let places = Consumer::places(credential).map(|found| ("publish", found));
            let workloads = Consumer::workloads(credential).map(|found| ("restart", found));
            for (list, (index, consumer)) in places.chain(workloads) {
                let path = format!("spec.credentials[{}].{list}[{index}]", credential.name);
                refused.extend(self.refusal(&consumer, path));
            }
        }
        refused
    }

    fn refusal(&self, consumer: &Consumer, path: String) -> Option<Problem> {
        let (kind, name) = (consumer.kind, &consumer.name);
        let namespace = &self.namespace;
        let (reason, message) = match self.fetched.consumers.get(consumer)? {
            ConsumerLookup::Lent => return None,
            ConsumerLookup::NotLent { annotation } => {
                let resource = kind.resource();
                let list = annotation.as_deref();
                let remedy = lending::command(namespace, resource, name, list, &self.name);
                let reason = match kind {
                    ConsumerKind::Secret => ProblemReason::SecretNotAllowed,
                    ConsumerKind::Workload(_) => ProblemReason::WorkloadNotAllowed,
                };
                let message = format!(
                    "{kind} {name} does not allow this ReportApp to use it, so no rotation of the credential can begin; its owner can: {remedy}"
                );
                (reason, message)
            }
            ConsumerLookup::Missing => {
                let reason = match kind {
                    ConsumerKind::Secret => ProblemReason::SecretMissing,
                    ConsumerKind::Workload(_) => ProblemReason::WorkloadMissing,
                };
                let message = format!(
                    "there is no {kind} {name} in namespace {namespace}, so no rotation of the credential can begin; create it, or take it out of the spec"
                );
                (reason, message)
            }
            ConsumerLookup::Forbidden(why) => (
                ProblemReason::Forbidden,
                format!("the operator may not read {kind} {name}: {why}"),
            ),
        };
        Some(Problem {
            reason,
            path,
            message,
        })
    }
}
