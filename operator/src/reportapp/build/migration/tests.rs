//! What the Job holds, what waits for it and for how long.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{Job, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::Credential;
use serde_json::{Value, json};

use super::super::super::model::{
    FetchedReportApp, Live, MigrationProgress, Prepared, Resources, SecretLookup,
};
use super::super::super::testing::{example_with, secret};
use super::super::super::validate::validate;
use super::super::build;
use super::*;

/// The example whose store is migrated by a login of its own, changed.
fn fetched(password: &str, change: impl FnOnce(&mut ReportApp)) -> FetchedReportApp {
    let mut fetched = example_with(|app| {
        let owner: Credential = serde_json::from_value(json!({
            "name": "owner",
            "from": { "secretRef": { "name": "owner-login" } },
            "database": { "store": true, "role": "reportapp_owner" },
        }))
        .expect("a credential");
        app.spec.credentials.push(owner);
        let migrator = serde_json::from_value(json!({ "credential": "owner" }));
        app.spec.store.migrator = migrator.expect("a migrator");
        change(app);
    });
    let login = SecretLookup::Found {
        data: [("password".to_owned(), secret(password))].into(),
        kind: "Opaque".to_owned(),
    };
    fetched.secrets.insert("owner-login".to_owned(), login);
    fetched
}

fn built(fetched: &FetchedReportApp) -> Resources<Prepared> {
    build(&validate(fetched).expect("valid"))
}

fn fresh() -> Resources<Prepared> {
    built(&fetched("owner", |_| {}))
}

/// The Job as the cluster shows it with a condition.
fn ended(job: &Job, kind: &str) -> Job {
    let mut job = job.clone();
    job.metadata.uid = Some("job-uid".to_owned());
    let condition = json!({ "type": kind, "status": "True", "message": "the controller's words" });
    let condition = serde_json::from_value(condition).expect("a condition");
    job.status = Some(JobStatus {
        conditions: Some(vec![condition]),
        ..JobStatus::default()
    });
    job
}

/// A pod of the Job whose container said its last words.
fn failed_pod(second: u32, said: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("try-{second}"),
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "x", "uid": "job-uid" }],
        },
        "status": { "phase": "Failed", "containerStatuses": [{
            "name": "migrator", "image": "i", "imageID": "i", "ready": false, "restartCount": 0,
            "state": { "terminated": {
                "exitCode": 1, "reason": "Error", "message": said,
                "finishedAt": format!("2026-01-01T00:00:{second:02}Z"),
            } },
        }] },
    }))
    .expect("a pod")
}

/// What is built when these are live.
fn next(
    fetched: &FetchedReportApp,
    jobs: &[Job],
    deployments: &[Deployment],
) -> Resources<Prepared> {
    next_with_pods(fetched, jobs, deployments, Vec::new())
}

fn next_with_pods(
    fetched: &FetchedReportApp,
    jobs: &[Job],
    deployments: &[Deployment],
    pods: Vec<Pod>,
) -> Resources<Prepared> {
    let mut fetched = fetched.clone();
    fetched.live = Live {
        deployments: deployments
            .iter()
            .map(|deployment| (deployment.name_any(), Arc::new(deployment.clone())))
            .collect(),
        jobs: jobs.iter().cloned().map(Arc::new).collect(),
        pods: pods.into_iter().map(Arc::new).collect(),
        ..Live::default()
    };
    built(&fetched)
}

fn names(resources: &Resources<Prepared>) -> Vec<String> {
    let deployments = resources.deployments.iter();
    deployments.map(kube::ResourceExt::name_any).collect()
}

fn progress(resources: &Resources<Prepared>) -> &MigrationProgress {
    &resources.migration.as_ref().expect("a migration").progress
}

#[test]
fn the_job_is_confined_and_has_the_login_that_no_other_pod_has() {
    let resources = fresh();
    let job = serde_json::to_value(&resources.jobs[0]).expect("serialisable");
    let pod = &job["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "ghcr.io/example/reportapp-api:0.1.0");
    assert_eq!(
        container["command"],
        json!(["/usr/local/bin/reportapp-api"])
    );
    let arguments = json!(["migrate", "--grant-to", "reportapp", "--wait", "450"]);
    assert_eq!(container["args"], arguments);
    assert_eq!(
        container["terminationMessagePolicy"],
        "FallbackToLogsOnError"
    );
    assert_eq!(
        (&job["spec"]["activeDeadlineSeconds"], &pod["restartPolicy"]),
        (&json!(900), &json!("Never"))
    );
    assert_eq!(job["spec"]["ttlSecondsAfterFinished"], Value::Null);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["serviceAccountName"], "demo-migrator");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let security = &container["securityContext"];
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(
        (&container["ports"], &container["readinessProbe"]),
        (&Value::Null, &Value::Null)
    );

    let login = resources.credentials.iter().find(|c| c.name == "owner");
    let login = login
        .and_then(|login| login.secret.clone())
        .expect("a Secret");
    assert!(pod.to_string().contains(&login));
    let all = built(&proven());
    assert_eq!(names(&all), ["demo-tunnel-main", "demo-api", "demo-bot"]);
    let others = serde_json::to_string(&all.deployments).expect("serialisable");
    assert!(!others.contains(&login) && !others.contains("credentials/owner"));
}

/// The example whose Job has succeeded.
fn proven() -> FetchedReportApp {
    let mut proven = fetched("owner", |_| {});
    proven.live.jobs = vec![Arc::new(ended(&fresh().jobs[0], "Complete"))];
    proven
}

#[test]
fn the_job_reaches_dns_and_store_and_nobody_reaches_it() {
    let resources = fresh();
    let mut policies = resources.network_policies.iter();
    let policy = policies.find(|policy| policy.name_any() == "demo-migrator");
    let policy = serde_json::to_value(policy.expect("a policy")).expect("serialisable");
    assert_eq!(policy["spec"]["ingress"], json!([]));
    let component = "app.kubernetes.io/component";
    assert_eq!(
        policy["spec"]["podSelector"]["matchLabels"][component],
        "migrator"
    );
    let egress = policy["spec"]["egress"].as_array().expect("rules");
    let ports = |rule: &Value| -> Vec<_> {
        let ports = rule["ports"].as_array().expect("ports").iter();
        ports.map(|port| port["port"].clone()).collect()
    };
    assert_eq!(
        egress.iter().map(ports).collect::<Vec<_>>(),
        [vec![json!(53), json!(53)], vec![json!(5432)]]
    );
}

#[test]
fn its_configuration_is_the_store_alone_under_the_login_that_owns_it() {
    let resources = fresh();
    let mut maps = resources.config_maps.iter();
    let map = maps.find(|map| map.name_any().starts_with("demo-migrator-config-"));
    let data = map.and_then(|map| map.data.clone()).expect("data");
    let config: reportapp_config::StoreConfig =
        serde_yaml_ng::from_str(&data["config.yaml"]).expect("what the program reads");
    let reportapp_config::DatabaseConfig::Postgres {
        host,
        credential,
        pool,
        ..
    } = config.store
    else {
        panic!("the store is on PostgreSQL");
    };
    assert_eq!(host, "postgres.data.svc");
    assert_eq!(
        credential.to_str(),
        Some("/etc/reportapp/credentials/owner")
    );
    assert_eq!((pool.max, pool.statement_timeout_ms), (1, 900_000));
}

#[test]
fn the_api_comes_after_the_migration_and_others_do_not_wait() {
    let resources = fresh();
    assert_eq!(names(&resources), ["demo-tunnel-main", "demo-bot"]);
    let migration = resources.migration.as_ref().expect("a migration");
    assert!(migration.is_awaited && migration.kept.is_none());
    assert_eq!(migration.job, resources.jobs[0].name_any());
    assert_eq!(migration.progress, MigrationProgress::Running(None));

    let after = built(&proven());
    assert_eq!(progress(&after), &MigrationProgress::Done);
    assert_eq!(names(&after), ["demo-tunnel-main", "demo-api", "demo-bot"]);
    // What told is kept as it is and not written again.
    assert!(after.jobs.is_empty());
    assert_eq!(
        after.migration.expect("a migration").job,
        resources.jobs[0].name_any()
    );
}

#[test]
fn pods_of_before_stay_until_the_store_is_migrated_for_the_next_image() {
    let old = built(&proven());
    let proof = ended(&fresh().jobs[0], "Complete");
    let newer = fetched("owner", |app| app.spec.image.tag = "0.2.0".to_owned());
    let during = next(&newer, std::slice::from_ref(&proof), &old.deployments);
    assert_eq!(names(&during), ["demo-tunnel-main", "demo-bot"]);
    let job = &during.jobs[0];
    assert_ne!(job.name_any(), proof.name_any());
    let migration = during.migration.as_ref().expect("a migration");
    let kept = migration.kept.as_ref().expect("the old API");
    assert_eq!(kept.name_any(), "demo-api");
    let after = next(&newer, &[ended(job, "Complete")], &old.deployments);
    assert_eq!(names(&after), ["demo-tunnel-main", "demo-api", "demo-bot"]);
}

#[test]
fn another_store_is_another_migration() {
    let old = built(&proven());
    let proof = ended(&fresh().jobs[0], "Complete");
    let elsewhere = fetched("owner", |app| {
        app.spec.store.database = Some("other".to_owned())
    });
    let during = next(&elsewhere, &[proof], &old.deployments);
    assert!(during.migration.expect("a migration").is_awaited);
}

#[test]
fn a_rotated_login_migrates_nothing_again() {
    let proof = ended(&fresh().jobs[0], "Complete");
    let old = built(&proven());
    let rotated = next(
        &fetched("rotated", |_| {}),
        std::slice::from_ref(&proof),
        &old.deployments,
    );
    assert_eq!(progress(&rotated), &MigrationProgress::Done);
    assert_eq!(
        rotated.migration.as_ref().expect("a migration").job,
        proof.name_any()
    );
    assert!(rotated.jobs.is_empty());
    let template = |resources: &Resources<Prepared>| {
        let mut deployments = resources.deployments.iter();
        let api = deployments
            .find(|d| d.name_any() == "demo-api")
            .expect("the API");
        api.spec.clone().expect("a spec").template
    };
    assert_eq!(template(&rotated), template(&old));
}

#[test]
fn a_job_that_failed_is_tried_again_with_another_login_or_when_it_is_gone() {
    let first = fresh().jobs[0].clone();
    let failed = ended(&first, "Failed");
    let same = next(
        &fetched("owner", |_| {}),
        std::slice::from_ref(&failed),
        &[],
    );
    assert!(
        same.jobs.is_empty(),
        "a Job that failed is not written again"
    );
    assert_eq!(
        progress(&same),
        &MigrationProgress::Failed("the controller's words".to_owned())
    );
    let mended = next(
        &fetched("mended", |_| {}),
        std::slice::from_ref(&failed),
        &[],
    );
    assert_ne!(mended.jobs[0].name_any(), first.name_any());
    let gone = next(&fetched("owner", |_| {}), &[], &[]);
    assert_eq!(gone.jobs[0].name_any(), first.name_any());
}

#[test]
fn a_job_that_was_deleted_lets_pods_go_on_that_rely_on_the_same_migration() {
    let old = built(&proven());
    let during = next(&fetched("owner", |_| {}), &[], &old.deployments);
    assert_eq!(progress(&during), &MigrationProgress::Running(None));
    assert!(!during.migration.as_ref().expect("a migration").is_awaited);
    assert_eq!(names(&during), ["demo-tunnel-main", "demo-api", "demo-bot"]);
}

#[test]
fn the_last_words_of_the_last_try_are_told_in_one_line() {
    let job = ended(&fresh().jobs[0], "Failed");
    let said = "applied 1 users\nError: the store lets nobody in\n\nCaused by:\n    0: first\n    1: the login is refused: no\n";
    let pods = vec![failed_pod(20, said), failed_pod(10, "earlier")];
    let seen = next_with_pods(
        &fetched("owner", |_| {}),
        std::slice::from_ref(&job),
        &[],
        pods,
    );
    let told = "the store lets nobody in: first: the login is refused: no";
    assert_eq!(progress(&seen), &MigrationProgress::Failed(told.to_owned()));

    // While there are tries left the same words say what is in the way.
    let mut running = job;
    running.status = None;
    let pods = vec![failed_pod(20, said)];
    let seen = next_with_pods(&fetched("owner", |_| {}), &[running], &[], pods);
    assert_eq!(
        progress(&seen),
        &MigrationProgress::Running(Some(told.to_owned()))
    );
    assert_eq!(seen.jobs.len(), 1);
}

#[test]
fn without_a_migrator_nothing_is_marked_and_no_job_is_made() {
    let resources = built(&example_with(|_| {}));
    assert!(resources.jobs.is_empty() && resources.migration.is_none());
    let text = serde_json::to_string(&resources.deployments).expect("serialisable");
    assert!(!text.contains(MIGRATION_ANNOTATION));
}
