//! Least privilege: each rule in the chart is taken away in turn, and the operator must say what it
//! misses: by a condition, or where it cannot write the condition, by log, metric and red health.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::join_all;
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
/// Name of the action that restarts the application.
const RESTART: &str = "of-the-sample";

pub(super) async fn each_is_needed(world: &World) -> Result<()> {
    let stage = Stage::new(world, "rights").await?;
    let chart = stage.chart_rights().await?;
    // Red health takes its time, so those wait side by side, each in a namespace of its own.
    let is_slow = |rule: &Rule| matches!(rule.sign(), Sign::RedHealth { .. });
    let (slow, quick): (Vec<_>, Vec<_>) = rules(&chart).into_iter().partition(is_slow);
    let mut stages = Vec::new();
    for position in 0..slow.len() {
        stages.push(Stage::new(world, &format!("rights-{position}")).await?);
    }
    let one_by_one = async {
        let mut outcomes = Vec::new();
        for rule in &quick {
            outcomes.push(without(&stage, rule).await?);
        }
        anyhow::Ok(outcomes)
    };
    let pairs = stages.iter().zip(&slow);
    let at_once = join_all(pairs.map(|(stage, rule)| without(stage, rule)));
    let (one_by_one, at_once) = tokio::join!(one_by_one, at_once);
    let mut unneeded = one_by_one?;
    for outcome in at_once {
        unneeded.push(outcome?);
    }
    let unneeded: Vec<_> = unneeded.into_iter().flatten().collect();
    ensure!(unneeded.is_empty(), "{}", unneeded.join("\n"));
    for stage in stages {
        stage.remove().await?;
    }
    stage.remove().await
}

/// A rule of the chart: index of its Role, and its own in there.
struct Rule {
    role: usize,
    index: usize,
    /// What it allows.
    content: Value,
}

impl Rule {
    fn resources(&self) -> Vec<&str> {
        let resources = self.content["resources"].as_array();
        let resources = resources.into_iter().flatten();
        resources.filter_map(Value::as_str).collect()
    }

    fn sign(&self) -> Sign {
        sign(self.resources().first().copied().unwrap_or_default())
    }
}

fn rules(chart: &[Value]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (role, document) in chart.iter().enumerate() {
        if document["kind"] != "Role" {
            continue;
        }
        let contents = document["rules"].as_array().into_iter().flatten();
        rules.extend(contents.enumerate().map(|(index, content)| Rule {
            role,
            index,
            content: content.clone(),
        }));
    }
    rules
}

/// What is wrong when the operator does not say that it lacks the rule. Leaves the stage as it was.
async fn without(stage: &Stage<'_>, rule: &Rule) -> Result<Option<String>> {
    let chart = stage.chart_rights().await?;
    let mut fewer = chart.clone();
    fewer[rule.role]["rules"]
        .as_array_mut()
        .context("a Role has rules")?
        .remove(rule.index);
    stage.apply_rights(&fewer).await?;
    let missed = is_missed(stage, rule).await;
    stage.apply_rights(&chart).await?;
    reset(stage).await?;
    let problem = missed.err();
    Ok(problem.map(|problem| format!("without {}: {problem:#}", rule.content)))
}

/// Where the operator says that a right is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// `Ready` or `Stalled` of the ReportApp, reason `Forbidden`.
    Condition,
    /// `Stalled` of the SecretRotation.
    RotationCondition,
    /// As [`Sign::Condition`], and `Stalled` of an IncidentAction that restarts the application.
    ActionCondition,
    /// Nothing can be written about it: log, metric, and `/healthz` turns red.
    RedHealth {
        /// Label of `reportapp_operator_stuck`.
        part: &'static str,
    },
    /// It never leads, so it never writes: log, and the metric says that it waits.
    NoLead,
    /// A metric counts what was lost; the application is carried out all the same.
    LostEvents,
}

/// Where the absence of a rule for `resource` shows. A rule that is not named here needs a condition.
fn sign(resource: &str) -> Sign {
    match resource {
        "reportapps" => Sign::RedHealth { part: "watch" },
        "reportapps/status" | "secretrotations/status" | "incidentactions/status" => {
            Sign::RedHealth { part: "status" }
        }
        "serviceaccounts/token" => Sign::RotationCondition,
        "deployments" => Sign::ActionCondition,
        "leases" => Sign::NoLead,
        "events" => Sign::LostEvents,
        _ => Sign::Condition,
    }
}

/// How long a fault lasts before `/healthz` is red, with room for a slow machine.
const RED_WITHIN: Duration = Duration::from_secs(150);

/// Whether an operator without `rule` says so where it must.
async fn is_missed(stage: &Stage<'_>, rule: &Rule) -> Result<()> {
    let (resources, sign) = (rule.resources(), rule.sign());
    ensure!(!resources.is_empty(), "the rule names no resources");
    let operator = stage.operator("limited", &["--resync-seconds=1"]).await?;
    stage.put_app(&app()?).await?;
    order_rotation(stage).await?;
    order_action(stage, "of-nothing", "absent").await?;
    if sign == Sign::ActionCondition {
        order_action(stage, RESTART, sample::NAME).await?;
    }
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
            Sign::Condition => self.app_says().await,
            Sign::ActionCondition => {
                let action = actions(self.stage).get(RESTART).await?;
                let stalled = condition(&action, "Stalled");
                let said = stalled.is_some_and(|c| {
                    c.status == "True" && c.reason == "ApiServer" && self.names(&c.message)
                });
                Ok(said && self.app_says().await?)
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
            Sign::LostEvents => {
                let lost = "reportapp_operator_events_failed_total";
                let app = self.stage.apps().get(sample::NAME).await?;
                let goes_on = condition(&app, "UpToDate").is_some_and(|c| c.status == "True");
                Ok(goes_on && self.operator.metric(lost).await? > 0.0 && self.logs()?)
            }
        }
    }

    /// Whether the ReportApp says it.
    async fn app_says(&self) -> Result<bool> {
        let app = self.stage.apps().get(sample::NAME).await?;
        let said = ["Ready", "Stalled"].map(|kind| condition(&app, kind));
        let mut said = said.into_iter().flatten();
        Ok(said.any(|c| c.reason == "Forbidden" && self.names(&c.message)))
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
async fn order_action(stage: &Stage<'_>, name: &str, app: &str) -> Result<()> {
    let action: IncidentAction = serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "IncidentAction",
        "metadata": {"name": name},
        "spec": {"app": app, "rollingRestart": {}, "reason": "a test"},
    }))?;
    actions(stage)
        .create(&PostParams::default(), &action)
        .await?;
    Ok(())
}

fn actions(stage: &Stage<'_>) -> Api<IncidentAction> {
    Api::namespaced(stage.client(), &stage.namespace)
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
    actions(stage).delete_collection(&how, &all).await?;
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
