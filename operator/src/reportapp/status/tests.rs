//! What each state of the world makes of the conditions.

mod apart;
mod outcomes;

use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateWaiting, ContainerStatus, Pod, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use reportapp_config::ServiceStatus;
use reportapp_config::status::{DependencyState, DependencyStatus, Reason};
use reportapp_crds::report_app::CanaryStatus;
use reportapp_crds::{ReportApp, ReportAppStatus};

use super::super::build::build;
use super::super::model::{
    Applied, Live, Outcome, PodReport, Problem, ProblemReason, Problems, Resources,
};
use super::super::naming::Component;
use super::super::testing::{example, example_app};
use super::super::validate::validate;
use super::{StatusInput, status};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The example with every Deployment rolled out.
fn applied() -> Resources<Applied> {
    let prepared = build(&validate(&example()).expect("valid"));
    let deployments = prepared.deployments.into_iter().map(complete).collect();
    Resources {
        service_accounts: prepared.service_accounts,
        config_maps: prepared.config_maps,
        secrets: prepared.secrets,
        volume_claims: prepared.volume_claims,
        network_policies: prepared.network_policies,
        services: prepared.services,
        jobs: prepared.jobs,
        deployments,
        autoscaler: prepared.autoscaler,
        disruption_budgets: prepared.disruption_budgets,
        ingress: prepared.ingress,
        postponed: prepared.postponed,
        migration: prepared.migration,
        unread: prepared.unread,
        refused: prepared.refused,
        credentials: prepared.credentials,
        state: PhantomData,
    }
}

fn complete(mut deployment: Deployment) -> Deployment {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    deployment.metadata.generation = Some(1);
    deployment.status = Some(DeploymentStatus {
        observed_generation: Some(1),
        replicas: wanted,
        updated_replicas: wanted,
        ready_replicas: wanted,
        available_replicas: wanted,
        ..DeploymentStatus::default()
    });
    deployment
}

fn outcome(resources: Resources<Applied>) -> Outcome {
    Outcome::Applied(Box::new(resources))
}

/// The report of a pod with these dependencies; `None` means the last attempt succeeded.
fn report(component: Component, dependencies: &[(&str, Option<Reason>)]) -> PodReport {
    let dependencies = dependencies
        .iter()
        .map(|(name, reason)| DependencyStatus {
            name: (*name).to_owned(),
            state: reason.map_or(DependencyState::Ok, |_| DependencyState::Failing),
            reason: *reason,
            message: format!("about {name}"),
        })
        .collect();
    PodReport {
        pod: format!("demo-{component}-1"),
        result: Ok(ServiceStatus {
            service: format!("reportapp-{component}"),
            ready: true,
            dependencies,
        }),
        component,
    }
}

fn tunnel() -> Component {
    Component::Tunnel("main".to_owned())
}

fn see(app: &ReportApp, live: &Live, reports: &[PodReport], outcome: &Outcome) -> ReportAppStatus {
    status(&StatusInput {
        app,
        live,
        reports,
        outcome,
        now: NOW,
    })
}

fn see_reports(reports: &[PodReport]) -> ReportAppStatus {
    see(
        &example_app(),
        &Live::default(),
        reports,
        &outcome(applied()),
    )
}

/// Status and reason of a condition.
fn verdict(status: &ReportAppStatus, kind: &str) -> (String, String) {
    let condition = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind);
    let condition = condition.expect("a condition");
    (condition.status.clone(), condition.reason.clone())
}

fn assert_verdicts(status: &ReportAppStatus, expected: [(&str, &str, &str); 4]) {
    for (kind, value, reason) in expected {
        assert_eq!(
            verdict(status, kind),
            (value.to_owned(), reason.to_owned()),
            "{kind}"
        );
    }
}

fn message(status: &ReportAppStatus, kind: &str) -> String {
    let mut conditions = status.conditions.iter();
    conditions
        .find(|c| c.type_ == kind)
        .expect("a condition")
        .message
        .clone()
}

#[test]
fn an_application_whose_pods_are_ready_and_content_is_ready() {
    let healthy = [
        report(tunnel(), &[("tunnel/main", None)]),
        report(Component::Api, &[("server/main", None), ("store", None)]),
    ];
    let seen = see_reports(&healthy);
    assert_verdicts(
        &seen,
        [
            ("Ready", "True", "Available"),
            ("Reconciling", "False", "Done"),
            ("Stalled", "False", "Progressing"),
            ("UpToDate", "True", "UpToDate"),
        ],
    );
    assert_eq!(seen.url.as_deref(), Some("https://reports.example.com/"));
    let components: Vec<_> = seen
        .components
        .iter()
        .map(|c| (c.name.as_str(), c.ready.as_str()))
        .collect();
    assert_eq!(
        components,
        [("api", "2/2"), ("bot", "1/1"), ("tunnel-main", "1/1")]
    );
    assert!(seen.servers[0].reachable);
    assert_eq!(seen.credentials.len(), 5);
}

#[test]
fn each_failing_dependency_has_its_own_reason() {
    for (component, name, reason) in [
        (tunnel(), "tunnel/main", Reason::TunnelHostKeyMismatch),
        (tunnel(), "tunnel/main", Reason::BastionLoginRefused),
        (tunnel(), "tunnel/main", Reason::BastionUnreachable),
        (tunnel(), "tunnel/main", Reason::TunnelForwardRefused),
        (Component::Api, "server/main", Reason::DatabaseTlsInvalid),
        (Component::Api, "server/main", Reason::DatabaseLoginRefused),
        (Component::Api, "server/main", Reason::DatabaseUnreachable),
        (Component::Api, "server/main", Reason::ErpSignInUnavailable),
        (Component::Api, "store", Reason::StoreTlsInvalid),
        (Component::Api, "store", Reason::StoreLoginRefused),
        (Component::Api, "store", Reason::StoreUnreachable),
        (Component::Api, "store", Reason::StoreMigrationFailed),
        (Component::Api, "store/epochs", Reason::StorePutBack),
        (Component::Api, "store", Reason::StoreMigrationAwaited),
        (Component::Api, "store", Reason::StoreLoginNotPlatform),
        (Component::Api, "redis", Reason::RedisLoginRefused),
        (Component::Api, "redis", Reason::RedisUnreachable),
        (Component::Bot, "telegram", Reason::TelegramTokenRefused),
        (Component::Bot, "telegram", Reason::TelegramConflict),
        (Component::Bot, "telegram", Reason::TelegramUnreachable),
        (Component::Bot, "api", Reason::ApiUnreachable),
        (Component::Api, "certificate", Reason::CertificateInvalid),
    ] {
        let seen = see_reports(&[report(component, &[(name, Some(reason))])]);
        assert_eq!(
            verdict(&seen, "Ready"),
            ("False".to_owned(), reason.as_str().to_owned())
        );
        assert!(message(&seen, "Ready").contains(&format!("about {name}")));
        assert_eq!(verdict(&seen, "Stalled").0, "False");
    }
}

#[test]
fn a_tunnel_outranks_the_database_it_cuts_off() {
    let seen = see_reports(&[
        report(
            Component::Api,
            &[("server/main", Some(Reason::DatabaseUnreachable))],
        ),
        report(
            tunnel(),
            &[("tunnel/main", Some(Reason::BastionUnreachable))],
        ),
    ]);
    assert_eq!(verdict(&seen, "Ready").1, "BastionUnreachable");
    let server = &seen.servers[0];
    assert_eq!(
        (server.reachable, server.reason.as_deref()),
        (false, Some("BastionUnreachable"))
    );
}

#[test]
fn a_database_behind_a_tunnel_that_is_still_starting_is_a_rollout() {
    let mut resources = applied();
    let starting = resources
        .deployments
        .iter_mut()
        .find(|d| d.name_any() == "demo-tunnel-main");
    starting.expect("tunnel").status = None;
    let reports = [report(
        Component::Api,
        &[("server/main", Some(Reason::DatabaseUnreachable))],
    )];
    let seen = see(
        &example_app(),
        &Live::default(),
        &reports,
        &outcome(resources),
    );
    assert_eq!(verdict(&seen, "Ready").1, "RollingOut");
    assert!(message(&seen, "Ready").contains("tunnel-main: 0 of 1"));
    assert_eq!(verdict(&seen, "Reconciling").0, "True");
}

#[test]
fn what_an_ending_pod_says_does_not_count() {
    let mut live = Live::default();
    let mut pod = Pod::default();
    pod.metadata.name = Some("demo-api-1".to_owned());
    pod.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW));
    live.pods.push(Arc::new(pod));
    let reports = [report(
        Component::Api,
        &[("store", Some(Reason::StoreLoginRefused))],
    )];
    let seen = see(&example_app(), &live, &reports, &outcome(applied()));
    assert_eq!(verdict(&seen, "Ready").1, "Available");
}

#[test]
fn a_pod_that_cannot_start_says_why() {
    for (kubelet, reason) in [
        ("ImagePullBackOff", "ImagePullFailed"),
        ("CrashLoopBackOff", "CrashLoop"),
        ("CreateContainerConfigError", "ContainerNotStarted"),
        ("ContainerCreating", "RollingOut"),
    ] {
        let mut resources = applied();
        let api = resources
            .deployments
            .iter_mut()
            .find(|d| d.name_any() == "demo-api")
            .expect("api");
        let labels = api.metadata.labels.clone();
        api.status = None;
        let waiting = ContainerStateWaiting {
            reason: Some(kubelet.to_owned()),
            message: Some("what the kubelet says".to_owned()),
        };
        let mut pod = Pod {
            status: Some(PodStatus {
                container_statuses: Some(vec![ContainerStatus {
                    state: Some(ContainerState {
                        waiting: Some(waiting),
                        ..ContainerState::default()
                    }),
                    ..ContainerStatus::default()
                }]),
                ..PodStatus::default()
            }),
            ..Pod::default()
        };
        pod.metadata.name = Some("demo-api-1".to_owned());
        pod.metadata.labels = labels;
        let live = Live {
            pods: vec![Arc::new(pod)],
            ..Live::default()
        };
        let seen = see(&example_app(), &live, &[], &outcome(resources));
        assert_eq!(
            verdict(&seen, "Ready"),
            ("False".to_owned(), reason.to_owned())
        );
    }
}

#[test]
fn an_autoscaler_on_its_way_up_does_not_unready_the_application() {
    let mut app = example_app();
    app.spec.api.autoscaling = serde_json::from_str(r#"{"maxReplicas": 9}"#).expect("bounds");
    let mut resources = applied();
    let api = resources
        .deployments
        .iter_mut()
        .find(|d| d.name_any() == "demo-api")
        .expect("api");
    api.spec.as_mut().expect("spec").replicas = Some(9);
    let status = api.status.as_mut().expect("status");
    (status.replicas, status.updated_replicas) = (Some(9), Some(9));
    let seen = see(&app, &Live::default(), &[], &outcome(resources));
    assert_eq!(verdict(&seen, "Ready").0, "True");
}

#[test]
fn an_unchanged_state_gives_an_equal_status_at_any_time() {
    let mut app = example_app();
    app.status = Some(see_reports(&[]));
    let outcome = outcome(applied());
    let later = StatusInput {
        app: &app,
        live: &Live::default(),
        reports: &[],
        outcome: &outcome,
        now: Timestamp::MAX,
    };
    assert_eq!(Some(status(&later)), app.status);
}

#[test]
fn a_condition_that_changes_takes_the_time_of_the_change() {
    let mut app = example_app();
    app.status = Some(see_reports(&[]));
    let later = StatusInput {
        app: &app,
        live: &Live::default(),
        reports: &[report(
            Component::Api,
            &[("redis", Some(Reason::RedisUnreachable))],
        )],
        outcome: &outcome(applied()),
        now: Timestamp::MAX,
    };
    let seen = status(&later);
    let times: Vec<_> = seen
        .conditions
        .iter()
        .map(|c| c.last_transition_time.0)
        .collect();
    assert_eq!(times, [Timestamp::MAX, NOW, NOW, NOW, NOW]);
}

/// What the tries of all logins gave; `None` stands for none yet.
fn tried(ok: &[(&str, Option<bool>)]) -> ReportAppStatus {
    let mut resources = applied();
    for credential in &mut resources.credentials {
        let found = ok.iter().find(|(name, _)| *name == credential.name);
        credential.canary = found.and_then(|(_, ok)| *ok).map(|ok| CanaryStatus {
            ok,
            checked_at: Time(NOW),
            reason: (!ok).then(|| "CredentialRejected".to_owned()),
            message: (!ok).then(|| format!("about {}", credential.name)),
        });
    }
    see(&example_app(), &Live::default(), &[], &outcome(resources))
}

#[test]
fn a_refused_login_has_a_condition_of_its_own_beside_ready() {
    let all = [
        ("erp", Some(true)),
        ("sessions", Some(true)),
        ("store", Some(true)),
    ];
    let accepted = |status: &ReportAppStatus| verdict(status, "CredentialsAccepted");
    let (fine, mut some) = (tried(&all), all);
    assert_eq!(accepted(&fine), ("True".to_owned(), "Accepted".to_owned()));
    some[1].1 = None;
    let unknown = tried(&some);
    assert_eq!(
        accepted(&unknown),
        ("Unknown".to_owned(), "NotTried".to_owned())
    );
    assert!(message(&unknown, "CredentialsAccepted").ends_with("sessions"));
    some[2].1 = Some(false);
    let refused = tried(&some);
    assert_eq!(
        accepted(&refused),
        ("False".to_owned(), "CredentialRejected".to_owned())
    );
    assert_eq!(message(&refused, "CredentialsAccepted"), "about store");
    assert_eq!(verdict(&refused, "Ready"), verdict(&fine, "Ready"));
}

#[test]
fn a_long_sentence_of_a_service_is_cut() {
    let mut long = report(Component::Api, &[("store", Some(Reason::StoreUnreachable))]);
    long.result.as_mut().expect("a report").dependencies[0].message = "é".repeat(5_000);
    let seen = see_reports(&[long]);
    assert!(message(&seen, "Ready").len() < 1_100);
}

#[test]
fn every_reason_is_explained_in_the_documentation() {
    let page = include_str!("../../../../docs/concepts/status.md");
    let problems = [
        ProblemReason::NotImplemented,
        ProblemReason::InvalidValue,
        ProblemReason::DuplicateName,
        ProblemReason::UnknownCredential,
        ProblemReason::CredentialMismatch,
        ProblemReason::UnusableKey,
        ProblemReason::InvalidSchedule,
        ProblemReason::HostTaken,
        ProblemReason::KnownHostsInvalid,
        ProblemReason::ImageInvalid,
        ProblemReason::CertificateUnusable,
        ProblemReason::SecretMissing,
        ProblemReason::SecretNotAllowed,
        ProblemReason::SecretKeyMissing,
        ProblemReason::SecretUnreadable,
        ProblemReason::ConfigMapMissing,
        ProblemReason::ConfigMapNotAllowed,
        ProblemReason::WorkloadMissing,
        ProblemReason::WorkloadNotAllowed,
        ProblemReason::StoreUnavailable,
        ProblemReason::StoreDenied,
        ProblemReason::StoreValueMissing,
        ProblemReason::Forbidden,
    ];
    let dependencies = super::dependencies::ORDER
        .iter()
        .map(|(reason, _)| reason.as_str());
    let others = [
        "InvalidSpec",
        "RollingOut",
        "ImagePullFailed",
        "CrashLoop",
        "ContainerNotStarted",
        "Unschedulable",
        "PodsRefused",
        "ReconcileFailed",
        "Suspended",
        "UpgradePending",
        "NotReported",
        "MigrationRunning",
        "MigrationFailed",
        "MigrationDone",
        Reason::ReportRefused.as_str(),
        "CredentialRejected",
        "PrivilegesLacking",
        "NotTried",
    ];
    for reason in problems
        .map(ProblemReason::as_str)
        .into_iter()
        .chain(dependencies)
        .chain(others)
    {
        assert!(page.contains(&format!("`{reason}`")), "{reason}");
    }
}
