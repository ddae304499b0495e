//! PodDisruptionBudgets. A component with one pod has none: it would block every node drain.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::reportapp::build::metadata;
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::ValidatedApp;

/// The budget of the API when it runs several pods.
pub fn build_disruption_budgets(app: &ValidatedApp) -> Vec<PodDisruptionBudget> {
    let api = &app.spec().api;
    if api.autoscaling.is_none() && api.replicas <= 1 {
        return Vec::new();
    }
    let component = Component::Api;
    vec![PodDisruptionBudget {
        metadata: metadata(
            app,
            naming::workload(&app.name, &component),
            Some(&component),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(naming::component_selector(&app.name, &component)),
            // A pod that is not ready serves nobody; protecting it would only block the drain.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            min_available: None,
        }),
        status: None,
    }]
}
