//! A namespace of its own for one scenario, with the definitions, the sample's Secrets and a
//! ServiceAccount that has exactly the rights of the chart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use reportapp_crds::ReportApp;
use serde_json::Value;

use super::operator::{Operator, Start, write_kubeconfig};
use super::sample;
use crate::cluster::{Cluster, command, namespaces};
use crate::demo::charts;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// How long a condition may take before the scenario fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The prepared namespace.
pub struct Stage<'w> {
    cluster: &'w Cluster,
    /// Its name.
    pub namespace: String,
    kubeconfig: PathBuf,
    program: PathBuf,
}

impl<'w> Stage<'w> {
    /// Prepares namespace `name`.
    ///
    /// # Errors
    /// When the cluster refuses something.
    pub async fn new(world: &'w World, name: &str) -> Result<Self> {
        let cluster = world.cluster().await?;
        let stage = Self {
            cluster,
            namespace: name.to_owned(),
            kubeconfig: PathBuf::from(format!("target/e2e/operators/{name}.kubeconfig")),
            program: world.program("reportapp-operator").await?,
        };
        charts::install_definitions(cluster).await?;
        stage.remove_namespace().await?;
        let namespace = namespaces::manifest(name);
        cluster.apply(&namespace.to_string()).await?;
        stage.apply_rights(&stage.chart_rights().await?).await?;
        stage.log_in().await?;
        for secret in sample::secrets()? {
            stage.put_secret(&secret).await?;
        }
        Ok(stage)
    }

    /// A client with administrator rights.
    pub fn client(&self) -> kube::Client {
        self.cluster.client()
    }

    /// The ReportApps of the namespace.
    pub fn apps(&self) -> Api<ReportApp> {
        Api::namespaced(self.client(), &self.namespace)
    }

    /// Objects of any type in the namespace.
    pub fn objects(&self, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client(), &self.namespace, &resource)
    }

    /// The chart's ServiceAccount, Roles and RoleBindings as YAML documents.
    ///
    /// # Errors
    /// When Helm cannot render the chart.
    pub async fn chart_rights(&self) -> Result<Vec<Value>> {
        let documents = self.chart().await?;
        Ok(documents.into_iter().filter(is_right).collect())
    }

    /// Every object of the chart, as a YAML document.
    ///
    /// # Errors
    /// When Helm cannot render the chart.
    pub async fn chart(&self) -> Result<Vec<Value>> {
        let output = self
            .cluster
            .helm()
            .args([
                "template",
                "reportapp-operator",
                "charts/reportapp-operator",
                "--namespace",
                &self.namespace,
            ])
            .args(["--set", &format!("watchNamespaces={{{}}}", self.namespace)])
            .output()
            .await?;
        ensure!(
            output.status.success(),
            "helm template: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut documents = Vec::new();
        for document in serde_yaml_ng::Deserializer::from_slice(&output.stdout) {
            documents.push(serde::Deserialize::deserialize(document)?);
        }
        Ok(documents)
    }

    /// Gives the operator's ServiceAccount exactly these rights.
    ///
    /// # Errors
    /// When the cluster refuses them.
    pub async fn apply_rights(&self, documents: &[Value]) -> Result<()> {
        let text: Vec<_> = documents.iter().map(Value::to_string).collect();
        self.cluster.apply(&text.join("\n---\n")).await
    }

    async fn log_in(&self) -> Result<()> {
        let arguments = [
            "create",
            "token",
            "reportapp-operator",
            "--duration=2h",
            "--namespace",
            &self.namespace,
        ];
        let output = self.cluster.kubectl().args(arguments).output().await?;
        ensure!(
            output.status.success(),
            "kubectl create token: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let token = String::from_utf8(output.stdout)?;
        std::fs::create_dir_all(self.kubeconfig.parent().unwrap_or(Path::new(".")))?;
        write_kubeconfig(self.cluster, token.trim(), &self.kubeconfig)
    }

    /// Starts an operator with the rights of the ServiceAccount.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn operator(&self, identity: &str, arguments: &[&str]) -> Result<Operator> {
        self.start(identity, &self.kubeconfig, arguments).await
    }

    /// Starts an operator that reaches the API server by this kubeconfig.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn operator_by(&self, kubeconfig: &Path, identity: &str) -> Result<Operator> {
        self.start(identity, kubeconfig, &[]).await
    }

    async fn start(
        &self,
        identity: &str,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> Result<Operator> {
        Operator::start(Start {
            namespace: &self.namespace,
            identity,
            kubeconfig,
            program: &self.program,
            arguments,
        })
        .await
    }

    /// The login of the operator's ServiceAccount.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Creates or replaces a Secret.
    ///
    /// # Errors
    /// When the cluster refuses it.
    pub async fn put_secret(&self, secret: &Secret) -> Result<()> {
        let api: Api<Secret> = Api::namespaced(self.client(), &self.namespace);
        let name = secret
            .metadata
            .name
            .as_deref()
            .context("the Secret has no name")?;
        match api.create(&PostParams::default(), secret).await {
            Err(kube::Error::Api(refused)) if refused.code == 409 => {
                api.delete(name, &DeleteParams::default()).await?;
                api.create(&PostParams::default(), secret).await?;
            }
            other => drop(other?),
        }
        Ok(())
    }

    /// Makes a ReportApp look like `object`, fields left out included.
    ///
    /// # Errors
    /// What the API server says when it refuses the object.
    pub async fn put_app(&self, object: &Value) -> Result<(), kube::Error> {
        let api = self.objects("reportapp.dev", "v1alpha1", "ReportApp");
        let mut object: DynamicObject =
            serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
        let name = object.metadata.name.clone().unwrap_or_default();
        loop {
            let Some(live) = api.get_opt(&name).await? else {
                return api.create(&PostParams::default(), &object).await.map(drop);
            };
            object.metadata.resource_version = live.metadata.resource_version;
            object.metadata.finalizers = live.metadata.finalizers;
            match api.replace(&name, &PostParams::default(), &object).await {
                // The operator wrote its status in between.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                written => return written.map(drop),
            }
        }
    }

    /// Waits until the ReportApp `name` fulfils `holds`.
    ///
    /// # Errors
    /// When it does not within [`PATIENCE`].
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        holds: impl Fn(&ReportApp) -> bool,
    ) -> Result<ReportApp> {
        watch::until(self.apps(), name, what, PATIENCE, holds).await
    }

    /// Waits until the operator has taken notice of the present spec and applied it.
    ///
    /// # Errors
    /// When it does not.
    pub async fn until_applied(&self, name: &str) -> Result<ReportApp> {
        self.until(name, "applied", |app| {
            watch::is_observed(app) && watch::says(app, "Stalled", "False")
        })
        .await
    }

    /// Runs kubectl with administrator rights.
    ///
    /// # Errors
    /// When it fails.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut kubectl = self.cluster.kubectl();
        command::run(kubectl.args(arguments)).await
    }

    /// Runs kubectl as somebody else; gives what the API server says when it refuses.
    ///
    /// # Errors
    /// When kubectl cannot be run.
    pub async fn kubectl_as(&self, user: &str, arguments: &[&str]) -> Result<Result<(), String>> {
        let mut kubectl = self.cluster.kubectl();
        kubectl.args(["--as", user, "--namespace", &self.namespace]);
        let output = kubectl.args(arguments).output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(output.status.success().then_some(()).ok_or(said))
    }

    /// Removes the namespace with everything in it and waits until it is gone.
    ///
    /// # Errors
    /// When it does not go.
    pub async fn remove(self) -> Result<()> {
        self.remove_namespace().await
    }

    async fn remove_namespace(&self) -> Result<()> {
        namespaces::remove(self.cluster, &self.namespace).await
    }
}

fn is_right(document: &Value) -> bool {
    matches!(
        document["kind"].as_str(),
        Some("ServiceAccount" | "Role" | "RoleBinding")
    )
}
