//! A new operator may build pods differently; that alone must not restart them. Pure.
//!
//! Each Deployment carries two marks: a hash of what the user controls (spec and credential
//! versions), and a hash of the pod template built from it. Same inputs but another template means
//! that only the operator changed: then the live Deployment stays as it is until the inputs change.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt as _;
use reportapp_crds::ReportAppSpec;
use reportapp_crds::report_app::Upgrades;
use serde::Serialize;
use serde_json::Value;

use super::super::model::Live;
use super::super::naming::{INPUTS_ANNOTATION, TEMPLATE_ANNOTATION, short_hash};

/// Which Deployments are applied and which stay as they are.
pub struct Plan {
    /// To apply.
    pub deployments: Vec<Deployment>,
    /// Live ones that wait for the next change of their inputs.
    pub postponed: Vec<Arc<Deployment>>,
}

/// Annotations that carry the two hashes.
pub fn marks(
    spec: &ReportAppSpec,
    secret_names: &[&str],
    template: &PodTemplateSpec,
) -> BTreeMap<String, String> {
    BTreeMap::from([
        (INPUTS_ANNOTATION.to_owned(), hash(&(spec, secret_names))),
        (TEMPLATE_ANNOTATION.to_owned(), hash(template)),
    ])
}

/// Takes out the Deployments that only this operator would build differently.
pub fn postpone(upgrades: Upgrades, live: &Live, built: Vec<Deployment>) -> Plan {
    let mut plan = Plan {
        deployments: Vec::new(),
        postponed: Vec::new(),
    };
    for deployment in built {
        match live.deployments.get(&deployment.name_any()) {
            Some(running)
                if upgrades == Upgrades::OnSpecChange
                    && only_operator_differs(running, &deployment) =>
            {
                plan.postponed.push(Arc::clone(running));
            }
            _ => plan.deployments.push(deployment),
        }
    }
    plan
}

fn only_operator_differs(running: &Deployment, built: &Deployment) -> bool {
    let mark = |deployment: &Deployment, name: &str| deployment.annotations().get(name).cloned();
    let has_template = mark(running, TEMPLATE_ANNOTATION).is_some();
    has_template
        && mark(running, INPUTS_ANNOTATION) == mark(built, INPUTS_ANNOTATION)
        && mark(running, TEMPLATE_ANNOTATION) != mark(built, TEMPLATE_ANNOTATION)
}

/// Hash of a value, independent of the order of fields in our types.
pub fn hash<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value)
        .expect("spec and template have string keys and no failing fields");
    let mut text = String::new();
    write_canonical(&value, &mut text);
    short_hash(text.as_bytes())
}

/// JSON with sorted keys.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            text.push('{');
            for (name, field) in sorted {
                let _infallible = write!(text, "{}:", Value::from(name.as_str()));
                write_canonical(field, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => {
            let _infallible = write!(text, "{scalar}");
        }
    }
}
