//! Waiting for an object of ours to say something: by watching it, never by sleeping.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use kube::api::Api;
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use serde::de::DeserializeOwned;

/// An object with conditions.
pub trait Reports:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    /// What it says of itself.
    fn conditions(&self) -> &[Condition];
}

impl Reports for ReportApp {
    fn conditions(&self) -> &[Condition] {
        self.status
            .as_ref()
            .map_or(&[], |status| &status.conditions)
    }
}

impl Reports for SecretRotation {
    fn conditions(&self) -> &[Condition] {
        self.status
            .as_ref()
            .map_or(&[], |status| &status.conditions)
    }
}

impl Reports for IncidentAction {
    fn conditions(&self) -> &[Condition] {
        self.status
            .as_ref()
            .map_or(&[], |status| &status.conditions)
    }
}

/// Waits until the object `name` fulfils `holds`.
///
/// # Errors
/// When it does not within `patience`; the message shows its conditions.
pub async fn until<K: Reports>(
    api: Api<K>,
    name: &str,
    what: &str,
    patience: Duration,
    mut holds: impl FnMut(&K) -> bool,
) -> Result<K> {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut last = None;
    let wait = async {
        let mut objects = watcher(api, config)
            .default_backoff()
            .applied_objects()
            .boxed();
        while let Some(object) = objects.next().await {
            let object = object?;
            if holds(&object) {
                return Ok(object);
            }
            last = Some(object);
        }
        bail!("the watch ended")
    };
    match tokio::time::timeout(patience, wait).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let seen = last.as_ref().map_or_else(|| "none".to_owned(), told);
            bail!(
                "{name} is not {what} after {} s; conditions: {seen}",
                patience.as_secs()
            )
        }
    }
}

/// Waits until the object with this name and uid is gone; another one may have its name.
///
/// # Errors
/// When it is there after `patience`.
pub async fn until_gone<K>(api: Api<K>, name: &str, uid: &str, patience: Duration) -> Result<()>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let gone = await_condition(api, name, conditions::is_deleted(uid));
    let gone = tokio::time::timeout(patience, gone).await;
    gone.with_context(|| format!("{name} is there after {} s", patience.as_secs()))??;
    Ok(())
}

/// The condition of type `kind`.
pub fn condition<'a, K: Reports>(object: &'a K, kind: &str) -> Option<&'a Condition> {
    object
        .conditions()
        .iter()
        .find(|condition| condition.type_ == kind)
}

/// Whether condition `kind` has this status.
pub fn says<K: Reports>(object: &K, kind: &str, status: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition.status == status)
}

/// Whether the status describes the present spec.
pub fn is_observed(app: &ReportApp) -> bool {
    let observed = app
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    observed.is_some() && observed == app.metadata.generation
}

/// The conditions as lines of an error.
pub fn told<K: Reports>(object: &K) -> String {
    let lines = object
        .conditions()
        .iter()
        .map(|c| format!("\n  {}={} {}: {}", c.type_, c.status, c.reason, c.message));
    lines.collect()
}
