//! Versions of credentials, immutable and named by a keyed hash of their content; and the API's
//! certificate, which changes in place because the API reads it again.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use crate::reportapp::build::{metadata, secrets_of};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::{ValidatedApp, VersionedSecret};

/// Every Secret the pods of these components mount, save those of the user.
pub fn build_secrets(app: &ValidatedApp, components: &[Component]) -> Vec<Secret> {
    // Several components may mount one Secret, such as the token of the internal API.
    let versions: BTreeMap<&str, &VersionedSecret> = components
        .iter()
        .flat_map(|component| secrets_of(app, component))
        .map(|secret| (secret.name.as_str(), secret))
        .collect();
    versions
        .into_values()
        .map(|secret| version(app, secret))
        .chain([certificate(app)])
        .collect()
}

fn version(app: &ValidatedApp, secret: &VersionedSecret) -> Secret {
    let data = secret
        .files
        .iter()
        .map(|(file, value)| (file.clone(), ByteString(value.expose().to_vec())));
    Secret {
        metadata: metadata(app, secret.name.clone(), None),
        type_: Some("Opaque".to_owned()),
        data: Some(data.collect()),
        immutable: Some(true),
        ..Secret::default()
    }
}

fn certificate(app: &ValidatedApp) -> Secret {
    let authority = app.authority_certificate.as_bytes().to_vec();
    let chain = app.certificate.chain.as_bytes().to_vec();
    let key = app.certificate.key.expose().to_vec();
    Secret {
        metadata: metadata(app, naming::certificate_secret(&app.name), None),
        type_: Some("kubernetes.io/tls".to_owned()),
        data: Some(
            [("ca.crt", authority), ("tls.crt", chain), ("tls.key", key)]
                .into_iter()
                .map(|(file, value)| (file.to_owned(), ByteString(value)))
                .collect(),
        ),
        ..Secret::default()
    }
}
