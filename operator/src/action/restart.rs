//! `RollingRestart`: which workload gets new pods next, and when the old ones are gone. Pure.
//!
//! One workload after the other. Each is marked once, in its pod template, with the uid of the action;
//! every pod made from that template bears the mark, so a pod without it is an old one, however the
//! operator got here.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use reportapp_crds::incident_action::{Figure, WorkloadProgress};
use reportapp_crds::report_app::credential::Workload;
use serde_json::{Value as Json, json};

use super::trouble::{Reason, Trouble};
use crate::workloads;

/// Annotation of a pod template with the uid of the action that restarted it last.
pub const MARK: &str = "reportapp.dev/restarted-by";
/// Field manager of that annotation, so that nobody's apply takes it away.
pub const MANAGER: &str = "reportapp-operator-action";
/// Most names of pods in one line of a plan.
const NAMED: usize = 10;

/// One workload as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub workload: Workload,
    /// Whether its pod template bears the mark.
    pub marked: bool,
    /// Whether it is as its template says: every pod new and available.
    pub settled: bool,
    /// Pods without the mark, by name; Terminating ones included.
    pub old_pods: Vec<String>,
    /// What keeps pods with the mark from starting.
    pub obstacle: Option<String>,
}

/// What to do about the workloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The mark is missing.
    Mark(Workload),
    /// Pods are on their way.
    Wait(String),
    /// New pods do not start.
    Stall(Trouble),
    /// No old pod is left.
    Done,
}

impl Seen {
    /// A workload as its object and its pods say it is, for the action `uid`.
    pub fn of(workload: &Workload, uid: &str, object: &DynamicObject, pods: &[Pod]) -> Self {
        let mark = object
            .data
            .pointer("/spec/template/metadata/annotations")
            .and_then(|annotations| annotations.get(MARK))
            .and_then(Json::as_str);
        let is_new = |pod: &&Pod| pod.annotations().get(MARK).is_some_and(|mark| mark == uid);
        let owner = object.uid().unwrap_or_default();
        let theirs = { pods.iter() }.filter(|pod| workloads::owns(workload, &owner, pod));
        let (new, old): (Vec<_>, Vec<_>) = theirs.partition(is_new);
        let marked = mark == Some(uid);
        let staying = new
            .into_iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        Self {
            workload: workload.clone(),
            marked,
            settled: workloads::is_complete(
                workload.kind,
                &object.data,
                object.metadata.generation,
            ),
            old_pods: old.iter().map(|pod| pod.name_any()).collect(),
            obstacle: workloads::obstacle(&object.data, staying).filter(|_| marked),
        }
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.marked && self.settled && self.old_pods.is_empty()
    }

    fn progress(&self) -> WorkloadProgress {
        WorkloadProgress {
            kind: self.workload.kind,
            name: self.workload.name.clone(),
            old_pods: Some(i32::try_from(self.old_pods.len()).unwrap_or(i32::MAX)),
            done: self.is_done(),
        }
    }

    fn waiting(&self) -> String {
        let name = workloads::told(&self.workload);
        match self.old_pods.as_slice() {
            [] => format!("waiting for the new pods of {name}"),
            old => format!("waiting for {} of {name} to end", counted(old)),
        }
    }
}

/// The change that marks a pod template for the action `uid`.
pub fn mark(workload: &Workload, uid: &str, object: &DynamicObject) -> Json {
    json!({
        "apiVersion": "apps/v1",
        "kind": format!("{:?}", workload.kind),
        // With the uid, a mark never makes a workload of a name that was deleted meanwhile.
        "metadata": { "name": workload.name, "uid": object.uid() },
        "spec": { "template": { "metadata": { "annotations": { MARK: uid } } } },
    })
}

/// What comes next. `seen` are the workloads in their order, up to the first that is not done.
pub fn next(seen: &[Seen]) -> Next {
    let Some(current) = seen.iter().find(|seen| !seen.is_done()) else {
        return Next::Done;
    };
    if !current.marked {
        return Next::Mark(current.workload.clone());
    }
    match &current.obstacle {
        Some(obstacle) if !current.settled => {
            let name = workloads::told(&current.workload);
            let message = format!(
                "{name}: {obstacle}. Pods of before stay while new ones are not ready; mend the cause, \
                 or delete this action and go back with: kubectl rollout undo {}/{}",
                format!("{:?}", current.workload.kind).to_lowercase(),
                current.workload.name
            );
            Next::Stall(Trouble::new(Reason::PodsUnhealthy, message))
        }
        _ => Next::Wait(current.waiting()),
    }
}

/// How far all `workloads` are, of which `seen` were looked at.
pub fn progress(workloads: &[Workload], seen: &[Seen]) -> Vec<WorkloadProgress> {
    let unseen = workloads.iter().skip(seen.len());
    let unseen = unseen.map(|workload| WorkloadProgress {
        kind: workload.kind,
        name: workload.name.clone(),
        old_pods: None,
        done: false,
    });
    seen.iter().map(Seen::progress).chain(unseen).collect()
}

/// What was measured.
pub fn figures(workloads: &[Workload], seen: &[Seen]) -> Vec<Figure> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let figure = |name: &str, measured, expected| Figure {
        name: name.to_owned(),
        measured: number(measured),
        expected: number(expected),
    };
    let done = seen.iter().filter(|seen| seen.is_done()).count();
    let old = seen.iter().map(|seen| seen.old_pods.len()).sum();
    vec![
        figure("workloadsRestarted", done, workloads.len()),
        figure("oldPods", old, 0),
    ]
}

/// The lines of a plan.
pub fn plan(seen: &[Seen]) -> Vec<String> {
    let line = |(index, seen): (usize, &Seen)| {
        format!(
            "{}. {}: replace {} and wait until none of them is left, Terminating ones included, and \
             the new ones are available",
            index + 1,
            workloads::told(&seen.workload),
            counted(&seen.old_pods)
        )
    };
    seen.iter().enumerate().map(line).collect()
}

/// How a restart that is too late ends: what was done and what was not.
pub fn too_late(workloads: &[Workload], seen: &[Seen]) -> String {
    let not_done = seen.iter().filter(|seen| !seen.is_done() && seen.marked);
    let begun: Vec<_> = not_done.map(Seen::waiting).collect();
    let untouched = workloads.iter().enumerate().filter(|(index, _)| {
        let seen = seen.get(*index);
        seen.is_none_or(|seen| !seen.marked)
    });
    let untouched: Vec<_> = untouched
        .map(|(_, workload)| workloads::told(workload))
        .collect();
    let mut message = "the deadline has passed".to_owned();
    if !begun.is_empty() {
        message += &format!("; {}, which goes on by itself", begun.join(", "));
    }
    if !untouched.is_empty() {
        message += &format!("; not restarted: {}", untouched.join(", "));
    }
    message
}

fn counted(pods: &[String]) -> String {
    let noun = if pods.len() == 1 { "pod" } else { "pods" };
    match pods {
        [] => format!("0 {noun}"),
        pods if pods.len() > NAMED => {
            format!("{} {noun} ({}, …)", pods.len(), pods[..NAMED].join(", "))
        }
        pods => format!("{} {noun} ({})", pods.len(), pods.join(", ")),
    }
}

#[cfg(test)]
mod tests;
