//! Writes what is generated from the types: the CustomResourceDefinitions as YAML and the
//! reference page. `reportapp-crdgen` calls it; CI fails when the files differ.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::crd::v1::CustomResourceExt as _;

use crate::reference::reference_page;
use crate::{IncidentAction, ReportApp, SecretRotation};

/// A generated file: path from the root of the repository, and content.
pub struct GeneratedFile {
    /// Path relative to the root of the repository.
    pub path: String,
    /// Whole content.
    pub content: String,
}

/// Every generated file of this crate.
///
/// # Errors
/// When a definition cannot be written as YAML.
pub fn generated_files() -> Result<Vec<GeneratedFile>, serde_yaml_ng::Error> {
    let mut files = Vec::new();
    for definition in definitions() {
        let yaml = serde_yaml_ng::to_string(&definition)?;
        let names = &definition.spec.names;
        let plain = format!(
            "# Generated from crds/src by `cargo run -p reportapp-crds`. Do not edit.\n{yaml}"
        );
        let kind = names.kind.to_lowercase();
        for (path, content) in [
            (format!("crds/yaml/{}.yaml", names.plural), plain),
            (
                format!("charts/reportapp-crds/files/{}.yaml", names.plural),
                yaml,
            ),
            (
                format!("docs/reference/{kind}.md"),
                reference_page(&definition),
            ),
        ] {
            files.push(GeneratedFile { path, content });
        }
    }
    Ok(files)
}

/// The definition of every kind.
pub fn definitions() -> [CustomResourceDefinition; 3] {
    [
        ReportApp::crd(),
        SecretRotation::crd(),
        IncidentAction::crd(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
        JSONSchemaProps, JSONSchemaPropsOrArray,
    };

    /// Adds the path of every property below `schema` that has no description.
    fn undocumented(path: &str, schema: &JSONSchemaProps, found: &mut Vec<String>) {
        for (name, property) in schema.properties.iter().flatten() {
            let path = format!("{path}.{name}");
            if property
                .description
                .as_deref()
                .unwrap_or_default()
                .is_empty()
            {
                found.push(path.clone());
            }
            undocumented(&path, property, found);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
            undocumented(&format!("{path}[]"), items, found);
        }
    }

    /// Adds the path of every property below `schema` that names a Secret or workload, and whether the
    /// API server takes nothing but such names there.
    fn names(path: &str, schema: &JSONSchemaProps, found: &mut Vec<(String, bool)>) {
        for (name, property) in schema.properties.iter().flatten() {
            let path = format!("{path}.{name}");
            let is_name = match name.as_str() {
                "secretName" | "kubernetesSecret" | "pullSecrets" => true,
                "name" => path.ends_with("Ref.name") || path.ends_with("restart[].name"),
                _ => false,
            };
            if is_name {
                let rules = property.x_kubernetes_validations.iter().flatten();
                let ruled = { rules }.any(|rule| rule.rule.contains("[-a-z0-9]*[a-z0-9])?)*$"));
                found.push((path.clone(), ruled));
            }
            names(&path, property, found);
        }
        if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
            names(&format!("{path}[]"), items, found);
        }
    }

    #[test]
    fn every_name_of_a_secret_or_workload_has_the_rule_of_names() {
        let definition = ReportApp::crd();
        let schema = definition.spec.versions[0].schema.as_ref();
        let schema = schema.and_then(|schema| schema.open_api_v3_schema.as_ref());
        let mut found = Vec::new();
        names("", schema.expect("a schema"), &mut found);
        let free: Vec<_> = found.iter().filter(|(_, ruled)| !ruled).collect();
        assert!(free.is_empty(), "anything can stand in {free:?}");
        for path in [
            ".spec.image.pullSecrets",
            ".spec.web.tls.secretName",
            ".spec.credentials[].from.secretRef.name",
            ".spec.credentials[].publish[].kubernetesSecret",
            ".spec.credentials[].restart[].name",
            ".spec.secretStore.awsSecretsManager.auth.accessKey.secretName",
            ".spec.secretStore.vault.auth.token.secretRef.name",
        ] {
            assert!(
                found.iter().any(|(name, _)| name == path),
                "{path}: {found:?}"
            );
        }
    }

    /// To kubectl a category goes before a kind: `kubectl get reportapp demo` would ask for all kinds in it.
    #[test]
    fn no_category_hides_a_name() {
        let definitions = definitions();
        let all = definitions.iter().map(|definition| &definition.spec.names);
        let names: Vec<String> = all
            .clone()
            .flat_map(|names| {
                let short = names.short_names.iter().flatten();
                let full = [&names.plural, &names.kind].into_iter();
                full.chain(&names.singular).chain(short)
            })
            .map(|name| name.to_lowercase())
            .collect();
        for category in all.flat_map(|names| names.categories.iter().flatten()) {
            assert!(!names.contains(category), "{category} is a name");
        }
    }

    #[test]
    fn every_field_of_the_definition_is_documented() {
        let mut found = Vec::new();
        let definitions = definitions();
        for version in definitions.iter().flat_map(|d| &d.spec.versions) {
            let schema = version
                .schema
                .as_ref()
                .and_then(|s| s.open_api_v3_schema.as_ref());
            let schema = schema.expect("a schema");
            for part in ["spec", "status"] {
                let properties = schema.properties.as_ref().expect("properties");
                undocumented(part, &properties[part], &mut found);
            }
        }
        assert!(found.is_empty(), "without a description: {found:#?}");
    }
}
