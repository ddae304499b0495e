//! What Deployments and pods say: how many are ready, and why not.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStateWaiting, Pod};
use kube::ResourceExt as _;
use reportapp_crds::report_app::ComponentStatus;

use super::super::model::Live;
use super::super::naming::COMPONENT_LABEL;
use super::{Finding, StatusInput, bounded};

/// Most bytes of a sentence of the kubelet or the scheduler.
const MESSAGE_BYTES: usize = 512;

/// Pods of each component.
pub fn components(deployments: &[Arc<Deployment>]) -> Vec<ComponentStatus> {
    let mut components: Vec<_> = deployments
        .iter()
        .map(|deployment| ComponentStatus {
            name: component(deployment).to_owned(),
            ready: format!("{}/{}", ready(deployment), wanted(deployment)),
            image: image(deployment).to_owned(),
        })
        .collect();
    components.sort_by(|a, b| a.name.cmp(&b.name));
    components
}

/// The first Deployment whose pods are not all there, and what holds them up.
pub(super) fn first_incomplete(
    input: &StatusInput<'_>,
    deployments: &[Arc<Deployment>],
) -> Option<Finding> {
    let mut findings: Vec<_> = deployments
        .iter()
        .filter(|deployment| !has_rolled_out(deployment, needed(input, deployment)))
        .map(|deployment| finding(input.live, deployment))
        .collect();
    // What holds pods up says more than that they are on their way.
    findings.sort_by_key(|finding| finding.reason == "RollingOut");
    findings.into_iter().next()
}

/// Whether a Deployment has a ready pod.
pub fn is_serving(deployment: &Deployment) -> bool {
    ready(deployment) > 0
}

fn finding(live: &Live, deployment: &Deployment) -> Finding {
    let (name, ready, wanted) = (component(deployment), ready(deployment), wanted(deployment));
    stuck(live, deployment).unwrap_or_else(|| {
        Finding::new(
            "RollingOut",
            format!("{name}: {ready} of {wanted} pods are ready"),
        )
    })
}

/// What holds the pods of a Deployment up, as a sentence; `None` when they are only on their way.
pub fn obstacle(live: &Live, deployment: &Deployment) -> Option<String> {
    stuck(live, deployment).map(|finding| finding.message)
}

/// What keeps a pod from starting, as a sentence; `None` when it is only on its way.
pub fn obstacle_of_pod(pod: &Pod) -> Option<String> {
    pod_obstacle(pod).map(|finding| finding.message)
}

fn stuck(live: &Live, deployment: &Deployment) -> Option<Finding> {
    let name = component(deployment);
    let refused = deployment
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True");
    if let Some(condition) = refused {
        let why = bounded(
            condition.message.as_deref().unwrap_or_default(),
            MESSAGE_BYTES,
        );
        return Some(Finding::new(
            "PodsRefused",
            format!("{name}: the API server refuses its pods: {why}"),
        ));
    }
    let pods = live.pods.iter().filter(|pod| {
        pod.labels().get(COMPONENT_LABEL).map(String::as_str) == Some(name)
            && pod.metadata.deletion_timestamp.is_none()
    });
    pods.filter_map(|pod| pod_obstacle(pod)).next()
}

fn pod_obstacle(pod: &Pod) -> Option<Finding> {
    let status = pod.status.as_ref()?;
    let waiting = status
        .container_statuses
        .iter()
        .flatten()
        .filter_map(|container| container.state.as_ref()?.waiting.as_ref())
        .find_map(|waiting| Some((waiting_reason(waiting)?, waiting.message.as_deref())));
    let unschedulable = || {
        let conditions = status.conditions.iter().flatten();
        conditions
            .filter(|c| c.type_ == "PodScheduled" && c.status == "False")
            .find(|c| c.reason.as_deref() == Some("Unschedulable"))
            .map(|c| ("Unschedulable", c.message.as_deref()))
    };
    let (reason, message) = waiting.or_else(unschedulable)?;
    let message = bounded(message.unwrap_or_default(), MESSAGE_BYTES);
    Some(Finding::new(
        reason,
        format!("pod {}: {message}", pod.name_any()),
    ))
}

fn waiting_reason(waiting: &ContainerStateWaiting) -> Option<&'static str> {
    match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            Some("ImagePullFailed")
        }
        "CrashLoopBackOff" => Some("CrashLoop"),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some("ContainerNotStarted")
        }
        _ => None,
    }
}

/// A pod that ran to its end holds nothing any more; one that is Terminating may.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether all pods are of the newest template and as many available as the Deployment wants.
pub fn is_complete(deployment: &Deployment) -> bool {
    has_rolled_out(deployment, wanted(deployment))
}

/// All pods are of the newest template and enough of them are available.
fn has_rolled_out(deployment: &Deployment, wanted: i32) -> bool {
    let Some(status) = &deployment.status else {
        return false;
    };
    let updated = status.updated_replicas.unwrap_or(0);
    status.observed_generation >= deployment.metadata.generation
        && updated >= wanted
        && status.replicas.unwrap_or(0) == updated
        && status.available_replicas.unwrap_or(0) >= wanted
}

/// Pods that must be available; an autoscaler on its way up is no reason not to be ready.
fn needed(input: &StatusInput<'_>, deployment: &Deployment) -> i32 {
    let autoscaling = input.app.spec.api.autoscaling.as_ref();
    let least = autoscaling.filter(|_| component(deployment) == "api");
    least.map_or(wanted(deployment), |bounds| {
        wanted(deployment).min(bounds.min_replicas)
    })
}

fn wanted(deployment: &Deployment) -> i32 {
    // The API server fills in 1 when nobody sets a number.
    deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1)
}

fn ready(deployment: &Deployment) -> i32 {
    deployment
        .status
        .as_ref()
        .and_then(|status| status.ready_replicas)
        .unwrap_or(0)
}

fn component(deployment: &Deployment) -> &str {
    deployment
        .metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(COMPONENT_LABEL))
        .map_or("", String::as_str)
}

fn image(deployment: &Deployment) -> &str {
    deployment
        .spec
        .as_ref()
        .and_then(|spec| {
            spec.template
                .spec
                .as_ref()?
                .containers
                .first()?
                .image
                .as_deref()
        })
        .unwrap_or_default()
}
