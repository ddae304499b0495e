//! Renders a CustomResourceDefinition as a Markdown reference page: one row per field with type,
//! default and meaning, and the validation rules below the object they belong to.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};

/// The reference page of one kind.
pub fn reference_page(definition: &CustomResourceDefinition) -> String {
    let names = &definition.spec.names;
    let mut page = format!(
        "# {}\n\n`{}/v1alpha1`, namespaced, short name `{}`.\n\nGenerated from the types in `crds/src`; \
         the same texts are shown by `kubectl explain {}`.\n",
        names.kind,
        definition.spec.group,
        names
            .short_names
            .as_deref()
            .unwrap_or_default()
            .join("`, `"),
        names.plural,
    );
    for version in &definition.spec.versions {
        let Some(schema) = version
            .schema
            .as_ref()
            .and_then(|s| s.open_api_v3_schema.as_ref())
        else {
            continue;
        };
        for part in ["spec", "status"] {
            if let Some(schema) = schema.properties.as_ref().and_then(|p| p.get(part)) {
                write_object(&mut page, part, schema);
            }
        }
    }
    page
}

fn write_object(page: &mut String, path: &str, schema: &JSONSchemaProps) {
    let Some(properties) = &schema.properties else {
        return;
    };
    write_line(page, &format!("\n## `{path}`\n"));
    if let Some(text) = &schema.description {
        write_line(page, &format!("{}\n", one_line(text)));
    }
    write_line(
        page,
        "| field | type | default | meaning |\n|---|---|---|---|",
    );
    let required = schema.required.as_deref().unwrap_or_default();
    for (name, field) in properties {
        let mark = if required.contains(name) {
            " (required)"
        } else {
            ""
        };
        let default = field
            .default
            .as_ref()
            .map_or(String::new(), |d| format!("`{}`", default_text(&d.0)));
        let meaning = field
            .description
            .as_deref()
            .map(one_line)
            .unwrap_or_default();
        write_line(
            page,
            &format!(
                "| `{name}`{mark} | {} | {default} | {meaning} |",
                type_of(field)
            ),
        );
    }
    for rule in schema
        .x_kubernetes_validations
        .as_deref()
        .unwrap_or_default()
    {
        if let Some(message) = &rule.message {
            write_line(page, &format!("\nRule: {}.", one_line(message)));
        }
    }
    for (name, field) in properties {
        if is_foreign(name) {
            continue;
        }
        write_object(page, &format!("{path}.{name}"), field);
        if let Some(items) = item_schema(field) {
            write_object(page, &format!("{path}.{name}[]"), items);
        }
    }
}

/// Types of Kubernetes itself, documented by Kubernetes.
fn is_foreign(field: &str) -> bool {
    matches!(field, "resources" | "conditions")
}

fn write_line(page: &mut String, line: &str) {
    writeln!(page, "{line}").expect("writing to a String does not fail");
}

fn default_text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn item_schema(field: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match field.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(schema) => Some(schema),
        JSONSchemaPropsOrArray::Schemas(schemas) => schemas.first(),
    }
}

fn type_of(field: &JSONSchemaProps) -> String {
    let base = field.type_.clone().unwrap_or_else(|| "any".to_owned());
    if let Some(values) = &field.enum_ {
        let values: Vec<_> = values
            .iter()
            .map(|v| format!("`{}`", default_text(&v.0)))
            .collect();
        return values.join(", ");
    }
    match item_schema(field) {
        Some(items) => format!("list of {}", type_of(items)),
        None => base,
    }
}
