//! The demo application as the scenarios of this tier handle it: change its spec or the operator,
//! wait for conditions, gather everything it says ([`outputs`]).

mod outputs;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::runtime::wait::await_condition;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reportapp_crds::{ReportApp, ReportAppSpec};

use super::charts::next::NextCharts;
use crate::backends::{self, Backend, Backends};
use crate::cluster::{Cluster, Forward, Target, command};
use crate::demo::access::Session;
use crate::demo::{Demo, NAME, NAMESPACE, charts};
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// How long the application may take to notice something and say so.
const PATIENCE: Duration = Duration::from_secs(120);

/// The pods of the operator and of every application.
const OPERATOR_PODS: &str = "app.kubernetes.io/name=reportapp-operator";
const APPLICATION_PODS: &str = "app.kubernetes.io/managed-by=reportapp-operator";
/// The pods of the API.
pub const API_PODS: &str =
    "app.kubernetes.io/managed-by=reportapp-operator,app.kubernetes.io/component=api";

/// The demo application under test.
pub struct Subject<'w> {
    cluster: &'w Cluster,
    /// The demo itself.
    pub demo: &'w Demo,
}

impl<'w> Subject<'w> {
    /// The demo of this run, Ready.
    ///
    /// # Errors
    /// When it does not become Ready.
    pub async fn of(world: &'w World) -> Result<Self> {
        Self::new(world.cluster().await?, world.demo().await?).await
    }

    /// The demo on this cluster, Ready.
    ///
    /// # Errors
    /// When it does not become Ready.
    pub async fn new(cluster: &'w Cluster, demo: &'w Demo) -> Result<Self> {
        let subject = Self { cluster, demo };
        subject.until_ready().await?;
        Ok(subject)
    }

    /// Whether the cluster runs on this machine.
    pub fn is_local(&self) -> bool {
        self.cluster.is_local()
    }

    /// Everything the application talks to.
    pub fn backends(&self) -> &Backends {
        self.demo.backends()
    }

    /// A signed-in client.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn session(&self) -> Result<Session> {
        self.demo.sign_in().await
    }

    /// Objects of the application's namespace.
    pub fn objects<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.demo.client(), NAMESPACE)
    }

    /// Who the API server takes us for.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn whoami(&self) -> Result<String> {
        let name = "--output=jsonpath={.status.userInfo.username}";
        self.kubectl(&["auth", "whoami", name]).await
    }

    /// Waits until the ReportApp fulfils `holds`.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn until(&self, what: &str, holds: impl Fn(&ReportApp) -> bool) -> Result<ReportApp> {
        watch::until(self.objects(), NAME, what, PATIENCE, holds).await
    }

    /// Waits until the ReportApp is Ready.
    ///
    /// # Errors
    /// When it does not become so in time.
    pub async fn until_ready(&self) -> Result<()> {
        self.until("Ready", |app| {
            watch::is_observed(app) && watch::says(app, "Ready", "True")
        })
        .await
        .map(drop)
    }

    /// Changes the spec, waits until the application is Ready with it, and gives the spec of before.
    ///
    /// # Errors
    /// When the change is refused or the application does not become Ready.
    pub async fn edit(&self, change: impl Fn(&mut ReportAppSpec)) -> Result<ReportAppSpec> {
        let before = self.change(change).await?;
        self.until_ready().await?;
        Ok(before)
    }

    /// Changes the spec and gives the one of before; what becomes of the application is not waited
    /// for.
    ///
    /// # Errors
    /// When the change is refused.
    pub async fn change(&self, change: impl Fn(&mut ReportAppSpec)) -> Result<ReportAppSpec> {
        let apps = self.objects::<ReportApp>();
        loop {
            let mut app = apps.get(NAME).await?;
            let before = app.spec.clone();
            change(&mut app.spec);
            match apps.replace(NAME, &PostParams::default(), &app).await {
                Ok(_) => return Ok(before),
                // The operator wrote its status in between.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(error).context("the edited ReportApp was refused"),
            }
        }
    }

    /// The spec as it is.
    ///
    /// # Errors
    /// When the ReportApp cannot be read.
    pub async fn spec(&self) -> Result<ReportAppSpec> {
        Ok(self.objects::<ReportApp>().get(NAME).await?.spec)
    }

    /// Upgrades the operator's release with these values on top of the demo's and waits until
    /// only pods of the new kind are left.
    ///
    /// # Errors
    /// When the operator does not become available.
    pub async fn set_operator(&self, values: &[(&str, &str)]) -> Result<()> {
        charts::install(self.cluster, self.demo.images(), values).await?;
        charts::wait_available(self.cluster).await
    }

    /// Upgrades definitions and operator to the charts in this folder and waits until only pods of that
    /// version are left.
    ///
    /// # Errors
    /// When the operator does not become available, or is not of that version.
    pub async fn upgrade_operator(&self, charts: &NextCharts) -> Result<()> {
        charts::install_from(charts.folder(), self.cluster, self.demo.images(), &[]).await?;
        charts::wait_available(self.cluster).await?;
        let deployment = self.operator_objects::<Deployment>();
        let deployment = deployment.get(charts::OPERATOR).await?;
        let template = deployment.spec.and_then(|spec| spec.template.metadata);
        let labels = template.and_then(|metadata| metadata.labels);
        let version = labels.and_then(|mut labels| labels.remove("helm.sh/chart"));
        let wanted = format!("{}-{}", charts::OPERATOR, NextCharts::VERSION);
        ensure!(
            version.as_ref() == Some(&wanted),
            "the operator is of the chart {version:?} instead of {wanted}"
        );
        Ok(())
    }

    /// Ends every pod of the operator and waits until others are available.
    ///
    /// # Errors
    /// When they do not become available.
    pub async fn restart_operator(&self) -> Result<()> {
        let pods: Api<Pod> = self.operator_objects();
        let ours = ListParams::default().labels(OPERATOR_PODS);
        let running = pods.list(&ours).await?;
        ensure!(!running.items.is_empty(), "the operator has no pods");
        pods.delete_collection(&DeleteParams::default(), &ours)
            .await?;
        self.until_gone(running.items).await?;
        let deployments: Api<Deployment> = self.operator_objects();
        let available = await_condition(deployments, charts::OPERATOR, is_available());
        tokio::time::timeout(PATIENCE, available)
            .await
            .context("the operator does not become available")??;
        Ok(())
    }

    /// Runs `work` while the operator has no pods, and gives them back whatever becomes of it.
    ///
    /// # Errors
    /// When the work fails, or the operator does not go or come back.
    pub async fn without_operator(&self, work: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
        let pods: Api<Pod> = self.operator_objects();
        let ours = ListParams::default().labels(OPERATOR_PODS);
        let running = pods.list(&ours).await?.items;
        let outcome = async {
            self.set_operator(&[("replicas", "0")]).await?;
            self.until_gone(running).await?;
            work().await
        };
        let outcome = outcome.await;
        self.set_operator(&[]).await?;
        outcome
    }

    /// Waits until these pods of the operator are gone.
    async fn until_gone(&self, pods: Vec<Pod>) -> Result<()> {
        for pod in pods {
            let name = pod.metadata.name.unwrap_or_default();
            let uid = pod.metadata.uid.unwrap_or_default();
            let pods = self.operator_objects::<Pod>();
            let gone = watch::until_gone(pods, &name, &uid, PATIENCE).await;
            gone.with_context(|| format!("pod {name} does not end"))?;
        }
        Ok(())
    }

    /// Kills the leading pod of the operator without warning; gives its name, or `None` while none
    /// leads.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn kill_leader(&self) -> Result<Option<String>> {
        let lease = self
            .operator_objects::<Lease>()
            .get(charts::OPERATOR)
            .await?;
        let holder = lease.spec.and_then(|spec| spec.holder_identity);
        let holder = holder.unwrap_or_default();
        let pods = self.operator_objects::<Pod>();
        let ours = ListParams::default().labels(OPERATOR_PODS);
        let names = pods
            .list(&ours)
            .await?
            .into_iter()
            .map(|pod| pod.name_any());
        let Some(leader) = { names }.find(|name| holder.starts_with(name.as_str())) else {
            return Ok(None);
        };
        // At once, for the deletion takes longer than a step. A container that dies again and again would
        // be started later each time; a new pod is not.
        kill_processes_of(&leader)?;
        let at_once = DeleteParams::default().grace_period(0);
        match pods.delete(&leader, &at_once).await {
            Ok(_) => Ok(Some(leader)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).context("failed to kill the leading operator"),
        }
    }

    /// Waits until every replica of the operator is available.
    ///
    /// # Errors
    /// When they do not become so in time.
    pub async fn until_operator_available(&self) -> Result<()> {
        charts::wait_available(self.cluster).await
    }

    fn operator_objects<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.demo.client(), charts::OPERATOR_NAMESPACE)
    }

    /// `/metrics` of every operator pod, by pod.
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn operator_metrics(&self) -> Result<BTreeMap<String, String>> {
        let pods = self
            .operator_objects()
            .list(&ListParams::default().labels(OPERATOR_PODS))
            .await?;
        self.health_pages(pods.items, "/metrics").await
    }

    /// `/metrics` of every pod of the API, by pod.
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn api_metrics(&self) -> Result<BTreeMap<String, String>> {
        let pods = self.pods_of_api().await?;
        self.health_pages(pods, "/metrics").await
    }

    /// A way to each pod of the API that stays, by pod; it lasts as long as the value.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn api_pods(&self) -> Result<BTreeMap<String, Forward>> {
        let mut ways = BTreeMap::new();
        for pod in self.pods_of_api().await? {
            if !has_address(&pod) {
                continue;
            }
            let way = self.forward_to(&pod, reportapp_config::API_PORT).await?;
            ways.insert(pod.name_any(), way);
        }
        Ok(ways)
    }

    async fn pods_of_api(&self) -> Result<Vec<Pod>> {
        let ours = ListParams::default().labels(API_PODS);
        Ok(self.objects().list(&ours).await?.items)
    }

    async fn health_pages(&self, pods: Vec<Pod>, path: &str) -> Result<BTreeMap<String, String>> {
        let mut pages = BTreeMap::new();
        // Pods on their way out answer no more, or answer with counts that are lost a moment later.
        for pod in pods.into_iter().filter(has_address) {
            let name = pod.name_any();
            let forward = self.forward_to(&pod, reportapp_config::HEALTH_PORT).await?;
            let answer = reqwest::get(format!("http://{}{path}", forward.local())).await;
            let answer = answer.with_context(|| format!("{name} does not answer {path}"))?;
            pages.insert(name, answer.text().await?);
        }
        Ok(pages)
    }

    async fn forward_to(&self, pod: &Pod, port: u16) -> Result<Forward> {
        let namespace = pod.namespace().unwrap_or_default();
        let target = Target::pod(namespace, pod.name_any(), port);
        self.cluster.forward(target).await
    }

    /// Whether a pod of this backend can open a connection.
    ///
    /// # Errors
    /// When the pod cannot be asked.
    pub async fn dials(&self, from: Backend, host: &str, port: u16) -> Result<bool> {
        let deployment = format!("deployment/{}", from.name());
        let script = format!(
            "timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}' && echo open || echo closed"
        );
        let arguments = [
            "exec",
            "--namespace",
            backends::NAMESPACE,
            &deployment,
            "--",
            "bash",
            "-c",
            &script,
        ];
        Ok(self.kubectl(&arguments).await?.trim() == "open")
    }

    /// Whether the node of a local cluster, which no policy holds back, can open a connection to a Service
    /// of the application.
    ///
    /// # Errors
    /// When the Service does not exist or has no such port, or on a foreign cluster.
    pub async fn node_dials(&self, service: &str, port: u16) -> Result<bool> {
        let found = self.objects::<Service>().get(service).await;
        let spec = found.with_context(|| format!("Service {service}"))?.spec;
        let spec = spec.unwrap_or_default();
        let ports = spec.ports.unwrap_or_default();
        ensure!(
            ports.iter().any(|found| found.port == i32::from(port)),
            "Service {service} has no port {port}: {ports:?}"
        );
        let address = spec.cluster_ip.unwrap_or_default().parse();
        let address = address.with_context(|| format!("Service {service} has no address"))?;
        let connected = self.cluster.connect(SocketAddr::new(address, port)).await;
        Ok(connected.is_ok())
    }

    /// Runs kubectl on the cluster and gives what it says.
    ///
    /// # Errors
    /// When it fails.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut kubectl = self.cluster.kubectl();
        command::run(kubectl.args(arguments)).await
    }
}

/// Whether a pod can be asked something, and stays. The Job that migrates serves no page.
fn has_address(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let address = status.and_then(|status| status.pod_ip.as_ref());
    let component = pod.labels().get("app.kubernetes.io/component");
    address.is_some()
        && pod.metadata.deletion_timestamp.is_none()
        && component.is_none_or(|component| component != "migrator")
}

/// Every wanted replica is available and no other is left.
fn is_available() -> impl kube::runtime::wait::Condition<Deployment> {
    |deployment: Option<&Deployment>| {
        let wanted = deployment
            .and_then(|d| d.spec.as_ref()?.replicas)
            .unwrap_or(1);
        let status = deployment.and_then(|d| d.status.as_ref());
        status.is_some_and(|s| s.available_replicas == Some(wanted) && s.replicas == Some(wanted))
    }
}

/// Kills the processes of a pod of the operator, which knows its name from its environment.
fn kill_processes_of(pod: &str) -> Result<()> {
    let name = format!("POD_NAME={pod}");
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        // What is no process, or has ended, has none.
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        if !environment
            .split(|byte| *byte == 0)
            .any(|one| one == name.as_bytes())
        {
            continue;
        }
        let id = folder.file_name().and_then(|id| id.to_str()?.parse().ok());
        if let Some(id) = id {
            let _ended_by_itself = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
    Ok(())
}
