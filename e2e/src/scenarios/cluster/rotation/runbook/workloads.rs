//! Workloads of the platform team, one of each kind, that read the logins when they start.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use kube::api::{DeleteParams, PostParams};
use reportapp_crds::ALLOW_ANNOTATION;
use serde_json::{Value, json};

use crate::demo::{NAME, NAMESPACE};
use crate::scenarios::cluster::subject::Subject;

const BACKEND: &str = "bisman-backend";
const WORKER: &str = "bisman-worker";
const AGENT: &str = "bisman-agent";
/// What `kubectl rollout` calls them, in the order in which they are counted.
const ALL: [(&str, &str); 3] = [
    ("Deployment", BACKEND),
    ("StatefulSet", WORKER),
    ("DaemonSet", AGENT),
];

/// Those that read the login of a role.
pub(super) fn of(role: &str) -> Value {
    let [backend, worker, agent] = ALL.map(|(kind, name)| json!({ "kind": kind, "name": name }));
    match role {
        "worker" => json!([worker, agent]),
        "migrator" => json!([backend]),
        _ => json!([backend, worker, agent]),
    }
}

/// All of them.
pub(super) struct Workloads;

impl Workloads {
    /// Sets them up and waits until they run.
    pub(super) async fn start(subject: &Subject<'_>) -> Result<Self> {
        let image = &subject.demo.images().backends;
        let params = PostParams::default();
        let backend: Deployment = serde_json::from_value(workload(BACKEND, image, json!({})))?;
        let worker = workload(WORKER, image, json!({ "serviceName": WORKER }));
        let worker: StatefulSet = serde_json::from_value(worker)?;
        let agent: DaemonSet = serde_json::from_value(workload(AGENT, image, json!({})))?;
        subject.objects().create(&params, &backend).await?;
        subject.objects().create(&params, &worker).await?;
        subject.objects().create(&params, &agent).await?;
        for (kind, name) in ALL {
            let object = format!("{}/{name}", kind.to_lowercase());
            let wait = ["rollout", "status", "--timeout=120s", "--namespace"];
            let wait = [&wait[..], &[NAMESPACE, &object]].concat();
            subject.kubectl(&wait).await?;
        }
        Ok(Self)
    }

    /// Sees how often each was started, by the generation of its template.
    pub(super) async fn started(&self, subject: &Subject<'_>, times: [i64; 3]) -> Result<()> {
        let deployment = subject.objects::<Deployment>().get(BACKEND).await?;
        let set = subject.objects::<StatefulSet>().get(WORKER).await?;
        let daemons = subject.objects::<DaemonSet>().get(AGENT).await?;
        let found = [deployment.metadata, set.metadata, daemons.metadata];
        let found = found.map(|metadata| metadata.generation.unwrap_or_default());
        ensure!(
            found == times,
            "{ALL:?} were started {found:?} times instead of {times:?}"
        );
        Ok(())
    }

    /// Removes them.
    pub(super) async fn end(self, subject: &Subject<'_>) -> Result<()> {
        let params = DeleteParams::background();
        let gone = "a workload of this scenario is gone";
        subject
            .objects::<Deployment>()
            .delete(BACKEND, &params)
            .await
            .context(gone)?;
        subject
            .objects::<StatefulSet>()
            .delete(WORKER, &params)
            .await
            .context(gone)?;
        subject
            .objects::<DaemonSet>()
            .delete(AGENT, &params)
            .await
            .context(gone)?;
        Ok(())
    }
}

/// Something that runs and ends at once when it is told to.
fn workload(name: &str, image: &str, more: Value) -> Value {
    let mut object = json!({
        "metadata": { "name": name, "annotations": { ALLOW_ANNOTATION: NAME } },
        "spec": {
            "selector": { "matchExpressions": [{ "key": "app", "operator": "In", "values": [name] }] },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "automountServiceAccountToken": false,
                    "terminationGracePeriodSeconds": 1,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": 1000,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [{
                        "name": "program",
                        "image": image,
                        "command": ["sleep", "86400"],
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "capabilities": { "drop": ["ALL"] },
                        },
                    }],
                },
            },
        },
    });
    if let (Some(spec), Value::Object(more)) = (object["spec"].as_object_mut(), more) {
        spec.extend(more);
    }
    object
}
