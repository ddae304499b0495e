//! What alert rules and documentation say of metrics, held against what the operator emits: a name or a
//! label that does not exist never alerts, and nobody notices.

use std::collections::BTreeSet;

use reportapp_crds::secret_rotation::Phase;
use reportapp_crds::{IncidentAction, SecretRotation};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::action::metrics::ActionMetrics;
use crate::canary::Canary;
use crate::canary::in_use::Sources;
use crate::canary::memory::Key;
use crate::canary::verdict::Verdict;
use crate::clock;
use crate::reportapp::testing;
use crate::rotation::metrics::RotationMetrics;

const RULES: &str =
    include_str!("../../../charts/reportapp-operator/templates/prometheusrule.yaml");
const PAGES: [&str; 2] = [
    include_str!("../../../docs/concepts/rotation.md"),
    include_str!("../../../docs/concepts/actions.md"),
];

/// Beginnings of the names of the operator's own metrics.
const OURS: [&str; 3] = [
    "reportapp_rotation_",
    "reportapp_credential_",
    "reportapp_action_",
];
/// The label Prometheus gives the namespace of a ReportApp where it does not honour ours.
const EXPORTED: &str = "exported_namespace";

type Labels = BTreeSet<String>;

/// A rotation of `app` with this status.
fn rotation(app: &str, status: Json) -> SecretRotation {
    let object = json!({
        "apiVersion": "reportapp.dev/v1alpha1",
        "kind": "SecretRotation",
        "metadata": { "name": "r", "namespace": "reports" },
        "spec": { "app": app, "credentials": ["erp"], "reason": "a test" },
        "status": status,
    });
    serde_json::from_value(object).expect("a rotation")
}

/// Looks at a rotation of `app` that went from no status to this one.
fn look(metrics: &RotationMetrics, app: &str, status: Json) {
    let after = rotation(app, status).status.expect("it has one");
    metrics.looked(&rotation(app, json!({})), &after);
}

/// Looks at an action that went from no status to this one.
fn look_at_action(metrics: &ActionMetrics, uid: &str, status: Json) {
    let action = |status: Json| -> IncidentAction {
        let object = json!({
            "apiVersion": "reportapp.dev/v1alpha1",
            "kind": "IncidentAction",
            "metadata": { "name": "a", "namespace": "reports", "uid": uid },
            "spec": { "app": "demo", "reason": "a test", "rollingRestart": {} },
            "status": status,
        });
        serde_json::from_value(object).expect("an action")
    };
    let after = action(status).status.expect("it has one");
    metrics.looked(&action(json!({})), &after);
}

/// Every metric of rotations, actions and canary logins by name, with its labels; each has one sample at least.
fn emitted() -> BTreeMap<String, Labels> {
    let health = Health::new("operator", "0");
    let rotations = RotationMetrics::new(&health);
    let began = "2026-01-02T03:04:05Z";
    let condition = json!({
        "type": "Stalled", "status": "True", "reason": "RightMissing", "message": "",
        "lastTransitionTime": began,
    });
    let steps =
        json!([{ "name": "Apply", "startedAt": began, "finishedAt": began, "attempts": 1 }]);
    let progress = json!([{
        "name": "erp", "strategy": "InPlace", "oldSessions": 1, "steps": steps,
        "endedSessions": 2,
    }]);
    let stalled = json!({
        "phase": "Running", "conditions": [condition], "credentials": progress,
    });
    look(&rotations, "stalled", stalled);
    look(
        &rotations,
        "failed",
        json!({ "phase": "Failed", "credentials": progress }),
    );
    rotations.due("reports", "demo", "erp", Some(clock::now()));

    let actions = ActionMetrics::new(&health);
    let stalled = json!({ "phase": "Running", "conditions": [condition] });
    look_at_action(&actions, "stalled", stalled);
    let failed = json!({ "phase": "Failed", "startedAt": began, "finishedAt": began });
    look_at_action(&actions, "failed", failed);

    let canary = Canary::new(&health);
    let example = testing::example();
    let sources = Sources {
        app: &example.app,
        secrets: &example.secrets,
        published: &example.published,
        name_key: &example.ledger.name_key,
    };
    let (wake, _woken) = unbounded_channel();
    canary.note(&sources, &wake, clock::now());
    let key = Key {
        namespace: example.app.metadata.namespace.clone().unwrap_or_default(),
        app: example.app.metadata.name.clone().unwrap_or_default(),
        credential: "erp".to_owned(),
    };
    canary.answered(&key, Ok(Verdict::Accepted), clock::now());

    let families = health.registry().gather();
    let ours = families
        .iter()
        .filter(|family| OURS.iter().any(|begin| family.name().starts_with(begin)));
    ours.map(|family| {
        let labels = family.get_metric()[0].get_label();
        let labels = labels.iter().map(|label| label.name().to_owned());
        (family.name().to_owned(), labels.collect())
    })
    .collect()
}

/// Words of letters, digits and underscores that begin as our metrics do.
fn named_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| OURS.iter().any(|begin| word.starts_with(begin)))
        .collect()
}

/// Label names in the braces behind metrics, and those the texts of an alert use.
fn labels_in(alert: &str) -> BTreeSet<&str> {
    let name = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let after = |mark: &'static str| alert.split(mark).skip(1);
    let in_texts = after("$labels.").map(|rest| &rest[..name(rest)]);
    let in_braces = after("reportapp_")
        .filter_map(|rest| rest[name(rest)..].strip_prefix('{'))
        .flat_map(|rest| rest.split('}').next().unwrap_or_default().split(','))
        .map(|matcher| &matcher[..name(matcher)]);
    in_texts.chain(in_braces).collect()
}

#[test]
fn every_alert_reads_metrics_and_labels_that_are_emitted() {
    let emitted = emitted();
    let alerts: Vec<_> = RULES.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 4, "{} alerts", alerts.len());
    for alert in alerts {
        let title = alert.lines().next().unwrap_or_default();
        let metrics = named_in(alert);
        assert!(!metrics.is_empty(), "{title} reads no metric");
        for metric in metrics {
            let known = emitted.get(metric);
            let known = known.unwrap_or_else(|| panic!("{title}: nobody emits {metric}"));
            for label in labels_in(alert) {
                let exists = label == EXPORTED || known.contains(label);
                assert!(exists, "{title}: {metric} has no label {label}: {known:?}");
            }
        }
    }
}

/// The results an alert looks for are phases.
#[test]
fn every_result_an_alert_looks_for_is_a_phase() {
    let wanted = RULES.split("result=~\"").skip(1);
    let mut count = 0;
    for result in wanted.flat_map(|rest| rest.split('"').next().unwrap_or_default().split('|')) {
        let phase = serde_json::from_value::<Phase>(json!(result));
        assert!(
            phase.is_ok_and(Phase::is_final),
            "{result} ends no rotation"
        );
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn the_table_of_metrics_and_the_code_agree() {
    let emitted = emitted();
    let rows = { PAGES.iter() }
        .flat_map(|page| page.lines())
        .filter_map(|line| line.strip_prefix("| `reportapp_"));
    let mut documented = BTreeSet::new();
    for row in rows {
        let cell = row.split('`').next().unwrap_or_default();
        let (name, label) = cell.split_once('{').unwrap_or((cell, ""));
        let name = format!("reportapp_{name}");
        let labels = emitted.get(&name);
        let labels = labels.unwrap_or_else(|| panic!("nobody emits {name}"));
        let label = label.trim_end_matches('}');
        assert!(
            label.is_empty() || labels.contains(label),
            "{name}: {label}"
        );
        documented.insert(name);
    }
    let known: BTreeSet<_> = emitted.into_keys().collect();
    assert_eq!(documented, known, "left: documented, right: emitted");
    for name in PAGES.into_iter().flat_map(named_in) {
        assert!(known.contains(name), "a page names {name}");
    }
}
