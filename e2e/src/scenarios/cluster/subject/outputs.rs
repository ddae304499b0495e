//! Everything the operator and the application say, wherever a person can read it.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{Api, ListParams};

use super::{APPLICATION_PODS, NAMESPACE, OPERATOR_PODS, Subject};
use crate::cluster::command;
use crate::demo::charts;

/// Texts by where they were said.
type Outputs = BTreeMap<String, String>;

/// What `kubectl get` shows of the application.
const OBJECTS: [&str; 10] = [
    "reportapps",
    "secretrotations",
    "incidentactions",
    "events",
    "pods",
    "deployments",
    "jobs",
    "configmaps",
    "ingresses",
    "services",
];

/// What `kubectl describe` shows, Secrets without their values.
const DESCRIBED: [&str; 7] = [
    "reportapps",
    "secretrotations",
    "incidentactions",
    "pods",
    "deployments",
    "jobs",
    "secrets",
];

impl Subject<'_> {
    /// Everything the operator and the application say, by where it was said.
    ///
    /// # Errors
    /// When something cannot be asked.
    pub async fn outputs(&self) -> Result<Outputs> {
        let mut outputs = self.objects_shown().await?;
        outputs.extend(self.releases().await?);
        let places = [
            (NAMESPACE, APPLICATION_PODS),
            (charts::OPERATOR_NAMESPACE, OPERATOR_PODS),
        ];
        for (namespace, labels) in places {
            let pods: Api<Pod> = Api::namespaced(self.demo.client(), namespace);
            let pods = pods
                .list(&ListParams::default().labels(labels))
                .await?
                .items;
            for pod in &pods {
                outputs.extend(self.logs_of(namespace, pod).await?);
            }
            for path in ["/metrics", "/status"] {
                for (pod, text) in self.health_pages(pods.clone(), path).await? {
                    outputs.insert(format!("{path} of {pod}"), text);
                }
            }
        }
        outputs.extend(processes()?);
        outputs.insert("arguments of every process".to_owned(), arguments()?);
        Ok(outputs)
    }

    async fn objects_shown(&self) -> Result<Outputs> {
        let mut outputs = Outputs::new();
        for what in OBJECTS {
            let text = self
                .kubectl(&["get", what, "--output=yaml", "--namespace", NAMESPACE])
                .await?;
            outputs.insert(format!("kubectl get {what}"), text);
        }
        for what in DESCRIBED {
            let text = self
                .kubectl(&["describe", what, "--namespace", NAMESPACE])
                .await?;
            outputs.insert(format!("kubectl describe {what}"), text);
        }
        for what in ["pods", "deployments", "events"] {
            let namespace = charts::OPERATOR_NAMESPACE;
            let text = self
                .kubectl(&["get", what, "--output=yaml", "--namespace", namespace])
                .await?;
            outputs.insert(format!("kubectl get {what} of the operator"), text);
        }
        Ok(outputs)
    }

    /// What Helm knows of the releases: manifests, values, notes, hooks.
    async fn releases(&self) -> Result<Outputs> {
        let mut outputs = Outputs::new();
        for release in [charts::OPERATOR, "reportapp-crds"] {
            let mut helm = self.cluster.helm();
            helm.args(["get", "all", release, "--namespace"]);
            helm.arg(charts::OPERATOR_NAMESPACE);
            outputs.insert(
                format!("helm get all {release}"),
                command::run(&mut helm).await?,
            );
        }
        Ok(outputs)
    }

    /// What the containers of a pod wrote, and those they replaced.
    async fn logs_of(&self, namespace: &str, pod: &Pod) -> Result<Outputs> {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let mut outputs = Outputs::new();
        let log = self
            .kubectl(&["logs", name, "--all-containers", "--namespace", namespace])
            .await?;
        outputs.insert(format!("logs of {name}"), log);
        let status = pod.status.as_ref();
        let containers = status.and_then(|status| status.container_statuses.as_deref());
        let restarted = |container: &&ContainerStatus| {
            let last = container.last_state.as_ref();
            last.is_some_and(|state| state.terminated.is_some())
        };
        for container in containers.unwrap_or_default().iter().filter(restarted) {
            let container = container.name.as_str();
            let log = self
                .kubectl(&[
                    "logs",
                    name,
                    "--container",
                    container,
                    "--previous",
                    "--namespace",
                    namespace,
                ])
                .await?;
            outputs.insert(format!("logs of {name} before {container} restarted"), log);
        }
        Ok(outputs)
    }
}

/// Arguments and environment of our processes, as everybody on the node can or root could read.
fn processes() -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        // A process may end while it is looked at.
        let Ok(arguments) = std::fs::read(folder.join("cmdline")) else {
            continue;
        };
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        if !arguments.contains("/reportapp-") {
            continue;
        }
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).replace('\0', "\n");
        found.insert(
            format!("process {arguments}{}", folder.display()),
            format!("{arguments}\n{environment}"),
        );
    }
    Ok(found)
}

/// Arguments of every process of this machine, ours or not.
fn arguments() -> Result<String> {
    let mut found = String::new();
    for entry in std::fs::read_dir("/proc")? {
        let arguments = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        found.push_str(&String::from_utf8_lossy(&arguments).replace('\0', " "));
        found.push('\n');
    }
    Ok(found)
}
