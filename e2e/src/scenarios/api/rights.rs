//! Least privilege: each rule in the chart is taken away in turn, and the operator must say what it
//! misses: by a condition, or where it cannot write the condition, by log, metric and red health.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use serde_json::{Value, json};

use super::operator::Operator;
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::watch::condition;
use crate::scenarios::world::World;

/// Name of the rotation that is ordered.
const ROTATION: &str = "of-nothing";

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

/// Where the operator says that a right is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `Ready` or `Stalled` of the ReportApp, reason `Forbidden`.
    Condition,
    /// `Stalled` of the SecretRotation.
    RotationCondition,
    /// Nothing can be written about it: log, metric, and `/healthz` turns red.
    RedHealth {
        /// Label of `reportapp_operator_stuck`.
        part: &'static str,
    },
    /// It never leads, so it never writes: log, and the metric says that it waits.
    NoLead,
    /// The log alone: the object whose status it is says nothing, and everything else goes on.
    Log,
    /// A metric counts what was lost; the application is carried out all the same.
    LostEvents,
}

/// Where the absence of a rule for `resource` shows. A rule that is not named here needs a condition.
fn sign(resource: &str) -> Sign {
    match resource {
        "reportapps" => Sign::RedHealth { part: "watch" },
        "reportapps/status" => Sign::RedHealth { part: "status" },
        "secretrotations/status" | "incidentactions" | "incidentactions/status" => Sign::Log,
        "serviceaccounts/token" => Sign::RotationCondition,
        "leases" => Sign::NoLead,
        "events" => Sign::LostEvents,
        _ => Sign::Condition,
    }
}

/// How long a fault lasts before `/healthz` is red, with room for a slow machine.
const RED_WITHIN: Duration = Duration::from_secs(150);

/// Whether an operator without `rule` says so where it must.
async fn is_missed(stage: &Stage<'_>, rule: &Value) -> Result<()> {
    let resources: Vec<&str> = rule["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let sign = sign(resources.first().context("a rule names resources")?);
    let operator = stage.operator("limited", &["--resync-seconds=1"]).await?;
    stage.put_app(&app()?).await?;
    order_rotation(stage).await?;
    order_action(stage).await?;
    let seen = Seen {
        stage,
        operator: &operator,
        resources: &resources,
    };
    let patience = match sign {
        Sign::RedHealth { .. } => RED_WITHIN,
        _ => PATIENCE,
    };
    let said = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            if seen.shows(sign).await? {
                return anyhow::Ok(());
            }
        }
    };
    let outcome = tokio::time::timeout(patience, said).await;
    operator.stop().await?;
    match outcome {
        Ok(outcome) => outcome,
        Err(_) => bail!("no {sign:?} after {} s", patience.as_secs()),
    }
}

/// An operator without a right, and what it may not touch.
struct Seen<'a> {
    stage: &'a Stage<'a>,
    operator: &'a Operator,
    resources: &'a [&'a str],
}

impl Seen<'_> {
    async fn shows(&self, sign: Sign) -> Result<bool> {
        match sign {
            Sign::Condition => {
                let app = self.stage.apps().get(sample::NAME).await?;
                let said = ["Ready", "Stalled"].map(|kind| condition(&app, kind));
                let mut said = said.into_iter().flatten();
                Ok(said.any(|c| c.reason == "Forbidden" && self.names(&c.message)))
            }
            Sign::RotationCondition => {
                let rotations: Api<SecretRotation> =
                    Api::namespaced(self.stage.client(), &self.stage.namespace);
                let rotation = rotations.get(ROTATION).await?;
                let stalled = condition(&rotation, "Stalled");
                Ok(stalled.is_some_and(|c| c.status == "True" && self.names(&c.message)))
            }
            Sign::RedHealth { part } => {
                let (health, _) = self.operator.get("/healthz").await?;
                let stuck = format!("reportapp_operator_stuck{{part=\"{part}\"}} 1");
                let (_, metrics) = self.operator.get("/metrics").await?;
                Ok(health != 200 && metrics.contains(&stuck) && self.logs()?)
            }
            Sign::NoLead => {
                let leads = self.operator.metric("reportapp_operator_leader").await?;
                Ok(leads == 0.0 && self.logs()?)
            }
            Sign::Log => self.logs(),
            Sign::LostEvents => {
                let lost = "reportapp_operator_events_failed_total";
                let app = self.stage.apps().get(sample::NAME).await?;
                let goes_on = condition(&app, "UpToDate").is_some_and(|c| c.status == "True");
                Ok(goes_on && self.operator.metric(lost).await? > 0.0 && self.logs()?)
            }
        }
    }

    fn logs(&self) -> Result<bool> {
        Ok(self.operator.log()?.lines().any(|line| self.names(line)))
    }

    /// Whether a text says that the operator may not do something with these resources.
    fn names(&self, text: &str) -> bool {
        let refused = ["may not", "orbidden"]
            .iter()
            .any(|word| text.contains(word));
        refused
            && self
                .resources
                .iter()
                .any(|resource| text.contains(resource))
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
        "metadata": {"name": ROTATION},
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
