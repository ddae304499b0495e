//! What runbooks say: change the password of the role, update the Secret, restart. Every connection
//! that is opened between the first step and the last pod's end is refused.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::{Patch, PatchParams};
use reportapp_config::Secret;
use serde_json::json;

use crate::backends::{Database, random};
use crate::demo::NAMESPACE;
use crate::scenarios::cluster::credentials::{Credential, Login, PUBLISHED, published};
use crate::scenarios::cluster::subject::Subject;

/// What it is done to: the login each request needs.
pub(super) const CREDENTIAL: Credential = Credential::Store;

const DEPLOYMENT: &str = "demo-api";

/// One time through the procedure, without a pause between its steps; gives the time it took.
pub(super) async fn round(subject: &Subject<'_>) -> Result<Duration> {
    let started = Instant::now();
    let Login { username, .. } = CREDENTIAL.in_use(subject).await?;
    let password = random::password();
    let statement = format!(
        "ALTER ROLE \"{username}\" PASSWORD '{}';",
        password.expose()
    );
    let before = template(subject).await?;
    subject.backends().psql(Database::Store, &statement).await?;
    update_secret(subject, &password).await?;
    // A restart before the pods' template names the new value would only start the old one again.
    while template(subject).await? == before {
        ensure!(
            started.elapsed() < Duration::from_secs(60),
            "the new value does not reach the Deployment {DEPLOYMENT}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let deployment = format!("deployment/{DEPLOYMENT}");
    for arguments in [["rollout", "restart"], ["rollout", "status"]] {
        let place = [deployment.as_str(), "--namespace", NAMESPACE];
        subject
            .kubectl(&[&arguments[..], &place[..]].concat())
            .await?;
    }
    subject.until_ready().await?;
    Ok(started.elapsed())
}

/// The Secret from which pods are given the value: after a rotation it is no more that of the spec.
async fn update_secret(subject: &Subject<'_>, password: &Secret) -> Result<()> {
    let name = CREDENTIAL.name();
    let mut value = published(subject).await?.remove(name).with_context(|| {
        format!("{name} was never rotated: ask for at least one rotation, --count 1")
    })?;
    value["files"]["password"] = json!(password.expose());
    let patch = json!({"stringData": {name: value.to_string()}});
    subject
        .objects::<KubeSecret>()
        .patch(PUBLISHED, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .context("failed to update the Secret")?;
    Ok(())
}

async fn template(subject: &Subject<'_>) -> Result<Option<i64>> {
    let deployment = subject.objects::<Deployment>().get(DEPLOYMENT).await?;
    Ok(deployment.metadata.generation)
}
