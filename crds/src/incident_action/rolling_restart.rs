//! `rollingRestart`: every pod of the chosen workloads is replaced, and waited for.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::report_app::credential::Workload;

/// Which workloads get new pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.components) || self.components.size() > 0 || (has(self.workloads) && self.workloads.size() > 0)").message("rollingRestart restarts nothing: leave components out to restart all of them, or name workloads"))]
pub struct RollingRestart {
    /// Parts of the application: `api`, `bot` and `tunnel-<server>`, as `status.components` of the
    /// ReportApp names them. Default: all of them. An empty list: none, only `workloads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 18), inner(length(min = 1, max = 27)))]
    #[x_kube(validation = Rule::new("self.all(c, c in ['api', 'bot'] || c.matches('^tunnel-[a-z]([-a-z0-9]*[a-z0-9])?$'))").message("spec.rollingRestart.components names a component that does not exist; components are api, bot and tunnel-<server>"))]
    #[x_kube(validation = Rule::new("self.all(c, self.exists_one(d, d == c))").message("spec.rollingRestart.components names a component twice"))]
    pub components: Option<Vec<String>>,

    /// Workloads of others besides, each with the annotation `reportapp.dev/allow` that names the
    /// ReportApp. They follow the components, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.all(a, self.exists_one(b, b.kind == a.kind && b.name == a.name))").message("spec.rollingRestart.workloads names a workload twice"))]
    pub workloads: Vec<Workload>,
}
