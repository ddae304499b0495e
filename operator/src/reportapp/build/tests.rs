//! The whole example against golden files, and rules that hold for every built object.
//!
//! `UPDATE_GOLDEN=1` rewrites the files; the difference is then for a person to judge.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::Resource;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt as _;
use kube::core::crd::v1::CustomResourceExt as _;
use reportapp_config::api::AuditConfig;
use reportapp_config::{ApiConfig, MIN_RETENTION_DAYS};
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::{Autoscaling, StoreEngine, Upgrades};
use serde::Serialize;
use serde_json::Value;

use super::super::model::{
    FetchedReportApp, Live, Prepared, Resources, SecretBytes, TemplateOptions,
};
use super::super::naming::INPUTS_ANNOTATION;
use super::super::testing::{CANARY, example, example_with, secret};
use super::super::validate::validate;
use super::{build, upgrade};

fn built(fetched: &FetchedReportApp) -> Resources<Prepared> {
    build(&validate(fetched).expect("valid"))
}

/// Every object with its kind, as the API server would receive it.
fn objects(resources: &Resources<Prepared>) -> Vec<Value> {
    fn add<T: Resource + Serialize>(all: &mut Vec<Value>, objects: &[T]) {
        for object in objects {
            let mut value = serde_json::to_value(object).expect("serialisable");
            // A Secret's values are kept out of golden files; only their keys matter.
            if T::KIND == "Secret" {
                for (_, data) in value["data"].as_object_mut().expect("data") {
                    *data = Value::from("(value)");
                }
            }
            all.push(value);
        }
    }
    let mut all = Vec::new();
    add(&mut all, &resources.service_accounts);
    add(&mut all, &resources.config_maps);
    add(&mut all, &resources.secrets);
    add(&mut all, &resources.volume_claims);
    add(&mut all, &resources.network_policies);
    add(&mut all, &resources.services);
    add(&mut all, &resources.deployments);
    add(&mut all, resources.autoscaler.as_slice());
    add(&mut all, &resources.disruption_budgets);
    add(&mut all, resources.ingress.as_slice());
    all
}

fn golden(name: &str, resources: &Resources<Prepared>) {
    let mut text = "# Golden file: every object built; rewrite with UPDATE_GOLDEN=1.\n".to_owned();
    for object in objects(resources) {
        let yaml = serde_yaml_ng::to_string(&object).expect("serialisable");
        let _infallible = write!(text, "---\n{yaml}");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/reportapp/build/testdata")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(&path, &text).expect("writable");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let difference = text.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(
        text == expected,
        "{name} differs, first at {difference:?}; if that is meant, run the tests with UPDATE_GOLDEN=1"
    );
}

fn sqlite(app: &mut ReportApp) {
    app.spec.store.engine = StoreEngine::Sqlite;
    app.spec.store.host = None;
    app.spec.store.database = None;
    app.spec.store.credential = None;
    app.spec
        .credentials
        .retain(|credential| credential.name != "store");
    app.spec.api.replicas = 1;
    app.spec.redis = None;
    app.spec
        .credentials
        .retain(|credential| credential.name != "sessions");
    app.spec.bot = None;
    app.spec.web = None;
    app.spec.servers[0].tunnel = None;
}

fn autoscaled(app: &mut ReportApp) {
    app.spec.api.autoscaling = Some(Autoscaling {
        min_replicas: 2,
        max_replicas: 5,
        target_cpu_utilization_percentage: 75,
    });
}

/// `config.yaml` of the API.
fn api_config(fetched: &FetchedReportApp) -> ApiConfig {
    let built = built(fetched);
    let mut maps = built.config_maps.iter();
    let map = maps.find(|map| map.name_any().contains("-api"));
    let data = map.and_then(|map| map.data.as_ref());
    serde_yaml_ng::from_str(&data.expect("a file")["config.yaml"]).expect("a configuration")
}

#[test]
fn audit_rows_are_kept_as_long_as_the_spec_says_and_never_shorter_than_the_store_does() {
    let kept = api_config(&example_with(|app| app.spec.api.audit.retention_days = 400));
    assert_eq!(kept.audit.retention_days, 400);
    assert!(
        api_config(&example()).audit.is_default(),
        "an application that says nothing keeps its configuration file"
    );
    let definition = serde_json::to_value(ReportApp::crd()).expect("serialisable");
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let api = &schema["properties"]["spec"]["properties"]["api"]["properties"];
    let days = &api["audit"]["properties"]["retentionDays"];
    assert_eq!(
        days["minimum"].as_f64(),
        Some(f64::from(MIN_RETENTION_DAYS))
    );
    assert_eq!(days["default"], AuditConfig::default().retention_days);
}

#[test]
fn the_example_of_the_documentation_is_built_as_recorded() {
    golden("example.yaml", &built(&example()));
}

#[test]
fn the_smallest_application_is_built_as_recorded() {
    golden("smallest.yaml", &built(&example_with(sqlite)));
}

#[test]
fn building_twice_gives_the_same_objects() {
    assert_eq!(objects(&built(&example())), objects(&built(&example())));
}

#[test]
fn a_store_that_wants_to_know_the_application_gets_a_service_account_of_its_own() {
    let account_with = |store: &str| {
        let store = serde_json::from_str(store).expect("a secret store");
        let resources = built(&example_with(|app| app.spec.secret_store = store));
        let names = resources
            .service_accounts
            .iter()
            .map(|account| account.name_any());
        names.filter(|name| name.ends_with("-secrets")).count()
    };
    let role = r#"{"roleArn": "arn:aws:iam::123456789012:role/r"}"#;
    let aws = |auth: &str| {
        format!(r#"{{"awsSecretsManager": {{"region": "eu-central-1", "auth": {{{auth}}}}}}}"#)
    };
    assert_eq!(account_with(&aws(&format!(r#""webIdentity": {role}"#))), 1);
    let key = r#""accessKey": {"secretName": "aws-login"}"#;
    assert_eq!(account_with(&aws(key)), 0);
    let vault = r#"{"vault": {"address": "https://v", "auth": {"kubernetes": {"role": "r"}}}}"#;
    assert_eq!(account_with(vault), 1);
    assert_eq!(account_with("{}"), 0);
}

/// A longest name, sixteen servers with longest names, longest credential names.
fn longest(app: &mut ReportApp) {
    app.metadata.name = Some("a".repeat(40));
    let server = app.spec.servers[0].clone();
    let credential = |name: &str| {
        let mut all = app.spec.credentials.iter();
        all.find(|credential| credential.name == name)
            .cloned()
            .expect("present")
    };
    let (erp, key) = (credential("erp"), credential("bastion-key"));
    app.spec.servers.clear();
    app.spec
        .credentials
        .retain(|c| c.name != "erp" && c.name != "bastion-key");
    for index in 10..26 {
        let name = format!("{}{index}", "s".repeat(18));
        let mut server = server.clone();
        server.name.clone_from(&name);
        server.credential = format!("{}e{index}", "c".repeat(37));
        server.tunnel.as_mut().expect("tunnel").credential = format!("{}k{index}", "c".repeat(37));
        let (mut erp, mut key) = (erp.clone(), key.clone());
        erp.name.clone_from(&server.credential);
        erp.opens.database.as_mut().expect("database").server = Some(name.clone());
        key.name
            .clone_from(&server.tunnel.as_ref().expect("tunnel").credential);
        key.opens.ssh.as_mut().expect("ssh").server = name;
        app.spec.servers.push(server);
        app.spec.credentials.extend([erp, key]);
    }
}

fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::String(text) if key == "name" || key == "secretName" => {
                        found.push(text.clone());
                    }
                    _ => names(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[test]
fn no_name_is_longer_than_63_characters_and_none_collides() {
    let resources = built(&example_with(longest));
    let objects = objects(&resources);
    let mut found = Vec::new();
    objects.iter().for_each(|object| names(object, &mut found));
    let too_long: Vec<_> = found.iter().filter(|name| name.len() > 63).collect();
    assert!(too_long.is_empty(), "{too_long:?}");
    let mut identities: Vec<_> = objects
        .iter()
        .map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]))
        .collect();
    let count = identities.len();
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), count);
}

#[test]
fn no_object_but_a_secret_holds_a_secret_value() {
    let resources = built(&example());
    let text = serde_json::to_string(&objects(&resources)).expect("serialisable");
    assert!(!text.contains(CANARY));
    // Nor in the encoding of Secrets, at any of its three alignments.
    for skip in 0..3 {
        let encoded = STANDARD.encode(&CANARY.as_bytes()[skip..]);
        assert!(
            !text.contains(&encoded[..12]),
            "base64 of the canary at {skip}"
        );
    }
    let secrets = serde_json::to_string(&resources.secrets).expect("serialisable");
    assert!(secrets.contains(&STANDARD.encode(format!("{CANARY}-store"))));
    assert!(!secrets.contains(&STANDARD.encode(format!("{CANARY}-authority"))));
}

#[test]
fn debug_output_of_every_step_shows_no_value() {
    let fetched = example();
    let app = validate(&fetched).expect("valid");
    assert!(!format!("{fetched:?}{app:?}").contains(CANARY));
}

#[test]
fn everything_but_the_volume_goes_with_the_application() {
    for fetched in [example(), example_with(sqlite), example_with(autoscaled)] {
        for object in objects(&built(&fetched)) {
            let owner = &object["metadata"]["ownerReferences"][0]["controller"];
            let survives = object["kind"] == "PersistentVolumeClaim";
            assert_eq!(owner.as_bool(), (!survives).then_some(true), "{object}");
        }
    }
}

#[test]
fn every_pod_satisfies_the_restricted_pod_security_profile() {
    for deployment in built(&example()).deployments {
        let pod = deployment.spec.expect("spec").template.spec.expect("pod");
        assert_eq!(pod.automount_service_account_token, Some(false));
        let security = pod.security_context.expect("pod security");
        assert_eq!(security.run_as_non_root, Some(true));
        assert_eq!(
            security.seccomp_profile.expect("seccomp").type_,
            "RuntimeDefault"
        );
        let container = pod.containers[0]
            .security_context
            .clone()
            .expect("security");
        assert_eq!(container.allow_privilege_escalation, Some(false));
        assert_eq!(container.read_only_root_filesystem, Some(true));
        assert_eq!(
            container.capabilities.expect("capabilities").drop,
            Some(vec!["ALL".to_owned()])
        );
        let variables = pod.containers[0].env.clone().unwrap_or_default();
        assert!(
            variables
                .iter()
                .all(|variable| variable.value_from.is_none())
        );
    }
}

#[test]
fn a_new_value_gives_a_new_secret_name_that_does_not_depend_on_the_value_alone() {
    let name_of = |fetched: &FetchedReportApp| {
        let resources = built(fetched);
        let erp = resources
            .credentials
            .iter()
            .find(|credential| credential.name == "erp");
        erp.expect("erp").secret.clone()
    };
    let before = name_of(&example());
    let mut changed = example();
    changed.secrets.insert(
        "erp-login".to_owned(),
        super::super::model::SecretLookup::Found {
            data: [("password".to_owned(), secret("new"))].into(),
            kind: "Opaque".to_owned(),
        },
    );
    assert_ne!(name_of(&changed), before);
    let mut other_key = example();
    other_key.ledger.name_key = SecretBytes::new([8; 32]);
    assert_ne!(name_of(&other_key), before);
    assert_eq!(name_of(&example()), before);
}

#[test]
fn an_autoscaled_api_leaves_the_number_of_pods_alone() {
    let resources = built(&example_with(autoscaled));
    let autoscaler = resources.autoscaler.expect("an autoscaler");
    let target = autoscaler.spec.expect("spec").scale_target_ref.name;
    assert_eq!(target, "demo-api");
    let api = resources
        .deployments
        .iter()
        .find(|d| d.name_any() == "demo-api")
        .expect("api");
    assert_eq!(api.spec.as_ref().expect("spec").replicas, None);
}

/// The example with what one operator applied as live objects, seen by the next one.
fn next_operator(
    options: TemplateOptions,
    change: impl FnOnce(&mut ReportApp),
) -> Resources<Prepared> {
    let live: Vec<Deployment> = built(&example()).deployments;
    let mut fetched = example_with(change);
    fetched.live = Live {
        deployments: live
            .into_iter()
            .map(|d| (d.name_any(), Arc::new(d)))
            .collect(),
        ..Live::default()
    };
    fetched.operator.templates = options;
    built(&fetched)
}

const OTHER_TEMPLATE: TemplateOptions = TemplateOptions {
    probe_period_seconds: 7,
};

#[test]
fn an_operator_that_builds_other_pods_postpones_them_and_their_configuration() {
    let resources = next_operator(OTHER_TEMPLATE, |_| {});
    assert!(resources.deployments.is_empty());
    assert_eq!(resources.postponed.len(), 3);
    assert_eq!(
        resources.config_maps.len(),
        1,
        "only the authority's certificate"
    );
}

#[test]
fn an_operator_that_builds_the_same_pods_postpones_nothing() {
    let resources = next_operator(TemplateOptions::default(), |_| {});
    assert_eq!(
        (resources.deployments.len(), resources.postponed.len()),
        (3, 0)
    );
}

#[test]
fn a_postponed_upgrade_comes_with_the_next_change_of_the_spec_or_at_once_if_asked() {
    let changed = next_operator(OTHER_TEMPLATE, |app| app.spec.api.trusted_proxies.clear());
    assert_eq!((changed.deployments.len(), changed.postponed.len()), (3, 0));
    let automatic = next_operator(OTHER_TEMPLATE, |app| {
        app.spec.upgrades = Upgrades::Automatic
    });
    assert_eq!(
        (automatic.deployments.len(), automatic.postponed.len()),
        (3, 0)
    );
}

/// A spec whose meaning no release may change.
const PINNED_SPEC: &str = r#"{
    "image": {"registry": "ghcr.io/example", "tag": "0.1.0"},
    "servers": [{
        "name": "main", "engine": "Postgres", "host": "erp", "database": "erp", "credential": "erp",
        "tunnel": {
            "bastion": {"host": "bastion", "user": "tunnel"},
            "knownHosts": ["bastion ssh-ed25519 AAAA"], "credential": "bastion-key"
        }
    }],
    "store": {"engine": "Sqlite"},
    "web": {"host": "reports.example.com"},
    "bot": {"credential": "telegram"},
    "credentials": [
        {"name": "erp", "from": {"secretRef": {"name": "erp"}}, "database": {"server": "main", "role": "r"}}
    ]
}"#;

#[test]
fn the_inputs_of_an_unchanged_spec_have_the_same_hash_in_every_version() {
    // Another hash restarts the pods of every application with the next operator: a new field of the
    // spec must serialise to nothing while it has its default.
    let spec = serde_json::from_str(PINNED_SPEC).expect("a spec");
    let marks = upgrade::marks(&spec, &["demo-erp-0123456789"], &PodTemplateSpec::default());
    assert_eq!(marks[INPUTS_ANNOTATION], "49152f3afb");
}
