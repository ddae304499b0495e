//! A user who is locked, for good and for a while, and one who has to choose a new password: felt by every
//! process of the API, and put back.

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use reportapp_crds::IncidentAction;
use reportapp_crds::one_shot::Phase;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::sessions::{Pods, SECOND, add_second, remove_second};
use super::{PATIENCE, are_as_expected, create, until_ended};
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
    for_a_while(subject).await
}

async fn for_a_while(subject: &Subject<'_>) -> Result<()> {
    let mut spec = spec("disableUser", json!({ "user": SECOND }));
    spec["duration"] = json!("5s");
    let name = create(subject, spec).await?.name_any();
    let ended = until_ended(subject, &name, Phase::Succeeded).await?;
    let status = ended.status.context("a status")?;
    ensure!(
        status.reverts_at.is_some() || status.reverted_at.is_some(),
        "it does not say when it is put back"
    );
    let is_put_back = |seen: &IncidentAction| {
        let status = seen.status.as_ref();
        status.is_some_and(|status| status.reverted_at.is_some())
    };
    let reverted = watch::until(subject.objects(), &name, "put back", PATIENCE, is_put_back);
    let reverted = reverted.await?;
    ensure!(
        super::phase_of(&reverted) == Some(Phase::Succeeded),
        "it has another end now"
    );
    sign_in(subject).await.map(drop)
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
