//! A consumer the operator does not own: it finds the login as a URL in a secret of Vault and in a
//! Secret, each with keys of others, and is restarted when it changes.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::{DeleteParams, PostParams};
use reportapp_crds::report_app::credential::{Publish, RetirePolicy, Rotation, Workload};
use reportapp_crds::{ALLOW_ANNOTATION, Period, ReportAppSpec};
use serde_json::json;

use super::{CREDENTIAL, FOREIGN_PATH};
use crate::demo::NAME;
use crate::scenarios::cluster::subject::Subject;

const SHOP: &str = "shop";
const LOGIN: &str = "shop-login";
const URL: &str = "DATABASE_URL";
/// A key of others beside it.
const FOREIGN: (&str, &str) = ("WORKER_DATABASE_URL", "postgresql://somebody-else");
const TEMPLATE: &str =
    "postgresql://{{ username }}:{{ password | urlencode }}@{{ host }}:{{ port }}/{{ database }}";

/// The consumer.
pub(super) struct Shop;

impl Shop {
    /// Sets it up.
    pub(super) async fn open(subject: &Subject<'_>) -> Result<Self> {
        let (key, value) = FOREIGN;
        let fields = json!({ key: value, URL: "postgresql://before" });
        subject
            .backends()
            .write_in_vault(FOREIGN_PATH, &fields)
            .await?;
        let lent = json!({ ALLOW_ANNOTATION: NAME });
        let login: KubeSecret = serde_json::from_value(json!({
            "metadata": {"name": LOGIN, "annotations": lent},
            "stringData": fields,
        }))?;
        let mut deployment: Deployment = serde_json::from_str(DEPLOYMENT)?;
        deployment.metadata.annotations = serde_json::from_value(lent)?;
        let pod = deployment
            .spec
            .as_mut()
            .and_then(|s| s.template.spec.as_mut());
        pod.context("the Deployment has no pods")?.containers[0].image =
            Some(subject.demo.images().backends.clone());
        let params = PostParams::default();
        subject.objects().create(&params, &login).await?;
        subject.objects().create(&params, &deployment).await?;
        Ok(Self)
    }

    /// Removes what is in the namespace of the application.
    pub(super) async fn close(self, subject: &Subject<'_>) -> Result<()> {
        let params = DeleteParams::background();
        let deployments = subject.objects::<Deployment>();
        deployments.delete(SHOP, &params).await?;
        let secrets = subject.objects::<KubeSecret>();
        secrets.delete(LOGIN, &params).await?;
        Ok(())
    }

    /// Names it in the spec. Its old login is kept for a moment only.
    pub(super) fn is_told(spec: &mut ReportAppSpec) {
        let places = [
            json!({"vaultPath": FOREIGN_PATH, "key": URL, "template": TEMPLATE}),
            json!({"kubernetesSecret": LOGIN, "key": URL, "template": TEMPLATE}),
        ];
        let mut credentials = spec.credentials.iter_mut();
        let credential = credentials.find(|found| found.name == CREDENTIAL.name());
        let credential = credential.expect("the demo has this credential");
        credential.publish = places
            .map(|place| serde_json::from_value::<Publish>(place).expect("a place"))
            .to_vec();
        let workload = json!({"kind": "Deployment", "name": SHOP});
        credential.restart =
            vec![serde_json::from_value::<Workload>(workload).expect("a workload")];
        credential.rotation = Some(Rotation {
            retire: RetirePolicy {
                after: Period::from_secs(1),
            },
            ..Rotation::default()
        });
    }

    /// Sees the login in use in both places with foreign keys as they were, and the consumer started
    /// for the `generation`-th time; gives the URL.
    pub(super) async fn has_the_login(
        &self,
        subject: &Subject<'_>,
        generation: i64,
    ) -> Result<String> {
        let in_use = CREDENTIAL.in_use(subject).await?;
        let in_vault = subject.backends().read_in_vault(FOREIGN_PATH).await?;
        let secret = subject.objects::<KubeSecret>().get(LOGIN).await?;
        let data = secret.data.unwrap_or_default();
        let text = |value: &ByteString| String::from_utf8_lossy(&value.0).into_owned();
        let in_secret = |key: &str| data.get(key).map(text).unwrap_or_default();
        let (key, value) = FOREIGN;
        ensure!(
            in_vault[key] == value && in_secret(key) == value,
            "the key {key} of somebody else is gone or changed"
        );
        let url = in_vault[URL].as_str().context("Vault lost the URL")?;
        let login = format!("//{}:{}@", in_use.username, in_use.password.expose());
        ensure!(
            url.contains(&login) && in_secret(URL) == url,
            "the published URL is not that of {}",
            in_use.username
        );
        let shop = subject.objects::<Deployment>().get(SHOP).await?;
        ensure!(
            shop.metadata.generation == Some(generation),
            "{SHOP} is at generation {:?} instead of {generation}",
            shop.metadata.generation
        );
        Ok(url.to_owned())
    }
}

/// Something that runs and ends at once when it is told to.
const DEPLOYMENT: &str = r#"{
  "metadata": {"name": "shop"},
  "spec": {
    "selector": {"matchLabels": {"app": "shop"}},
    "template": {
      "metadata": {"labels": {"app": "shop"}},
      "spec": {
        "automountServiceAccountToken": false,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
          "name": "shop",
          "command": ["sleep", "86400"],
          "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}
        }]
      }
    }
  }
}"#;
