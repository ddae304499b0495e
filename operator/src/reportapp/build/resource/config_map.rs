//! Configuration files, immutable and named after their content, so that a change is an ordinary
//! rollout; and the authority's certificate for the bot.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;

use crate::reportapp::build::{config, metadata};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::ValidatedApp;

/// Key of the configuration file.
const CONFIG_KEY: &str = "config.yaml";

/// Name of the configuration of a component.
pub fn config_name(app: &ValidatedApp, component: &Component) -> String {
    let content = config::render_config(app, component);
    naming::config_map(&app.name, component, &content)
}

/// Configuration of the components that are applied, and the authority's certificate. A postponed
/// Deployment goes on with the configuration it names.
pub fn build_config_maps(
    app: &ValidatedApp,
    components: &[Component],
    postponed: &[Arc<Deployment>],
) -> Vec<ConfigMap> {
    let is_applied = |component: &&Component| {
        let name = naming::workload(&app.name, component);
        !postponed
            .iter()
            .any(|deployment| deployment.name_any() == name)
    };
    let configurations = components.iter().filter(is_applied).map(|component| {
        let content = config::render_config(app, component);
        ConfigMap {
            metadata: metadata(
                app,
                naming::config_map(&app.name, component, &content),
                Some(component),
            ),
            data: Some([(CONFIG_KEY.to_owned(), content)].into()),
            immutable: Some(true),
            ..ConfigMap::default()
        }
    });
    let authority = ConfigMap {
        metadata: metadata(app, naming::authority_config_map(&app.name), None),
        data: Some([("ca.crt".to_owned(), app.authority_certificate.clone())].into()),
        ..ConfigMap::default()
    };
    configurations.chain([authority]).collect()
}
