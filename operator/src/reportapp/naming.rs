//! Names and labels of every object of an application, in one place. Pure.
//!
//! Names are at most 63 characters: one that would be longer is cut and ends in a hash of the whole.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{digest, hmac};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::model::SecretBytes;

/// Label with the name of the `ReportApp` on every object of an application; watches select on it.
pub const APP_LABEL: &str = "reportapp.dev/app";
/// Label with the component's name.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";
/// Annotation with the hash of what was last applied to an object.
pub const APPLIED_ANNOTATION: &str = "reportapp.dev/applied";
/// Annotation of Deployments: hash of what the user controls (spec and credential versions).
pub const INPUTS_ANNOTATION: &str = "reportapp.dev/inputs";
/// Annotation of Deployments: hash of the pod template as built.
pub const TEMPLATE_ANNOTATION: &str = "reportapp.dev/template";
/// Annotation of migration Jobs, and of the API's Deployment once its pods may rely on one: hash of what
/// is migrated by which image.
pub const MIGRATION_ANNOTATION: &str = "reportapp.dev/migration";
/// Finalizer that lets the operator say what stays behind.
pub const FINALIZER: &str = "reportapp.dev/retain";
/// Field manager of server-side apply.
pub const FIELD_MANAGER: &str = "reportapp-operator";
/// Field manager that holds `replicas` while an autoscaler takes over.
pub const HANDOVER_MANAGER: &str = "reportapp-operator-handover";
/// Most characters of a name, a label value or a volume name.
const MAX_NAME: usize = 63;
/// Hexadecimal digits of the suffix of a versioned object.
pub const SUFFIX_DIGITS: usize = 10;

/// A part of the application that runs in pods of its own: as a Deployment, but for the migrator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// API and web.
    Api,
    /// Telegram bot.
    Bot,
    /// SSH tunnel of the named server.
    Tunnel(String),
    /// Job that migrates the store.
    Migrator,
}

impl Component {
    /// Whether its pods serve until they are replaced, and say how they are.
    pub fn serves(&self) -> bool {
        *self != Self::Migrator
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api => formatter.write_str("api"),
            Self::Bot => formatter.write_str("bot"),
            Self::Tunnel(server) => write!(formatter, "tunnel-{server}"),
            Self::Migrator => formatter.write_str("migrator"),
        }
    }
}

/// A text that names no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no component of an application")]
pub struct UnknownComponent(String);

impl FromStr for Component {
    type Err = UnknownComponent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "api" => Ok(Self::Api),
            "bot" => Ok(Self::Bot),
            "migrator" => Ok(Self::Migrator),
            other => other
                .strip_prefix("tunnel-")
                .filter(|server| !server.is_empty())
                .map(|server| Self::Tunnel(server.to_owned()))
                .ok_or_else(|| UnknownComponent(other.to_owned())),
        }
    }
}

/// Cuts a name that is too long and replaces the rest by a hash of the whole.
fn bounded(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let hash = short_hash(name.as_bytes());
    let head = name[..max - SUFFIX_DIGITS - 1].trim_end_matches('-');
    format!("{head}-{hash}")
}

/// Name of the Deployment and the ServiceAccount of a component, of its NetworkPolicy, and of a tunnel's
/// Service.
pub fn workload(app: &str, component: &Component) -> String {
    bounded(&format!("{app}-{component}"), MAX_NAME)
}

/// Name of a migration Job, given the hash of what it does and how.
pub fn migration_job(app: &str, hash: &str) -> String {
    format!("{app}-migrate-{hash}")
}

/// Name of the Service of API and web.
pub fn api_service(app: &str) -> String {
    format!("{app}-api")
}

/// Name of the Service the bot calls.
pub fn internal_service(app: &str) -> String {
    format!("{app}-api-internal")
}

/// Name of the Ingress.
pub fn ingress(app: &str) -> String {
    app.to_owned()
}

/// Name of the Secret with generated material; never garbage-collected.
pub fn ledger_secret(app: &str) -> String {
    format!("{app}-ledger")
}

/// Name of the Secret with what pods are given of rotated credentials; never garbage-collected.
pub fn published_secret(app: &str) -> String {
    format!("{app}-published")
}

/// Name of the Secret with the ledger of one credential; never garbage-collected.
pub fn credential_ledger(app: &str, credential: &str) -> String {
    bounded(&format!("{app}-ledger-{credential}"), MAX_NAME)
}

/// Name of the ServiceAccount the operator logs in to a secret store with. No pod runs as it.
pub fn secret_store_account(app: &str) -> String {
    bounded(&format!("{app}-secrets"), MAX_NAME)
}

/// Name of the Secret with the first administrator's `username` and `password`.
pub fn first_administrator_secret(app: &str) -> String {
    format!("{app}-first-admin")
}

/// Name of the mutable Secret with the API's certificate (`tls.crt`, `tls.key`, `ca.crt`).
pub fn certificate_secret(app: &str) -> String {
    format!("{app}-api-tls")
}

/// Name of the `ConfigMap` with the certificate of the application's authority (`ca.crt`).
pub fn authority_config_map(app: &str) -> String {
    format!("{app}-ca")
}

/// Name of the volume claim of a SQLite store; survives the application.
pub fn volume_claim(app: &str) -> String {
    format!("{app}-store")
}

/// Name of the `NetworkPolicy` that denies whatever no other one allows.
pub fn default_deny_policy(app: &str) -> String {
    format!("{app}-default-deny")
}

/// Name of an immutable `ConfigMap` of a component, given its content.
pub fn config_map(app: &str, component: &Component, content: &str) -> String {
    let base = bounded(
        &format!("{app}-{component}-config"),
        MAX_NAME - SUFFIX_DIGITS - 1,
    );
    format!("{base}-{}", short_hash(content.as_bytes()))
}

/// Name of an immutable Secret. The suffix is an HMAC under the application's own key, so that a
/// name tells nothing about the value.
pub fn versioned_secret(
    app: &str,
    name: &str,
    key: &SecretBytes,
    data: &BTreeMap<String, SecretBytes>,
) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    // Lengths before contents: no two sets of files have the same encoding.
    for part in [name.as_bytes()]
        .into_iter()
        .chain(data.iter().flat_map(|(k, v)| [k.as_bytes(), v.expose()]))
    {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let suffix = hex::encode(context.sign());
    let base = bounded(&format!("{app}-{name}"), MAX_NAME - SUFFIX_DIGITS - 1);
    format!("{base}-{}", &suffix[..SUFFIX_DIGITS])
}

/// Name of a volume inside a pod.
pub fn volume(kind: &str, name: &str) -> String {
    bounded(&format!("{kind}-{name}"), MAX_NAME)
}

/// DNS names the API's certificate of the application's own authority must carry.
pub fn certificate_names(app: &str, namespace: &str, host: Option<&str>) -> Vec<String> {
    let services = [api_service(app), internal_service(app)];
    services
        .iter()
        .flat_map(|service| {
            [
                service.clone(),
                format!("{service}.{namespace}"),
                format!("{service}.{namespace}.svc"),
                format!("{service}.{namespace}.svc.cluster.local"),
            ]
        })
        .chain(host.map(str::to_owned))
        .collect()
}

/// Labels of every object of an application that belongs to no component.
pub fn labels(app: &str) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", "reportapp"),
        ("app.kubernetes.io/instance", app),
        ("app.kubernetes.io/managed-by", "reportapp-operator"),
        (APP_LABEL, app),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

/// Labels of the objects of a component.
pub fn component_labels(app: &str, component: &Component) -> BTreeMap<String, String> {
    let mut labels = labels(app);
    labels.insert(COMPONENT_LABEL.to_owned(), component.to_string());
    labels
}

/// Selects the pods of a component. Never changes: selectors of Deployments are immutable.
pub fn component_selector(app: &str, component: &Component) -> LabelSelector {
    LabelSelector {
        match_labels: Some(
            [
                (APP_LABEL.to_owned(), app.to_owned()),
                (COMPONENT_LABEL.to_owned(), component.to_string()),
            ]
            .into(),
        ),
        match_expressions: None,
    }
}

/// First digits of a SHA-256, for names and annotations that follow public content.
pub fn short_hash(content: &[u8]) -> String {
    let mut text = hex::encode(digest::digest(&digest::SHA256, content));
    text.truncate(SUFFIX_DIGITS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_reads_back_as_it_is_written() {
        let tunnel = Component::Tunnel("main".to_owned());
        for component in [Component::Api, Component::Bot, Component::Migrator, tunnel] {
            assert_eq!(component.to_string().parse(), Ok(component));
        }
        assert!("tunnel-".parse::<Component>().is_err());
        assert!("web".parse::<Component>().is_err());
    }

    #[test]
    fn long_names_are_cut_to_different_names() {
        let app = "a".repeat(40);
        let name = |server: &str| workload(&app, &Component::Tunnel(server.to_owned()));
        let (first, second) = (name("sssssssssssssssssssa"), name("sssssssssssssssssssb"));
        assert_eq!((first.len(), second.len()), (63, 63));
        assert_ne!(first, second);
        assert_eq!(workload("demo", &Component::Api), "demo-api");
        let ledger = |credential: &str| credential_ledger(&app, credential);
        let (first, second) = (
            ledger("sssssssssssssssssssa"),
            ledger("sssssssssssssssssssb"),
        );
        assert_eq!((first.len(), second.len()), (63, 63));
        assert_ne!(first, second);
        assert_eq!(credential_ledger("demo", "erp"), "demo-ledger-erp");
    }

    #[test]
    fn the_name_of_a_secret_depends_on_key_name_and_every_file() {
        let value = |text: &str| SecretBytes::new(text);
        let files = |a: &str, b: &str| {
            [
                ("password".to_owned(), value(a)),
                ("username".to_owned(), value(b)),
            ]
            .into()
        };
        let key = SecretBytes::new([1; 32]);
        let first = versioned_secret("demo", "erp", &key, &files("ab", "c"));
        assert!(
            first.starts_with("demo-erp-") && first.len() == 19,
            "{first}"
        );
        assert_eq!(
            first,
            versioned_secret("demo", "erp", &key, &files("ab", "c"))
        );
        assert_ne!(
            first,
            versioned_secret("demo", "erp", &key, &files("a", "bc"))
        );
        let other = SecretBytes::new([2; 32]);
        assert_ne!(
            first,
            versioned_secret("demo", "erp", &other, &files("ab", "c"))
        );
    }

    #[test]
    fn the_certificate_names_cover_both_services_and_the_host() {
        let names = certificate_names("demo", "reports", Some("reports.example.com"));
        for name in [
            "demo-api",
            "demo-api.reports.svc",
            "demo-api-internal.reports.svc",
            "demo-api-internal.reports.svc.cluster.local",
            "reports.example.com",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
    }
}
