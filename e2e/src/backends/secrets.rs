//! Secrets that are made once per cluster and kept.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use reportapp_config::Secret;

/// Values by key.
pub(crate) type Values = BTreeMap<&'static str, Secret>;

/// The Secret `name`; made from `generate` if it does not exist yet.
pub(super) async fn ensure(
    api: &Api<KubeSecret>,
    name: &str,
    generate: impl AsyncFnOnce() -> Result<Values>,
) -> Result<BTreeMap<String, Secret>> {
    let found = api
        .get_opt(name)
        .await
        .with_context(|| format!("failed to look up the Secret {name}"))?;
    let secret = match found {
        Some(secret) => secret,
        None => {
            let values = generate()
                .await
                .with_context(|| format!("failed to make the values of {name}"))?;
            let new = object(name, &values);
            api.create(&PostParams::default(), &new)
                .await
                .with_context(|| format!("failed to create the Secret {name}"))?
        }
    };
    secret
        .data
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| Ok((key, text(value)?)))
        .collect()
}

/// One value of the Secret `name`.
pub(crate) async fn read(api: &Api<KubeSecret>, name: &str, key: &str) -> Result<Secret> {
    let secret = api
        .get(name)
        .await
        .with_context(|| format!("failed to read the Secret {name}"))?;
    let value = secret.data.and_then(|mut data| data.remove(key));
    text(value.with_context(|| format!("the Secret {name} has no key {key}"))?)
}

/// Creates or replaces values of the Secret `name`, with annotations.
pub(crate) async fn write(
    api: &Api<KubeSecret>,
    name: &str,
    values: &Values,
    annotations: BTreeMap<String, String>,
) -> Result<()> {
    let mut secret = object(name, values);
    secret.metadata.annotations = Some(annotations);
    let manager = PatchParams::apply("e2e").force();
    api.patch(name, &manager, &Patch::Apply(&secret))
        .await
        .with_context(|| format!("failed to write the Secret {name}"))?;
    Ok(())
}

fn object(name: &str, values: &Values) -> KubeSecret {
    let data = values
        .iter()
        .map(|(key, value)| {
            (
                (*key).to_owned(),
                ByteString(value.expose().as_bytes().to_vec()),
            )
        })
        .collect();
    KubeSecret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..Default::default()
        },
        data: Some(data),
        ..Default::default()
    }
}

fn text(value: ByteString) -> Result<Secret> {
    // The error of `from_utf8` carries the bytes, so it is dropped here.
    String::from_utf8(value.0)
        .map(Secret::from)
        .ok()
        .context("a Secret holds a value that is no text")
}
