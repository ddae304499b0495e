//! Publishing: a value is rendered and written where others read it, with check-and-set, so that
//! foreign keys survive. A place that holds it already is left alone.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use reportapp_crds::report_app::credential::{Credential, Publish};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde_json::json;

use super::{Outside, check_lent, refused};
use crate::api_error::ApiError;
use crate::reportapp::naming::FIELD_MANAGER;
use crate::rotation::ledger::{SecretText, Value};
use crate::rotation::publish_template::{Template, Values};
use crate::rotation::trouble::Trouble;
use crate::secret_store::Store;

impl Outside<'_> {
    /// Writes a value to every place of its credential that does not hold it yet.
    ///
    /// # Errors
    /// At the first place that refuses.
    pub async fn publish(&self, credential: &Credential, value: &Value) -> Result<(), Trouble> {
        for target in &credential.publish {
            let text = self.render(credential, target, value)?;
            if let Some(secret) = &target.kubernetes_secret {
                self.patch_secret(secret, &target.key, &text).await?;
            }
            if let Some(path) = &target.vault_path {
                self.patch_vault(path, &target.key, &text).await?;
            }
            if let Some(name) = &target.aws_secret {
                self.patch_aws(name, &target.key, &text).await?;
            }
        }
        Ok(())
    }

    fn render(
        &self,
        credential: &Credential,
        target: &Publish,
        value: &Value,
    ) -> Result<SecretText, Trouble> {
        let place = place(self.app, credential);
        let values = Values {
            username: value.username.as_deref(),
            secret: &value.secret,
            host: place.host,
            port: place.port,
            database: place.database,
        };
        let rendered = Template::of(target).and_then(|template| template.render(&values));
        rendered.map_err(|error| {
            refused(format!(
                "spec.credentials[{}].publish, key {}: {error}",
                credential.name, target.key
            ))
        })
    }

    async fn patch_secret(&self, name: &str, key: &str, text: &SecretText) -> Result<(), Trouble> {
        let secret = self.secret(name).await?;
        let data = secret.data.as_ref();
        if data
            .and_then(|data| data.get(key))
            .is_some_and(|v| v.0 == text.expose().as_bytes())
        {
            return Ok(());
        }
        let patch = json!({
            "metadata": { "resourceVersion": secret.resource_version() },
            "stringData": { key: text.expose() },
        });
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let written = self
            .secrets()
            .patch(name, &params, &Patch::Merge(&patch))
            .await;
        written
            .map(drop)
            .map_err(|error| ApiError::new::<Secret>("patch", name, &error).into())
    }

    /// A Secret to publish to, which lends itself.
    pub(super) async fn secret(&self, name: &str) -> Result<Secret, Trouble> {
        let found = self
            .secrets()
            .get_opt(name)
            .await
            .map_err(|error| ApiError::new::<Secret>("get", name, &error))?;
        let app = self.app.name_any();
        let Some(secret) = found else {
            return Err(refused(format!(
                "there is no Secret {name} to publish to; create it empty: kubectl create secret \
                 generic {name} && kubectl annotate secret {name} {ALLOW_ANNOTATION}={app}"
            )));
        };
        let allowed = secret.annotations().get(ALLOW_ANNOTATION);
        check_lent(&self.namespace(), &app, "secret", name, allowed)?;
        Ok(secret)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace())
    }

    async fn patch_vault(&self, path: &str, key: &str, text: &SecretText) -> Result<(), Trouble> {
        let Store::Vault(vault) = self.store else {
            return Err(refused(format!(
                "publishing to the Vault path {path} needs spec.secretStore.vault"
            )));
        };
        vault.patch_key(path, key, text).await?;
        Ok(())
    }

    async fn patch_aws(&self, name: &str, key: &str, text: &SecretText) -> Result<(), Trouble> {
        let Store::Aws(aws) = self.store else {
            return Err(refused(format!(
                "publishing to the secret {name} of AWS needs spec.secretStore.awsSecretsManager"
            )));
        };
        aws.patch_key(name, key, text).await?;
        Ok(())
    }
}

/// What is wrong with the published places of a credential, by their position. Templates are filled
/// in with an empty value: what has no value then has none later.
pub fn problems(app: &ReportApp, credential: &Credential) -> Vec<(usize, String)> {
    let empty = SecretText::new("");
    let place = place(app, credential);
    let values = Values {
        username: credential.opens.login(),
        secret: &empty,
        host: place.host,
        port: place.port,
        database: place.database,
    };
    let mut found = Vec::new();
    for (index, target) in credential.publish.iter().enumerate() {
        let rendered = Template::of(target).and_then(|template| template.render(&values));
        if let Err(error) = rendered {
            found.push((index, format!("template: {error}")));
        }
        if target.vault_path.is_some() && app.spec.secret_store.vault.is_none() {
            found.push((index, "vaultPath needs spec.secretStore.vault".to_owned()));
        }
        if target.aws_secret.is_some() && app.spec.secret_store.aws_secrets_manager.is_none() {
            let needed = "awsSecret needs spec.secretStore.awsSecretsManager";
            found.push((index, needed.to_owned()));
        }
    }
    found
}

/// Where a credential leads, as its spec names it.
pub struct Place<'a> {
    /// Host name or address.
    pub host: Option<&'a str>,
    /// TCP port.
    pub port: Option<u16>,
    /// Name of the database.
    pub database: Option<&'a str>,
}

/// Where `credential` leads; nothing of one that opens neither database nor Redis.
pub fn place<'a>(app: &'a ReportApp, credential: &Credential) -> Place<'a> {
    let spec = &app.spec;
    let database = credential.opens.database.as_ref();
    let server = database.and_then(|database| database.server.as_ref());
    if let Some(server) = server.and_then(|name| spec.servers.iter().find(|s| s.name == *name)) {
        return Place {
            host: Some(&server.host),
            port: Some(server.port_or_default()),
            database: server.database.as_deref(),
        };
    }
    if database.is_some() {
        return Place {
            host: spec.store.host.as_deref(),
            port: Some(spec.store.port.unwrap_or(5432)),
            database: spec.store.database.as_deref(),
        };
    }
    let redis = spec
        .redis
        .as_ref()
        .filter(|_| credential.opens.redis.is_some());
    Place {
        host: redis.map(|redis| redis.host.as_str()),
        port: redis.map(|redis| redis.port),
        database: None,
    }
}
