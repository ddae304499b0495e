//! The example of the documentation as a fetched object, for tests of every step. Each secret value
//! carries [`CANARY`], so that a test can search for what must not appear.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reportapp_crds::ReportApp;

use super::model::{
    FetchedReportApp, Ledger, Live, OperatorFacts, SecretBytes, SecretLookup, ServingCertificate,
    TemplateOptions,
};

/// Part of every secret value of the example.
pub const CANARY: &str = "canary0value";
/// The example of the documentation.
pub const EXAMPLE: &str = include_str!("../../../docs/examples/reportapp.yaml");
/// A certificate of a certificate authority; public.
pub const AUTHORITY: &str = include_str!("testing/authority.crt");

/// The `ReportApp` of the documentation as the API server would hand it out.
pub fn example_app() -> ReportApp {
    let mut app: ReportApp = serde_yaml_ng::from_str(EXAMPLE).expect("the example is a ReportApp");
    app.metadata.uid = Some("5f3c2a51-0000-4000-8000-000000000001".to_owned());
    app.metadata.generation = Some(1);
    app
}

/// Everything the example needs, present and allowed.
pub fn example() -> FetchedReportApp {
    let found = |entries: &[(&str, SecretBytes)], kind: &str| SecretLookup::Found {
        data: entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
        kind: kind.to_owned(),
    };
    let opaque = |key: &str, value: SecretBytes| found(&[(key, value)], "Opaque");
    let certificate = found(
        &[
            ("tls.crt", SecretBytes::new(AUTHORITY)),
            ("tls.key", pem("PRIVATE KEY", CANARY.as_bytes())),
        ],
        "kubernetes.io/tls",
    );
    let secrets = [
        ("erp-login", opaque("password", secret("erp"))),
        (
            "erp-authority",
            opaque("ca.crt", SecretBytes::new(AUTHORITY)),
        ),
        (
            "bastion-key",
            opaque("private-key", ssh_key("none", "ssh-ed25519")),
        ),
        ("store-login", opaque("password", secret("store"))),
        ("redis-login", opaque("password", secret("redis"))),
        ("telegram-bot", opaque("token", secret("telegram"))),
        ("reports-certificate", certificate),
    ];
    FetchedReportApp {
        app: Arc::new(example_app()),
        secrets: secrets
            .into_iter()
            .map(|(name, lookup)| (name.to_owned(), lookup))
            .collect(),
        kept: BTreeMap::new(),
        consumers: BTreeMap::new(),
        report_files: None,
        older_hosts: Vec::new(),
        ledger: Ledger {
            name_key: SecretBytes::new([7; 32]),
            internal_token: secret("internal"),
            signing_key: secret("signing"),
            authority_certificate: AUTHORITY.to_owned(),
            authority_key: secret("authority"),
        },
        published: BTreeMap::new(),
        certificate: ServingCertificate {
            chain: AUTHORITY.to_owned(),
            key: secret("serving"),
        },
        operator: OperatorFacts {
            namespace: "reportapp-system".to_owned(),
            templates: TemplateOptions::default(),
        },
        live: Live::default(),
        reports: Vec::new(),
    }
}

/// The example after a change of its object.
pub fn example_with(change: impl FnOnce(&mut ReportApp)) -> FetchedReportApp {
    let mut fetched = example();
    let mut app = example_app();
    change(&mut app);
    fetched.app = Arc::new(app);
    fetched
}

/// The example after a change of one Secret's values.
pub fn example_with_secret(name: &str, data: &[(&str, SecretBytes)]) -> FetchedReportApp {
    let mut fetched = example();
    let data: BTreeMap<_, _> = data
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let kind = "Opaque".to_owned();
    let lookup = SecretLookup::Found { data, kind };
    fetched.secrets.insert(name.to_owned(), lookup);
    fetched
}

/// A secret value that can be told from the others.
pub fn secret(name: &str) -> SecretBytes {
    SecretBytes::new(format!("{CANARY}-{name}"))
}

/// Something with the outside of an OpenSSH private key; opens nothing.
pub fn ssh_key(cipher: &str, algorithm: &str) -> SecretBytes {
    let string = |text: &[u8]| {
        let length = u32::try_from(text.len()).expect("short");
        [&length.to_be_bytes(), text].concat()
    };
    let public = string(algorithm.as_bytes());
    let body = [
        b"openssh-key-v1\0".to_vec(),
        string(cipher.as_bytes()),
        string(b"none"),
        string(b""),
        1_u32.to_be_bytes().to_vec(),
        string(&public),
        string(CANARY.as_bytes()),
    ];
    pem("OPENSSH PRIVATE KEY", &body.concat())
}

/// A PEM block.
pub fn pem(label: &str, body: &[u8]) -> SecretBytes {
    let body = STANDARD.encode(body);
    SecretBytes::new(format!(
        "-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
    ))
}
