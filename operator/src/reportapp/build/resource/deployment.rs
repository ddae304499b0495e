//! One Deployment per component.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Volume};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use reportapp_config::{API_PORT, INTERNAL_PORT, TUNNEL_PORT};
use reportapp_crds::report_app::Image;

use super::config_map::config_name;
use super::service::{DATABASE, HTTPS, INTERNAL};
use crate::reportapp::build::pod::{
    self, Mounted, PodParts, build_pod, config_map_volume, secret_volume,
};
use crate::reportapp::build::{config, metadata, migration, secrets_of, upgrade};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::{ValidatedApp, ValidatedStore};

/// Seconds a pod must be ready before the next one is replaced.
const MIN_READY_SECONDS: i32 = 2;
/// Old ReplicaSets kept for an undo; they keep no pods and no old Secrets.
const REVISIONS: i32 = 3;

/// The Deployment of a component, marked for [`upgrade::postpone`].
pub fn build_deployment(app: &ValidatedApp, component: &Component) -> Deployment {
    let parts = with_files(app, component, parts(app, component));
    let name = naming::workload(&app.name, component);
    let template = build_pod(app, component, parts);
    let mut metadata = metadata(app, name, Some(component));
    let secrets = secrets_of(app, component);
    let versions: Vec<_> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    let mut marks = upgrade::marks(app.spec(), &versions, &template);
    if *component == Component::Api {
        marks.extend(migration::mark(app));
    }
    metadata.annotations = Some(marks);
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            replicas: replicas(app, component),
            selector: naming::component_selector(&app.name, component),
            strategy: Some(strategy(app, component)),
            min_ready_seconds: Some(MIN_READY_SECONDS),
            revision_history_limit: Some(REVISIONS),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// What differs between the pods of one component and another, without configuration and Secrets.
pub(super) fn parts(app: &ValidatedApp, component: &Component) -> PodParts {
    match component {
        Component::Api => api_parts(app),
        Component::Bot => bot_parts(app),
        Component::Tunnel(_) => tunnel_parts(app),
        Component::Migrator => migrator_parts(app),
    }
}

/// Adds what the pods of every component mount: its configuration and its Secrets.
pub(super) fn with_files(
    app: &ValidatedApp,
    component: &Component,
    mut parts: PodParts,
) -> PodParts {
    let configuration = config_map_volume("config", config_name(app, component));
    let configuration = Mounted::read_only(configuration, "/etc/reportapp/config");
    parts.mounts.insert(0, configuration);
    let secrets = secrets_of(app, component);
    parts
        .mounts
        .extend(secrets.into_iter().map(Mounted::versioned));
    parts
}

/// `None` leaves the number to the autoscaler.
fn replicas(app: &ValidatedApp, component: &Component) -> Option<i32> {
    let api = &app.spec().api;
    match component {
        Component::Api if api.autoscaling.is_some() => None,
        Component::Api => Some(api.replicas),
        Component::Bot | Component::Tunnel(_) | Component::Migrator => Some(1),
    }
}

fn strategy(app: &ValidatedApp, component: &Component) -> DeploymentStrategy {
    let surge = match component {
        // A SQLite file has one writer, Telegram gives updates to one reader.
        Component::Api if matches!(app.store, ValidatedStore::Sqlite { .. }) => None,
        Component::Bot | Component::Migrator => None,
        Component::Api => Some(IntOrString::String("25%".to_owned())),
        Component::Tunnel(_) => Some(IntOrString::Int(1)),
    };
    let rolling = surge.map(|surge| RollingUpdateDeployment {
        max_surge: Some(surge),
        max_unavailable: Some(IntOrString::Int(0)),
    });
    let kind = if rolling.is_some() {
        "RollingUpdate"
    } else {
        "Recreate"
    };
    DeploymentStrategy {
        type_: Some(kind.to_owned()),
        rolling_update: rolling,
    }
}

fn api_parts(app: &ValidatedApp) -> PodParts {
    let spec = app.spec();
    let certificate = secret_volume(
        "internal-tls",
        &naming::certificate_secret(&app.name),
        false,
    );
    let first_administrator = secret_volume(
        "first-admin",
        &naming::first_administrator_secret(&app.name),
        true,
    );
    let mut mounts = vec![
        Mounted::read_only(certificate, config::INTERNAL_TLS_DIR),
        Mounted::read_only(first_administrator, config::FIRST_ADMINISTRATOR_DIR),
    ];
    if let Some(tls) = spec.web.as_ref().and_then(|web| web.tls.as_ref()) {
        let public = secret_volume("tls", &tls.secret_name, false);
        mounts.push(Mounted::read_only(public, config::PUBLIC_TLS_DIR));
    }
    if let Some(reports) = &app.reports {
        // The whole ConfigMap: the kubelet keeps a part of one as it was.
        let reports = config_map_volume("reports", reports);
        mounts.push(Mounted::read_only(reports, config::REPORTS_DIR));
    }
    if matches!(app.store, ValidatedStore::Sqlite { .. }) {
        mounts.push(Mounted::writable(store_volume(app), config::STORE_DIR));
    }
    let internal = app
        .internal_token
        .as_ref()
        .map(|_| (INTERNAL, INTERNAL_PORT));
    PodParts {
        image: api_image(app),
        resources: spec
            .api
            .resources
            .clone()
            .unwrap_or_else(|| pod::resources("50m", "64Mi", "512Mi")),
        ports: [(HTTPS, API_PORT)].into_iter().chain(internal).collect(),
        mounts,
        drain_seconds: spec.api.drain.as_secs(),
    }
}

fn bot_parts(app: &ValidatedApp) -> PodParts {
    let spec = app.spec();
    let authority = config_map_volume("ca", naming::authority_config_map(&app.name));
    PodParts {
        image: image(&spec.image, "bot", spec.image.digests.bot.as_deref()),
        resources: spec
            .bot
            .as_ref()
            .and_then(|bot| bot.resources.clone())
            .unwrap_or_else(|| pod::resources("20m", "32Mi", "256Mi")),
        ports: Vec::new(),
        mounts: vec![Mounted::read_only(authority, config::AUTHORITY_DIR)],
        drain_seconds: config::BOT_DRAIN_SECONDS,
    }
}

fn tunnel_parts(app: &ValidatedApp) -> PodParts {
    let spec = app.spec();
    PodParts {
        image: image(&spec.image, "tunnel", spec.image.digests.tunnel.as_deref()),
        resources: pod::resources("20m", "32Mi", "256Mi"),
        ports: vec![(DATABASE, TUNNEL_PORT)],
        mounts: Vec::new(),
        drain_seconds: config::TUNNEL_DRAIN_SECONDS,
    }
}

fn migrator_parts(app: &ValidatedApp) -> PodParts {
    PodParts {
        image: api_image(app),
        resources: pod::resources("50m", "64Mi", "512Mi"),
        ports: Vec::new(),
        mounts: Vec::new(),
        drain_seconds: 0,
    }
}

/// The image of API pods, which migrates as well.
pub(in crate::reportapp::build) fn api_image(app: &ValidatedApp) -> String {
    let from = &app.spec().image;
    image(from, "api", from.digests.api.as_deref())
}

/// A digest wins over the tag.
fn image(image: &Image, name: &str, digest: Option<&str>) -> String {
    let Image { registry, tag, .. } = image;
    match digest {
        Some(digest) => format!("{registry}/reportapp-{name}@{digest}"),
        None => format!("{registry}/reportapp-{name}:{tag}"),
    }
}

fn store_volume(app: &ValidatedApp) -> Volume {
    Volume {
        name: "store".to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: naming::volume_claim(&app.name),
            read_only: None,
        }),
        ..Volume::default()
    }
}
