//! Workloads as an action finds them: its application's own, and those that lend themselves.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, ListParams};
use reportapp_crds::ALLOW_ANNOTATION;
use reportapp_crds::report_app::credential::Workload;

use super::super::claim::{components, deployment};
use super::super::trouble::{Reason, Trouble};
use super::Live;
use crate::api_error::ApiError;
use crate::one_shot;
use crate::rotation::outside;
use crate::workloads;

/// Pods that run or will: one that has run to its end stays until somebody tidies up.
const ALIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

impl Live<'_> {
    pub(super) async fn found(&self, workload: &Workload) -> Result<DynamicObject, Trouble> {
        let client = &self.context.shared.client;
        let found = workloads::api(client, &self.namespace(), workload)
            .get_opt(&workload.name)
            .await
            .map_err(|error| workloads::api_error("get", workload, &error))?;
        let found = found.ok_or_else(|| {
            let message = format!(
                "there is no {} in namespace {}; create it, or create an IncidentAction without it",
                workloads::told(workload),
                self.namespace()
            );
            Trouble::new(Reason::WorkloadMissing, message)
        })?;
        self.check_ours_or_lent(workload, &found)?;
        if let Some(why) = workloads::held_by_its_owner(workload.kind, &found.data) {
            let message = format!(
                "{} replaces no pod by itself: {why}",
                workloads::told(workload)
            );
            return Err(Trouble::new(Reason::WorkloadHeld, message));
        }
        Ok(found)
    }

    /// Ours is a component that the application owns. Everything else has to lend itself.
    fn check_ours_or_lent(
        &self,
        workload: &Workload,
        found: &DynamicObject,
    ) -> Result<(), Trouble> {
        let app = self.app.name_any();
        let ours = components(&self.app, None);
        let mut ours = ours.iter().map(|component| deployment(&app, component));
        if ours.any(|ours| ours == *workload) && one_shot::belongs_to(&found.metadata, &self.app) {
            return Ok(());
        }
        let kind = format!("{:?}", workload.kind).to_lowercase();
        let list = found.annotations().get(ALLOW_ANNOTATION);
        outside::check_lent(&self.namespace(), &app, &kind, &workload.name, list)
            .map_err(|refusal| Trouble::new(Reason::WorkloadNotLent, refusal.message))
    }

    pub(super) async fn pods(
        &self,
        workload: &Workload,
        found: &DynamicObject,
    ) -> Result<Vec<Pod>, Trouble> {
        let Some(selector) = workloads::selector(&found.data) else {
            let message = format!(
                "{} has a selector this operator cannot read, so its old pods cannot be counted",
                workloads::told(workload)
            );
            return Err(Trouble::new(Reason::WorkloadHeld, message));
        };
        let params = ListParams::default().labels_from(&selector).fields(ALIVE);
        let api = Api::<Pod>::namespaced(self.context.shared.client.clone(), &self.namespace());
        let pods = api.list(&params).await;
        Ok(pods
            .map_err(|error| ApiError::new::<Pod>("list", "", &error))?
            .items)
    }
}
