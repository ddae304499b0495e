//! Deleting a ReportApp: its objects go, what is retained is listed by the last event.

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::api::{Api, DeleteParams, ListParams};
use kube::runtime::wait::{await_condition, conditions};

use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

pub(super) async fn leaves_only_retained(world: &World) -> Result<()> {
    let stage = Stage::new(world, "deletion").await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    let app = stage.until_applied(sample::NAME).await?;
    let uid = app.metadata.uid.unwrap_or_default();
    stage
        .apps()
        .delete(sample::NAME, &DeleteParams::default())
        .await?;
    let gone = await_condition(stage.apps(), sample::NAME, conditions::is_deleted(&uid));
    tokio::time::timeout(PATIENCE, gone).await??;

    let deployments: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    for deployment in deployments.list(&ListParams::default()).await? {
        let name = deployment.metadata.name.unwrap_or_default();
        let uid = deployment.metadata.uid.unwrap_or_default();
        tokio::time::timeout(
            PATIENCE,
            await_condition(deployments.clone(), &name, conditions::is_deleted(&uid)),
        )
        .await??;
    }
    let secrets: Api<Secret> = Api::namespaced(stage.client(), &stage.namespace);
    for secret in secrets
        .list(&ListParams::default().labels("reportapp.dev/app=sample"))
        .await?
    {
        let name = secret.metadata.name.unwrap_or_default();
        if name == "sample-ledger" {
            continue;
        }
        let uid = secret.metadata.uid.unwrap_or_default();
        tokio::time::timeout(
            PATIENCE,
            await_condition(secrets.clone(), &name, conditions::is_deleted(&uid)),
        )
        .await??;
    }
    let kept = secrets.get_opt("sample-ledger").await?;
    ensure!(kept.is_some(), "the ledger did not survive the ReportApp");
    for lent in ["erp", "store", "redis", "telegram", "bastion-key"] {
        ensure!(
            secrets.get_opt(lent).await?.is_some(),
            "the Secret {lent}, which is not ours, was deleted"
        );
    }
    let events: Api<Event> = Api::namespaced(stage.client(), &stage.namespace);
    let events = events.list(&ListParams::default()).await?;
    let last = events
        .iter()
        .find(|event| event.reason.as_deref() == Some("Retained"));
    let text = last
        .and_then(|event| event.message.clone())
        .unwrap_or_default();
    ensure!(
        text.contains("kubectl delete -n deletion secret/sample-ledger"),
        "no event says how to remove the ledger: {text:?}"
    );
    operator.stop().await?;
    stage.remove().await
}
