//! Images, the API's settings, the host name, the bot, and schedules.

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::jiff::Timestamp;
use reportapp_crds::report_app::StoreEngine;
use reportapp_crds::schedule;

use super::super::model::ProblemReason;
use super::credentials::Opens;
use super::{Check, VersionedSecret, key};
use crate::rotation::schedule::check;

/// Longest time a pod may take to stop: one hour.
const LONGEST_DRAIN_SECONDS: u64 = 3_600;

impl Check<'_> {
    pub(super) fn images(&mut self) {
        let image = &self.spec.image;
        let registry = &image.registry;
        let looks_like_path = !registry.is_empty()
            && !registry.contains("://")
            && !registry.ends_with('/')
            && registry
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:/".contains(&b));
        if !looks_like_path {
            self.note(
                ProblemReason::ImageInvalid,
                "spec.image.registry",
                format!("{registry:?} is no registry host and path; write one such as ghcr.io/example: lower case, no scheme, no tag"),
            );
        }
        let is_tag = image
            .tag
            .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && image
                .tag
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !is_tag {
            self.note(
                ProblemReason::ImageInvalid,
                "spec.image.tag",
                format!("{:?} is no tag; write one such as 0.1.0", image.tag),
            );
        }
        for name in &image.pull_secrets {
            let path = format!("spec.image.pullSecrets[{name}]");
            if let Some((_, kind)) = self.secret(name, &path)
                && kind != "kubernetes.io/dockerconfigjson"
            {
                let message = format!(
                    "Secret {name} is of type {kind}; a pull secret is of type kubernetes.io/dockerconfigjson"
                );
                self.note_invalid(path, message);
            }
        }
    }

    pub(super) fn api(&mut self) {
        let spec = self.spec;
        let api = &spec.api;
        self.positive("spec.api.tokenLifetime", api.token_lifetime);
        if api.drain.as_secs() > LONGEST_DRAIN_SECONDS {
            self.note_invalid("spec.api.drain", "must be at most 1h");
        }
        let single = api.autoscaling.is_none() && api.replicas <= 1;
        if spec.store.engine == StoreEngine::Sqlite && !single {
            self.note_invalid(
                "spec.api.replicas",
                "a SQLite store has one writer; use 1 replica without autoscaling, or a Postgres store",
            );
        }
        if spec.redis.is_none() && !single {
            self.note_invalid(
                "spec.redis",
                "missing; several API replicas share their sessions through Redis",
            );
        }
        self.resources(api.resources.as_ref(), "spec.api.resources");
        if let (Some(_), Some(resources)) = (&api.autoscaling, &api.resources) {
            let requests = resources.requests.as_ref();
            if !requests.is_some_and(|requests| requests.contains_key("cpu")) {
                self.note_invalid(
                    "spec.api.resources.requests.cpu",
                    "missing; the autoscaler aims at a share of it",
                );
            }
        }
    }

    pub(super) fn web(&mut self) {
        let spec = self.spec;
        let Some(web) = &spec.web else { return };
        for claim in &self.fetched.older_hosts {
            if claim.host == web.host {
                let (namespace, name) = (&claim.namespace, &claim.name);
                let message = format!(
                    "{} belongs to the older ReportApp {namespace}/{name}; choose another host",
                    claim.host
                );
                self.note(ProblemReason::HostTaken, "spec.web.host", message);
            }
        }
        if let Some(tls) = &web.tls {
            self.serving_certificate(&tls.secret_name);
        }
    }

    /// The certificate somebody else keeps fresh: right type, a chain and a key.
    fn serving_certificate(&mut self, name: &str) {
        let path = "spec.web.tls.secretName";
        let Some((data, kind)) = self.secret(name, path) else {
            return;
        };
        if kind != "kubernetes.io/tls" {
            let message = format!(
                "Secret {name} is of type {kind}; a certificate is of type kubernetes.io/tls"
            );
            return self.note_invalid(path, message);
        }
        let unusable = match (data.get("tls.crt"), data.get("tls.key")) {
            (Some(chain), Some(private)) => key::check_certificates(chain)
                .map_err(|why| format!("key tls.crt of Secret {name}: {why}"))
                .and_then(|()| {
                    key::check_private_key(private)
                        .map_err(|why| format!("key tls.key of Secret {name}: {why}"))
                })
                .err(),
            _ => Some(format!("Secret {name} needs the keys tls.crt and tls.key")),
        };
        if let Some(message) = unusable {
            self.note(ProblemReason::CertificateUnusable, path, message);
        }
    }

    /// `Some(None)` when the spec has no bot.
    pub(super) fn bot(&mut self) -> Option<Option<VersionedSecret>> {
        let spec = self.spec;
        let Some(bot) = &spec.bot else {
            return Some(None);
        };
        self.resources(bot.resources.as_ref(), "spec.bot.resources");
        if let Some(address) = &bot.api_url
            && !is_http_address(address)
        {
            self.note_invalid(
                "spec.bot.apiUrl",
                format!("{address:?} is no http or https address"),
            );
        }
        self.credential(&bot.credential, "spec.bot.credential", Opens::Telegram)
            .map(Some)
    }

    pub(super) fn schedules(&mut self) {
        let spec = self.spec;
        for credential in &spec.credentials {
            let Some(rotation) = &credential.rotation else {
                continue;
            };
            // Any instant will do: what never comes now never comes.
            for (field, why) in check::problems(rotation, Timestamp::UNIX_EPOCH) {
                let path = format!("spec.credentials[{}].rotation.{field}", credential.name);
                self.note(ProblemReason::InvalidSchedule, path, why);
            }
        }
        let backup = spec.backup.iter().map(|backup| {
            let path = "spec.backup.schedule".to_owned();
            (path, &backup.schedule, backup.time_zone.as_deref())
        });
        for (path, expression, zone) in backup {
            if let Err(why) = schedule::check(expression, zone) {
                self.note(ProblemReason::InvalidSchedule, path, why.to_string());
            }
        }
    }

    fn resources(&mut self, resources: Option<&ResourceRequirements>, path: &str) {
        let Some(resources) = resources else { return };
        let parts = [
            ("requests", &resources.requests),
            ("limits", &resources.limits),
        ];
        for (part, quantities) in parts {
            for (name, Quantity(text)) in quantities.iter().flatten() {
                if !is_quantity(text) {
                    let message =
                        format!("{text:?} is no quantity; write one such as 250m or 512Mi");
                    self.note_invalid(format!("{path}.{part}.{name}"), message);
                }
            }
        }
    }
}

/// Whether the text is an http or https address with a host.
fn is_http_address(text: &str) -> bool {
    url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether the text is a Kubernetes quantity that is not negative.
fn is_quantity(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let exponent = unit
        .strip_prefix(['e', 'E'])
        .is_some_and(|power| power.parse::<i8>().is_ok());
    number.parse::<f64>().is_ok()
        && (exponent
            || [
                "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
            ]
            .contains(&unit))
}
