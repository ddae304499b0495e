//! The programs of the node and their arguments.

use std::path::PathBuf;

use super::network::{API_PORT, NODE, SERVICES};
use super::supervise::Component;
use crate::cluster::paths::Paths;
use crate::cluster::toolchain::Toolchain;

/// The node's name.
pub(crate) const NODE_NAME: &str = "node-1";

/// containerd's socket inside the box.
pub(super) const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

const ETCD: &str = "http://127.0.0.1:2379";

/// Makes [`Component`]s of one cluster.
pub(super) struct Components<'a> {
    toolchain: &'a Toolchain,
    etc: PathBuf,
}

impl<'a> Components<'a> {
    pub(super) fn new(paths: &Paths, toolchain: &'a Toolchain) -> Self {
        Self {
            toolchain,
            etc: paths.etc(),
        }
    }

    fn file(&self, name: &str) -> String {
        self.etc.join(name).display().to_string()
    }

    fn kube(&self, name: &'static str, arguments: Vec<String>) -> Component {
        Component {
            name,
            program: self.toolchain.kube(name),
            arguments,
        }
    }

    pub(super) fn etcd(&self) -> Component {
        let arguments = [
            "--data-dir=/var/lib/etcd".to_owned(),
            format!("--listen-client-urls={ETCD}"),
            format!("--advertise-client-urls={ETCD}"),
            "--listen-peer-urls=http://127.0.0.1:2380".to_owned(),
            "--log-level=warn".to_owned(),
            // The data does not outlive the cluster, so nothing is gained by waiting for the disk.
            "--unsafe-no-fsync".to_owned(),
        ];
        Component {
            name: "etcd",
            program: self.toolchain.etcd(),
            arguments: arguments.to_vec(),
        }
    }

    pub(super) fn containerd(&self) -> Component {
        let arguments = vec!["--config".to_owned(), self.file("containerd.toml")];
        Component {
            name: "containerd",
            program: "containerd".into(),
            arguments,
        }
    }

    pub(super) fn api_server(&self) -> Component {
        let arguments = vec![
            format!("--advertise-address={NODE}"),
            format!("--secure-port={API_PORT}"),
            format!("--etcd-servers={ETCD}"),
            format!("--service-cluster-ip-range={SERVICES}"),
            format!("--client-ca-file={}", self.file("ca.crt")),
            format!("--tls-cert-file={}", self.file("kube-apiserver.crt")),
            format!("--tls-private-key-file={}", self.file("kube-apiserver.key")),
            format!("--service-account-key-file={}", self.file("sa.pub")),
            format!("--service-account-signing-key-file={}", self.file("sa.key")),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--enable-admission-plugins=NodeRestriction".to_owned(),
            "--allow-privileged=true".to_owned(),
            format!("--kubelet-certificate-authority={}", self.file("ca.crt")),
            format!(
                "--kubelet-client-certificate={}",
                self.file("kubelet-client.crt")
            ),
            format!("--kubelet-client-key={}", self.file("kubelet-client.key")),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--audit-policy-file={}", self.file("audit-policy.yaml")),
            "--audit-log-path=/var/log/audit.log".to_owned(),
            "--audit-log-maxsize=4000".to_owned(),
        ];
        self.kube("kube-apiserver", arguments)
    }

    pub(super) fn controller_manager(&self) -> Component {
        let arguments = vec![
            format!(
                "--kubeconfig={}",
                self.file("kube-controller-manager.kubeconfig")
            ),
            format!("--root-ca-file={}", self.file("ca.crt")),
            format!("--service-account-private-key-file={}", self.file("sa.key")),
            "--use-service-account-credentials=true".to_owned(),
            // There is one; its lease would only be noise in the audit log.
            "--leader-elect=false".to_owned(),
            "--kube-api-qps=200".to_owned(),
            "--kube-api-burst=400".to_owned(),
        ];
        self.kube("kube-controller-manager", arguments)
    }

    pub(super) fn scheduler(&self) -> Component {
        let arguments = vec![
            format!("--kubeconfig={}", self.file("kube-scheduler.kubeconfig")),
            "--leader-elect=false".to_owned(),
        ];
        self.kube("kube-scheduler", arguments)
    }

    pub(super) fn kubelet(&self) -> Component {
        let arguments = vec![
            format!("--config={}", self.file("kubelet.yaml")),
            format!("--kubeconfig={}", self.file("kubelet.kubeconfig")),
            format!("--hostname-override={NODE_NAME}"),
            format!("--node-ip={NODE}"),
        ];
        self.kube("kubelet", arguments)
    }

    pub(super) fn proxy(&self) -> Component {
        self.kube(
            "kube-proxy",
            vec![format!("--config={}", self.file("kube-proxy.yaml"))],
        )
    }

    /// Our own enforcer of NetworkPolicies, a part of this program.
    pub(super) fn policy(&self) -> Component {
        self.own("policy")
    }

    /// Our own provider of volumes, a part of this program.
    pub(super) fn volumes(&self) -> Component {
        self.own("volumes")
    }

    fn own(&self, name: &'static str) -> Component {
        let kubeconfig = self.file("admin.kubeconfig");
        let arguments = ["internal", name, "--kubeconfig", &kubeconfig].map(str::to_owned);
        Component {
            name,
            program: "/proc/self/exe".into(),
            arguments: arguments.to_vec(),
        }
    }
}
