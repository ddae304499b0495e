//! Actions as far as the API server alone shows them: bad input is refused by name, a mark survives
//! whoever applies the Deployment, and a rotation is made once, whatever fails.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use reportapp_crds::IncidentAction;
use reportapp_crds::one_shot::Phase;
use serde_json::{Value, json};

use super::faulty_way::FaultyWay;
use super::rotations::{self, PARTNER_VALUE};
use super::sample;
use super::stage::{PATIENCE, Stage};
use crate::scenarios::watch;
use crate::scenarios::world::World;

/// Annotation of a pod template with the uid of the action that restarted it.
const MARK: &str = "reportapp.dev/restarted-by";

/// An action that cannot work, and words its refusal must contain.
struct Case {
    title: &'static str,
    spec: Value,
    says: &'static [&'static str],
}

fn case(title: &'static str, spec: Value, says: &'static [&'static str]) -> Case {
    Case { title, spec, says }
}

fn restart(restart: Value) -> Value {
    json!({ "app": sample::NAME, "reason": "a test", "rollingRestart": restart })
}

pub(super) fn rotate(credentials: &[&str]) -> Value {
    let rotate = json!({ "credentials": credentials });
    json!({ "app": sample::NAME, "reason": "a test", "rotateCredential": rotate })
}

fn invalidate(whose: Value) -> Value {
    of_type("invalidateSessions", whose)
}

fn of_type(kind: &str, what: Value) -> Value {
    let mut spec = json!({ "app": sample::NAME, "reason": "a test" });
    spec[kind] = what;
    spec
}

fn cases() -> Vec<Case> {
    let mut two = restart(json!({}));
    two["rotateCredential"] = json!({ "credentials": ["store"] });
    let mut elsewhere = restart(json!({}));
    elsewhere["app"] = json!("absent");
    let workload = |name: &str| json!([{ "kind": "Deployment", "name": name }]);
    vec![
        case(
            "no type",
            json!({ "app": sample::NAME, "reason": "a test" }),
            &[
                "exactly one of rollingRestart",
                "forcePasswordReset and undo",
            ],
        ),
        case("two types", two, &["exactly one of rollingRestart"]),
        case(
            "a type that does not exist yet",
            of_type("isolate", json!({})),
            &["exactly one of rollingRestart"],
        ),
        case(
            "a duration of what is not put back",
            {
                let mut spec = restart(json!({}));
                spec["duration"] = json!("30m");
                spec
            },
            &["spec.duration", "disableUser and forcePasswordReset"],
        ),
        case(
            "permissions of nobody",
            of_type("invalidatePermissions", json!({})),
            &["exactly one of all, role and user"],
        ),
        case(
            "keys that are no cache",
            of_type("invalidateCaches", json!({ "namespaces": ["lock"] })),
            &["lock", "perm"],
        ),
        case(
            "a namespace twice",
            of_type(
                "invalidateCaches",
                json!({ "namespaces": ["dash", "dash"] }),
            ),
            &["names a namespace twice"],
        ),
        case(
            "an undo of nothing",
            of_type("undo", json!({ "actionRef": "absent" })),
            &["ActionMissing", "absent"],
        ),
        case(
            "an unknown component",
            restart(json!({ "components": ["web"] })),
            &["spec.rollingRestart.components", "tunnel-<server>"],
        ),
        case(
            "a restart of nothing",
            restart(json!({ "components": [] })),
            &["restarts nothing"],
        ),
        case(
            "a tunnel of no server",
            restart(json!({ "components": ["tunnel-other"] })),
            &["UnknownComponent", "tunnel-other", "tunnel-main, api, bot"],
        ),
        case(
            "a workload that is not there",
            restart(json!({ "workloads": workload("absent") })),
            &["WorkloadMissing", "Deployment absent"],
        ),
        case(
            "a workload that does not lend itself",
            restart(json!({ "workloads": workload("shop") })),
            &["WorkloadNotLent", "annotate", "reportapp.dev/allow=sample"],
        ),
        case(
            "a credential that is not there",
            rotate(&["stroe"]),
            &["UnknownCredential", "stroe", "store"],
        ),
        case(
            "sessions of nobody",
            invalidate(json!({})),
            &["exactly one of all, tenant, user and session"],
        ),
        case(
            "sessions of two at once",
            invalidate(json!({ "all": {}, "user": "ana" })),
            &["exactly one of all, tenant, user and session"],
        ),
        case(
            "an app that is not there",
            elsewhere,
            &["AppMissing", "absent"],
        ),
    ]
}

pub(super) async fn bad_input(world: &World) -> Result<()> {
    let stage = Stage::new(world, "bad-actions").await?;
    put_shop(&stage).await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    for (number, case) in cases().into_iter().enumerate() {
        let name = format!("bad-{number}");
        let answer = refusal(&stage, &name, &case).await.context(case.title)?;
        for word in case.says {
            ensure!(
                answer.contains(word),
                "{}: the refusal does not say {word:?}: {answer}",
                case.title
            );
        }
    }
    let marked = marks(&stage).await?;
    ensure!(marked.is_empty(), "refused actions marked {marked:?}");
    operator.stop().await?;
    stage.remove().await
}

/// What the API server says, or else the operator.
async fn refusal(stage: &Stage<'_>, name: &str, case: &Case) -> Result<String> {
    match create(stage, name, case.spec.clone()).await {
        Err(kube::Error::Api(refused)) => return Ok(refused.message),
        other => drop(other?),
    }
    let stalled = until(stage, name, "stalled", |seen| {
        watch::says(seen, "Stalled", "True")
    });
    Ok(watch::told(&stalled.await?))
}

pub(super) async fn marks_survive(world: &World) -> Result<()> {
    let stage = Stage::new(world, "marks").await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    let created = create(&stage, "restart", restart(json!({ "components": ["api"] }))).await?;
    let uid = created.uid().context("it has a uid")?;
    let is_marked = |seen: &IncidentAction| {
        let status = seen.status.clone().unwrap_or_default();
        status
            .workloads
            .iter()
            .any(|found| found.old_pods.is_some())
    };
    until(&stage, "restart", "at work", is_marked).await?;
    only_api_bears(&stage, &uid).await?;

    let second = restart(json!({ "components": ["api", "bot"] }));
    create(&stage, "second", second).await?;
    let waits = until(&stage, "second", "waiting", |seen| {
        phase_of(seen) == Some(Phase::Pending)
    });
    let told = watch::told(&waits.await?);
    ensure!(told.contains("IncidentAction restart"), "{told}");

    // Another spec has every Deployment applied anew.
    let mut changed = sample::report_app();
    changed["spec"]["api"]["replicas"] = json!(3);
    stage.put_app(&changed).await?;
    stage.until_applied(sample::NAME).await?;
    let up_to_date = stage.until(sample::NAME, "up to date", |app| {
        watch::is_observed(app) && watch::says(app, "UpToDate", "True")
    });
    let app = up_to_date.await?;
    ensure!(
        app.metadata.generation == Some(2),
        "the spec was not changed"
    );
    only_api_bears(&stage, &uid).await?;
    operator.stop().await?;
    stage.remove().await
}

async fn only_api_bears(stage: &Stage<'_>, uid: &str) -> Result<()> {
    let marks = marks(stage).await?;
    ensure!(
        marks == [("sample-api".to_owned(), uid.to_owned())],
        "the marks are {marks:?} instead of {uid} on sample-api alone"
    );
    Ok(())
}

/// The Deployments that bear a mark, with it.
async fn marks(stage: &Stage<'_>) -> Result<Vec<(String, String)>> {
    let api: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    let found = api.list(&ListParams::default()).await?.items.into_iter();
    let mark = |deployment: &Deployment| {
        let template = deployment.spec.as_ref()?.template.metadata.as_ref()?;
        template.annotations.as_ref()?.get(MARK).cloned()
    };
    Ok(found
        .filter_map(|deployment| Some((deployment.name_any(), mark(&deployment)?)))
        .collect())
}

pub(super) async fn rotate_through_faults(world: &World) -> Result<()> {
    let stage = rotations::stage(world, "faulty-actions").await?;
    let way = FaultyWay::open(stage.kubeconfig()).await?;
    let operator = stage.operator_by(way.kubeconfig(), "one").await?;
    stage.put_app(&rotations::with_credentials()).await?;
    stage.until_applied(sample::NAME).await?;

    way.fails(true);
    create(&stage, "leak", rotate(&[PARTNER_VALUE])).await?;
    let ended = until(&stage, "leak", "at its end", |seen| {
        phase_of(seen).is_some_and(Phase::is_final)
    })
    .await?;
    way.fails(false);
    ensure!(
        phase_of(&ended) == Some(Phase::Succeeded),
        "it ended otherwise: {}",
        watch::told(&ended)
    );
    let made = rotations::only_one(&stage).await?;
    rotations::holds_one_new_value(&stage, &made).await?;

    // What the action owns goes with it.
    let (rotation, uid) = (made.name_any(), made.uid().unwrap_or_default());
    all(&stage).delete("leak", &DeleteParams::default()).await?;
    let gone = watch::until_gone(rotations::all(&stage), &rotation, &uid, PATIENCE).await;
    gone.context("the rotation outlives its action")?;
    operator.stop().await?;
    stage.remove().await
}

/// Actions of the stage's namespace.
pub(super) fn all(stage: &Stage<'_>) -> Api<IncidentAction> {
    Api::namespaced(stage.client(), &stage.namespace)
}

/// Creates an action just as it is written.
pub(super) async fn create(
    stage: &Stage<'_>,
    name: &str,
    spec: Value,
) -> Result<DynamicObject, kube::Error> {
    let object = json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "IncidentAction",
        "metadata": { "name": name },
        "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    let api = stage.objects("reportapp.dev", "v1alpha1", "IncidentAction");
    api.create(&PostParams::default(), &object).await
}

pub(super) async fn until(
    stage: &Stage<'_>,
    name: &str,
    what: &str,
    holds: impl FnMut(&IncidentAction) -> bool,
) -> Result<IncidentAction> {
    watch::until(all(stage), name, what, PATIENCE, holds).await
}

pub(super) fn phase_of(action: &IncidentAction) -> Option<Phase> {
    action.status.as_ref()?.phase
}

/// A Deployment of somebody else, without the mark.
async fn put_shop(stage: &Stage<'_>) -> Result<()> {
    let labels = json!({ "app": "shop" });
    let container =
        json!({ "name": "shop", "image": "reportapp.local/none", "imagePullPolicy": "Never" });
    let shop: Deployment = serde_json::from_value(json!({
        "metadata": { "name": "shop" },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    }))?;
    let api: Api<Deployment> = Api::namespaced(stage.client(), &stage.namespace);
    api.create(&PostParams::default(), &shop).await?;
    Ok(())
}
