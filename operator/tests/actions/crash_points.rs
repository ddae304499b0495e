//! The operator is killed before and after every effect of every type of action, and every effect, and
//! every answer, is lost once: the end is the same, and nothing is done twice.

use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::Order;
use serde_json::{Value, json};

use crate::cluster::{Cluster, UNTOUCHED};
use crate::crashing::{MISHAPS, Plan, ended, run};

pub fn restart_everything() -> Value {
    let shop = json!([{ "kind": "Deployment", "name": "shop" }]);
    json!({ "app": "demo", "reason": "test", "rollingRestart": { "workloads": shop } })
}

pub fn rotate(mode: &str) -> Value {
    let rotate = json!({ "credentials": ["store", "redis"], "mode": mode });
    json!({ "app": "demo", "reason": "test", "rotateCredential": rotate })
}

pub fn invalidate(whose: &Value) -> Value {
    json!({ "app": "demo", "reason": "test", "invalidateSessions": whose })
}

pub fn change(kind: &str, user: &str) -> Value {
    json!({ "app": "demo", "reason": "test", kind: { "user": user } })
}

pub fn sweep() -> Value {
    let namespaces = json!({ "namespaces": ["dash"] });
    json!({ "app": "demo", "reason": "test", "invalidateCaches": namespaces })
}

pub fn undo_of(action: &str) -> Value {
    json!({ "app": "demo", "reason": "test", "undo": { "actionRef": action } })
}

/// An action, and what has to have happened before it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The action that it undoes.
    before: Option<Value>,
    /// Its spec.
    pub spec: Value,
}

impl Case {
    /// Has happen what it needs, and creates it under this name.
    pub async fn create(&self, cluster: &Cluster, name: &str) -> Order {
        if let Some(before) = &self.before {
            let order = cluster.create(UNDONE, before.clone());
            run(cluster, UNDONE, &order, None).await;
        }
        cluster.create(name, self.spec.clone())
    }
}

/// Name of the action that is undone.
const UNDONE: &str = "lock";

/// One action of each type.
pub fn every_type() -> Vec<Case> {
    let everybody = json!({ "all": {} });
    let specs = [
        restart_everything(),
        rotate("Manual"),
        rotate("Emergency"),
        invalidate(&everybody),
        json!({ "app": "demo", "reason": "test", "invalidatePermissions": everybody }),
        change("disableUser", "ana"),
        change("forcePasswordReset", "ana"),
        sweep(),
    ];
    let alone = specs.map(|spec| Case { before: None, spec });
    let undo = Case {
        before: Some(change("disableUser", "ana")),
        spec: undo_of(UNDONE),
    };
    alone.into_iter().chain([undo]).collect()
}

/// Runs an action once undisturbed and then with each mishap at each effect; gives the effects.
async fn enumerate(spec: &Value, check: impl Fn(&Cluster, &str)) -> Vec<String> {
    let undisturbed = attempt(spec, None, &check, "undisturbed").await;
    for (number, effect) in undisturbed.iter().enumerate() {
        for mishap in MISHAPS {
            let what = format!("{mishap:?} at {effect} ({number})");
            attempt(spec, Some((number, mishap)), &check, &what).await;
        }
    }
    undisturbed
}

async fn attempt(
    spec: &Value,
    plan: Plan,
    check: impl Fn(&Cluster, &str),
    what: &str,
) -> Vec<String> {
    let cluster = Cluster::new();
    let order = cluster.create("the-action", spec.clone());
    let (found, effects) = run(&cluster, "the-action", &order, plan).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded), "{what}: {found:?}");
    for figure in &found.figures {
        assert_eq!(figure.measured, figure.expected, "{what}: {figure:?}");
    }
    assert!(!found.figures.is_empty(), "{what}: nothing was measured");
    assert!(cluster.is_begun("the-action"), "{what}");
    check(&cluster, what);
    effects
}

#[tokio::test]
async fn a_restart_survives_every_crash_and_restarts_each_workload_once() {
    let effects = enumerate(&restart_everything(), |cluster, what| {
        for (workload, restarts) in cluster.restarts() {
            assert_eq!(restarts, 1, "{what}: {workload}");
        }
        assert!(!cluster.is_moving(), "{what}: old pods are left");
    })
    .await;
    assert_eq!(
        effects,
        [
            "begin",
            "mark demo-tunnel-main",
            "mark demo-api",
            "mark demo-bot",
            "mark shop"
        ]
    );
}

#[tokio::test]
async fn a_rotation_survives_every_crash_and_is_made_once() {
    for mode in ["Manual", "Emergency"] {
        let effects = enumerate(&rotate(mode), |cluster, what| {
            assert_eq!(cluster.rotations(), (1, 1), "{what}");
        })
        .await;
        assert_eq!(effects, ["begin", "create", "note"]);
    }
}

#[tokio::test]
async fn sessions_are_invalidated_once_whatever_crashes() {
    for whose in [
        json!({ "all": {} }),
        json!({ "user": "ana" }),
        json!({ "session": "s1" }),
    ] {
        let effects = enumerate(&invalidate(&whose), |cluster, what| {
            assert_eq!(cluster.revocations(), ["the-action"], "{what}");
        })
        .await;
        assert_eq!(effects, ["begin", "revoke"]);
    }
}

#[tokio::test]
async fn permissions_are_invalidated_once_whatever_crashes() {
    for holders in [
        json!({ "all": {} }),
        json!({ "role": "reader" }),
        json!({ "user": "ana" }),
    ] {
        let spec = json!({ "app": "demo", "reason": "test", "invalidatePermissions": holders });
        let effects = enumerate(&spec, |cluster, what| {
            assert_eq!(cluster.revocations(), ["the-action"], "{what}");
        })
        .await;
        assert_eq!(effects, ["begin", "revoke"]);
    }
}

#[tokio::test]
async fn a_user_is_changed_once_whatever_crashes() {
    for (kind, expected) in [
        ("disableUser", (false, false)),
        ("forcePasswordReset", (true, true)),
    ] {
        let effects = enumerate(&change(kind, "ana"), |cluster, what| {
            let ana = cluster.person("ana");
            assert_eq!((ana.active, ana.must_reset), expected, "{what}");
            assert_eq!(ana.sessions, 0, "{what}");
            assert_eq!(cluster.person("bob"), UNTOUCHED, "{what}");
            assert_eq!(
                (cluster.changes(), cluster.revocations().len()),
                (1, 1),
                "{what}"
            );
        })
        .await;
        assert_eq!(effects, ["begin", "change"]);
    }
}

#[tokio::test]
async fn keys_of_the_namespace_are_gone_whatever_crashes_and_the_others_stay() {
    let effects = enumerate(&sweep(), |cluster, what| {
        assert_eq!(cluster.keys(), ["lock:task:1", "perm:user:1"], "{what}");
        assert_eq!(cluster.revocations().len(), 1, "{what}");
    })
    .await;
    let (last, sweeps) = effects[1..].split_last().unwrap();
    assert_eq!((effects[0].as_str(), last.as_str()), ("begin", "empty"));
    assert!(sweeps.iter().all(|effect| effect == "sweep"));
    // Five keys, three of which go, and a round that finds none.
    assert_eq!(sweeps.len(), 5 + 2);
}

#[tokio::test]
async fn what_is_undone_is_put_back_once_whatever_crashes() {
    let undisturbed = undo(None, "undisturbed").await;
    assert_eq!(undisturbed, ["begin", "put back"]);
    for (number, effect) in undisturbed.iter().enumerate() {
        for mishap in MISHAPS {
            let what = format!("{mishap:?} at {effect} ({number})");
            undo(Some((number, mishap)), &what).await;
        }
    }
}

/// Disables a user, and undoes that.
async fn undo(plan: Plan, what: &str) -> Vec<String> {
    let cluster = Cluster::new();
    let order = cluster.create("lock", change("disableUser", "ana"));
    run(&cluster, "lock", &order, None).await;
    let order = cluster.create("unlock", undo_of("lock"));
    let (found, effects) = run(&cluster, "unlock", &order, plan).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded), "{what}: {found:?}");
    let ana = cluster.person("ana");
    assert!(ana.active, "{what}");
    assert_eq!(ana.sessions, 0, "{what}: sessions that ended stay ended");
    assert_eq!(cluster.changes(), 2, "{what}");
    effects
}

#[tokio::test]
async fn a_dry_run_has_a_plan_and_no_effect() {
    for mut case in every_type() {
        case.spec["dryRun"] = json!(true);
        let cluster = Cluster::new();
        let order = case.create(&cluster, "plan").await;
        let (found, effects) = run(&cluster, "plan", &order, None).await;
        assert_eq!(ended(&found), Some(Phase::Succeeded));
        assert!(found.plan.is_some_and(|plan| !plan.is_empty()));
        assert_eq!(effects, Vec::<String>::new());
        assert!(!cluster.is_begun("plan"));
    }
}
