//! The ReportApp the scenarios of this tier edit, and the Secrets it names.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

/// Name of the sample.
pub const NAME: &str = "sample";

/// A valid ReportApp: tunnel, store, Redis, bot, web.
pub fn report_app() -> Value {
    json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "ReportApp",
        "metadata": { "name": NAME },
        "spec": {
            "image": { "registry": "reportapp.local", "tag": "none", "pullPolicy": "Never" },
            "servers": [server("main")],
            "store": { "engine": "Postgres", "host": "store.example", "database": "reportapp",
                       "tls": { "mode": "Disable" }, "credential": "store" },
            "redis": { "host": "redis.example", "tls": { "mode": "Disable" }, "credential": "redis" },
            "api": { "replicas": 2 },
            "web": { "host": "sample.example.com" },
            "bot": { "credential": "telegram" },
            "credentials": [
                { "name": "erp", "from": { "secretRef": { "name": "erp" } },
                  "database": { "server": "main", "role": "reader" } },
                { "name": "bastion-key", "from": { "secretRef": { "name": "bastion-key" } },
                  "ssh": { "server": "main" } },
                { "name": "store", "from": { "secretRef": { "name": "store" } },
                  "database": { "store": true, "role": "reportapp" } },
                { "name": "redis", "from": { "secretRef": { "name": "redis" } },
                  "redis": { "user": "reportapp" } },
                { "name": "telegram", "from": { "secretRef": { "name": "telegram" } }, "telegram": {} },
            ],
        },
    })
}

/// A server that uses the credentials `erp` and `bastion-key`.
pub fn server(name: &str) -> Value {
    json!({
        "name": name, "engine": "Postgres", "host": "erp.example", "database": "erp",
        "tls": { "mode": "Disable" }, "credential": "erp",
        "tunnel": {
            "bastion": { "host": "bastion.example", "user": "tunnel" },
            "knownHosts": ["bastion.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti"],
            "credential": "bastion-key",
        },
    })
}

/// A second login of the store, which owns its tables.
pub fn owner() -> Value {
    json!({ "name": "owner", "from": { "secretRef": { "name": "owner" } },
            "database": { "store": true, "role": "reportapp_owner" } })
}

/// The Secrets the sample names, and that of [`owner`], lent to it.
///
/// # Errors
/// When `ssh-keygen` cannot make a key.
pub fn secrets() -> Result<Vec<Secret>> {
    Ok(vec![
        secret("erp", "password", "erp-secret-value"),
        secret("store", "password", "store-secret-value"),
        secret("owner", "password", "owner-secret-value"),
        secret("redis", "password", "redis-secret-value"),
        secret("telegram", "token", "123456:telegram-secret-value"),
        secret("bastion-key", "private-key", &ssh_key("ed25519", "")?),
    ])
}

/// A fresh private key in OpenSSH format.
///
/// # Errors
/// When `ssh-keygen` cannot make it.
pub fn ssh_key(kind: &str, passphrase: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-f"])
        .arg(&path)
        .output()
        .context("failed to start ssh-keygen; install openssh-client")?;
    ensure!(
        made.status.success(),
        "ssh-keygen: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    Ok(std::fs::read_to_string(path)?)
}

/// A Secret lent to the sample.
pub fn secret(name: &str, key: &str, value: &str) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.to_owned());
    secret.metadata.annotations =
        Some([(reportapp_crds::ALLOW_ANNOTATION.to_owned(), NAME.to_owned())].into());
    secret.string_data = Some([(key.to_owned(), value.to_owned())].into());
    secret
}
