//! Edits of the spec, there and back: the objects end as if never edited.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::reports;
use super::sample;
use super::snapshot::{Snapshot, difference, snapshot};
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

/// ConfigMaps with report files.
const REPORTS: [&str; 2] = ["first", "second"];

/// The sample without what would have to become ready before an edit of it can end: nothing runs
/// here, and a rolling update waits for new pods before it lets go of old versions.
fn base() -> Value {
    let mut app = sample::report_app();
    let spec = &mut app["spec"];
    spec["api"]["replicas"] = json!(0);
    object(&mut spec["servers"][0]).remove("tunnel");
    list(&mut spec["credentials"]).retain(|credential| credential["name"] != "bastion-key");
    app
}

fn object(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value
        .as_object_mut()
        .expect("the sample has an object here")
}

fn list(value: &mut Value) -> &mut Vec<Value> {
    value.as_array_mut().expect("the sample has a list here")
}

/// Field and change.
type Edit = (&'static str, fn(&mut Value));

fn edits() -> Vec<Edit> {
    vec![
        ("spec.image.tag", |s| s["image"]["tag"] = json!("other")),
        ("spec.image.pullPolicy", |s| {
            s["image"]["pullPolicy"] = json!("IfNotPresent")
        }),
        ("spec.servers: add one", |s| {
            let mut second = sample::server("second");
            second["credential"] = json!("erp-second");
            object(&mut second).remove("tunnel");
            list(&mut s["servers"]).push(second);
            list(&mut s["credentials"]).push(json!({
                "name": "erp-second", "from": { "secretRef": { "name": "erp" } },
                "database": { "server": "second", "role": "reader" },
            }));
        }),
        ("spec.servers[].tunnel: add", |s| {
            s["servers"][0] = sample::server("main");
            list(&mut s["credentials"]).push(json!({
                "name": "bastion-key", "from": { "secretRef": { "name": "bastion-key" } },
                "ssh": { "server": "main" },
            }));
        }),
        ("spec.servers[].host", |s| {
            s["servers"][0]["host"] = json!("elsewhere.example")
        }),
        ("spec.servers[].pool", |s| {
            s["servers"][0]["pool"] = json!({ "min": 0, "max": 4 })
        }),
        ("spec.store.database", |s| {
            s["store"]["database"] = json!("other")
        }),
        ("spec.store.migrator: add", |s| {
            s["store"]["migrator"] = json!({ "credential": "owner" });
            list(&mut s["credentials"]).push(sample::owner());
        }),
        ("spec.reports: add", |s| {
            s["reports"] = json!({ "configMap": "first" })
        }),
        ("spec.redis.port", |s| s["redis"]["port"] = json!(6380)),
        ("spec.api.replicas", |s| s["api"]["replicas"] = json!(3)),
        ("spec.api.resources", |s| {
            s["api"]["resources"] = json!({ "requests": { "cpu": "0.2" } })
        }),
        ("spec.api.tokenLifetime", |s| {
            s["api"]["tokenLifetime"] = json!("15m")
        }),
        ("spec.web: remove", |s| drop(object(s).remove("web"))),
        ("spec.web.pathPrefix", |s| {
            s["web"]["pathPrefix"] = json!("/erp/")
        }),
        ("spec.bot: remove", |s| drop(object(s).remove("bot"))),
        ("spec.networkPolicy", |s| {
            s["networkPolicy"] = json!({ "egressCidrs": ["192.0.2.0/24"] })
        }),
    ]
}

pub(super) async fn there_and_back(world: &World) -> Result<()> {
    let stage = Stage::new(world, "edits").await?;
    let operator = stage.operator("one", &[]).await?;
    for name in REPORTS {
        reports::put(&stage, name, Some(sample::NAME)).await?;
    }
    let original = base();
    stage.put_app(&original).await?;
    stage.until_applied(sample::NAME).await?;
    let before = snapshot(&stage).await?;
    for (title, edit) in edits() {
        let mut edited = original.clone();
        edit(&mut edited["spec"]);
        stage.put_app(&edited).await?;
        stage.until_applied(sample::NAME).await?;
        ensure!(
            snapshot(&stage).await? != before,
            "{title}: the edit changed no object"
        );
        stage.put_app(&original).await?;
        stage.until_applied(sample::NAME).await?;
        until_equal(&stage, &before)
            .await
            .with_context(|| format!("{title}: after editing back"))?;
    }
    from_one_map_to_another(&stage, &original).await?;
    until_equal(&stage, &before)
        .await
        .context("spec.reports: after another ConfigMap")?;
    operator.stop().await?;
    stage.remove().await
}

/// None, one ConfigMap with report files, another, none again.
async fn from_one_map_to_another(stage: &Stage<'_>, original: &Value) -> Result<()> {
    for name in REPORTS {
        let mut edited = original.clone();
        edited["spec"]["reports"] = json!({ "configMap": name });
        stage.put_app(&edited).await?;
        stage.until_applied(sample::NAME).await?;
    }
    stage.put_app(original).await?;
    stage.until_applied(sample::NAME).await.map(drop)
}

/// Versions of configuration and Secrets stay until no pod names them any more.
async fn until_equal(stage: &Stage<'_>, wanted: &Snapshot) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    let deadline = Instant::now() + PATIENCE;
    loop {
        ticks.tick().await;
        let found = snapshot(stage).await?;
        if found == *wanted {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{}", difference(wanted, &found));
    }
}
