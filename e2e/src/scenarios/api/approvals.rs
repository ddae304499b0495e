//! Approval by a second person: each rule as somebody who breaks it, and then as somebody who may.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use reportapp_crds::one_shot::Phase;
use serde_json::{Value, json};

use super::actions::{phase_of, until};
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

/// Asks, and may approve as well, of others.
const BOB: &str = "bob@example.com";
/// May approve.
const EVE: &str = "eve@example.com";
/// May patch actions, and not approve.
const MALLORY: &str = "mallory@example.com";
/// May look.
const VICTOR: &str = "victor@example.com";
/// The action.
const NAME: &str = "asked";

pub(super) async fn by_a_second_person(world: &World) -> Result<()> {
    let stage = Stage::new(world, "approvals").await?;
    let chart = stage.chart().await?;
    let rules: Vec<_> = chart.into_iter().filter(is_of_people).collect();
    stage.apply_rights(&rules).await?;
    let outcome = with_rules(&stage).await;
    // They are of the whole cluster.
    for rule in &rules {
        let kind = rule["kind"].as_str().unwrap_or_default();
        let name = rule["metadata"]["name"].as_str().unwrap_or_default();
        stage
            .kubectl(&["delete", "--ignore-not-found", kind, name])
            .await?;
    }
    outcome?;
    stage.remove().await
}

/// Policies, and roles for people.
fn is_of_people(document: &Value) -> bool {
    let kind = document["kind"].as_str().unwrap_or_default();
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    let roles = ["-viewer", "-responder", "-approver", "-admin"];
    kind.starts_with("ValidatingAdmissionPolicy")
        || kind == "ClusterRole" && roles.iter().any(|role| name.ends_with(role))
}

async fn with_rules(stage: &Stage<'_>) -> Result<()> {
    let role = |role: &str| format!("{}-reportapp-operator-{role}", stage.namespace);
    bind(stage, BOB, &[&role("responder"), &role("approver")]).await?;
    bind(stage, EVE, &[&role("approver")]).await?;
    bind(stage, VICTOR, &[&role("viewer")]).await?;
    let patcher = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": "patcher", "namespace": stage.namespace },
        "rules": [{
            "apiGroups": ["reportapp.dev"], "resources": ["incidentactions"],
            "verbs": ["get", "create", "patch"],
        }],
    });
    stage.apply_rights(&[patcher]).await?;
    stage
        .kubectl(&[
            "create",
            "rolebinding",
            "mallory",
            "--namespace",
            &stage.namespace,
            "--role=patcher",
            "--user",
            MALLORY,
        ])
        .await?;
    until_policy_holds(stage).await?;

    let operator = stage.operator("one", &[]).await?;
    let mut app = sample::report_app();
    let rule = json!({ "approval": { "requiredFor": ["RollingRestart"] } });
    app["spec"]["incidents"] = rule;
    stage.put_app(&app).await?;
    stage.until_applied(sample::NAME).await?;
    create(stage, BOB, &spec(BOB))
        .await?
        .map_err(anyhow::Error::msg)?;
    let waits = until(stage, NAME, "awaiting approval", |seen| {
        phase_of(seen) == Some(Phase::AwaitingApproval)
    });
    let waits = waits.await?;
    ensure!(
        waits.owner_references().is_empty() && !waits.status.context("a status")?.plan.is_empty(),
        "it began, or has no plan"
    );
    wrong_people(stage).await?;
    approve(stage, EVE, EVE)
        .await?
        .map_err(anyhow::Error::msg)?;
    until(stage, NAME, "begun", |seen| {
        !seen.owner_references().is_empty()
    })
    .await?;
    refused(approve(stage, EVE, BOB).await?, "set once")?;
    let taken_back = json!({ "spec": { "approval": null } });
    refused(patch(stage, EVE, &taken_back).await?, "set once")?;
    operator.stop().await?;
    Ok(())
}

/// Each breaks one rule.
async fn wrong_people(stage: &Stage<'_>) -> Result<()> {
    refused(approve(stage, VICTOR, VICTOR).await?, "cannot patch")?;
    refused(approve(stage, MALLORY, MALLORY).await?, "may not approve")?;
    refused(
        approve(stage, EVE, "somebody-else").await?,
        "must be the user who writes it",
    )?;
    refused(
        approve(stage, BOB, BOB).await?,
        "somebody else than the one",
    )?;
    // The definition is asked before any policy.
    let mut of_nobody = spec(MALLORY);
    of_nobody["approval"] = json!({ "approvedBy": EVE });
    of_nobody
        .as_object_mut()
        .and_then(|spec| spec.remove("requestedBy"))
        .context("the action of a test says who asks for it")?;
    let created = create_with(stage, MALLORY, &of_nobody, &["--dry-run=server"]);
    refused(created.await?, "which must be there")?;
    let reason = json!({ "spec": { "reason": "another one" } });
    refused(patch(stage, EVE, &reason).await?, "never changes")?;
    refused(create(stage, EVE, &spec(EVE)).await?, "cannot create")
}

fn spec(requester: &str) -> Value {
    json!({
        "app": sample::NAME, "reason": "a test", "requestedBy": requester,
        "rollingRestart": { "components": ["api"] },
    })
}

async fn bind(stage: &Stage<'_>, user: &str, roles: &[&str]) -> Result<()> {
    for (number, role) in roles.iter().enumerate() {
        let name = format!("{}-{number}", user.split('@').next().unwrap_or_default());
        let role = format!("--clusterrole={role}");
        let arguments = ["create", "rolebinding", &name, &role, "--user", user];
        let namespace = ["--namespace", stage.namespace.as_str()];
        stage
            .kubectl(&[&arguments[..], &namespace].concat())
            .await?;
    }
    Ok(())
}

/// A policy holds a moment after it was made. Nobody writes an approval at the creation, also not that of
/// somebody else.
async fn until_policy_holds(stage: &Stage<'_>) -> Result<()> {
    let mut spec = spec(MALLORY);
    spec["approval"] = json!({ "approvedBy": EVE });
    let refused = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let said = create_with(stage, MALLORY, &spec, &["--dry-run=server"]).await?;
            if said.is_err_and(|said| said.contains("written after the action was created")) {
                return anyhow::Ok(());
            }
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, refused).await;
    outcome.context("an approval may be written at the creation")?
}

async fn create(stage: &Stage<'_>, user: &str, spec: &Value) -> Result<Result<(), String>> {
    create_with(stage, user, spec, &[]).await
}

async fn create_with(
    stage: &Stage<'_>,
    user: &str,
    spec: &Value,
    more: &[&str],
) -> Result<Result<(), String>> {
    let object = json!({
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
        "metadata": { "name": NAME, "namespace": stage.namespace }, "spec": spec,
    });
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), object.to_string())?;
    let path = file
        .path()
        .to_str()
        .context("a path of the system is text")?;
    let arguments = ["create", "--validate=false", "--filename", path];
    stage
        .kubectl_as(user, &[&arguments[..], more].concat())
        .await
}

async fn approve(stage: &Stage<'_>, user: &str, name: &str) -> Result<Result<(), String>> {
    let approval = json!({ "spec": { "approval": { "approvedBy": name } } });
    patch(stage, user, &approval).await
}

async fn patch(stage: &Stage<'_>, user: &str, patch: &Value) -> Result<Result<(), String>> {
    let patch = patch.to_string();
    let arguments = [
        "patch",
        "incidentaction",
        NAME,
        "--type=merge",
        "--patch",
        &patch,
    ];
    stage.kubectl_as(user, &arguments).await
}

fn refused(outcome: Result<(), String>, why: &str) -> Result<()> {
    let said = outcome.err().context("it was let through")?;
    ensure!(
        said.contains(why),
        "the refusal does not say {why:?}: {said}"
    );
    Ok(())
}
