//! What the API's pods had to say about a request that failed. Asked for at once: a pod that ends takes
//! its log with it.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams};
use kube::{Client, ResourceExt as _};

use crate::demo::NAMESPACE;
use crate::scenarios::cluster::subject::API_PODS;

/// How far back a request may have begun.
const SECONDS: i64 = 15;
/// Lines of one pod that are told, the last ones.
const LINES: usize = 5;

/// The last warnings of each pod, one per line. Empty when there is nothing to be had: the failure is told
/// in any case.
pub(super) async fn of_pods(client: Client) -> Vec<String> {
    let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
    let params = ListParams::default().labels(API_PODS);
    let Ok(listed) = pods.list(&params).await else {
        return Vec::new();
    };
    let logs = listed.iter().map(|pod| of_pod(&pods, pod.name_any()));
    join_all(logs).await.concat()
}

async fn of_pod(pods: &Api<Pod>, name: String) -> Vec<String> {
    let params = LogParams {
        since_seconds: Some(SECONDS),
        ..LogParams::default()
    };
    let log = pods.logs(&name, &params).await.unwrap_or_default();
    let warnings: Vec<&str> = log.lines().filter(|line| is_warning(line)).collect();
    let first = warnings.len().saturating_sub(LINES);
    let told = warnings[first..].iter();
    told.map(|line| format!("    {name}: {line}")).collect()
}

/// Pods log one JSON object per line.
fn is_warning(line: &str) -> bool {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    matches!(line["level"].as_str(), Some("WARN" | "ERROR"))
}
