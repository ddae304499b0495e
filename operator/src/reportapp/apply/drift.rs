//! Whether a live object already says everything a built one says. Pure.
//!
//! The API server adds defaults and others add labels, so live may say more; what is ours must be
//! there. Lists whose elements have a key are compared element by element, as server-side apply
//! merges them; other lists, and selectors, are one value. Quantities are compared by value, since
//! the API server rewrites `1000m` as `1`.

use serde_json::{Map, Value};

/// Maps that are one value: a key added by somebody else changes their meaning.
const WHOLE_MAPS: [&str; 5] = [
    "selector",
    "matchLabels",
    "nodeSelector",
    "podSelector",
    "namespaceSelector",
];

/// Lists of rules: a field added to one of them opens or closes something.
const WHOLE_LISTS: [&str; 2] = ["ingress", "egress"];

/// Lists that server-side apply merges by a key: the field's name and the key of its elements.
const KEYED_LISTS: [(&str, &str); 9] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("volumes", "name"),
    ("volumeMounts", "mountPath"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("topologySpreadConstraints", "topologyKey"),
    ("ownerReferences", "uid"),
    ("ports", "containerPort"),
];

/// Fields whose values are quantities.
const QUANTITIES: [&str; 5] = ["cpu", "memory", "storage", "ephemeral-storage", "sizeLimit"];

/// Whether `live` covers everything in `desired`.
pub fn covers(live: &Value, desired: &Value) -> bool {
    covers_field("", live, desired)
}

fn covers_field(field: &str, live: &Value, desired: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => covers_map(field, live, desired),
        (Value::Array(desired), Value::Array(live)) => covers_list(field, live, desired),
        // The API server leaves out what is empty.
        (Value::Object(desired), Value::Null) => desired.is_empty(),
        (Value::Array(desired), Value::Null) => desired.is_empty(),
        (Value::String(desired), Value::String(live)) if QUANTITIES.contains(&field) => {
            desired == live || quantity(desired).is_some_and(|value| quantity(live) == Some(value))
        }
        _ => desired == live,
    }
}

fn covers_map(field: &str, live: &Map<String, Value>, desired: &Map<String, Value>) -> bool {
    if WHOLE_MAPS.contains(&field) && live.len() != desired.len() {
        return false;
    }
    desired
        .iter()
        .all(|(key, value)| covers_field(key, live.get(key).unwrap_or(&Value::Null), value))
}

fn covers_list(field: &str, live: &[Value], desired: &[Value]) -> bool {
    let key = KEYED_LISTS
        .iter()
        .find(|(name, _)| *name == field)
        .map(|(_, key)| *key);
    if let Some(key) = key
        && !desired.is_empty()
        && desired.iter().all(|element| element.get(key).is_some())
    {
        return desired.iter().all(|element| {
            live.iter()
                .find(|other| other.get(key) == element.get(key))
                .is_some_and(|other| covers_field("", other, element))
        });
    }
    if WHOLE_LISTS.contains(&field) {
        return live.len() == desired.len()
            && live
                .iter()
                .zip(desired)
                .all(|(live, desired)| same(live, desired));
    }
    live.len() == desired.len()
        && live
            .iter()
            .zip(desired)
            .all(|(live, desired)| covers_field("", live, desired))
}

/// Whether both say the same; an empty list says as much as none.
fn same(live: &Value, desired: &Value) -> bool {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => {
            let keys = live.keys().chain(desired.keys());
            let of = |map: &Map<String, Value>, key: &String| {
                map.get(key)
                    .filter(|value| **value != Value::Array(Vec::new()))
                    .cloned()
            };
            keys.into_iter()
                .all(|key| match (of(live, key), of(desired, key)) {
                    (Some(live), Some(desired)) => same(&live, &desired),
                    (live, desired) => live == desired,
                })
        }
        (Value::Array(live), Value::Array(desired)) => {
            live.len() == desired.len()
                && live
                    .iter()
                    .zip(desired)
                    .all(|(live, desired)| same(live, desired))
        }
        _ => live == desired,
    }
}

/// A Kubernetes quantity in thousand-millionths; `None` for what is none.
fn quantity(text: &str) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (numerator, denominator): (i128, i128) = match suffix {
        "n" => (1, NANO),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "" => (1, 1),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(NANO)?.checked_mul(numerator)?;
    Some(scaled / scale / denominator)
}

/// JSON with sorted keys: equal values give equal texts, however they were built.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (position, (key, value)) in entries.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(list) => {
            text.push('[');
            for (position, value) in list.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write_canonical(value, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_and_foreign_labels_are_no_drift() {
        let desired = json!({
            "metadata": { "labels": { "a": "1" } },
            "spec": { "containers": [{ "name": "api", "resources": { "limits": { "cpu": "1000m" } } }] },
        });
        let live = json!({
            "metadata": { "labels": { "a": "1", "team": "x" } },
            "spec": {
                "containers": [
                    { "name": "sidecar" },
                    { "name": "api", "terminationMessagePath": "/x", "resources": { "limits": { "cpu": "1" } } },
                ],
                "dnsPolicy": "ClusterFirst",
            },
        });
        assert!(covers(&live, &desired));
    }

    #[test]
    fn a_changed_removed_or_widened_field_is_drift() {
        let desired = json!({
            "spec": {
                "replicas": 2,
                "selector": { "app": "x" },
                "ingress": [{ "ports": [{ "port": 9090 }] }],
            },
        });
        for (path, value) in [
            ("/spec/replicas", json!(3)),
            ("/spec/replicas", Value::Null),
            ("/spec/selector", json!({ "app": "x", "pause": "yes" })),
            (
                "/spec/ingress",
                json!([{ "ports": [{ "port": 9090 }] }, {}]),
            ),
            ("/spec/ingress/0/ports/0/port", json!(1)),
            (
                "/spec/ingress/0",
                json!({ "ports": [{ "port": 9090 }], "from": [{}] }),
            ),
        ] {
            let mut live = desired.clone();
            *live.pointer_mut(path).unwrap() = value.clone();
            assert!(!covers(&live, &desired), "{path}: {value}");
        }
    }

    #[test]
    fn what_is_empty_may_be_left_out_but_not_filled() {
        let desired = json!({ "spec": { "ingress": [], "podSelector": {} } });
        assert!(covers(&json!({ "spec": {} }), &desired));
        assert!(!covers(&json!({ "spec": { "ingress": [{}] } }), &desired));
        assert!(!covers(
            &json!({ "spec": { "podSelector": { "a": {} } } }),
            &desired
        ));
    }

    #[test]
    fn quantities_are_compared_by_value_and_only_where_they_are_quantities() {
        for (left, right) in [
            ("1000m", "1"),
            ("0.1", "100m"),
            ("1Gi", "1024Mi"),
            ("128974848", "123Mi"),
        ] {
            let (live, desired) = (json!({ "cpu": left }), json!({ "cpu": right }));
            assert!(covers(&live, &desired), "{left} {right}");
        }
        assert!(!covers(&json!({ "cpu": "1" }), &json!({ "cpu": "1001m" })));
        assert!(!covers(
            &json!({ "version": "1000m" }),
            &json!({ "version": "1" })
        ));
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_the_order_of_keys() {
        let left: Value = serde_json::from_str(r#"{"a":1,"b":[{"c":2,"d":"\n"}]}"#).unwrap();
        let right: Value = serde_json::from_str(r#"{"b":[{"d":"\n","c":2}],"a":1}"#).unwrap();
        assert_eq!(canonical(&left), canonical(&right));
        assert_eq!(canonical(&left), r#"{"a":1,"b":[{"c":2,"d":"\n"}]}"#);
    }
}
