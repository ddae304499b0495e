//! What a `ReportApp` talks to, as workloads in the namespace `erp`: the ERP's PostgreSQL with the
//! sample data, its SSH bastion, the application's store, Redis, Vault and a stand-in for Telegram.
//!
//! ```text
//! generated once ── Secrets ──┐
//! e2e/manifests/backends/*.yaml ── kubectl apply ── Deployments ── Available
//! ```
//!
//! Every password and key is made for one cluster and lives in its Secrets alone; this crate reads
//! it back when it is needed. [`control`] takes backends away, gives them back and changes their
//! logins, for tests of what an application does then; [`login`] tries logins from outside, and
//! [`vault`] is Vault's administrator.

pub mod control;
pub mod login;
pub mod material;
pub(crate) mod random;
pub(crate) mod secrets;
mod ssh;
mod tls;
mod vault;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;
use reportapp_config::Secret;
use tokio::process::Command;

use crate::cluster::{Cluster, Toolchain, command};
use crate::progress::Progress;

pub use control::{Backend, Database, HostKey};
pub use login::{Attempt, OpenSession};

/// The namespace of the backends.
pub const NAMESPACE: &str = "erp";
/// The ERP's PostgreSQL, by the name under which the bastion forwards to it.
pub const ERP_HOST: &str = "erp-postgres.erp.svc.cluster.local";
/// The role with which the application reads the ERP.
pub const ERP_ROLE: &str = "bisman_backend";
/// The SSH server that leads to the ERP.
pub const BASTION_HOST: &str = "bastion.erp.svc.cluster.local";

/// Stands for the backends' image in the manifests.
const IMAGE_MARK: &str = "${BACKENDS_IMAGE}";

const MANIFESTS: [&str; 6] = [
    include_str!("../manifests/backends/erp-postgres.yaml"),
    include_str!("../manifests/backends/bastion.yaml"),
    include_str!("../manifests/backends/store-postgres.yaml"),
    include_str!("../manifests/backends/redis.yaml"),
    include_str!("../manifests/backends/vault.yaml"),
    include_str!("../manifests/backends/telegram.yaml"),
];
const NAMESPACE_MANIFEST: &str = include_str!("../manifests/backends/namespace.yaml");

/// The tool that makes SSH keys, with the reason shown to the user.
const PACKAGES: &[(&str, &str)] = &[("openssh-client", "makes the keys of the bastion")];

/// A handle on the backends of one cluster.
#[derive(Clone)]
pub struct Backends {
    client: kube::Client,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Backends {
    /// Installs the backends from `image` or brings them up to date. They may still be starting
    /// afterwards: see [`Backends::wait_available`].
    ///
    /// # Errors
    /// When a key cannot be made or the cluster refuses an object.
    pub async fn apply(cluster: &Cluster, image: &str, progress: &Progress) -> Result<Self> {
        Toolchain::debian_packages(PACKAGES, progress).await?;
        let backends = Self::of(cluster);
        backends.apply_manifest(NAMESPACE_MANIFEST).await?;
        material::ensure(&backends).await?;
        let manifests = MANIFESTS.join("---\n").replace(IMAGE_MARK, image);
        backends.apply_manifest(&manifests).await?;
        Ok(backends)
    }

    /// The backends of a cluster on which they are installed already.
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            client: cluster.client(),
            kubectl: cluster.toolchain().kubectl(),
            kubeconfig: cluster.kubeconfig().to_owned(),
        }
    }

    /// Waits until every backend answers.
    ///
    /// # Errors
    /// When one does not within two minutes; the message says how to look at it.
    pub async fn wait_available(&self) -> Result<()> {
        for backend in Backend::ALL {
            self.rolled_out(backend).await.with_context(|| {
                let name = backend.name();
                format!(
                    "the backend {name} does not start; look at it with: \
                     cargo e2e kubectl -n {NAMESPACE} describe pods -l app={name}, and: \
                     cargo e2e kubectl -n {NAMESPACE} logs deploy/{name} --all-containers"
                )
            })?;
        }
        Ok(())
    }

    /// `kubectl` in the namespace of the backends.
    fn kubectl(&self) -> Command {
        let mut kubectl = Command::new(&self.kubectl);
        kubectl
            .env("KUBECONFIG", &self.kubeconfig)
            .args(["--namespace", NAMESPACE]);
        kubectl
    }

    async fn apply_manifest(&self, manifest: &str) -> Result<()> {
        command::apply(&mut self.kubectl(), manifest)
            .await
            .context("the cluster refuses a backend")
    }

    fn secrets(&self) -> Api<KubeSecret> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// One value of a Secret of the backends.
    ///
    /// # Errors
    /// When the backends are not installed.
    pub async fn secret(&self, name: &str, key: &str) -> Result<Secret> {
        secrets::read(&self.secrets(), name, key).await
    }

    /// Loads the postings of a CSV file into the ERP, for the company of that name; `replace` empties
    /// its books first. Gives what the loader says.
    ///
    /// # Errors
    /// When the file is refused; the message names line and reason, and nothing was loaded.
    pub async fn load_csv(&self, csv: &Path, company: &str, replace: bool) -> Result<String> {
        let postings =
            std::fs::read(csv).with_context(|| format!("failed to read {}", csv.display()))?;
        let id = company_id(company);
        ensure!(
            !id.is_empty(),
            "{company:?} is no name of a company: use letters or digits"
        );
        let mut load = self.exec("erp-postgres", "postgres");
        load.args(["sh", "-c", LOADER, "load-csv", &id, company]);
        if replace {
            load.arg("--replace");
        }
        control::exec_with_input(&mut load, &postings).await
    }

    /// `kubectl exec` of a program in a backend, with standard input.
    fn exec(&self, deployment: &str, container: &str) -> Command {
        let mut exec = self.kubectl();
        exec.args([
            "exec",
            "--stdin",
            &format!("deployment/{deployment}"),
            "--container",
            container,
            "--",
        ]);
        exec
    }
}

/// Takes the file over standard input, as the loader reads it twice. Arguments: id and name of the
/// company, and options of the loader.
const LOADER: &str = r#"
file=$(mktemp) && trap 'rm -f "$file"' EXIT && cat > "$file" || exit 1
id=$1 name=$2 && shift 2
reportapp-sample-erp load-csv --postgres-config "$DATA/loader/database.yaml" \
    --csv "$file" --company "$id" --name "$name" "$@"
"#;

/// The short id of a company in the ERP, made from its name.
fn company_id(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_company_is_its_name_in_small_letters_and_dashes() {
        assert_eq!(company_id("My Company S.R.L."), "my-company-s-r-l");
        assert_eq!(company_id("--"), "");
    }
}
