//! Steps of the runbook on the running application, each with its effect measured from outside.

mod caches;
mod roles;
pub(super) mod sessions;
mod users;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::PostParams;
use reportapp_crds::incident_action::Figure;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, SecretRotation};
use serde_json::{Value, json};

use super::credentials::Credential;
use super::load::Load;
use super::pods;
use super::rotation::held::Held;
use super::subject::Subject;
use crate::demo::NAME;
use crate::scenarios::world::World;
use crate::scenarios::{Scenario, scenario, watch};

/// How long an action may take from its creation to its end.
const PATIENCE: Duration = Duration::from_secs(300);
/// The action the documentation shows.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/restart.yaml");
const PAGE: &str = include_str!("../../../../docs/how-to/action-restart.md");

/// The scenarios of actions.
pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario!(
            Cluster,
            "an action restarts every pod without one failed request",
            restarts_everything
        ),
        scenario!(
            Cluster,
            "an action rotates a credential and reports the old login refused",
            rotates
        ),
        scenario!(
            Cluster,
            "a dry run of an action shows the plan and changes nothing",
            plans
        ),
        scenario!(
            Cluster,
            "an action ends everybody's sessions in every pod of the API",
            sessions::of_everybody
        ),
        scenario!(
            Cluster,
            "an action ends one user's or one session and nobody else's",
            sessions::of_one_user
        ),
        scenario!(
            Cluster,
            "an action that cannot end sessions says so and ends none",
            sessions::of_nobody
        ),
        scenario!(
            Cluster,
            "an action locks a user in every pod of the API, and another one or its time puts that back",
            users::are_locked_and_put_back
        ),
        scenario!(
            Cluster,
            "an action removes cached keys and no others, and names the right it lacks",
            caches::are_emptied
        ),
        scenario!(
            Cluster,
            "an action has permissions read anew by every pod of the API and ends no session",
            caches::of_permissions_are_read_anew
        ),
        scenario!(
            Cluster,
            "nobody asks for an action in the name of somebody else",
            roles::in_ones_own_name
        ),
        scenario!(
            Cluster,
            "the chart's roles for people grant what they say",
            roles::grant_what_they_say
        ),
    ]
}

async fn restarts_everything(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = pods::of(&subject).await?;
    let load = Load::start(&subject).await?;
    let name = create_example(&subject, EXAMPLE).await?;
    let is_begun = |seen: &IncidentAction| !seen.owner_references().is_empty();
    watch::until(subject.objects(), &name, "begun", PATIENCE, is_begun).await?;
    let second = waits_for(&subject, &name, restart(&["bot"])).await?;
    let ended = until_ended(&subject, &name, Phase::Succeeded).await?;
    let tally = load.none_failed().await?;
    world.progress().note(&tally.to_string());

    are_as_expected(&ended)?;
    says_what_its_page_shows(&ended, PAGE)?;
    let after = pods::of(&subject).await?;
    let kept: Vec<_> = before
        .keys()
        .filter(|pod| after.contains_key(*pod))
        .collect();
    ensure!(
        !before.is_empty() && kept.is_empty(),
        "not replaced: {kept:?}"
    );
    until_ended(&subject, &second.name_any(), Phase::Succeeded).await?;
    subject.until_ready().await
}

/// Creates an action with a target of the action `first`, and sees it wait for that by name.
async fn waits_for(subject: &Subject<'_>, first: &str, spec: Value) -> Result<IncidentAction> {
    let second = create(subject, spec).await?;
    let name = second.name_any();
    let seen = watch::until(subject.objects(), &name, "looked at", PATIENCE, |seen| {
        phase_of(seen).is_some()
    })
    .await?;
    ensure!(
        phase_of(&seen) == Some(Phase::Pending)
            && watch::told(&seen).contains(&format!("IncidentAction {first}")),
        "it does not wait for {first}: {}",
        watch::told(&seen)
    );
    Ok(second)
}

async fn rotates(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Held::take(&subject, Credential::Store).await?;
    let load = Load::start(&subject).await?;
    let rotate = json!({ "credentials": [Credential::Store.name()] });
    let spec = json!({ "app": NAME, "reason": "a test", "rotateCredential": rotate });
    let created = create(&subject, spec).await?;
    let ended = until_ended(&subject, &created.name_any(), Phase::Succeeded).await?;
    load.none_failed().await?;
    held.is_replaced(&subject).await?;
    are_as_expected(&ended)?;
    let refused = figure(&ended, "oldValuesRefused")?;
    ensure!(refused.measured == 1, "no login was refused: {refused:?}");
    let progress = ended.status.and_then(|status| status.rotation);
    let rotation = progress.context("it names no rotation")?.name;
    let rotation = subject.objects::<SecretRotation>().get(&rotation).await?;
    let owners = rotation.owner_references();
    ensure!(
        owners.len() == 1 && Some(&owners[0].uid) == created.metadata.uid.as_ref(),
        "the rotation does not go with its action: {owners:?}"
    );
    subject.until_ready().await
}

async fn plans(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = pods::of(&subject).await?;
    let mut spec = restart(&["api"]);
    spec["dryRun"] = json!(true);
    let created = create(&subject, spec).await?;
    let planned = until_ended(&subject, &created.name_any(), Phase::Succeeded).await?;
    let plan = planned.status.map(|status| status.plan).unwrap_or_default();
    let names_pods = plan.len() == 1 && plan[0].contains("Deployment demo-api: replace");
    ensure!(names_pods, "the plan is {plan:?}");
    ensure!(pods::of(&subject).await? == before, "pods were replaced");
    Ok(())
}

fn restart(components: &[&str]) -> Value {
    let restart = json!({ "components": components });
    json!({ "app": NAME, "reason": "a test", "rollingRestart": restart })
}

/// Creates what an example of the documentation shows; gives its name.
///
/// # Errors
/// When the API server refuses it.
pub(super) async fn create_example(subject: &Subject<'_>, file: &str) -> Result<String> {
    let created = subject
        .kubectl(&["create", "--filename", file, "--output", "name"])
        .await?;
    let name = created.trim().rsplit('/').next().map(str::to_owned);
    name.context("kubectl does not name what it created")
}

/// Creates an action.
///
/// # Errors
/// When the API server refuses it.
pub(super) async fn create(subject: &Subject<'_>, spec: Value) -> Result<IncidentAction> {
    let action: IncidentAction = serde_json::from_value(json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "IncidentAction",
        "metadata": { "generateName": "e2e-" },
        "spec": spec,
    }))?;
    let api = subject.objects::<IncidentAction>();
    let created = api.create(&PostParams::default(), &action).await;
    created.context("the IncidentAction was refused")
}

/// Waits until an action has ended in `phase`.
///
/// # Errors
/// When it ends otherwise, or not in time.
pub(super) async fn until_ended(
    subject: &Subject<'_>,
    name: &str,
    phase: Phase,
) -> Result<IncidentAction> {
    let ended = watch::until(subject.objects(), name, "at its end", PATIENCE, |seen| {
        phase_of(seen).is_some_and(Phase::is_final)
    })
    .await?;
    ensure!(
        phase_of(&ended) == Some(phase),
        "{name} ended {:?} instead of {phase:?}; conditions: {}",
        phase_of(&ended),
        watch::told(&ended)
    );
    Ok(ended)
}

fn are_as_expected(action: &IncidentAction) -> Result<()> {
    let figures = action.status.as_ref().map(|status| &status.verification);
    let figures = figures.context("it has no status")?;
    let off = figures
        .iter()
        .find(|figure| figure.measured != figure.expected);
    ensure!(
        !figures.is_empty() && off.is_none(),
        "it succeeded with these figures: {figures:?}"
    );
    Ok(())
}

/// How a message goes on when processes had vanished that nobody waited for before.
const VANISHED: &str = ", the leases of # process were waited for";

/// Sees the message of an action in its page of the documentation, numbers aside.
fn says_what_its_page_shows(action: &IncidentAction, page: &str) -> Result<()> {
    let message = action
        .status
        .as_ref()
        .and_then(|status| status.message.clone());
    let message = message.context("it has no message")?;
    let said = shape(&message).replace(VANISHED, "");
    let is_shown = page.lines().any(|line| shape(line).contains(&said));
    ensure!(is_shown, "its page does not show what it says: {message}");
    Ok(())
}

/// A text whose numbers do not matter.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for letter in text.replace("processes", "process").chars() {
        match letter.is_ascii_digit() {
            true if shape.ends_with('#') => {}
            true => shape.push('#'),
            false => shape.push(letter),
        }
    }
    shape
}

fn figure<'a>(action: &'a IncidentAction, name: &str) -> Result<&'a Figure> {
    let figures = action.status.iter().flat_map(|status| &status.verification);
    { figures }
        .find(|figure| figure.name == name)
        .with_context(|| format!("there is no figure {name}"))
}

fn phase_of(action: &IncidentAction) -> Option<Phase> {
    action.status.as_ref()?.phase
}
