//! What all pods of an application share: security, probes, spread, volumes. The restricted pod
//! security profile holds for each of them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar,
    HTTPGetAction, LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    ResourceRequirements, SeccompProfile, SecretVolumeSource, SecurityContext,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::naming::{self, Component};
use super::super::validate::{ValidatedApp, VersionedSecret};

/// User and group of every process; also owns mounted files.
const USER: i64 = 65_532;
/// Readable by user and group.
const FILE_MODE: i32 = 0o440;
/// Name of the health port.
const HEALTH: &str = "health";
/// Seconds beyond the drain until the kubelet kills a pod.
const GRACE_MARGIN_SECONDS: u64 = 15;

/// What differs between the pods of one component and another.
pub struct PodParts {
    /// Image reference.
    pub image: String,
    /// CPU and memory.
    pub resources: ResourceRequirements,
    /// Ports beside the health port, by name; of a pod that serves.
    pub ports: Vec<(&'static str, u16)>,
    /// Volumes beside configuration and `/tmp`, each with its mount.
    pub mounts: Vec<Mounted>,
    /// Seconds the process takes at most to drain.
    pub drain_seconds: u64,
}

/// A volume and where it is mounted.
pub struct Mounted {
    volume: Volume,
    path: String,
    read_only: bool,
}

impl Mounted {
    /// A volume of files nobody may change.
    pub fn read_only(volume: Volume, path: impl Into<String>) -> Self {
        Self {
            volume,
            path: path.into(),
            read_only: true,
        }
    }

    /// A volume to write to.
    pub fn writable(volume: Volume, path: impl Into<String>) -> Self {
        Self {
            read_only: false,
            ..Self::read_only(volume, path)
        }
    }

    /// An immutable Secret in its folder.
    pub fn versioned(secret: &VersionedSecret) -> Self {
        let volume = secret_volume(secret.volume.clone(), &secret.name, false);
        Self::read_only(volume, &secret.folder)
    }
}

/// A volume of the values of a Secret.
pub fn secret_volume(name: impl Into<String>, secret: &str, optional: bool) -> Volume {
    Volume {
        name: name.into(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(FILE_MODE),
            optional: optional.then_some(true),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A volume of the values of a `ConfigMap`.
pub fn config_map_volume(name: impl Into<String>, config_map: impl Into<String>) -> Volume {
    Volume {
        name: name.into(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map.into(),
            default_mode: Some(FILE_MODE),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Requests and a memory limit; no CPU limit, since throttling a pod helps nobody.
pub fn resources(cpu: &str, memory: &str, memory_limit: &str) -> ResourceRequirements {
    let quantity = |name: &str, text: &str| (name.to_owned(), Quantity(text.to_owned()));
    ResourceRequirements {
        requests: Some([quantity("cpu", cpu), quantity("memory", memory)].into()),
        limits: Some([quantity("memory", memory_limit)].into()),
        ..ResourceRequirements::default()
    }
}

/// The pod template of a component that serves.
pub fn build_pod(app: &ValidatedApp, component: &Component, parts: PodParts) -> PodTemplateSpec {
    let container = serving(app, component, &parts);
    let pod = PodSpec {
        topology_spread_constraints: Some(vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname".to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(naming::component_selector(&app.name, component)),
            ..TopologySpreadConstraint::default()
        }]),
        ..pod(app, component, parts, container)
    };
    template(app, component, pod)
}

/// The pod template of a component that does its work once and ends. Its last words stay in the pod's
/// status.
pub fn build_task(
    app: &ValidatedApp,
    component: &Component,
    parts: PodParts,
    arguments: Vec<String>,
) -> PodTemplateSpec {
    let container = Container {
        args: Some(arguments),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..container(app, component, &parts)
    };
    let pod = PodSpec {
        restart_policy: Some("Never".to_owned()),
        ..pod(app, component, parts, container)
    };
    template(app, component, pod)
}

fn template(app: &ValidatedApp, component: &Component, pod: PodSpec) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(naming::component_labels(&app.name, component)),
            annotations: Some(BTreeMap::from([(
                "kubectl.kubernetes.io/default-container".to_owned(),
                short_name(component).to_owned(),
            )])),
            ..ObjectMeta::default()
        }),
        spec: Some(pod),
    }
}

fn pod(
    app: &ValidatedApp,
    component: &Component,
    parts: PodParts,
    container: Container,
) -> PodSpec {
    let pull_secrets = &app.spec().image.pull_secrets;
    let pull_secrets: Vec<_> = pull_secrets
        .iter()
        .map(|name| LocalObjectReference { name: name.clone() })
        .collect();
    let volumes = parts.mounts.into_iter().map(|mounted| mounted.volume);
    let grace = parts.drain_seconds + GRACE_MARGIN_SECONDS;
    PodSpec {
        service_account_name: Some(naming::workload(&app.name, component)),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        security_context: Some(pod_security()),
        termination_grace_period_seconds: i64::try_from(grace).ok(),
        containers: vec![container],
        volumes: Some(volumes.chain([temporary_files()]).collect()),
        ..PodSpec::default()
    }
}

/// Name of the container: `api`, `bot`, `tunnel` or `migrator`.
pub fn short_name(component: &Component) -> &'static str {
    match component {
        Component::Api => "api",
        Component::Bot => "bot",
        Component::Tunnel(_) => "tunnel",
        Component::Migrator => "migrator",
    }
}

/// Last part of image and binary.
pub fn program(component: &Component) -> &'static str {
    match component {
        Component::Migrator => short_name(&Component::Api),
        other => short_name(other),
    }
}

/// A container that can be asked how it is.
fn serving(app: &ValidatedApp, component: &Component, parts: &PodParts) -> Container {
    let health = (HEALTH, reportapp_config::HEALTH_PORT);
    let ports = parts.ports.iter().copied().chain([health]);
    Container {
        ports: Some(
            ports
                .map(|(name, port)| ContainerPort {
                    name: Some(name.to_owned()),
                    container_port: port.into(),
                    protocol: Some("TCP".to_owned()),
                    ..ContainerPort::default()
                })
                .collect(),
        ),
        // Readiness waits for the first login; a start that waits must not be killed for it, or a
        // database that is down would restart every pod. So the start-up probe asks for life alone.
        startup_probe: Some(probe("/livez", 1, 120)),
        readiness_probe: Some(probe(
            "/readyz",
            app.operator.templates.probe_period_seconds,
            2,
        )),
        liveness_probe: Some(probe("/livez", 10, 3)),
        ..container(app, component, parts)
    }
}

fn container(app: &ValidatedApp, component: &Component, parts: &PodParts) -> Container {
    let mounts = parts.mounts.iter().map(|mounted| VolumeMount {
        name: mounted.volume.name.clone(),
        mount_path: mounted.path.clone(),
        read_only: mounted.read_only.then_some(true),
        ..VolumeMount::default()
    });
    let temporary = VolumeMount {
        name: "tmp".to_owned(),
        mount_path: "/tmp".to_owned(),
        ..VolumeMount::default()
    };
    let program = program(component);
    Container {
        name: short_name(component).to_owned(),
        image: Some(parts.image.clone()),
        image_pull_policy: Some(app.spec().image.pull_policy.as_str().to_owned()),
        command: Some(vec![format!("/usr/local/bin/reportapp-{program}")]),
        env: Some(vec![EnvVar {
            name: "LOG_FORMAT".to_owned(),
            value: Some("json".to_owned()),
            value_from: None,
        }]),
        resources: Some(parts.resources.clone()),
        security_context: Some(container_security()),
        volume_mounts: Some(mounts.chain([temporary]).collect()),
        ..Container::default()
    }
}

fn probe(path: &str, period_seconds: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(HEALTH.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        failure_threshold: Some(failures),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

fn temporary_files() -> Volume {
    Volume {
        name: "tmp".to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity("64Mi".to_owned())),
            medium: None,
        }),
        ..Volume::default()
    }
}
