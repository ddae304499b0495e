//! Values of Secrets are canaries: none may appear in any output. Every value of every Secret of
//! the application's namespace, ledgers of rotations included, is searched for, as it is and in base64,
//! in conditions, events, descriptions, releases, logs of every pod and container, metrics, process arguments and environments, in the answers of the API,
//! in Vault's audit log, and in everything PostgreSQL and Redis were told while credentials rotated.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ListParams;
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::{Mode, Phase};
use serde_json::Value;

use super::actions;
use super::credentials::Credential;
use super::rotation::order;
use super::subject::Subject;
use crate::backends::{Backend, Database};
use crate::demo::NAMESPACE;
use crate::scenarios::world::World;

/// Shorter values would be found by chance.
const SHORTEST: usize = 8;

/// What a statement of the operator that gives a role a password holds instead of the password.
const PASSWORD_SET: &str = "PASSWORD 'SCRAM-SHA-256$";

/// The rotation that is done meanwhile: the one the demo tells its user to try.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/rotate.yaml");

/// What it says at its end.
pub const EXAMPLE_SAYS: &str = "store, redis: the new value is in use, the old one is refused";

/// Actions that are carried out meanwhile: they log in to the store as the application, and to Redis as its
/// administrator.
const ACTIONS: [&str; 2] = [
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/examples/invalidate-permissions.yaml"
    ),
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/examples/invalidate-caches.yaml"
    ),
];

pub(super) async fn canaries(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let mut canaries = values(&subject).await?;
    let mut outputs = watched(&subject).await?;
    outputs.extend(subject.outputs().await?);
    for backend in Backend::ALL {
        let logs = subject.backends().logs(backend).await?;
        outputs.insert(format!("logs of {}", backend.name()), logs);
    }
    let audit = subject.backends().vault_audit_log().await?;
    outputs.insert("audit log of Vault".to_owned(), audit);
    for (output, words) in [
        ("audit log of Vault", "hmac-sha256:"),
        ("logs of store-postgres", "pg_advisory_xact_lock"),
        ("commands of Redis", "session:"),
    ] {
        let heard = outputs.get(output).is_some_and(|text| text.contains(words));
        ensure!(heard, "{output} lacks {words}: nothing was recorded");
    }
    // Old and new values.
    for (name, value) in values(&subject).await? {
        canaries.insert(format!("{name} after the rotation"), value);
    }
    ensure!(
        canaries.len() >= 20,
        "only {} values to look for",
        canaries.len()
    );
    let mut found = Vec::new();
    for (output, text) in &outputs {
        ensure!(
            !text.is_empty() || may_be_empty(output),
            "{output} is empty: nothing was searched"
        );
        for (name, value) in &canaries {
            if forms(value).iter().any(|form| text.contains(form.as_str())) {
                found.push(format!("the value of {name} appears in {output}"));
            }
        }
    }
    ensure!(found.is_empty(), "{}", found.join("\n"));
    world.progress().note(&format!(
        "{} values looked for in {} outputs",
        canaries.len(),
        outputs.len()
    ));
    Ok(())
}

/// Somebody may have had nothing to say, and only a store with a migrator has Jobs.
fn may_be_empty(output: &str) -> bool {
    output.starts_with("logs") || output == "kubectl describe jobs"
}

/// What the API answers.
async fn answers(subject: &Subject<'_>) -> Result<BTreeMap<String, String>> {
    let api = subject.session().await?;
    let mut answers = BTreeMap::new();
    for path in [
        "/api/companies",
        "/api/auth/me",
        "/api/openapi.json",
        "/.well-known/jwks.json",
        "/health",
    ] {
        answers.insert(format!("GET {path}"), api.get(path).await?.to_string());
    }
    let refused = subject
        .demo
        .sign_in_as("admin", "not-the-password")
        .await
        .err();
    answers.insert(
        "sign-in with a wrong password".to_owned(),
        refused.map_or_else(String::new, |e| format!("{e:#}")),
    );
    Ok(answers)
}

/// Rotates and uses the API while PostgreSQL logs every statement and Redis tells every command.
async fn watched(subject: &Subject<'_>) -> Result<BTreeMap<String, String>> {
    let backends = subject.backends();
    let databases = [Database::Erp, Database::Store];
    let before = passwords_set(subject).await?;
    for database in databases {
        backends.log_statements(database, true).await?;
    }
    let monitor = backends.monitor_redis().await?;
    let used = async {
        rotate_example(subject).await?;
        // The ERP's login goes through the tunnel to a server of its own.
        order::rotate(subject, &[Credential::Erp.name()]).await?;
        let mut leaked = order::manual(&[Credential::Store.name()]);
        leaked.mode = Mode::Emergency;
        let emergency = order::create(subject, leaked).await?;
        order::until_ended(subject, &emergency, Phase::Succeeded).await?;
        subject.until_ready().await?;
        for (backend, count) in passwords_set(subject).await? {
            ensure!(
                count > before.get(backend).copied().unwrap_or_default(),
                "the log of {backend} does not show how its login was rotated: nothing was recorded"
            );
        }
        for example in ACTIONS {
            let action = actions::create_example(subject, example).await?;
            actions::until_ended(subject, &action, Phase::Succeeded).await?;
        }
        // A sign-in, a report and a refusal leave their traces as well.
        answers(subject).await
    };
    let outcome = used.await;
    for database in databases {
        backends.log_statements(database, false).await?;
    }
    let mut outputs = outcome?;
    outputs.insert("commands of Redis".to_owned(), monitor.stop().await?);
    Ok(outputs)
}

/// How many statements that give a role a password each PostgreSQL has logged.
async fn passwords_set(subject: &Subject<'_>) -> Result<BTreeMap<&'static str, usize>> {
    let mut counts = BTreeMap::new();
    for backend in [Backend::Erp, Backend::Store] {
        let log = subject.backends().logs(backend).await?;
        counts.insert(backend.name(), log.matches(PASSWORD_SET).count());
    }
    Ok(counts)
}

/// The example rotates two credentials with one roll-out of the API.
async fn rotate_example(subject: &Subject<'_>) -> Result<()> {
    let api = subject.objects::<Deployment>();
    let before = api.get("demo-api").await?.metadata.generation;
    let created = subject
        .kubectl(&["create", "--filename", EXAMPLE, "--output", "name"])
        .await?;
    let name = created.trim().rsplit('/').next();
    let name = name.context("kubectl does not name what it created")?;
    let rotation = subject.objects::<SecretRotation>().get(name).await?;
    ensure!(
        rotation.namespace().as_deref() == Some(NAMESPACE) && rotation.spec.credentials.len() == 2,
        "the example rotates {:?}",
        rotation.spec.credentials
    );
    let ended = order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    let says = order::message_of(&ended);
    ensure!(says == EXAMPLE_SAYS, "the example says at its end: {says}");
    let after = api.get("demo-api").await?.metadata.generation;
    let changes = after.zip(before).map(|(after, before)| after - before);
    ensure!(
        changes == Some(1),
        "two credentials changed the API's Deployment {changes:?} times"
    );
    Ok(())
}

/// Every secret value of the namespace by Secret and key; certificates and user names are public.
async fn values(subject: &Subject<'_>) -> Result<BTreeMap<String, String>> {
    let api = subject.objects::<Secret>();
    let mut values = BTreeMap::new();
    for secret in api.list(&ListParams::default()).await? {
        let name = secret.metadata.name.unwrap_or_default();
        for (key, value) in secret.data.unwrap_or_default() {
            let Ok(text) = String::from_utf8(value.0) else {
                continue;
            };
            if name.starts_with("sh.helm") {
                continue;
            }
            let mut inside = vec![(key.clone(), text.clone())];
            if let Ok(json @ Value::Object(_)) = serde_json::from_str(&text) {
                inside = leaves(&key, &json);
            }
            for (place, text) in inside {
                if let Some(canary) = canary(&place, &text) {
                    values.insert(format!("{name}/{place}"), canary.to_owned());
                }
            }
        }
    }
    Ok(values)
}

/// How a value can be written: as it is, and in base64, alone or inside a longer text, where three
/// alignments are possible. Of the encoded value the characters are left out that depend on what
/// stands beside it.
fn forms(value: &str) -> Vec<String> {
    let encoded = (0..3_usize).map(|before| {
        let text = [" ".repeat(before).as_bytes(), value.as_bytes()].concat();
        let code = STANDARD_NO_PAD.encode(&text);
        let first = (before * 8).div_ceil(6);
        let last = text.len() * 8 / 6;
        code[first..last].to_owned()
    });
    [value.to_owned()].into_iter().chain(encoded).collect()
}

/// The texts of ledgers and of published credentials, by their place.
fn leaves(place: &str, json: &Value) -> Vec<(String, String)> {
    match json {
        Value::Object(fields) => {
            let inside = fields
                .iter()
                .flat_map(|(field, value)| leaves(&format!("{place}/{field}"), value));
            inside.collect()
        }
        Value::String(text) if is_secret(place) => vec![(place.to_owned(), text.clone())],
        _ => Vec::new(),
    }
}

/// Beside values they hold ids, times and user names, which status and events show.
fn is_secret(place: &str) -> bool {
    place.ends_with("/secret") || place.contains("/files/")
}

/// What to look for of a value; nothing of one that is public.
fn canary<'a>(place: &str, text: &'a str) -> Option<&'a str> {
    let file = place.rsplit('/').next().unwrap_or_default();
    let public = file.ends_with(".crt")
        || file.contains("certificate")
        || file.contains("username")
        || file.starts_with("verify-");
    // Of a key in PEM form the body is what must not appear, one line of it is enough.
    text.lines()
        .find(|line| !line.starts_with("-----") && line.len() >= SHORTEST)
        .filter(|_| !public)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_found_in_base64_whatever_stands_around_it() {
        let value = "a-long-password";
        for around in ["", "u", "us", "user", "user:"] {
            for after in ["", "@", "@host"] {
                let text = STANDARD_NO_PAD.encode(format!("{around}{value}{after}"));
                let found = forms(value).iter().any(|form| text.contains(form));
                assert!(found, "{around:?} {after:?}");
            }
        }
        let other = STANDARD_NO_PAD.encode("user:another-long-one");
        assert!(!forms(value).iter().any(|form| other.contains(form)));
    }

    #[test]
    fn values_inside_a_ledger_are_canaries_and_ids_are_not() {
        let entry = json!({
            "rotation": "3b0cf3f6-0000-4000-8000-000000000000",
            "current": {"username": "reportapp_store_a", "secret": "a-long-password"},
        });
        let found = leaves("entry.json", &entry);
        assert_eq!(
            found,
            [(
                "entry.json/current/secret".to_owned(),
                "a-long-password".to_owned()
            )]
        );
    }

    #[test]
    fn of_published_files_the_user_name_and_public_keys_are_public() {
        let published = json!({"at": "2026-01-01T00:00:00Z", "files": {
            "username": "reportapp_store_a",
            "password": "a-long-password",
            "verify-1.pem": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n",
        }});
        let found = leaves("store", &published);
        let canaries: Vec<_> = found
            .iter()
            .filter_map(|(place, text)| canary(place, text))
            .collect();
        assert_eq!(canaries, ["a-long-password"]);
    }
}
