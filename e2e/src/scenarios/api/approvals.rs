//! Approval by a second person, of actions and of rotations: each rule as somebody who breaks it, and then as
//! somebody who may.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use reportapp_crds::one_shot::Phase;
use serde_json::{Value, json};

use super::actions::{self, phase_of};
use super::rotations::{self, PARTNER_VALUE};
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// Asks, and may approve as well, of others.
const BOB: &str = "bob@example.com";
/// May approve.
const EVE: &str = "eve@example.com";
/// May patch actions and rotations, and not approve.
const MALLORY: &str = "mallory@example.com";
/// May look.
const VICTOR: &str = "victor@example.com";
/// Words of the refusal to look like the operator.
const ONLY_THE_OPERATOR: &str = "only the operator makes rotations";

/// Something that is asked for.
struct Asked {
    kind: &'static str,
    name: &'static str,
    what: Value,
}

impl Asked {
    fn restart() -> Self {
        Self {
            kind: "IncidentAction",
            name: "asked",
            what: json!({ "rollingRestart": { "components": ["api"] } }),
        }
    }

    /// An action that rotates.
    fn leak() -> Self {
        Self {
            kind: "IncidentAction",
            name: "leak",
            what: json!({ "rotateCredential": { "credentials": [PARTNER_VALUE] } }),
        }
    }

    /// A rotation that says of itself to be of the schedule, which anybody may write.
    fn rotation() -> Self {
        Self {
            kind: "SecretRotation",
            name: "asked",
            what: json!({ "credentials": [PARTNER_VALUE], "mode": "Scheduled" }),
        }
    }

    fn object(&self, stage: &Stage<'_>, requester: &str) -> Value {
        let mut spec = self.what.clone();
        spec["app"] = json!(sample::NAME);
        spec["reason"] = json!("a test");
        spec["requestedBy"] = json!(requester);
        json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": self.kind,
            "metadata": { "name": self.name, "namespace": stage.namespace }, "spec": spec,
        })
    }
}

pub(super) async fn by_a_second_person(world: &World) -> Result<()> {
    let stage = rotations::stage(world, "approvals").await?;
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
            "apiGroups": ["reportapp.dev"], "resources": ["incidentactions", "secretrotations"],
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
    until_policies_hold(stage).await?;

    let operator = stage.operator("one", &[]).await?;
    let mut app = rotations::with_credentials();
    let rule = json!({ "approval": { "requiredFor": ["RollingRestart", "RotateCredential"] } });
    app["spec"]["incidents"] = rule;
    stage.put_app(&app).await?;
    stage.until_applied(sample::NAME).await?;
    of_an_action(stage).await?;
    of_a_rotation(stage).await?;
    of_an_action_that_rotates(stage).await?;
    operator.stop().await
}

async fn of_an_action(stage: &Stage<'_>) -> Result<()> {
    let asked = Asked::restart();
    let object = asked.object(stage, BOB);
    let created = create(stage, BOB, &object).await?;
    created.map_err(anyhow::Error::msg)?;
    let waits = actions::until(stage, asked.name, "awaiting approval", |seen| {
        phase_of(seen) == Some(Phase::AwaitingApproval)
    });
    let waits = waits.await?;
    ensure!(
        waits.owner_references().is_empty() && !waits.status.context("a status")?.plan.is_empty(),
        "it began, or has no plan"
    );
    wrong_people(stage, &asked).await?;
    let approved = approve(stage, EVE, &asked, EVE).await?;
    approved.map_err(anyhow::Error::msg)?;
    let begun = actions::until(stage, asked.name, "begun", |seen| {
        !seen.owner_references().is_empty()
    });
    begun.await?;
    refused(approve(stage, EVE, &asked, BOB).await?, "set once")?;
    let taken_back = json!({ "spec": { "approval": null } });
    refused(patch(stage, EVE, &asked, &taken_back).await?, "set once")
}

async fn of_a_rotation(stage: &Stage<'_>) -> Result<()> {
    let asked = Asked::rotation();
    let object = asked.object(stage, BOB);
    // The operator's own wait for nobody, so nobody else's may look like them.
    let app = stage.apps().get(sample::NAME).await?;
    let mut owned = object.clone();
    let owners = controlled_by(&app.uid().context("it has a uid")?);
    owned["metadata"]["ownerReferences"] = owners.clone();
    refused(create(stage, BOB, &owned).await?, ONLY_THE_OPERATOR)?;

    let created = create(stage, BOB, &object).await?;
    created.map_err(anyhow::Error::msg)?;
    let seen = |what, phase| {
        watch::until(
            rotations::all(stage),
            asked.name,
            what,
            PATIENCE,
            move |seen| order::phase_of(seen) == Some(phase),
        )
    };
    let waits = seen("awaiting approval", Phase::AwaitingApproval).await?;
    ensure!(
        waits.finalizers().is_empty() && !waits.status.context("a status")?.plan.is_empty(),
        "it began, or has no plan"
    );
    let disguise = json!({ "metadata": { "ownerReferences": owners } });
    let disguised = patch(stage, EVE, &asked, &disguise).await?;
    refused(disguised, ONLY_THE_OPERATOR)?;
    wrong_people(stage, &asked).await?;
    let approved = approve(stage, EVE, &asked, EVE).await?;
    approved.map_err(anyhow::Error::msg)?;
    let ended = seen("successful", Phase::Succeeded).await?;
    rotations::holds_one_new_value(stage, &ended).await?;
    refused(approve(stage, EVE, &asked, BOB).await?, "set once")
}

/// The consent to an action holds for the rotation it makes.
async fn of_an_action_that_rotates(stage: &Stage<'_>) -> Result<()> {
    let asked = Asked::leak();
    let object = asked.object(stage, BOB);
    let created = create(stage, BOB, &object).await?;
    created.map_err(anyhow::Error::msg)?;
    let seen = |what, phase| {
        actions::until(stage, asked.name, what, move |seen| {
            phase_of(seen) == Some(phase)
        })
    };
    seen("awaiting approval", Phase::AwaitingApproval).await?;
    let approved = approve(stage, EVE, &asked, EVE).await?;
    approved.map_err(anyhow::Error::msg)?;
    seen("successful", Phase::Succeeded).await.map(drop)
}

/// Each breaks one rule.
async fn wrong_people(stage: &Stage<'_>, asked: &Asked) -> Result<()> {
    refused(approve(stage, VICTOR, asked, VICTOR).await?, "cannot patch")?;
    refused(
        approve(stage, MALLORY, asked, MALLORY).await?,
        "may not approve",
    )?;
    refused(
        approve(stage, EVE, asked, "somebody-else").await?,
        "must be the user who writes it",
    )?;
    refused(
        approve(stage, BOB, asked, BOB).await?,
        "somebody else than the one",
    )?;
    // The definition is asked before any policy.
    let mut of_nobody = asked.object(stage, MALLORY);
    of_nobody["spec"]["approval"] = json!({ "approvedBy": EVE });
    of_nobody["spec"]
        .as_object_mut()
        .and_then(|spec| spec.remove("requestedBy"))
        .context("it says who asks for it")?;
    let created = create_with(stage, MALLORY, &of_nobody, &["--dry-run=server"]);
    refused(created.await?, "which must be there")?;
    let reason = json!({ "spec": { "reason": "another one" } });
    refused(patch(stage, EVE, asked, &reason).await?, "never changes")?;
    let object = asked.object(stage, EVE);
    refused(create(stage, EVE, &object).await?, "cannot create")
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
/// somebody else, nor an owner that makes a rotation one of the operator.
async fn until_policies_hold(stage: &Stage<'_>) -> Result<()> {
    for asked in [Asked::restart(), Asked::rotation()] {
        let mut object = asked.object(stage, MALLORY);
        object["spec"]["approval"] = json!({ "approvedBy": EVE });
        until_refused(stage, &object, "written after the object was created").await?;
    }
    let mut object = Asked::rotation().object(stage, MALLORY);
    object["metadata"]["ownerReferences"] = controlled_by("some-uid");
    until_refused(stage, &object, ONLY_THE_OPERATOR).await
}

async fn until_refused(stage: &Stage<'_>, object: &Value, why: &str) -> Result<()> {
    let refused = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(250));
        loop {
            ticks.tick().await;
            let said = create_with(stage, MALLORY, object, &["--dry-run=server"]).await?;
            if said.is_err_and(|said| said.contains(why)) {
                return anyhow::Ok(());
            }
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, refused).await;
    outcome.with_context(|| format!("nobody refuses it with {why:?}: {object}"))?
}

/// Owners of a rotation that the operator made for a ReportApp.
fn controlled_by(uid: &str) -> Value {
    json!([{
        "apiVersion": "reportapp.dev/v1alpha1", "kind": "ReportApp", "name": sample::NAME,
        "uid": uid, "controller": true,
    }])
}

async fn create(stage: &Stage<'_>, user: &str, object: &Value) -> Result<Result<(), String>> {
    create_with(stage, user, object, &[]).await
}

async fn create_with(
    stage: &Stage<'_>,
    user: &str,
    object: &Value,
    more: &[&str],
) -> Result<Result<(), String>> {
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

async fn approve(
    stage: &Stage<'_>,
    user: &str,
    asked: &Asked,
    name: &str,
) -> Result<Result<(), String>> {
    let approval = json!({ "spec": { "approval": { "approvedBy": name } } });
    patch(stage, user, asked, &approval).await
}

async fn patch(
    stage: &Stage<'_>,
    user: &str,
    asked: &Asked,
    patch: &Value,
) -> Result<Result<(), String>> {
    let patch = patch.to_string();
    let arguments = [
        "patch",
        asked.kind,
        asked.name,
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
