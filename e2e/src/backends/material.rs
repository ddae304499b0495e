//! Everything secret about the backends: made when missing, kept for the life of the cluster.
//!
//! A value that follows from another is in the same Secret or made from it, so that the values
//! fit together also when an earlier run was interrupted between two Secrets.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams};
use reportapp_config::Secret;

use super::secrets::{self, Values};
use super::{Backends, NAMESPACE, random, ssh, tls};

/// Certificates and keys of both authorities.
pub const AUTHORITIES: &str = "authorities";
/// Passwords of the ERP's database: `admin`, `reader`.
pub const ERP_PASSWORDS: &str = "erp-postgres-passwords";
/// Passwords of the store: `admin`, `owner`.
pub const STORE_PASSWORDS: &str = "store-postgres-passwords";
/// Users of Redis: `users.acl`, and the passwords `admin`, `reportapp`.
pub const REDIS_USERS: &str = "redis-users";
/// The bastion's host key: `host-key`, `host-key.pub`.
pub const BASTION_HOST_KEY: &str = "bastion-host-key";
/// The key that may log in to the bastion: `private-key`, `public-key`.
pub const BASTION_CLIENT_KEY: &str = "bastion-client-key";
/// The bot's token: `token`.
pub const TELEGRAM_TOKEN: &str = "telegram-token";

const ERP_AUTHORITY: &str = "ERP sample authority";
const PLATFORM_AUTHORITY: &str = "Platform sample authority";

/// Makes what is missing.
pub(super) async fn ensure(backends: &Backends) -> Result<()> {
    let api = backends.secrets();
    ensure_certificates(&api).await?;
    secrets::ensure(&api, ERP_PASSWORDS, async || {
        Ok(Values::from([
            ("admin", random::password()),
            ("reader", random::password()),
        ]))
    })
    .await?;
    secrets::ensure(&api, STORE_PASSWORDS, async || {
        Ok(Values::from([
            ("admin", random::password()),
            ("owner", random::password()),
        ]))
    })
    .await?;
    secrets::ensure(&api, REDIS_USERS, async || Ok(redis_users())).await?;
    secrets::ensure(&api, TELEGRAM_TOKEN, async || {
        Ok(Values::from([("token", random::telegram_token())]))
    })
    .await?;
    secrets::ensure(&api, BASTION_HOST_KEY, async || {
        let key = ssh::generate("bastion").await?;
        Ok(Values::from([
            ("host-key", key.private),
            ("host-key.pub", key.public.into()),
        ]))
    })
    .await?;
    let client = secrets::ensure(&api, BASTION_CLIENT_KEY, async || {
        let key = ssh::generate("reportapp").await?;
        Ok(Values::from([
            ("private-key", key.private),
            ("public-key", key.public.into()),
        ]))
    })
    .await?;
    authorize(backends, value(&client, "public-key")?.expose()).await
}

async fn ensure_certificates(api: &Api<KubeSecret>) -> Result<()> {
    let authorities = secrets::ensure(api, AUTHORITIES, async || {
        let (erp, platform) = (
            tls::authority(ERP_AUTHORITY)?,
            tls::authority(PLATFORM_AUTHORITY)?,
        );
        Ok(Values::from([
            ("erp.crt", erp.certificate.into()),
            ("erp.key", erp.key),
            ("platform.crt", platform.certificate.into()),
            ("platform.key", platform.key),
        ]))
    })
    .await?;
    for (service, name, prefix) in [
        ("erp-postgres", ERP_AUTHORITY, "erp"),
        ("store-postgres", PLATFORM_AUTHORITY, "platform"),
        ("redis", PLATFORM_AUTHORITY, "platform"),
        ("vault", PLATFORM_AUTHORITY, "platform"),
    ] {
        let certificate = value(&authorities, &format!("{prefix}.crt"))?;
        let key = value(&authorities, &format!("{prefix}.key"))?;
        secrets::ensure(api, &format!("{service}-tls"), async || {
            let server = tls::server(name, key, service)?;
            Ok(Values::from([
                ("ca.crt", certificate.clone()),
                ("tls.crt", server.certificate.into()),
                ("tls.key", server.key),
            ]))
        })
        .await?;
    }
    Ok(())
}

/// Redis knows passwords by their hashes. The application may do everything but administrate.
fn redis_users() -> Values {
    let (admin, reportapp) = (random::password(), random::password());
    let hash = |password: &Secret| hex::encode(digest(&SHA256, password.expose().as_bytes()));
    let users = format!(
        "user default off\n\
         user admin on #{} ~* &* +@all\n\
         user reportapp on #{} ~* &* +@all -@admin -@dangerous +info\n",
        hash(&admin),
        hash(&reportapp)
    );
    Values::from([
        ("users.acl", users.into()),
        ("admin", admin),
        ("reportapp", reportapp),
    ])
}

/// Lets the holder of the client key log in to the bastion.
async fn authorize(backends: &Backends, public_key: &str) -> Result<()> {
    const NAME: &str = "bastion-authorized-keys";
    let keys = ConfigMap {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            ..Default::default()
        },
        data: Some(BTreeMap::from([(
            "keys".to_owned(),
            format!("{public_key}\n"),
        )])),
        ..Default::default()
    };
    let api: Api<ConfigMap> = Api::namespaced(backends.client.clone(), NAMESPACE);
    api.patch(
        NAME,
        &PatchParams::apply("e2e").force(),
        &Patch::Apply(&keys),
    )
    .await
    .context("failed to write the keys the bastion accepts")?;
    Ok(())
}

fn value<'a>(values: &'a BTreeMap<String, Secret>, key: &str) -> Result<&'a Secret> {
    values
        .get(key)
        .with_context(|| format!("a Secret of the backends has no key {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_redis_users_holds_no_password() {
        let values = redis_users();
        let users = values["users.acl"].expose();
        assert!(users.starts_with("user default off\n"));
        for name in ["admin", "reportapp"] {
            assert!(users.contains(&format!("user {name} on #")));
            assert!(!users.contains(values[name].expose()));
        }
    }
}
