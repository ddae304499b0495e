//! The Secrets the demo's `ReportApp` names, with the mark that lets it use them.

use std::collections::BTreeMap;

use anyhow::Result;
use kube::Api;
use reportapp_crds::ALLOW_ANNOTATION;

use super::{NAME, NAMESPACE};
use crate::backends::secrets::{Values, write};
use crate::backends::{Backends, material};
use crate::cluster::Cluster;

/// Secret of the demo, its key, and the backends' Secret and key with the value.
const VALUES: [(&str, &str, &str, &str); 10] = [
    ("erp-login", "password", material::ERP_PASSWORDS, "reader"),
    ("erp-ca", "ca.crt", material::AUTHORITIES, "erp.crt"),
    (
        "bastion-key",
        "private-key",
        material::BASTION_CLIENT_KEY,
        "private-key",
    ),
    (
        "store-login",
        "password",
        material::STORE_PASSWORDS,
        "owner",
    ),
    (
        "platform-ca",
        "ca.crt",
        material::AUTHORITIES,
        "platform.crt",
    ),
    (
        "redis-login",
        "password",
        material::REDIS_USERS,
        "reportapp",
    ),
    ("erp-admin", "password", material::ERP_PASSWORDS, "admin"),
    (
        "store-admin",
        "password",
        material::STORE_PASSWORDS,
        "admin",
    ),
    ("redis-admin", "password", material::REDIS_USERS, "admin"),
    ("telegram-token", "token", material::TELEGRAM_TOKEN, "token"),
];

/// Hands the application's share of the backends' logins to the namespace of the `ReportApp`.
pub(super) async fn provide(cluster: &Cluster, backends: &Backends) -> Result<()> {
    let api = Api::namespaced(cluster.client(), NAMESPACE);
    let allowed = BTreeMap::from([(ALLOW_ANNOTATION.to_owned(), NAME.to_owned())]);
    for (name, key, source, source_key) in VALUES {
        let value = backends.secret(source, source_key).await?;
        write(&api, name, &Values::from([(key, value)]), allowed.clone()).await?;
    }
    Ok(())
}
