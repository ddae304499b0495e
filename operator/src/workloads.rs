//! Workloads as the API server shows them, whoever owns them: where they are, which pods are theirs,
//! and what keeps them from running nothing but their newest template. Pure, but for [`api`].

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::core::Selector;
use kube::{Client, ResourceExt as _};
use reportapp_crds::report_app::credential::{Workload, WorkloadKind};
use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::api_error::ApiError;
use crate::reportapp::status::rollout;

/// Label with the template of a pod of a Deployment, which ends the name of its ReplicaSet too.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// Workloads of the kind of `workload`.
pub fn api(client: &Client, namespace: &str, workload: &Workload) -> Api<DynamicObject> {
    let kind = format!("{:?}", workload.kind);
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", &kind));
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// Tells what a request about `workload` failed with.
pub fn api_error(verb: &'static str, workload: &Workload, error: &kube::Error) -> ApiError {
    let name = &workload.name;
    match workload.kind {
        WorkloadKind::Deployment => ApiError::new::<Deployment>(verb, name, error),
        WorkloadKind::StatefulSet => ApiError::new::<StatefulSet>(verb, name, error),
        WorkloadKind::DaemonSet => ApiError::new::<DaemonSet>(verb, name, error),
    }
}

/// Kind and name, as people say it.
pub fn told(workload: &Workload) -> String {
    format!("{:?} {}", workload.kind, workload.name)
}

/// What selects the pods of a workload. `None` of a selector that cannot be read, and of one that would
/// mean every pod of the namespace.
pub fn selector(data: &Json) -> Option<Selector> {
    let selector = LabelSelector::deserialize(data.pointer("/spec/selector")?).ok()?;
    let selector = Selector::try_from(selector).ok()?;
    (!selector.selects_all()).then_some(selector)
}

/// Whether a pod that matches the selector was made for `workload`, which has this uid: others' pods
/// may bear the same labels.
pub fn owns(workload: &Workload, uid: &str, pod: &Pod) -> bool {
    let Some(owner) =
        { pod.owner_references().iter() }.find(|owner| owner.controller == Some(true))
    else {
        return false;
    };
    if workload.kind != WorkloadKind::Deployment {
        return owner.uid == uid;
    }
    let hash = pod.labels().get(TEMPLATE_HASH);
    let replica_set = hash.map(|hash| format!("{}-{hash}", workload.name));
    owner.kind == "ReplicaSet" && replica_set.as_ref() == Some(&owner.name)
}

/// Whether every pod is of the newest template and available.
pub fn is_complete(kind: WorkloadKind, data: &Json, generation: Option<i64>) -> bool {
    let number = |path: &str| data.pointer(path).and_then(Json::as_i64);
    let status = |field: &str| number(&format!("/status/{field}")).unwrap_or(0);
    if Some(status("observedGeneration")) < generation {
        return false;
    }
    if kind == WorkloadKind::DaemonSet {
        let wanted = status("desiredNumberScheduled");
        return status("updatedNumberScheduled") >= wanted && status("numberAvailable") >= wanted;
    }
    let wanted = number("/spec/replicas").unwrap_or(1);
    let updated = status("updatedReplicas");
    updated >= wanted && status("replicas") == updated && status("availableReplicas") >= wanted
}

/// What its owner has said that keeps a workload from replacing its pods, and what to do.
pub fn held_by_its_owner(kind: WorkloadKind, data: &Json) -> Option<&'static str> {
    let at = |path: &str| data.pointer(path);
    if kind == WorkloadKind::Deployment {
        let paused = at("/spec/paused").and_then(Json::as_bool) == Some(true);
        return paused.then_some("it is paused; kubectl rollout resume it");
    }
    let partition = at("/spec/updateStrategy/rollingUpdate/partition").and_then(Json::as_i64);
    if at("/spec/updateStrategy/type").and_then(Json::as_str) == Some("OnDelete") {
        return Some("its update strategy is OnDelete; delete its pods one by one");
    }
    (partition > Some(0)).then_some("its update strategy has a partition; set it to 0")
}

/// What keeps new pods from starting; `pods` are those that stay.
pub fn obstacle<'a>(data: &Json, pods: impl IntoIterator<Item = &'a Pod>) -> Option<String> {
    let conditions = data.pointer("/status/conditions").and_then(Json::as_array);
    let refused = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True");
    if let Some(condition) = refused {
        let why = condition["message"].as_str().unwrap_or_default();
        return Some(format!("the API server refuses its pods: {why}"));
    }
    pods.into_iter().find_map(rollout::obstacle_of_pod)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(kind: WorkloadKind) -> Workload {
        Workload {
            kind,
            name: "shop".to_owned(),
        }
    }

    #[test]
    fn pods_are_found_by_the_whole_selector_and_never_by_an_empty_one() {
        let by = |value: Json| selector(&json!({ "spec": { "selector": value } }));
        let expressed =
            json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["shop"] }] });
        assert_eq!(by(expressed).unwrap().to_string(), "app in (shop)");
        let labelled = json!({ "matchLabels": { "app": "shop" } });
        assert_eq!(by(labelled).unwrap().to_string(), "app=shop");
        assert!(by(json!({})).is_none());
        assert!(selector(&json!({})).is_none());
    }

    #[test]
    fn a_pod_belongs_to_the_workload_that_made_it_and_to_no_namesake() {
        let pod = |kind: &str, name: &str, uid: &str| -> Pod {
            let owner = json!({
                "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true,
            });
            let metadata = json!({
                "name": "p", "labels": { "pod-template-hash": "abc" }, "ownerReferences": [owner],
            });
            serde_json::from_value(json!({ "metadata": metadata })).unwrap()
        };
        let deployment = workload(WorkloadKind::Deployment);
        assert!(owns(
            &deployment,
            "d",
            &pod("ReplicaSet", "shop-abc", "any")
        ));
        assert!(!owns(
            &deployment,
            "d",
            &pod("ReplicaSet", "shop-web-abc", "any")
        ));
        assert!(!owns(&deployment, "d", &pod("Job", "shop-abc", "any")));
        let set = workload(WorkloadKind::StatefulSet);
        assert!(owns(&set, "s", &pod("StatefulSet", "shop", "s")));
        assert!(!owns(&set, "s", &pod("StatefulSet", "shop", "earlier")));
        assert!(!owns(&set, "s", &Pod::default()));
    }

    #[test]
    fn a_workload_is_complete_when_every_pod_is_new_and_available() {
        let mut deployment = json!({
            "spec": { "replicas": 2 },
            "status": {
                "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            },
        });
        let kind = WorkloadKind::Deployment;
        assert!(is_complete(kind, &deployment, Some(3)));
        assert!(!is_complete(kind, &deployment, Some(4)));
        deployment["status"]["replicas"] = json!(3);
        assert!(
            !is_complete(kind, &deployment, Some(3)),
            "an old pod is left"
        );
        let daemons = json!({
            "status": {
                "observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1,
                "numberAvailable": 2,
            },
        });
        assert!(!is_complete(WorkloadKind::DaemonSet, &daemons, Some(1)));
    }

    #[test]
    fn a_workload_that_its_owner_holds_says_what_to_do() {
        let held = |kind, spec: Json| held_by_its_owner(kind, &json!({ "spec": spec }));
        assert_eq!(held(WorkloadKind::Deployment, json!({})), None);
        let paused = held(WorkloadKind::Deployment, json!({ "paused": true }));
        assert!(paused.unwrap().contains("kubectl rollout resume"));
        let by_hand = json!({ "updateStrategy": { "type": "OnDelete" } });
        let by_hand = held(WorkloadKind::DaemonSet, by_hand);
        assert!(by_hand.unwrap().contains("OnDelete"));
        let parted = json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } });
        let parted = held(WorkloadKind::StatefulSet, parted);
        assert!(parted.unwrap().contains("set it to 0"));
    }
}
