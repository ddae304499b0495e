//! Least privilege: each verb of each rule in the chart is taken away in turn, and the operator
//! must say what it misses: by a condition, or where it cannot write the condition, by its log.

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use serde_json::{Value, json};

use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::watch::condition;
use crate::scenarios::world::World;

pub(super) async fn each_is_needed(world: &World) -> Result<()> {
    let stage = Stage::new(world, "rights").await?;
    let chart = stage.chart_rights().await?;
    let mut unneeded = Vec::new();
    for (document, rule) in rules(&chart) {
        let mut fewer = chart.clone();
        let removed = fewer[document]["rules"]
            .as_array_mut()
            .context("a Role has rules")?
            .remove(rule);
        stage.apply_rights(&fewer).await?;
        if let Err(problem) = is_missed(&stage, &removed).await {
            unneeded.push(format!("without {removed}: {problem:#}"));
        }
        stage.apply_rights(&chart).await?;
        reset(&stage).await?;
    }
    ensure!(unneeded.is_empty(), "{}", unneeded.join("\n"));
    stage.remove().await
}

/// Index of each Role and of each of its rules.
fn rules(chart: &[Value]) -> Vec<(usize, usize)> {
    let roles = chart
        .iter()
        .enumerate()
        .filter(|(_, document)| document["kind"] == "Role");
    let rules = roles.flat_map(|(index, role)| {
        let count = role["rules"].as_array().map_or(0, Vec::len);
        (0..count).map(move |rule| (index, rule))
    });
    rules.collect()
}

/// Whether an operator without `rule` says that something of it is forbidden.
async fn is_missed(stage: &Stage<'_>, rule: &Value) -> Result<()> {
    let resources: Vec<&str> = rule["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let words: Vec<&str> = resources
        .iter()
        .map(|resource| resource.split('/').next().unwrap_or(resource))
        .collect();
    let operator = stage.operator("limited", &["--resync-seconds=1"]).await?;
    stage.put_app(&app()?).await?;
    order_rotation(stage).await?;
    order_action(stage).await?;
    let refused = |text: &str| {
        ["orbidden", "may not", "lacks"]
            .iter()
            .any(|word| text.contains(word))
    };
    let named = |text: &str| refused(text) && words.iter().any(|word| text.contains(word));
    let said = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let app = stage.apps().get(sample::NAME).await?;
            let condition = condition(&app, "Ready").is_some_and(|ready| named(&ready.message));
            if condition || operator.log()?.lines().any(named) {
                return anyhow::Ok(());
            }
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, said).await;
    operator.stop().await?;
    match outcome {
        Ok(outcome) => outcome,
        Err(_) => bail!(
            "neither a condition nor the log names it after {} s",
            PATIENCE.as_secs()
        ),
    }
}

/// The sample, with a credential whose rotation needs what the rest does not: a token for Vault and a
/// workload of others.
fn app() -> Result<Value> {
    let mut app = sample::report_app();
    app["spec"]["secretStore"] = json!({
        "vault": {"address": "https://vault.invalid:8200", "auth": {"kubernetes": {"role": "r"}}},
    });
    app["spec"]["credentials"]
        .as_array_mut()
        .context("the sample has credentials")?
        .push(json!({
            "name": "rotated",
            "jwt": {},
            "restart": [{"kind": "StatefulSet", "name": "of-others"}],
        }));
    Ok(app)
}

/// A rotation nobody can carry out, of which the operator has something to say.
async fn order_rotation(stage: &Stage<'_>) -> Result<()> {
    let rotation: SecretRotation = serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "SecretRotation",
        "metadata": {"name": "of-nothing"},
        "spec": {"app": sample::NAME, "credentials": ["rotated"], "reason": "a test"},
    }))?;
    let rotations: Api<SecretRotation> = Api::namespaced(stage.client(), &stage.namespace);
    rotations.create(&PostParams::default(), &rotation).await?;
    Ok(())
}

/// An action nobody can carry out, of which the operator has something to say.
async fn order_action(stage: &Stage<'_>) -> Result<()> {
    let action: IncidentAction = serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "IncidentAction",
        "metadata": {"name": "of-nothing"},
        "spec": {"app": "absent", "rollingRestart": {}, "reason": "a test"},
    }))?;
    let actions: Api<IncidentAction> = Api::namespaced(stage.client(), &stage.namespace);
    actions.create(&PostParams::default(), &action).await?;
    Ok(())
}

/// Removes the application, its rotation and its action so that the next operator starts from nothing.
async fn reset(stage: &Stage<'_>) -> Result<()> {
    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let apps: Api<ReportApp> = stage.apps();
    if apps.get_opt(sample::NAME).await?.is_some() {
        apps.patch(sample::NAME, &PatchParams::default(), &free)
            .await?;
        apps.delete(sample::NAME, &DeleteParams::default()).await?;
    }
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
    let client = stage.client();
    let namespace = &stage.namespace;
    let (how, all) = (DeleteParams::default(), ListParams::default());
    Api::<SecretRotation>::namespaced(client.clone(), namespace)
        .delete_collection(&how, &all)
        .await?;
    Api::<IncidentAction>::namespaced(client.clone(), namespace)
        .delete_collection(&how, &all)
        .await?;
    Api::<Secret>::namespaced(client.clone(), namespace)
        .delete_collection(&DeleteParams::default(), &ours)
        .await?;
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    leases
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    Api::<ConfigMap>::namespaced(client, namespace)
        .delete_collection(&DeleteParams::default(), &ours)
        .await?;
    Ok(())
}
