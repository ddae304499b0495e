//! What the pods say about their dependencies: `GET /status` on each pod's health port, all at
//! once, each with a short deadline. A pod that does not answer is a value.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource as _, ResourceExt as _};
use reportapp_config::{HEALTH_PORT, ServiceStatus};
use reqwest::Client;

use crate::reportapp::model::PodReport;
use crate::reportapp::naming::{COMPONENT_LABEL, Component};

/// Requests at a time.
const AT_ONCE: usize = 16;
/// A report is a few hundred bytes; a longer answer is not one.
const MAX_BYTES: usize = 64 * 1024;

/// Asks every pod that has an address and is not ending.
pub(super) async fn ask(http: &Client, pods: &[Arc<Pod>]) -> Vec<PodReport> {
    let targets: Vec<_> = pods.iter().filter_map(|pod| address(pod)).collect();
    let mut reports: Vec<PodReport> = stream::iter(targets)
        .map(|(component, pod, address)| async move {
            PodReport {
                component,
                pod,
                result: report(http, &address).await,
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    // Answers come in any order; what is made of them must not change with it.
    reports.sort_by(|a, b| a.pod.cmp(&b.pod));
    reports
}

/// Component, name and URL of a pod that can be asked.
fn address(pod: &Pod) -> Option<(Component, String, String)> {
    if pod.meta().deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    if status.phase.as_deref() != Some("Running") {
        return None;
    }
    let component: Component = pod.labels().get(COMPONENT_LABEL)?.parse().ok()?;
    if !component.serves() {
        return None;
    }
    let ip: std::net::IpAddr = status.pod_ip.as_deref()?.parse().ok()?;
    let socket = std::net::SocketAddr::new(ip, HEALTH_PORT);
    Some((component, pod.name_any(), format!("http://{socket}/status")))
}

async fn report(http: &Client, address: &str) -> Result<ServiceStatus, String> {
    let unreachable = |error: reqwest::Error| {
        let what = if error.is_timeout() {
            "did not answer in time"
        } else {
            "cannot be reached"
        };
        format!("the health port of the pod {what}")
    };
    let mut response = http.get(address).send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err("the report of the pod is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| "the report of the pod cannot be read".to_owned())
}
