//! How an autoscaler takes over the number of pods without dropping any.
//!
//! Once a Deployment is applied without `replicas`, the API server removes the field unless
//! somebody else also owns it, and a missing `replicas` means 1. So before that, a second field
//! manager takes the live number over. It never changes it afterwards; the autoscaler writes
//! through the `scale` subresource.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::api_error::{ApiError, ApiResult};
use crate::reportapp::naming::{FIELD_MANAGER, HANDOVER_MANAGER};

/// Makes the live number survive an apply of `desired`, if `desired` leaves it to an autoscaler
/// and nobody but the operator owns it.
pub(super) async fn keep_replicas(api: &Api<Deployment>, desired: &Deployment) -> ApiResult<()> {
    if desired
        .spec
        .as_ref()
        .is_some_and(|spec| spec.replicas.is_some())
    {
        return Ok(());
    }
    let name = desired.name_any();
    let refused = |verb, error: kube::Error| ApiError::new::<Deployment>(verb, &name, &error);
    // Caches drop the managed fields, and the number must be the one of this moment.
    let Some(live) = api
        .get_opt(&name)
        .await
        .map_err(|error| refused("get", error))?
    else {
        return Ok(());
    };
    let Some(replicas) = live.spec.as_ref().and_then(|spec| spec.replicas) else {
        return Ok(());
    };
    if !only_ours(live.managed_fields()) {
        return Ok(());
    }
    let number = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": { "replicas": replicas },
    });
    let params = PatchParams::apply(HANDOVER_MANAGER).force();
    let written = api.patch(&name, &params, &Patch::Apply(&number)).await;
    written.map(drop).map_err(|error| refused("patch", error))
}

fn only_ours(fields: &[ManagedFieldsEntry]) -> bool {
    let owns = |entry: &&ManagedFieldsEntry| {
        entry
            .fields_v1
            .as_ref()
            .is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    };
    let mut owners = fields.iter().filter(owns).peekable();
    owners.peek().is_some() && owners.all(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1;

    use super::*;

    fn owner(manager: &str, fields: serde_json::Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn the_number_is_handed_over_only_when_nobody_else_holds_it() {
        let replicas = || json!({ "f:spec": { "f:replicas": {} } });
        let other = owner("kubelet", json!({ "f:status": {} }));
        let ours = owner(FIELD_MANAGER, replicas());
        assert!(only_ours(&[ours.clone(), other.clone()]));
        assert!(!only_ours(&[ours, owner(HANDOVER_MANAGER, replicas())]));
        assert!(!only_ours(&[owner("kube-controller-manager", replicas())]));
        assert!(!only_ours(&[other]));
    }
}
