//! Which of the application's pods use which version of a credential. Pure: from the live objects
//! and the name the published version must have.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PodSpec;
use kube::ResourceExt as _;

use super::ledger::{ADOPTED, Entry};
use super::machine::Rollout;
use super::target::Round;
use crate::reportapp::model::{Live, SecretBytes};
use crate::reportapp::naming;
use crate::reportapp::status::rollout;

/// The rotation a publication speaks for: that of the key it introduces, of the value it carries
/// otherwise.
pub fn rotation_of(entry: &Entry, round: Round) -> String {
    let introduced = entry
        .pending
        .as_ref()
        .filter(|_| round == Round::Announced && !entry.undoing);
    introduced
        .or(entry.current.as_ref())
        .map_or_else(|| ADOPTED.to_owned(), |value| value.rotation.clone())
}

/// How far the pods are from using `files`.
pub fn rollout(
    live: &Live,
    app: &str,
    credential: &str,
    name_key: &SecretBytes,
    files: &BTreeMap<String, SecretBytes>,
) -> Rollout {
    let wanted = naming::versioned_secret(app, credential, name_key, files);
    let is_old = |spec: &PodSpec| versions(spec, &wanted).any(|name| name != wanted);
    let old_pods: Vec<_> = live
        .pods
        .iter()
        .filter(|pod| !rollout::has_ended(pod) && pod.spec.as_ref().is_some_and(is_old))
        .map(|pod| pod.name_any())
        .collect();
    let users: Vec<_> = users(live, &wanted).collect();
    let waiting = users
        .iter()
        .find(|deployment| template(deployment).is_some_and(is_old));
    let incomplete = users
        .iter()
        .find(|deployment| !rollout::is_complete(deployment));
    let left = u32::try_from(old_pods.len()).unwrap_or(u32::MAX);
    if waiting.is_none() && incomplete.is_none() && old_pods.is_empty() {
        return Rollout::Complete;
    }
    let obstacle = incomplete.and_then(|deployment| rollout::obstacle(live, deployment));
    if waiting.is_none()
        && let Some(obstacle) = obstacle
    {
        return Rollout::unhealthy(left, &obstacle);
    }
    let message = match (waiting, incomplete, old_pods.as_slice()) {
        (Some(deployment), _, _) => format!(
            "waiting for Deployment {} to take the new version over",
            deployment.name_any()
        ),
        (None, Some(deployment), _) => {
            format!(
                "waiting for the pods of Deployment {}",
                deployment.name_any()
            )
        }
        (None, None, names) => format!("waiting for {} to end", names.join(", ")),
    };
    Rollout::Moving {
        old_pods: left,
        message,
    }
}

/// Names of the Deployments whose pods are given `credential`.
pub fn workloads(live: &Live, app: &str, credential: &str, name_key: &SecretBytes) -> Vec<String> {
    let any = naming::versioned_secret(app, credential, name_key, &BTreeMap::new());
    users(live, &any).map(Deployment::name_any).collect()
}

/// The Deployments whose pods mount some version of the credential that `version` is one of.
fn users<'a>(live: &'a Live, version: &'a str) -> impl Iterator<Item = &'a Deployment> {
    let uses = move |deployment: &&Deployment| {
        template(deployment).is_some_and(|spec| versions(spec, version).next().is_some())
    };
    live.deployments.values().map(AsRef::as_ref).filter(uses)
}

/// The mounted Secrets that differ from `version` in their suffix at most.
fn versions<'a>(spec: &'a PodSpec, version: &'a str) -> impl Iterator<Item = &'a str> {
    let base = &version[..version.len() - naming::SUFFIX_DIGITS];
    let volumes = spec.volumes.iter().flatten();
    volumes
        .filter_map(|volume| volume.secret.as_ref()?.secret_name.as_deref())
        .filter(move |name| {
            name.strip_prefix(base).is_some_and(|suffix| {
                suffix.len() == naming::SUFFIX_DIGITS
                    && suffix.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        })
}

fn template(deployment: &Deployment) -> Option<&PodSpec> {
    deployment.spec.as_ref()?.template.spec.as_ref()
}

#[cfg(test)]
mod tests;
