//! Restarting: workloads that others own and that read a value only when they start.
//!
//! A restart is an annotation of the pod template that follows from the value, so that repeating it
//! restarts nothing. Values that change together are announced in one patch: each workload rolls out
//! once. Marks of other values stay.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use reportapp_crds::ALLOW_ANNOTATION;
use reportapp_crds::report_app::credential::{Credential, Workload, WorkloadKind};
use serde_json::{Value as Json, json};

use super::{Outside, check_lent, refused};
use crate::api_error::ApiError;
use crate::rotation::machine::Rollout;
use crate::rotation::trouble::Trouble;
use crate::workloads;

/// Field manager of the annotations that restart a workload.
const RESTART_MANAGER: &str = "reportapp-operator-restart";
/// Where the annotations are.
const TEMPLATE_ANNOTATIONS: &str = "/spec/template/metadata/annotations";

/// A value that was published, for those who must start again to read it.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Its credential.
    pub credential: &'a Credential,
    /// Follows from the value, and tells nothing of it.
    pub version: String,
}

/// Annotations that restart a workload, with their values.
type Marks = BTreeMap<String, String>;

impl Outside<'_> {
    /// Restarts the workloads of these values, each at most once, unless they run them already.
    ///
    /// # Errors
    /// At the first workload that refuses.
    pub async fn restart(&self, changes: &[Change<'_>]) -> Result<(), Trouble> {
        for (workload, marks) in by_workload(changes) {
            let found = self.workload(workload).await?;
            let missing = missing(&found.data, marks);
            if missing.is_empty() {
                continue;
            }
            let patch =
                json!({ "spec": { "template": { "metadata": { "annotations": missing } } } });
            // Not server-side apply, which would drop the marks this patch does not name.
            let params = PatchParams {
                field_manager: Some(RESTART_MANAGER.to_owned()),
                ..PatchParams::default()
            };
            self.api(workload)
                .patch(&workload.name, &params, &Patch::Merge(&patch))
                .await
                .map_err(|error| workloads::api_error("patch", workload, &error))?;
        }
        Ok(())
    }

    /// What the restarted workloads are doing; the first that is not done.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn rollout(&self, credential: &Credential) -> Result<Rollout, Trouble> {
        for workload in &credential.restart {
            let found = self.workload(workload).await?;
            let pods = self.pods(workload, &found.data).await?;
            let state = state(workload, &found, &pods);
            if state != Rollout::Complete {
                return Ok(state);
            }
        }
        Ok(Rollout::Complete)
    }

    async fn pods(&self, workload: &Workload, data: &Json) -> Result<Vec<Pod>, Trouble> {
        let Some(selector) = workloads::selector(data) else {
            return Err(refused(format!(
                "{} has a selector this operator cannot read, so its old pods cannot be counted",
                workloads::told(workload)
            )));
        };
        let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace());
        let pods = api
            .list(&ListParams::default().labels_from(&selector))
            .await
            .map_err(|error| ApiError::new::<Pod>("list", "", &error))?;
        Ok(pods.items)
    }

    pub(super) async fn workload(&self, workload: &Workload) -> Result<DynamicObject, Trouble> {
        let found = self.api(workload).get_opt(&workload.name).await;
        let found = found.map_err(|error| workloads::api_error("get", workload, &error))?;
        let kind = format!("{:?}", workload.kind).to_lowercase();
        let Some(found) = found else {
            return Err(refused(format!(
                "there is no {kind} {} to restart; create it, or take it out of spec.credentials[].restart",
                workload.name
            )));
        };
        let allowed = found.annotations().get(ALLOW_ANNOTATION);
        let (namespace, app) = (self.namespace(), self.app.name_any());
        check_lent(&namespace, &app, &kind, &workload.name, allowed)?;
        Ok(found)
    }

    fn api(&self, workload: &Workload) -> Api<DynamicObject> {
        workloads::api(self.client, &self.namespace(), workload)
    }
}

/// Each workload once, with the marks of all values it reads, in the order of the spec.
fn by_workload<'a>(changes: &[Change<'a>]) -> Vec<(&'a Workload, Marks)> {
    let mut all: Vec<(&Workload, Marks)> = Vec::new();
    for change in changes {
        let key = format!("reportapp.dev/credential-{}", change.credential.name);
        for workload in &change.credential.restart {
            let mark = (key.clone(), change.version.clone());
            match all.iter_mut().find(|(known, _)| *known == workload) {
                Some((_, marks)) => marks.extend([mark]),
                None => all.push((workload, Marks::from([mark]))),
            }
        }
    }
    all
}

/// The marks a workload does not bear yet.
fn missing(data: &Json, marks: Marks) -> Marks {
    let borne = data.pointer(TEMPLATE_ANNOTATIONS);
    let bears = |key: &str, version: &str| {
        borne
            .and_then(|borne| borne.get(key))
            .is_some_and(|found| found == version)
    };
    marks
        .into_iter()
        .filter(|(key, version)| !bears(key, version))
        .collect()
}

/// How far a workload is from running nothing but its newest template.
fn state(workload: &Workload, found: &DynamicObject, pods: &[Pod]) -> Rollout {
    let name = workloads::told(workload);
    let old_pods = old_pods(workload.kind, &found.data, pods);
    let complete = workloads::is_complete(workload.kind, &found.data, found.metadata.generation);
    if complete && old_pods == 0 {
        return Rollout::Complete;
    }
    let staying = pods
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let message = match workloads::held_by_its_owner(workload.kind, &found.data) {
        Some(why) if !complete => format!("{name} replaces no pod by itself: {why}"),
        _ => format!("waiting for the pods of {name}"),
    };
    match workloads::obstacle(&found.data, staying) {
        Some(why) if !complete => Rollout::unhealthy(old_pods, &format!("{name}: {why}")),
        _ => Rollout::Moving { old_pods, message },
    }
}

/// Pods that may still use an old value: of an older template, or Terminating.
fn old_pods(kind: WorkloadKind, data: &Json, pods: &[Pod]) -> u32 {
    let status = |field: &str| data["status"][field].as_u64().unwrap_or(0);
    let older = match kind {
        WorkloadKind::DaemonSet => {
            let scheduled = status("currentNumberScheduled");
            scheduled.saturating_sub(status("updatedNumberScheduled"))
        }
        _ => status("replicas").saturating_sub(status("updatedReplicas")),
    };
    let is_ending = |pod: &&Pod| pod.metadata.deletion_timestamp.is_some();
    let ending = pods.iter().filter(is_ending).count();
    u32::try_from(older)
        .unwrap_or(u32::MAX)
        .saturating_add(u32::try_from(ending).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
