//! A user who is locked, for good and for a while, and one who has to choose a new password: felt by every
//! process of the API, and put back, also by an operator that was away when it was due, and never by one
//! whose action was deleted.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::DeleteParams;
use reportapp_crds::IncidentAction;
use reportapp_crds::one_shot::Phase;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::sessions::{Pods, SECOND, add_second, remove_second};
use super::{PATIENCE, are_as_expected, create, until_ended};
use crate::backends::Database;
use crate::demo::NAME;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

pub(super) async fn are_locked_and_put_back(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    add_second(&subject).await?;
    let outcome = second(&subject).await;
    remove_second(&subject).await?;
    outcome
}

async fn second(subject: &Subject<'_>) -> Result<()> {
    let pods = Pods::of(subject).await?;
    let other = subject.session().await?;
    for kind in ["disableUser", "forcePasswordReset"] {
        let before = sign_in(subject).await?;
        pods.all_answer(&before, StatusCode::OK).await?;
        let locked = act(subject, kind, json!({ "user": SECOND })).await?;
        pods.all_answer(&before, StatusCode::UNAUTHORIZED).await?;
        pods.all_answer(&other, StatusCode::OK).await?;
        is_kept_out(subject).await.context(kind)?;

        let undo = json!({ "actionRef": locked.name_any() });
        act(subject, "undo", undo).await?;
        let again = sign_in(subject).await?;
        pods.all_answer(&again, StatusCode::OK).await?;
        pods.all_answer(&before, StatusCode::UNAUTHORIZED).await?;
    }
    for_a_while(subject).await?;
    deleted_in_time(subject).await?;
    until_sealed(subject).await
}

/// How long a lock lasts during which the operator has to be taken away.
const A_WHILE: &str = "45s";

/// Put back after its time, though the operator was down when that was over.
async fn for_a_while(subject: &Subject<'_>) -> Result<()> {
    let (name, due) = lock_for(subject, "disableUser", A_WHILE).await?;
    let while_it_is_away = async || {
        let seen = subject.objects::<IncidentAction>().get(&name).await?;
        let reverted = seen
            .status
            .is_some_and(|status| status.reverted_at.is_some());
        ensure!(!reverted, "it was put back before the operator was gone");
        until_later_than(subject, due).await?;
        is_kept_out(subject).await
    };
    subject.without_operator(while_it_is_away).await?;
    let reverted = until_put_back(subject, &name).await?;
    ensure!(
        super::phase_of(&reverted) == Some(Phase::Succeeded),
        "it has another end now"
    );
    sign_in(subject).await.map(drop)
}

/// Locked for good, because the action that would put that back was deleted.
async fn deleted_in_time(subject: &Subject<'_>) -> Result<()> {
    let (name, due) = lock_for(subject, "disableUser", "15s").await?;
    let actions = subject.objects::<IncidentAction>();
    actions.delete(&name, &DeleteParams::default()).await?;
    until_later_than(subject, due).await?;
    // What is due later than that is put back: the operator has looked at both.
    let (later, _) = lock_for(subject, "forcePasswordReset", "5s").await?;
    until_put_back(subject, &later).await?;
    is_kept_out(subject).await
}

/// Changes the second user for a while; gives the action and when that is over.
async fn lock_for(
    subject: &Subject<'_>,
    kind: &str,
    duration: &str,
) -> Result<(String, Timestamp)> {
    let mut spec = spec(kind, json!({ "user": SECOND }));
    spec["duration"] = json!(duration);
    let name = create(subject, spec).await?.name_any();
    let ended = until_ended(subject, &name, Phase::Succeeded).await?;
    let status = ended.status.context("a status")?;
    let due = status.reverts_at.or(status.reverted_at);
    let due = due.context("it does not say when it is put back")?;
    Ok((name, due.0))
}

async fn until_put_back(subject: &Subject<'_>, name: &str) -> Result<IncidentAction> {
    let is_put_back = |seen: &IncidentAction| {
        let status = seen.status.as_ref();
        status.is_some_and(|status| status.reverted_at.is_some())
    };
    watch::until(subject.objects(), name, "put back", PATIENCE, is_put_back).await
}

/// Waits until the clock of the store has passed this instant.
async fn until_later_than(subject: &Subject<'_>, instant: Timestamp) -> Result<()> {
    let later =
        format!("SELECT clock_timestamp() > '{instant}'::timestamptz + interval '1 second'");
    until_true(subject, &later).await
}

/// Waits until what the trail holds of the second user is in a batch: the processes of the API seal it.
async fn until_sealed(subject: &Subject<'_>) -> Result<()> {
    let sealed = format!(
        "SELECT count(batch) > 0 AND count(batch) = count(*) FROM audit_logs_dml
         WHERE table_name = 'users_enhanced' AND row_id = '{SECOND}-id'"
    );
    until_true(subject, &sealed).await
}

/// Waits until the store answers a question with yes.
async fn until_true(subject: &Subject<'_>, question: &str) -> Result<()> {
    let answered = async {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            if subject.backends().psql(Database::Store, question).await? == "t" {
                return anyhow::Ok(());
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, answered).await;
    waited.with_context(|| format!("it stays untrue: {question}"))?
}

fn spec(kind: &str, what: Value) -> Value {
    let mut spec = json!({ "app": NAME, "reason": "a test" });
    spec[kind] = what;
    spec
}

async fn act(subject: &Subject<'_>, kind: &str, what: Value) -> Result<IncidentAction> {
    let name = create(subject, spec(kind, what)).await?.name_any();
    let ended = until_ended(subject, &name, Phase::Succeeded).await?;
    are_as_expected(&ended)?;
    Ok(ended)
}

async fn sign_in(subject: &Subject<'_>) -> Result<crate::demo::access::Session> {
    let password = subject.demo.admin_password().expose();
    subject.demo.sign_in_as(SECOND, password).await
}

async fn is_kept_out(subject: &Subject<'_>) -> Result<()> {
    let signed_in = sign_in(subject).await;
    ensure!(signed_in.is_err(), "signing in is possible");
    Ok(())
}
