//! Consumers the operator does not own: places where a value is published, and workloads that are
//! restarted when it changes. Each must lend itself by the annotation `reportapp.dev/allow`.
//!
//! A place is changed with check-and-set, so that foreign keys survive. A restart is an annotation of
//! the pod template that follows from the value, under a field manager of its own: repeating it
//! restarts nothing.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use kube::{Client, ResourceExt as _};
use reportapp_crds::report_app::credential::{Credential, Publish, Workload};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use serde_json::{Value as Json, json};

use super::ledger::{SecretText, Value};
use super::machine::Rollout;
use super::publish_template::{Template, Values};
use super::trouble::{Reason, Trouble};
use crate::api_error::ApiError;
use crate::reportapp::naming::FIELD_MANAGER;
use crate::secret_store::Store;
use crate::workloads;

/// Field manager of the annotation that restarts a workload.
const RESTART_MANAGER: &str = "reportapp-operator-restart";

/// The outside of one application.
pub struct Outside<'a> {
    /// The application.
    pub app: &'a ReportApp,
    /// Client of the API server.
    pub client: &'a Client,
    /// Store of `vaultPath`s and `awsSecret`s.
    pub store: &'a Store,
}

impl Outside<'_> {
    fn namespace(&self) -> String {
        self.app.namespace().unwrap_or_default()
    }

    /// Whether every place and workload is there and lends itself.
    ///
    /// # Errors
    /// The first that is not, with the command that mends it.
    pub async fn check(&self, credential: &Credential) -> Result<(), Trouble> {
        for workload in &credential.restart {
            self.workload(workload).await?;
        }
        let secrets = credential
            .publish
            .iter()
            .filter_map(|place| place.kubernetes_secret.as_ref());
        for name in secrets {
            self.secret(name).await?;
        }
        Ok(())
    }

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
    async fn secret(&self, name: &str) -> Result<Secret, Trouble> {
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
        check_lent(&app, "secret", name, allowed)?;
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

    /// Restarts the workloads of a credential unless they run `version` already.
    ///
    /// # Errors
    /// At the first that refuses.
    pub async fn restart(&self, credential: &Credential, version: &str) -> Result<(), Trouble> {
        for workload in &credential.restart {
            let found = self.workload(workload).await?;
            let key = annotation(credential);
            let path = format!(
                "/spec/template/metadata/annotations/{}",
                key.replace('/', "~1")
            );
            if found.data.pointer(&path).and_then(Json::as_str) == Some(version) {
                continue;
            }
            let resource = resource(workload);
            let object = json!({
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": { "name": workload.name },
                "spec": { "template": { "metadata": { "annotations": { key: version } } } },
            });
            let params = PatchParams::apply(RESTART_MANAGER).force();
            let written = self
                .workloads(&resource)
                .patch(&workload.name, &params, &Patch::Apply(&object))
                .await;
            written.map_err(|error| api_trouble("patch", workload, &error))?;
        }
        Ok(())
    }

    /// What the restarted workloads are doing; the first that is not done.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn rollout(&self, credential: &Credential) -> Result<Rollout, Trouble> {
        for workload in &credential.restart {
            let found = self.workload(workload).await?;
            if !workloads::is_complete(workload.kind, &found.data, found.metadata.generation) {
                return Ok(moving(0, workload));
            }
            let ending = self.ending_pods(workload, &found.data).await?;
            if ending > 0 {
                return Ok(moving(ending, workload));
            }
        }
        Ok(Rollout::Complete)
    }

    /// Pods of a workload that are Terminating and may still use the old value.
    async fn ending_pods(&self, workload: &Workload, data: &Json) -> Result<u32, Trouble> {
        let Some(selector) = workloads::selector(data) else {
            return Err(refused(format!(
                "{} has a selector this operator cannot read, so its old pods cannot be counted",
                workloads::told(workload)
            )));
        };
        let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace());
        let pods = api
            .list_metadata(&ListParams::default().labels_from(&selector))
            .await
            .map_err(|error| ApiError::new::<Pod>("list", "", &error))?;
        let ending = pods
            .items
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_some());
        Ok(u32::try_from(ending.count()).unwrap_or(u32::MAX))
    }

    async fn workload(&self, workload: &Workload) -> Result<DynamicObject, Trouble> {
        let found = self
            .workloads(&resource(workload))
            .get_opt(&workload.name)
            .await;
        let found = found.map_err(|error| api_trouble("get", workload, &error))?;
        let kind = format!("{:?}", workload.kind).to_lowercase();
        let Some(found) = found else {
            return Err(refused(format!(
                "there is no {kind} {} to restart; create it, or take it out of spec.credentials[].restart",
                workload.name
            )));
        };
        let allowed = found.annotations().get(ALLOW_ANNOTATION);
        check_lent(&self.app.name_any(), &kind, &workload.name, allowed)?;
        Ok(found)
    }

    fn workloads(&self, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace(), resource)
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
struct Place<'a> {
    host: Option<&'a str>,
    port: Option<u16>,
    database: Option<&'a str>,
}

fn place<'a>(app: &'a ReportApp, credential: &Credential) -> Place<'a> {
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

fn annotation(credential: &Credential) -> String {
    format!("reportapp.dev/credential-{}", credential.name)
}

fn resource(workload: &Workload) -> ApiResource {
    let kind = format!("{:?}", workload.kind);
    ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", &kind))
}

fn moving(old_pods: u32, workload: &Workload) -> Rollout {
    Rollout::Moving {
        old_pods,
        message: format!(
            "waiting for the pods of {:?} {}",
            workload.kind, workload.name
        ),
    }
}

/// Whether `list`, the value of the annotation, lends `kind` `name` to `app`.
///
/// # Errors
/// When it does not, with the command that lends it.
pub(crate) fn check_lent(
    app: &str,
    kind: &str,
    name: &str,
    list: Option<&String>,
) -> Result<(), Trouble> {
    let lent = list.is_some_and(|list| list.split(',').any(|allowed| allowed.trim() == app));
    if lent {
        return Ok(());
    }
    let others = list.map(|list| format!("{list},")).unwrap_or_default();
    Err(refused(format!(
        "{kind} {name} does not lend itself to this ReportApp: kubectl annotate --overwrite {kind} \
         {name} {ALLOW_ANNOTATION}={others}{app}"
    )))
}

fn api_trouble(verb: &'static str, workload: &Workload, error: &kube::Error) -> Trouble {
    workloads::api_error(verb, workload, error).into()
}

fn refused(message: String) -> Trouble {
    Trouble::new(Reason::AppNotReady, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_workload_that_lends_itself_is_touched() {
        assert!(
            check_lent(
                "demo",
                "deployment",
                "shop",
                Some(&"other, demo".to_owned())
            )
            .is_ok()
        );
        let refusal = check_lent("demo", "deployment", "shop", Some(&"other".to_owned()));
        assert!(
            refusal
                .unwrap_err()
                .message
                .ends_with("reportapp.dev/allow=other,demo")
        );
        assert!(check_lent("demo", "deployment", "shop", None).is_err());
    }
}
