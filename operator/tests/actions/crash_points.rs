//! The operator is killed before and after every effect of every type of action, and every effect, and
//! every answer, is lost once: the end is the same, and nothing is done twice.

use reportapp_crds::one_shot::Phase;
use serde_json::{Value, json};

use crate::cluster::Cluster;
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
async fn a_dry_run_has_a_plan_and_no_effect() {
    let everybody = invalidate(&json!({ "all": {} }));
    for mut spec in [restart_everything(), rotate("Manual"), everybody] {
        spec["dryRun"] = json!(true);
        let cluster = Cluster::new();
        let order = cluster.create("plan", spec);
        let (found, effects) = run(&cluster, "plan", &order, None).await;
        assert_eq!(ended(&found), Some(Phase::Succeeded));
        assert!(found.plan.is_some_and(|plan| !plan.is_empty()));
        assert_eq!(effects, Vec::<String>::new());
        assert!(!cluster.is_begun("plan"));
    }
}
