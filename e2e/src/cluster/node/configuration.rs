//! Certificates and configuration files of the components.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::components::{CONTAINERD_SOCKET, NODE_NAME};
use super::network::{API_PORT, API_SERVICE, DNS_SERVICE, NODE, PODS};
use crate::cluster::certificates::{Authority, write_private};
use crate::cluster::cgroup::Cgroups;
use crate::cluster::paths::Paths;
use crate::cluster::toolchain::rig_images;

/// Writes everything.
pub(super) fn write(paths: &Paths, api_port: u16) -> Result<()> {
    let etc = paths.etc();
    write_identities(paths, api_port)?;
    write_yaml(
        &etc.join("kubelet.yaml"),
        &kubelet(&etc, &Cgroups::of(paths.name())?.path()),
    )?;
    write_yaml(&etc.join("kube-proxy.yaml"), &proxy(&etc))?;
    write_yaml(&etc.join("audit-policy.yaml"), &audit_policy())?;
    write_private(&etc.join("containerd.toml"), &containerd(&etc))?;
    // Pods that ask for the node's own DNS get one that knows nothing.
    write_private(&etc.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
    let cni = etc.join("cni");
    std::fs::create_dir_all(&cni)?;
    write_private(&cni.join("10-ptp.conflist"), &pod_network().to_string())
}

fn write_identities(paths: &Paths, api_port: u16) -> Result<()> {
    let etc = paths.etc();
    let authority = Authority::create(&etc)?;
    authority.write_service_account_keys()?;
    authority.write_server(
        "kube-apiserver",
        &[
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ],
        &[NODE, API_SERVICE, std::net::Ipv4Addr::LOCALHOST],
    )?;
    authority.write_server("kubelet", &[NODE_NAME], &[NODE])?;
    authority.write_client(
        "kubelet-client",
        "kube-apiserver-kubelet-client",
        Some("system:masters"),
    )?;

    let inside = format!("https://{NODE}:{API_PORT}");
    let node_user = format!("system:node:{NODE_NAME}");
    let users = [
        ("admin", "kubernetes-admin", Some("system:masters")),
        ("kubelet", node_user.as_str(), Some("system:nodes")),
        (
            "kube-controller-manager",
            "system:kube-controller-manager",
            None,
        ),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
    ];
    for (file, user, group) in users {
        authority.write_kubeconfig(
            &etc.join(format!("{file}.kubeconfig")),
            &inside,
            user,
            group,
        )?;
    }
    let outside = format!("https://127.0.0.1:{api_port}");
    authority.write_kubeconfig(
        &paths.kubeconfig(),
        &outside,
        "kubernetes-admin",
        Some("system:masters"),
    )
}

fn kubelet(etc: &Path, cgroup: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": etc.join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": etc.join("kubelet.crt"),
        "tlsPrivateKeyFile": etc.join("kubelet.key"),
        "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "failCgroupV1": false,
        "failSwapOn": false,
        "clusterDNS": [DNS_SERVICE.to_string()],
        "clusterDomain": "cluster.local",
        "resolvConf": etc.join("resolv.conf"),
        // A secret or certificate that changes reaches its pods within seconds.
        "syncFrequency": "10s",
        // The disk is shared with everything else on this machine: its fill is no reason to act.
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": false,
        // A negative score needs a right that containers often lack.
        "oomScoreAdj": 0,
    })
}

fn proxy(etc: &Path) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": PODS,
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": etc.join("kube-proxy.kubeconfig")},
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        // Tables of the host's kernel: left as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
    })
}

/// Who asked for what, reads included: tests count writes and look for reads that must not happen.
fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    })
}

fn containerd(etc: &Path) -> String {
    let pause = rig_images::pause_image();
    let cni = etc.join("cni").display().to_string();
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{cni}"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#
    )
}

/// `ptp` routes all traffic between pods through the node, where policies can filter it.
fn pod_network() -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni",
                    "ranges": [[{"subnet": PODS}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn write_yaml(path: &Path, value: &Value) -> Result<()> {
    write_private(path, &serde_yaml_ng::to_string(value)?)
}
