//! Proves what the rest of the tests take for granted of the local cluster: Services, access
//! from the host, volumes, and that NetworkPolicies are enforced as Kubernetes defines them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::core::v1::{PersistentVolume, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::node::network;
use super::toolchain::rig_images;
use super::{Cluster, Target, command};
use crate::progress::Progress;

const MANIFESTS: &str = include_str!("self_check.yaml");

/// How soon a change of policies must be in force.
const IN_FORCE: Duration = Duration::from_secs(10);

/// How long one connection attempt from a pod may take, in milliseconds.
const ATTEMPT_MS: &str = "400";

/// Runs all checks; removes what it made.
///
/// # Errors
/// With the first thing that is not as it should be.
pub async fn self_check(cluster: &Cluster, progress: &Progress) -> Result<()> {
    let manifests = MANIFESTS.replace("PROBE_IMAGE", &rig_images::probe_image());
    let mut apply = cluster.kubectl();
    command::run_with_input(apply.args(["apply", "--filename", "-"]), &manifests).await?;
    let outcome = Check::prepare(cluster).await;
    let outcome = match outcome {
        Ok(check) => check.run(progress).await,
        Err(error) => Err(error),
    };
    let mut delete = cluster.kubectl();
    let removed = command::run(delete.args(["delete", "namespace", "check-a", "check-b"])).await;
    outcome?;
    removed?;
    volumes_are_gone(cluster).await
}

/// A volume goes with its claim.
async fn volumes_are_gone(cluster: &Cluster) -> Result<()> {
    let volumes = Api::<PersistentVolume>::all(cluster.client());
    let started = Instant::now();
    loop {
        let of_check = |volume: &PersistentVolume| {
            let claim = volume
                .spec
                .as_ref()
                .and_then(|spec| spec.claim_ref.as_ref());
            claim.is_some_and(|claim| claim.namespace.as_deref() == Some("check-a"))
        };
        if !volumes
            .list(&ListParams::default())
            .await?
            .iter()
            .any(of_check)
        {
            return Ok(());
        }
        ensure!(
            started.elapsed() < IN_FORCE,
            "the volume of a deleted claim is still there"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

struct Check<'a> {
    cluster: &'a Cluster,
    web: Ipv4Addr,
    stranger: Ipv4Addr,
    service: Ipv4Addr,
}

/// Who tries to connect: namespace and pod.
type Who = (&'static str, &'static str);
const FRIEND: Who = ("check-a", "friend");
const STRANGER: Who = ("check-b", "stranger");
const WEB: Who = ("check-a", "web");

impl<'a> Check<'a> {
    async fn prepare(cluster: &'a Cluster) -> Result<Self> {
        for (namespace, name) in [WEB, FRIEND, STRANGER, ("check-a", "disk-user")] {
            let pods: Api<Pod> = Api::namespaced(cluster.client(), namespace);
            let running = await_condition(pods, name, conditions::is_pod_running());
            tokio::time::timeout(Duration::from_secs(60), running)
                .await
                .with_context(|| format!("the pod {namespace}/{name} does not start"))??;
        }
        let service = cluster
            .resolve(Target::service("check-a", "web", 80))
            .await?;
        let SocketAddr::V4(service) = service else {
            bail!("the Service has no IPv4 address")
        };
        Ok(Self {
            cluster,
            web: pod_address(cluster, WEB).await?,
            stranger: pod_address(cluster, STRANGER).await?,
            service: *service.ip(),
        })
    }

    async fn run(&self, progress: &Progress) -> Result<()> {
        let step = progress.step("Services, access from the host, and volumes");
        self.expect(FRIEND, self.service, 80, true).await?;
        self.expect(STRANGER, self.web, 9090, true).await?;
        self.expect_from_host().await?;
        step.done("");

        let step = progress.step("a Service, through the API server alone");
        let foreign =
            Cluster::external(self.cluster.kubeconfig(), "registry.invalid", progress).await?;
        let forward = foreign
            .forward(Target::service("check-a", "web", 80))
            .await?;
        TcpStream::connect(forward.local())
            .await
            .context("kubectl port-forward")?;
        step.done("");

        let step = progress.step("ingress by pod selector and named port");
        let to_web = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{
            "from": [{"podSelector": {"matchLabels": {"app": "friend"}}}],
            "ports": [{"port": "http"}],
        }]});
        self.policy("web", &to_web).await?;
        let delay = self.expect(STRANGER, self.web, 8080, false).await?;
        self.expect(STRANGER, self.service, 80, false).await?;
        self.expect(FRIEND, self.web, 9090, false).await?;
        self.expect(FRIEND, self.service, 80, true).await?;
        self.expect(WEB, self.service, 80, true).await?;
        self.expect_from_host().await?;
        step.done(&format!("in force after {} ms", delay.as_millis()));

        let step = progress.step("ingress by namespace, and by address with an exception");
        let namespaced = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "check-b"}}}],
        }]});
        self.policy("web-from-b", &namespaced).await?;
        self.expect(STRANGER, self.web, 9090, true).await?;
        self.remove("web-from-b").await?;
        let except = format!("{}/32", self.stranger);
        let by_address = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{
            "from": [{"ipBlock": {"cidr": network::PODS, "except": [except]}}],
            "ports": [{"port": 9090}],
        }]});
        self.policy("web-by-address", &by_address).await?;
        self.expect(FRIEND, self.web, 9090, true).await?;
        self.expect(STRANGER, self.web, 9090, false).await?;
        step.done("");

        let step = progress.step("egress, to pods and to the API server");
        self.expect(FRIEND, network::API_SERVICE, 443, true).await?;
        let nowhere =
            json!({"podSelector": {"matchLabels": {"app": "friend"}}, "policyTypes": ["Egress"]});
        self.policy("friend", &nowhere).await?;
        self.expect(FRIEND, network::API_SERVICE, 443, false)
            .await?;
        self.expect(FRIEND, self.service, 80, false).await?;
        let only_api = json!({"podSelector": {"matchLabels": {"app": "friend"}}, "policyTypes": ["Egress"], "egress": [{
            "to": [{"ipBlock": {"cidr": format!("{}/32", network::NODE)}}],
            "ports": [{"port": network::API_PORT}],
        }]});
        self.policy("friend", &only_api).await?;
        self.expect(FRIEND, network::API_SERVICE, 443, true).await?;
        self.expect(FRIEND, self.service, 80, false).await?;
        step.done("");

        let step = progress.step("without policies everything passes again");
        for name in ["web", "web-by-address", "friend"] {
            self.remove(name).await?;
        }
        self.expect(FRIEND, self.web, 9090, true).await?;
        self.expect(STRANGER, self.web, 8080, true).await?;
        step.done("");
        Ok(())
    }

    /// The node is never filtered: probes and forwards must work.
    async fn expect_from_host(&self) -> Result<()> {
        self.cluster
            .connect(SocketAddr::from((self.web, 8080)))
            .await
            .context("the pod, dialled inside")?;
        let forward = self
            .cluster
            .forward(Target::service("check-a", "web", 80))
            .await?;
        TcpStream::connect(forward.local())
            .await
            .context("the loopback forward")?;
        let published = self
            .cluster
            .publish(Target::service("check-a", "web", 80), 0)
            .await?;
        TcpStream::connect(published)
            .await
            .context("the published listener")?;
        Ok(())
    }

    /// Waits until connecting works (or does not); gives how long that took.
    async fn expect(
        &self,
        (namespace, pod): Who,
        to: Ipv4Addr,
        port: u16,
        open: bool,
    ) -> Result<Duration> {
        let started = Instant::now();
        loop {
            let mut probe = self.cluster.kubectl();
            let address = to.to_string();
            let port = port.to_string();
            probe.args([
                "--namespace",
                namespace,
                "exec",
                pod,
                "--",
                "/probe",
                "connect",
                &address,
                &port,
                ATTEMPT_MS,
            ]);
            let status = probe.output().await?.status;
            ensure!(
                matches!(status.code(), Some(0 | 1)),
                "the probe in {namespace}/{pod} could not run: {status}"
            );
            if status.success() == open {
                return Ok(started.elapsed());
            }
            let wanted = if open { "can" } else { "cannot" };
            ensure!(
                started.elapsed() < IN_FORCE,
                "not true: {namespace}/{pod} {wanted} connect to {to}:{port}"
            );
        }
    }

    fn policies(&self) -> Api<NetworkPolicy> {
        Api::namespaced(self.cluster.client(), "check-a")
    }

    async fn policy(&self, name: &str, spec: &Value) -> Result<()> {
        let policy = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name},
            "spec": spec,
        });
        let params = PatchParams::apply("self-check").force();
        self.policies()
            .patch(name, &params, &Patch::Apply(policy))
            .await
            .context("failed to apply a policy")
            .map(drop)
    }

    async fn remove(&self, name: &str) -> Result<()> {
        self.policies()
            .delete(name, &DeleteParams::default())
            .await
            .context("failed to delete a policy")
            .map(drop)
    }
}

async fn pod_address(cluster: &Cluster, (namespace, name): Who) -> Result<Ipv4Addr> {
    let pod: Pod = Api::namespaced(cluster.client(), namespace)
        .get(name)
        .await?;
    let address = pod
        .status
        .and_then(|status| status.pod_ip)
        .context("the pod has no address")?;
    address.parse().context("the pod has no IPv4 address")
}
