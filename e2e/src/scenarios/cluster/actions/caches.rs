//! What is remembered and forgotten by an action: keys of a namespace in the application's Redis, and what a
//! role permits in every process of the API.

use anyhow::{Result, ensure};
use kube::ResourceExt as _;
use reportapp_crds::IncidentAction;
use reportapp_crds::one_shot::Phase;
use reqwest::StatusCode;
use serde_json::json;

use super::sessions::{Pods, SECOND, add_second, remove_second};
use super::{
    PATIENCE, are_as_expected, create, create_example, figure, says_what_its_page_shows,
    until_ended,
};
use crate::backends::Database;
use crate::demo::NAME;
use crate::scenarios::cluster::load;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// The actions the documentation shows.
const CACHES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/examples/invalidate-caches.yaml"
);
const PERMISSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/examples/invalidate-permissions.yaml"
);
const CACHES_PAGE: &str = include_str!("../../../../../docs/how-to/action-invalidate-caches.md");
const PERMISSIONS_PAGE: &str =
    include_str!("../../../../../docs/how-to/action-invalidate-permissions.md");

/// A key of a namespace that is removed, and one of none.
const CACHED: &str = "dash:e2e";
const LOCK: &str = "lock:e2e";

pub(super) async fn are_emptied(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let outcome = async {
        memories_go(&subject).await?;
        fill(&subject).await?;
        let name = create_example(&subject, CACHES).await?;
        removes_the_cached(&subject, &name).await?;
        fill(&subject).await?;
        waits_for_its_right(&subject).await
    };
    let outcome = outcome.await;
    subject.backends().redis(&["DEL", CACHED, LOCK]).await?;
    outcome
}

/// What each process of the API remembers is given by none of them afterwards.
async fn memories_go(subject: &Subject<'_>) -> Result<()> {
    let (pods, session) = (Pods::of(subject).await?, subject.session().await?);
    let path = &load::pages(&session).await?[0];
    pods.found(path, &session).await?;
    let before = pods.found(path, &session).await?;
    let all_remember = before.iter().all(|place| place == "memory");
    ensure!(all_remember, "asked again, they find it in {before:?}");
    let name = create_example(subject, CACHES).await?;
    let ended = until_ended(subject, &name, Phase::Succeeded).await?;
    are_as_expected(&ended)?;
    let in_doubt = figure(&ended, "processesInDoubt")?;
    ensure!(in_doubt.measured == 0, "{in_doubt:?}");
    says_what_its_page_shows(&ended, CACHES_PAGE)?;
    let after = pods.found(path, &session).await?;
    // The first keeps its new answer in Redis, for the others.
    let first_is_new = after.first().is_some_and(|place| place == "database");
    let none_remembers = after.iter().all(|place| place != "memory");
    ensure!(
        first_is_new && none_remembers,
        "then they find it in {after:?}"
    );
    Ok(())
}

async fn fill(subject: &Subject<'_>) -> Result<()> {
    for key in [CACHED, LOCK] {
        subject.backends().redis(&["SET", key, "e2e"]).await?;
    }
    Ok(())
}

async fn removes_the_cached(subject: &Subject<'_>, action: &str) -> Result<()> {
    let ended = until_ended(subject, action, Phase::Succeeded).await?;
    are_as_expected(&ended)?;
    let left = figure(&ended, "keysLeft")?;
    ensure!(left.measured == 0, "keys are left: {left:?}");
    for (key, expected) in [(CACHED, "0"), (LOCK, "1")] {
        let there = subject.backends().redis(&["EXISTS", key]).await?;
        ensure!(there == expected, "{key} is there {there} times");
    }
    Ok(())
}

/// Without the right to look through keys it says which one is missing, and goes on when it is given.
async fn waits_for_its_right(subject: &Subject<'_>) -> Result<()> {
    let set = async |right: &str| {
        let words = ["ACL", "SETUSER", "admin", right];
        subject.backends().redis(&words).await.map(drop)
    };
    set("-scan").await?;
    let stalled = async {
        let caches = json!({ "namespaces": ["dash"] });
        let spec = json!({ "app": NAME, "reason": "a test", "invalidateCaches": caches });
        let name = create(subject, spec).await?.name_any();
        let seen = watch::until(
            subject.objects(),
            &name,
            "stalled",
            PATIENCE,
            |seen: &IncidentAction| watch::says(seen, "Stalled", "True"),
        )
        .await?;
        let condition = watch::condition(&seen, "Stalled");
        let named = condition.is_some_and(|stalled| {
            stalled.reason == "RedisNotUsable" && stalled.message.to_lowercase().contains("scan")
        });
        ensure!(named, "it does not name the right: {}", watch::told(&seen));
        anyhow::Ok(name)
    };
    let stalled = stalled.await;
    set("+scan").await?;
    removes_the_cached(subject, &stalled?).await
}

pub(super) async fn of_permissions_are_read_anew(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    add_second(&subject).await?;
    let outcome = a_role_that_permits_nothing(&subject).await;
    let restore = "INSERT INTO rbac_permissions (role_id, route, action)
                   VALUES ('reader', 'reports', 'view'), ('reader', 'telegram', '*')
                   ON CONFLICT DO NOTHING";
    subject.backends().psql(Database::Store, restore).await?;
    // Nobody after this is to be refused what the role permits again.
    let name = create_example(&subject, PERMISSIONS).await?;
    let restored = until_ended(&subject, &name, Phase::Succeeded).await;
    remove_second(&subject).await?;
    outcome.and(restored.map(drop))
}

async fn a_role_that_permits_nothing(subject: &Subject<'_>) -> Result<()> {
    let pods = Pods::of(subject).await?;
    let password = subject.demo.admin_password().expose();
    let second = subject.demo.sign_in_as(SECOND, password).await?;
    let reports = "/api/companies";
    let answer =
        async |path: &str, status: StatusCode| pods.all_answer_at(path, &second, status).await;
    answer(reports, StatusCode::OK).await?;
    let typed = "DELETE FROM rbac_permissions WHERE role_id = 'reader'";
    subject.backends().psql(Database::Store, typed).await?;
    let name = create_example(subject, PERMISSIONS).await?;
    let ended = until_ended(subject, &name, Phase::Succeeded).await?;
    answer(reports, StatusCode::FORBIDDEN).await?;
    answer("/api/auth/me", StatusCode::OK).await?;
    says_what_its_page_shows(&ended, PERMISSIONS_PAGE)?;
    are_as_expected(&ended)
}
