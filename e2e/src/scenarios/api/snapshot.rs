//! Every object of the application at one moment, so that two moments can be compared.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

use super::stage::Stage;

/// Kinds the operator writes, by group, version and kind.
pub const KINDS: [(&str, &str, &str); 11] = [
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "Job"),
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

/// Objects by kind and name.
pub type Snapshot = BTreeMap<String, Value>;

/// The Secret with the API's certificate. A host that comes back gets a new certificate, so its
/// content is not compared.
const CERTIFICATE: &str = "sample-api-tls";

/// What an object is apart from its content: another uid means that it was made anew, another
/// generation that its spec was changed, even if to the same.
const IDENTITY: [&str; 2] = ["uid", "generation"];

/// The content of every object of the application, without what the API server sets.
///
/// # Errors
/// When the cluster does not answer.
pub async fn snapshot(stage: &Stage<'_>) -> Result<Snapshot> {
    let mut found = Snapshot::new();
    for (kind, object) in objects(stage).await? {
        let name = object.metadata.name.clone().unwrap_or_default();
        found.insert(format!("{kind}/{name}"), content(kind, &name, object)?);
    }
    Ok(found)
}

/// Content and identity of every object of the application: equal only if nobody touched one.
///
/// # Errors
/// When the cluster does not answer.
pub async fn exact(stage: &Stage<'_>) -> Result<Snapshot> {
    let mut found = Snapshot::new();
    for (kind, object) in objects(stage).await? {
        let name = object.metadata.name.clone().unwrap_or_default();
        let metadata = serde_json::to_value(&object.metadata)?;
        let mut value = content(kind, &name, object)?;
        for field in IDENTITY {
            value["metadata"][field] = metadata[field].clone();
        }
        found.insert(format!("{kind}/{name}"), value);
    }
    Ok(found)
}

/// Every object of the application with its kind.
///
/// # Errors
/// When the cluster does not answer.
pub async fn objects(stage: &Stage<'_>) -> Result<Vec<(&'static str, DynamicObject)>> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=reportapp-operator");
    let mut found = Vec::new();
    for (group, version, kind) in KINDS {
        let objects = stage.objects(group, version, kind).list(&ours).await?;
        found.extend(objects.items.into_iter().map(|object| (kind, object)));
    }
    Ok(found)
}

fn content(kind: &str, name: &str, object: DynamicObject) -> Result<Value> {
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
        conceal(name, top);
    }
    Ok(value)
}

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

/// What differs, a line each.
pub fn difference(before: &Snapshot, after: &Snapshot) -> String {
    let names = before.keys().chain(after.keys());
    let names: BTreeSet<_> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .collect();
    let mut lines = Vec::new();
    for name in names {
        match (before.get(name), after.get(name)) {
            (None, _) => lines.push(format!("{name} is left over")),
            (_, None) => lines.push(format!("{name} is gone")),
            (Some(was), Some(is)) => compare(name, was, is, &mut lines),
        }
    }
    lines.join("\n")
}

/// Adds a line for each field that differs, by its path.
fn compare(path: &str, was: &Value, is: &Value, lines: &mut Vec<String>) {
    if was == is {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (was, is) else {
        lines.push(format!("{path} was {was} and is {is}"));
        return;
    };
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (was, is) = (&was[key], &is[key]);
        compare(&format!("{path}.{key}"), was, is, lines);
    }
}
