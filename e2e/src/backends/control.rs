//! Taking backends away, giving them back and changing their logins.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use reportapp_config::Secret;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::material::BASTION_HOST_KEY;
use super::secrets::{self, Values};
use super::{BASTION_HOST, Backends, NAMESPACE, ssh};
use crate::cluster::command;

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The ERP's PostgreSQL.
    Erp,
    /// The application's PostgreSQL.
    Store,
    /// The SSH server in front of the ERP.
    Bastion,
    /// Redis.
    Redis,
    /// Vault.
    Vault,
    /// The stand-in for Telegram.
    Telegram,
}

impl Backend {
    /// Every backend.
    pub const ALL: [Self; 6] = [
        Self::Erp,
        Self::Store,
        Self::Bastion,
        Self::Redis,
        Self::Vault,
        Self::Telegram,
    ];

    /// Name of its Deployment and Service.
    pub fn name(self) -> &'static str {
        match self {
            Self::Erp => "erp-postgres",
            Self::Store => "store-postgres",
            Self::Bastion => "bastion",
            Self::Redis => "redis",
            Self::Vault => "vault",
            Self::Telegram => "telegram",
        }
    }

    /// Databases keep their data when they are stopped; the others have none worth keeping.
    fn keeps_data(self) -> bool {
        matches!(self, Self::Erp | Self::Store)
    }
}

/// A database of the backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// The ERP's.
    Erp,
    /// The application's.
    Store,
}

impl Database {
    /// Its Deployment and the name of the database in it.
    pub(super) fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Erp => (Backend::Erp.name(), "erp"),
            Self::Store => (Backend::Store.name(), "reportapp"),
        }
    }
}

/// A host key of the bastion.
#[derive(Clone)]
pub struct HostKey(ssh::Key);

impl HostKey {
    /// A new key.
    ///
    /// # Errors
    /// When `ssh-keygen` fails.
    pub async fn generate() -> Result<Self> {
        ssh::generate("bastion").await.map(Self)
    }

    /// The bastion's line in a `known_hosts` file.
    pub fn known_host(&self) -> String {
        let mut words = self.0.public.split(' ');
        let (kind, key) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        format!("{BASTION_HOST} {kind} {key}")
    }
}

impl Backends {
    /// Takes a backend away: its address refuses connections when this returns.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(&self, backend: Backend) -> Result<()> {
        if backend.keeps_data() {
            let script = "touch $DATA/stopped && pg_ctl --pgdata=$DATA/instance --mode=immediate --silent --wait stop";
            self.shell(backend, script).await?;
        } else {
            self.scale(backend, 0).await?;
            let mut wait = self.kubectl();
            wait.args(["wait", "--for=delete", "--timeout=60s", "pod", "--selector"]);
            command::run(wait.arg(format!("app={}", backend.name()))).await?;
        }
        Ok(())
    }

    /// Gives a backend back, databases with their data, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, backend: Backend) -> Result<()> {
        if backend.keeps_data() {
            self.shell(backend, "rm -f $DATA/stopped").await?;
            let mut wait = self.kubectl();
            wait.args([
                "wait",
                "--for=condition=Ready",
                "--timeout=60s",
                "pod",
                "--selector",
            ]);
            // Ready may still be the state of a moment ago, so the server itself is asked as well.
            self.shell(backend, "until pg_isready --quiet; do sleep 0.1; done")
                .await?;
            command::run(wait.arg(format!("app={}", backend.name()))).await?;
            return Ok(());
        }
        self.scale(backend, 1).await?;
        self.rolled_out(backend).await
    }

    /// Runs SQL as superuser and gives the rows: columns parted by `|`, no header.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn psql(&self, database: Database, sql: &str) -> Result<String> {
        let (deployment, name) = database.place();
        let mut psql = self.exec(deployment, "postgres");
        psql.args([
            "psql",
            "--quiet",
            "--no-psqlrc",
            "--no-align",
            "--tuples-only",
        ]);
        psql.args(["--set=ON_ERROR_STOP=1", "--dbname", name]);
        let rows = exec_with_input(&mut psql, sql.as_bytes()).await?;
        Ok(rows.trim_end().to_owned())
    }

    /// Gives a role another password and ends its sessions, so that the old one stops working.
    ///
    /// # Errors
    /// When the role does not exist.
    pub async fn set_password(
        &self,
        database: Database,
        role: &str,
        password: &Secret,
    ) -> Result<()> {
        let quoted = |text: &str| text.replace('\'', "''");
        let sql = format!(
            "ALTER ROLE \"{}\" PASSWORD '{}';\n\
             SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{}';\n",
            role.replace('"', "\"\""),
            quoted(password.expose()),
            quoted(role)
        );
        self.psql(database, &sql).await.map(drop)
    }

    /// The bastion's host key.
    ///
    /// # Errors
    /// When the backends are not installed.
    pub async fn host_key(&self) -> Result<HostKey> {
        let private = self.secret(BASTION_HOST_KEY, "host-key").await?;
        let public = self.secret(BASTION_HOST_KEY, "host-key.pub").await?;
        Ok(HostKey(ssh::Key {
            private,
            public: public.expose().to_owned(),
        }))
    }

    /// Restarts the bastion with another host key and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn set_host_key(&self, key: &HostKey) -> Result<()> {
        let values = Values::from([
            ("host-key", key.0.private.clone()),
            ("host-key.pub", Secret::from(key.0.public.as_str())),
        ]);
        secrets::write(&self.secrets(), BASTION_HOST_KEY, &values, [].into()).await?;
        self.stop(Backend::Bastion).await?;
        self.start(Backend::Bastion).await
    }

    async fn scale(&self, backend: Backend, replicas: i32) -> Result<()> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        api.patch(backend.name(), &PatchParams::default(), &patch)
            .await
            .with_context(|| format!("failed to scale {}", backend.name()))?;
        Ok(())
    }

    pub(super) async fn rolled_out(&self, backend: Backend) -> Result<()> {
        let mut status = self.kubectl();
        status.args([
            "rollout",
            "status",
            "--timeout=120s",
            "deployment",
            backend.name(),
        ]);
        command::run(&mut status).await.map(drop)
    }

    async fn shell(&self, backend: Backend, script: &str) -> Result<String> {
        ensure!(
            backend.keeps_data(),
            "{} has no shell to use",
            backend.name()
        );
        let mut exec = self.exec(backend.name(), "postgres");
        command::run(exec.args(["sh", "-c", script])).await
    }
}

/// Runs a program in a pod and gives what it says. A failure is told in its own words, as its
/// arguments and input are of no use to the user and may hold a password.
pub(super) async fn exec_with_input(command: &mut Command, input: &[u8]) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("failed to start kubectl")?;
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    let input = input.to_vec();
    // A program that refuses its input closes it early; its exit code says so.
    let writer = tokio::spawn(async move { stdin.write_all(&input).await });
    let output = child
        .wait_with_output()
        .await
        .context("failed to wait for kubectl")?;
    let _ = writer.await;
    if !output.status.success() {
        bail!("{}", in_own_words(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a program in a pod said, without what kubectl and `main` put around it.
fn in_own_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("command terminated"))
        .map(|line| line.strip_prefix("Error: ").unwrap_or(line))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_in_a_pod_is_told_in_the_words_of_the_program() {
        let said =
            "Error: the file was refused\n  line 3: no day\ncommand terminated with exit code 1\n";
        assert_eq!(in_own_words(said), "the file was refused\n  line 3: no day");
    }

    #[test]
    fn a_known_host_line_names_host_and_key_without_the_comment() {
        let key = ssh::Key {
            private: Secret::from("-"),
            public: "ssh-ed25519 AAAAC3 bastion".to_owned(),
        };
        assert_eq!(
            HostKey(key).known_host(),
            format!("{BASTION_HOST} ssh-ed25519 AAAAC3")
        );
    }
}
