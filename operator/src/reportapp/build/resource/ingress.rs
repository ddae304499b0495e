//! The Ingress: the way in from outside the cluster.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};

use super::service::HTTPS;
use crate::reportapp::build::metadata;
use crate::reportapp::naming;
use crate::reportapp::validate::ValidatedApp;

/// The Ingress, when the spec has a host.
pub fn build_ingress(app: &ValidatedApp) -> Option<Ingress> {
    let web = app.spec().web.as_ref()?;
    let certificate = web.tls.as_ref().map_or_else(
        || naming::certificate_secret(&app.name),
        |tls| tls.secret_name.clone(),
    );
    let mut metadata = metadata(app, naming::ingress(&app.name), None);
    metadata.annotations = Some(
        [(
            "nginx.ingress.kubernetes.io/backend-protocol".to_owned(),
            "HTTPS".to_owned(),
        )]
        .into(),
    );
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: web.ingress_class_name.clone(),
            rules: Some(vec![IngressRule {
                host: Some(web.host.clone()),
                http: Some(HTTPIngressRuleValue {
                    paths: vec![HTTPIngressPath {
                        path: Some(web.path_prefix.clone()),
                        path_type: "Prefix".to_owned(),
                        backend: IngressBackend {
                            service: Some(IngressServiceBackend {
                                name: naming::api_service(&app.name),
                                port: Some(ServiceBackendPort {
                                    name: Some(HTTPS.to_owned()),
                                    number: None,
                                }),
                            }),
                            resource: None,
                        },
                    }],
                }),
            }]),
            tls: Some(vec![IngressTLS {
                hosts: Some(vec![web.host.clone()]),
                secret_name: Some(certificate),
            }]),
            default_backend: None,
        }),
        status: None,
    })
}
