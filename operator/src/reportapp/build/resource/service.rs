//! Services: the way to API and web, the bot's way to the API, the API's way to each tunnel.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use reportapp_config::{INTERNAL_PORT, TUNNEL_PORT};

use crate::reportapp::build::{metadata, tunnels};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::ValidatedApp;

/// Port of API and web for callers in the cluster.
pub const HTTPS_PORT: u16 = 443;
/// Name of the container port of API and web.
pub const HTTPS: &str = "https";
/// Name of the container port of the internal API.
pub const INTERNAL: &str = "internal";
/// Name of the container port of a tunnel.
pub const DATABASE: &str = "database";

/// Services of the application.
pub fn build_services(app: &ValidatedApp) -> Vec<Service> {
    let api = naming::api_service(&app.name);
    let mut public = service(app, api, &Component::Api, (HTTPS, HTTPS_PORT));
    // Tells ingress controllers to speak TLS to the pods; nginx has an annotation on the Ingress.
    public.metadata.annotations = Some(
        [(
            "traefik.ingress.kubernetes.io/service.serversscheme".to_owned(),
            "https".to_owned(),
        )]
        .into(),
    );
    let internal = app.internal_token.as_ref().map(|_| {
        let name = naming::internal_service(&app.name);
        service(app, name, &Component::Api, (INTERNAL, INTERNAL_PORT))
    });
    let tunnels = tunnels(app).map(|(server, _)| {
        let component = Component::Tunnel(server.name.clone());
        let name = naming::workload(&app.name, &component);
        service(app, name, &component, (DATABASE, TUNNEL_PORT))
    });
    [public]
        .into_iter()
        .chain(internal)
        .chain(tunnels)
        .collect()
}

fn service(
    app: &ValidatedApp,
    name: String,
    component: &Component,
    (port_name, port): (&str, u16),
) -> Service {
    let is_https = port_name != DATABASE;
    Service {
        metadata: metadata(app, name, Some(component)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: naming::component_selector(&app.name, component).match_labels,
            ports: Some(vec![ServicePort {
                name: Some(port_name.to_owned()),
                port: port.into(),
                target_port: Some(IntOrString::String(port_name.to_owned())),
                protocol: Some("TCP".to_owned()),
                app_protocol: is_https.then(|| "https".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
