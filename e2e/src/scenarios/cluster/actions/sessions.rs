//! Sessions ended by an action: every process of the API is asked itself, for a Service would show one
//! of them at a time.

use anyhow::{Context as _, Result, ensure};
use reportapp_crds::IncidentAction;
use reportapp_crds::incident_action::RevocationProgress;
use reportapp_crds::one_shot::Phase;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{are_as_expected, create, create_example, says_what_its_page_shows, until_ended};
use crate::backends::Database;
use crate::cluster::Forward;
use crate::demo::NAME;
use crate::demo::access::{Answer, Entrance, Session};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

/// The action the documentation shows.
const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/examples/invalidate-sessions.yaml"
);
const PAGE: &str = include_str!("../../../../../docs/how-to/action-invalidate-sessions.md");
/// A tenant, by its name.
const TENANT: &str = "e2e-tenant";
/// A second user, with the password of the administrator.
pub(super) const SECOND: &str = "e2e-second";

pub(super) async fn of_everybody(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let pods = Pods::of(&subject).await?;
    let before = [subject.session().await?, subject.session().await?];
    for session in &before {
        pods.all_answer(session, StatusCode::OK).await?;
    }
    let name = create_example(&subject, EXAMPLE).await?;
    let ended = until_ended(&subject, &name, Phase::Succeeded).await?;
    for session in &before {
        pods.all_answer(session, StatusCode::UNAUTHORIZED).await?;
    }
    let again = subject.session().await?;
    pods.all_answer(&again, StatusCode::OK).await?;

    are_as_expected(&ended)?;
    says_what_its_page_shows(&ended, PAGE)?;
    let revocation = revocation(&ended)?;
    let confirmed = revocation.processes_confirmed.unwrap_or_default();
    ensure!(
        usize::try_from(confirmed)? >= pods.0.len(),
        "{} pods serve, and the action saw {revocation:?}",
        pods.0.len()
    );
    let open = revocation.sessions_before.unwrap_or_default();
    ensure!(
        open >= i64::try_from(before.len())?,
        "{} sessions were open, and the action saw {revocation:?}",
        before.len()
    );
    let after = revocation.acknowledged_after_ms.unwrap_or_default();
    let progress = world.progress();
    progress.note(&format!("acknowledged {after} ms after the commit"));
    Ok(())
}

pub(super) async fn of_one_user(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    add_second(&subject).await?;
    let outcome = async {
        only_what_is_named(&subject).await?;
        of_a_tenant(&subject).await
    };
    let outcome = outcome.await;
    remove_second(&subject).await?;
    let remove = format!("DELETE FROM clients WHERE name_key = '{TENANT}'");
    subject.backends().psql(Database::Store, &remove).await?;
    outcome
}

/// Adds the second user.
pub(super) async fn add_second(subject: &Subject<'_>) -> Result<()> {
    let add = format!(
        "WITH made AS (
             INSERT INTO users_enhanced (id, username, username_key, name, password_hash, created_at)
             SELECT '{SECOND}-id', '{SECOND}', '{SECOND}', '{SECOND}', password_hash, now()
             FROM users_enhanced WHERE username_key = 'admin' RETURNING id)
         INSERT INTO rbac_user_roles (user_id, role_id, granted_at)
         SELECT id, 'reader', now() FROM made"
    );
    subject
        .backends()
        .psql(Database::Store, &add)
        .await
        .map(drop)
}

/// Removes the second user.
pub(super) async fn remove_second(subject: &Subject<'_>) -> Result<()> {
    let remove = format!("DELETE FROM users_enhanced WHERE id = '{SECOND}-id'");
    subject
        .backends()
        .psql(Database::Store, &remove)
        .await
        .map(drop)
}

/// A user's sessions, then one of two sessions of another.
async fn only_what_is_named(subject: &Subject<'_>) -> Result<()> {
    let pods = Pods::of(subject).await?;
    let (first, other) = (subject.session().await?, subject.session().await?);
    let password = subject.demo.admin_password().expose();
    let second = subject.demo.sign_in_as(SECOND, password).await?;
    pods.all_answer(&second, StatusCode::OK).await?;

    invalidate(subject, json!({ "user": SECOND.to_uppercase() })).await?;
    pods.all_answer(&second, StatusCode::UNAUTHORIZED).await?;
    for session in [&first, &other] {
        pods.all_answer(session, StatusCode::OK).await?;
    }
    let again = subject.demo.sign_in_as(SECOND, password).await?;
    pods.all_answer(&again, StatusCode::OK).await?;

    let id = id_of(&first).await?;
    invalidate(subject, json!({ "session": id })).await?;
    pods.all_answer(&first, StatusCode::UNAUTHORIZED).await?;
    for session in [&other, &again] {
        pods.all_answer(session, StatusCode::OK).await?;
    }
    Ok(())
}

/// The sessions of a tenant's users, by the name of the tenant, and nobody else's.
async fn of_a_tenant(subject: &Subject<'_>) -> Result<()> {
    let pods = Pods::of(subject).await?;
    let move_there = format!(
        "INSERT INTO clients (id, name, name_key, created_at)
         VALUES ('{TENANT}-id', '{TENANT}', '{TENANT}', now());
         UPDATE users_enhanced SET tenant_id = '{TENANT}-id' WHERE id = '{SECOND}-id'"
    );
    let backends = subject.backends();
    backends.psql(Database::Store, &move_there).await?;
    let other = subject.session().await?;
    let password = subject.demo.admin_password().expose();
    let theirs = subject.demo.sign_in_as(SECOND, password).await?;
    for session in [&other, &theirs] {
        pods.all_answer(session, StatusCode::OK).await?;
    }
    invalidate(subject, json!({ "tenant": TENANT.to_uppercase() })).await?;
    pods.all_answer(&theirs, StatusCode::UNAUTHORIZED).await?;
    pods.all_answer(&other, StatusCode::OK).await
}

pub(super) async fn of_nobody(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let pods = Pods::of(&subject).await?;
    let session = subject.session().await?;
    let everybody = json!({ "all": {} });
    let mut dry = spec(everybody);
    dry["dryRun"] = json!(true);
    let created = create(&subject, dry).await?.metadata.name;
    let planned = until_ended(&subject, &created.unwrap_or_default(), Phase::Succeeded).await?;
    let plan = planned.status.map(|status| status.plan).unwrap_or_default();
    let names = plan.iter().any(|line| line.contains("everybody"));
    ensure!(names && plan.len() == 2, "the plan is {plan:?}");

    for (whose, reason) in [
        (json!({ "user": "e2e-nobody" }), "UnknownUser"),
        (json!({ "tenant": "e2e-nobody" }), "UnknownTenant"),
    ] {
        let created = create(&subject, spec(whose)).await?.metadata.name;
        let failed = until_ended(&subject, &created.unwrap_or_default(), Phase::Failed).await?;
        let conditions = failed.status.map(|status| status.conditions);
        let mut conditions = conditions.unwrap_or_default().into_iter();
        let ready = conditions.find(|condition| condition.type_ == "Ready");
        ensure!(
            ready.as_ref().is_some_and(|ready| ready.reason == reason),
            "it did not end with {reason}: {ready:?}"
        );
    }
    pods.all_answer(&session, StatusCode::OK).await
}

fn spec(whose: Value) -> Value {
    let mut spec = json!({ "app": NAME, "reason": "a test" });
    spec["invalidateSessions"] = whose;
    spec
}

async fn invalidate(subject: &Subject<'_>, whose: Value) -> Result<()> {
    let created = create(subject, spec(whose)).await?.metadata.name;
    let ended = until_ended(subject, &created.unwrap_or_default(), Phase::Succeeded).await?;
    are_as_expected(&ended)
}

fn revocation(action: &IncidentAction) -> Result<&RevocationProgress> {
    let status = action.status.as_ref();
    let revocation = status.and_then(|status| status.revocation.as_ref());
    revocation.context("its status has no revocation")
}

/// The id of the session itself, as the API lists it.
async fn id_of(session: &Session) -> Result<String> {
    let list = session.get("/api/auth/sessions").await?;
    let mut sessions = list["sessions"].as_array().into_iter().flatten();
    let current = sessions.find(|found| found["isCurrent"] == true);
    let id = current.and_then(|found| found["id"].as_str());
    id.map(str::to_owned).context("it is not in its own list")
}

/// A way to each pod of the API.
pub(in super::super) struct Pods(Vec<(String, Forward, Entrance)>);

impl Pods {
    pub(in super::super) async fn of(subject: &Subject<'_>) -> Result<Self> {
        let mut ways = Vec::new();
        for (pod, forward) in subject.api_pods().await? {
            let entrance = subject.demo.entrance().at(forward.local());
            ways.push((pod, forward, entrance));
        }
        ensure!(!ways.is_empty(), "the API has no pods");
        Ok(Self(ways))
    }

    /// Sees a token answered so by each pod.
    pub(in super::super) async fn all_answer(
        &self,
        session: &Session,
        status: StatusCode,
    ) -> Result<()> {
        self.all_answer_at("/api/auth/me", session, status).await
    }

    /// Asks each pod as a page does, and tells where it found its figures.
    pub(super) async fn found(&self, path: &str, session: &Session) -> Result<Vec<String>> {
        let mut places = Vec::new();
        for (pod, _, entrance) in &self.0 {
            let url = format!("{}{path}", entrance.base());
            let request = entrance.http()?.build()?.get(url);
            let answer = Answer::to(request.bearer_auth(&session.token), path).await;
            let found = answer.with_context(|| pod.clone())?.found;
            places
                .push(found.with_context(|| format!("{pod} does not say where it found {path}"))?);
        }
        Ok(places)
    }

    /// Sees a question answered so by each pod.
    pub(super) async fn all_answer_at(
        &self,
        path: &str,
        session: &Session,
        status: StatusCode,
    ) -> Result<()> {
        for (pod, _, entrance) in &self.0 {
            let url = format!("{}{path}", entrance.base());
            let request = entrance.http()?.build()?.get(url);
            let answer = request.bearer_auth(&session.token).send().await?;
            ensure!(
                answer.status() == status,
                "{pod} answers {path} with {} instead of {status}",
                answer.status()
            );
        }
        Ok(())
    }
}
