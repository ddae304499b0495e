//! Edits of the spec, there and back: the objects end as if never edited.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::api::ListParams;
use serde_json::{Value, json};

use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::world::World;

/// Kinds the operator writes, by group, version and kind.
const KINDS: [(&str, &str, &str); 10] = [
    ("apps", "v1", "Deployment"),
    ("", "v1", "Service"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "ServiceAccount"),
    ("", "v1", "Secret"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("", "v1", "PersistentVolumeClaim"),
];

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
    operator.stop().await?;
    stage.remove().await
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

type Snapshot = BTreeMap<String, Value>;

/// The Secret with the API's certificate. A host that comes back gets a new certificate, so its
/// content is not compared.
const CERTIFICATE: &str = "sample-api-tls";

/// Puts lengths in the place of values, which must not reach the output of a failing test. The
/// name of a versioned Secret stands for its content.
fn conceal(name: &str, secret: &mut serde_json::Map<String, Value>) {
    for value in secret
        .get_mut("data")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        let length = value.1.as_str().map_or(0, str::len);
        *value.1 = if name == CERTIFICATE {
            Value::Null
        } else {
            length.into()
        };
    }
}

/// Every object of the application without what the API server sets.
async fn snapshot(stage: &Stage<'_>) -> Result<Snapshot> {
    let mut found = Snapshot::new();
    for (group, version, kind) in KINDS {
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
        for object in stage.objects(group, version, kind).list(&ours).await? {
            let name = object.metadata.name.clone().unwrap_or_default();
            let mut value = serde_json::to_value(object)?;
            let top = value.as_object_mut().expect("an object is a map");
            top.remove("status");
            if let Some(metadata) = top.get_mut("metadata").and_then(Value::as_object_mut) {
                for field in [
                    "uid",
                    "resourceVersion",
                    "generation",
                    "creationTimestamp",
                    "managedFields",
                ] {
                    metadata.remove(field);
                }
                if let Some(marks) = metadata
                    .get_mut("annotations")
                    .and_then(Value::as_object_mut)
                {
                    marks.remove("deployment.kubernetes.io/revision");
                    if name == CERTIFICATE {
                        marks.remove("reportapp.dev/applied");
                    }
                }
            }
            if let Some(spec) = top.get_mut("spec").and_then(Value::as_object_mut) {
                for address in ["clusterIP", "clusterIPs"] {
                    spec.remove(address);
                }
            }
            if kind == "Secret" {
                conceal(&name, top);
            }
            found.insert(format!("{kind}/{name}"), value);
        }
    }
    Ok(found)
}

fn difference(before: &Snapshot, after: &Snapshot) -> String {
    let names = before.keys().chain(after.keys());
    let names: std::collections::BTreeSet<_> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .collect();
    let lines = names
        .into_iter()
        .map(|name| match (before.get(name), after.get(name)) {
            (None, _) => format!("{name} is left over"),
            (_, None) => format!("{name} is gone"),
            (Some(was), Some(is)) => format!("{name} was {was} and is {is}"),
        });
    lines.collect::<Vec<_>>().join("\n")
}
