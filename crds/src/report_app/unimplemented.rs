//! Fields whose behaviour does not exist yet. The operator refuses an object that sets one of
//! them, by name, with reason `NotImplemented`: accepting and ignoring it would be a lie.

use super::credential::{Credential, OnDelete};
use super::server::Engine;
use super::{BotMode, ReportAppSpec};

/// Paths of every field of this spec that is set but not implemented, in the order of the spec.
pub fn unimplemented_fields(spec: &ReportAppSpec) -> Vec<String> {
    let mut found = Found::default();
    for server in &spec.servers {
        let path = format!("spec.servers[{}]", server.name);
        found.when(
            server.engine == Engine::Oracle,
            &format!("{path}.engine: Oracle"),
        );
        found.when(
            server.engine == Engine::Sqlite,
            &format!("{path}.engine: Sqlite"),
        );
    }
    if let Some(bot) = &spec.bot {
        found.when(bot.mode == BotMode::Webhook, "spec.bot.mode: Webhook");
    }
    for credential in &spec.credentials {
        found.credential(credential);
    }
    found.when(spec.backup.is_some(), "spec.backup");
    let notified = spec.incidents.as_ref().map(|incidents| &incidents.notify);
    found.when(
        notified.is_some_and(|notified| !notified.is_empty()),
        "spec.incidents.notify",
    );
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn when(&mut self, set: bool, path: &str) {
        if set {
            self.0.push(path.to_owned());
        }
    }

    fn credential(&mut self, credential: &Credential) {
        let path = format!("spec.credentials[{}]", credential.name);
        self.when(
            credential.on_delete == OnDelete::Disable,
            &format!("{path}.onDelete: Disable"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::unimplemented_fields;
    use crate::ReportApp;

    /// A small valid spec, then the given pairs of JSON pointer below `spec` and value.
    fn unimplemented(changes: &[(&str, &str)]) -> Vec<String> {
        let mut object = serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1",
            "kind": "ReportApp",
            "metadata": {"name": "demo"},
            "spec": {
                "image": {"registry": "ghcr.io/example", "tag": "0.1.0"},
                "servers": [{
                    "name": "main", "engine": "Postgres", "host": "erp", "database": "erp",
                    "credential": "erp",
                }],
                "store": {"engine": "Postgres", "host": "db", "database": "app", "credential": "store"},
                "redis": {"host": "redis", "credential": "sessions"},
                "bot": {"credential": "telegram"},
                "secretStore": {},
                "credentials": [
                    {
                        "name": "erp", "from": {"secretRef": {"name": "erp"}},
                        "database": {"server": "main", "role": "r"},
                    },
                    {
                        "name": "sessions", "from": {"secretRef": {"name": "redis"}},
                        "redis": {"user": "r"},
                    },
                ],
            },
        });
        for (pointer, value) in changes {
            let value = serde_json::from_str(value).expect("JSON");
            let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
            let parent = object["spec"]
                .pointer_mut(parent)
                .expect("the parent exists");
            parent[field] = value;
        }
        let app: ReportApp = serde_json::from_value(object).expect("a ReportApp");
        unimplemented_fields(&app.spec)
    }

    #[test]
    fn a_spec_of_implemented_fields_is_accepted() {
        assert!(unimplemented(&[]).is_empty());
    }

    #[test]
    fn each_unimplemented_field_is_named() {
        for (pointer, value, path) in [
            (
                "/servers/0/engine",
                r#""Oracle""#,
                "spec.servers[main].engine: Oracle",
            ),
            (
                "/servers/0/engine",
                r#""Sqlite""#,
                "spec.servers[main].engine: Sqlite",
            ),
            ("/bot/mode", r#""Webhook""#, "spec.bot.mode: Webhook"),
            (
                "/credentials/0/onDelete",
                r#""Disable""#,
                "spec.credentials[erp].onDelete: Disable",
            ),
            ("/backup", r#"{"schedule": "0 2 * * *"}"#, "spec.backup"),
            (
                "/incidents",
                r#"{"notify": ["on-call"]}"#,
                "spec.incidents.notify",
            ),
        ] {
            assert_eq!(unimplemented(&[(pointer, value)]), [path]);
        }
    }

    #[test]
    fn all_unimplemented_fields_come_in_one_list() {
        let found = unimplemented(&[
            ("/backup", r#"{"schedule": "0 2 * * *"}"#),
            ("/bot/mode", r#""Webhook""#),
        ]);
        assert_eq!(found, ["spec.bot.mode: Webhook", "spec.backup"]);
    }
}
