//! The HorizontalPodAutoscaler of the API.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};

use crate::reportapp::build::metadata;
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::ValidatedApp;

/// The autoscaler, when the spec asks for one.
pub fn build_autoscaler(app: &ValidatedApp) -> Option<HorizontalPodAutoscaler> {
    let bounds = app.spec().api.autoscaling.as_ref()?;
    let name = naming::workload(&app.name, &Component::Api);
    Some(HorizontalPodAutoscaler {
        metadata: metadata(app, name.clone(), Some(&Component::Api)),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name,
            },
            min_replicas: Some(bounds.min_replicas),
            max_replicas: bounds.max_replicas,
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricSource {
                    name: "cpu".to_owned(),
                    target: MetricTarget {
                        type_: "Utilization".to_owned(),
                        average_utilization: Some(bounds.target_cpu_utilization_percentage),
                        ..MetricTarget::default()
                    },
                }),
                ..MetricSpec::default()
            }]),
            behavior: None,
        }),
        status: None,
    })
}
