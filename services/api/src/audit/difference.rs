//! What a change changed: the old and the new value of each column, side by side.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One column of a changed row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Name of the column.
    pub field: String,
    /// Value before; null where there was none, or where it is never written down.
    pub old: Value,
    /// Value after.
    pub new: Value,
    /// The column holds a secret: that it changed is known, not what it was.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The columns in which two rows differ, by name. `changed` names columns that were changed, of which some
/// may be missing in both rows because they are secrets.
pub fn difference(
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
    changed: &[String],
) -> Vec<FieldChange> {
    let empty = Map::new();
    let (before, after) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).chain(changed).collect();
    fields.sort_unstable();
    fields.dedup();
    let fields = fields.into_iter().filter_map(|field| {
        let (old, new) = (before.get(field), after.get(field));
        let hidden = old.is_none() && new.is_none();
        (hidden || old != new).then(|| FieldChange {
            field: field.clone(),
            old: old.cloned().unwrap_or_default(),
            new: new.cloned().unwrap_or_default(),
            hidden,
        })
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_update_shows_the_columns_that_differ_and_that_a_secret_changed() {
        let old = row(json!({"id": "u", "name": "Ana", "active": true}));
        let new = row(json!({"id": "u", "name": "Ana", "active": false}));
        let changed = ["active".to_owned(), "password_hash".to_owned()];
        let found = difference(Some(&old), Some(&new), &changed);
        let shown = serde_json::to_value(found).unwrap();
        let expected = json!([
            {"field": "active", "old": true, "new": false},
            {"field": "password_hash", "old": null, "new": null, "hidden": true},
        ]);
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_insert_and_a_delete_show_every_column_on_one_side() {
        let only = row(json!({"id": "u"}));
        let inserted = difference(None, Some(&only), &[]);
        assert_eq!(
            (&inserted[0].old, &inserted[0].new),
            (&Value::Null, &json!("u"))
        );
        let deleted = difference(Some(&only), None, &[]);
        assert_eq!(
            (&deleted[0].old, &deleted[0].new),
            (&json!("u"), &Value::Null)
        );
    }
}
