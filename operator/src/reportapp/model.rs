//! The types that flow through the `ReportApp` pipeline: what `fetch` saw, what `validate` accepted
//! or refused, what `build` prepared and `apply` wrote. No step here holds a client.
//!
//! `FetchedReportApp` → `ValidatedApp | Problems` → `Resources<Prepared>` → `Resources<Applied>` →
//! `ReportAppStatus`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use reportapp_config::ServiceStatus;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::credential::WorkloadKind;
use reportapp_crds::report_app::{Credential, CredentialStatus};

use super::naming::Component;
use super::published::PublishedCredential;
use crate::rotation::trouble::{Reason, Trouble};

/// Everything one reconcile needs to know, read before anything is decided.
#[derive(Clone, Debug)]
pub struct FetchedReportApp {
    /// The object itself.
    pub app: Arc<ReportApp>,
    /// Every Secret the spec names, by name (see [`super::validate::named_secrets`]), and every value
    /// in Vault that is needed now (see [`super::fetch::vault`]).
    pub secrets: BTreeMap<String, SecretLookup>,
    /// What pods have of credentials whose first value Vault does not give now: files by credential.
    pub kept: BTreeMap<String, BTreeMap<String, SecretBytes>>,
    /// What of others the spec names under `publish` and `restart`; without what the API server does not
    /// give now.
    pub consumers: BTreeMap<Consumer, ConsumerLookup>,
    /// The `ConfigMap` of `spec.reports`; of a spec that names one.
    pub report_files: Option<ConsumerLookup>,
    /// `ReportApps` that were created earlier (ties: smaller uid) and claim the same host.
    pub older_hosts: Vec<HostClaim>,
    /// Generated material of this application.
    pub ledger: Ledger,
    /// Credentials that were rotated, as pods see them, by name.
    pub published: BTreeMap<String, PublishedCredential>,
    /// Certificate of the API, signed by the authority in the ledger: the live one while it is
    /// good for [`super::naming::certificate_names`], else a fresh one.
    pub certificate: ServingCertificate,
    /// What the operator knows about itself.
    pub operator: OperatorFacts,
    /// Live objects that belong to the application.
    pub live: Live,
    /// What the pods say about their dependencies.
    pub reports: Vec<PodReport>,
}

/// What a look-up of one named Secret gave, or of one value in Vault.
#[derive(Clone, Debug)]
pub enum SecretLookup {
    /// It exists and lends itself to this `ReportApp`.
    Found {
        /// Values by key.
        data: BTreeMap<String, SecretBytes>,
        /// Type, such as `Opaque` or `kubernetes.io/tls`.
        kind: String,
    },
    /// There is no such Secret.
    Missing,
    /// It lacks the annotation `reportapp.dev/allow` with the name of this `ReportApp`.
    NotAllowed {
        /// Present value of the annotation, so that the remedy keeps the other names.
        annotation: Option<String>,
    },
    /// The operator may not read it; the text is the API server's answer.
    Forbidden(String),
    /// Vault or the API server does not give it now.
    Unread(Trouble),
}

impl SecretLookup {
    /// Whether it is the store that does not give the value, and not the value that is wrong.
    pub fn is_withheld(&self) -> bool {
        let Self::Unread(trouble) = self else {
            return false;
        };
        trouble.reason != Reason::LedgerUnusable
    }
}

/// A Secret or workload of somebody else that a credential is handed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    /// Its kind.
    pub kind: ConsumerKind,
    /// Its name, in the namespace of the `ReportApp`.
    pub name: String,
}

/// Kinds of objects a credential is handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConsumerKind {
    /// Named under `publish`.
    Secret,
    /// Named under `restart`.
    Workload(WorkloadKind),
}

impl Consumer {
    /// The Secrets a credential is published to, with their position under `publish`.
    pub fn places(credential: &Credential) -> impl Iterator<Item = (usize, Self)> {
        let places = credential.publish.iter().enumerate();
        places.filter_map(|(index, place)| {
            let (kind, name) = (ConsumerKind::Secret, place.kubernetes_secret.clone()?);
            Some((index, Self { kind, name }))
        })
    }

    /// The workloads that restart with a credential, with their position under `restart`.
    pub fn workloads(credential: &Credential) -> impl Iterator<Item = (usize, Self)> {
        let workloads = credential.restart.iter().enumerate();
        workloads.map(|(index, workload)| {
            let kind = ConsumerKind::Workload(workload.kind);
            let name = workload.name.clone();
            (index, Self { kind, name })
        })
    }
}

impl ConsumerKind {
    /// As `kubectl` has it.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Workload(WorkloadKind::Deployment) => "deployment",
            Self::Workload(WorkloadKind::StatefulSet) => "statefulset",
            Self::Workload(WorkloadKind::DaemonSet) => "daemonset",
        }
    }
}

impl fmt::Display for ConsumerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => formatter.write_str("Secret"),
            Self::Workload(kind) => fmt::Debug::fmt(kind, formatter),
        }
    }
}

/// What a look-up of a [`Consumer`] gave, or of another object somebody lends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerLookup {
    /// It lends itself to this `ReportApp`.
    Lent,
    /// It does not.
    NotLent {
        /// Present value of the annotation, so that the remedy keeps the other names.
        annotation: Option<String>,
    },
    /// There is none.
    Missing,
    /// The operator may not read it; the text says which right is missing.
    Forbidden(String),
}

/// A value whose `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Wraps a value.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into())
    }

    /// The value itself; for the objects that carry it and for checks of its form.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A host name another, older `ReportApp` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostClaim {
    /// The host.
    pub host: String,
    /// Namespace of the `ReportApp` that holds it.
    pub namespace: String,
    /// Name of the `ReportApp` that holds it.
    pub name: String,
}

/// Generated material, kept in the Secret [`super::naming::ledger_secret`]. It is created once and
/// never overwritten or garbage-collected.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Key of the HMAC that gives versioned Secrets their suffix (32 random bytes).
    pub name_key: SecretBytes,
    /// Bearer token of the internal API (URL-safe text).
    pub internal_token: SecretBytes,
    /// Ed25519 key (PKCS#8 PEM) that signs access tokens unless the spec names a credential.
    pub signing_key: SecretBytes,
    /// Certificate of the application's own authority (PEM). Public.
    pub authority_certificate: String,
    /// Key of that authority (PKCS#8 PEM); used by `fetch` alone, in no built object.
    pub authority_key: SecretBytes,
}

/// A certificate chain and its key.
#[derive(Clone, Debug)]
pub struct ServingCertificate {
    /// Chain, leaf first (PEM). Public.
    pub chain: String,
    /// PKCS#8 key (PEM).
    pub key: SecretBytes,
}

/// What the operator knows about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorFacts {
    /// Namespace the operator runs in; its pods read the health ports of the application.
    pub namespace: String,
    /// Settings of the operator that appear in pod templates.
    pub templates: TemplateOptions,
}

/// Settings of the operator that appear in pod templates. Changing one is an upgrade: see
/// `spec.upgrades`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateOptions {
    /// Seconds between two readiness probes of a container.
    pub probe_period_seconds: i32,
}

impl Default for TemplateOptions {
    fn default() -> Self {
        Self {
            probe_period_seconds: 5,
        }
    }
}

/// Live objects with the label `reportapp.dev/app` of this application, from the watch caches.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Deployments by name.
    pub deployments: BTreeMap<String, Arc<Deployment>>,
    /// `ReplicaSets`, all of them.
    pub replica_sets: Vec<Arc<ReplicaSet>>,
    /// Pods.
    pub pods: Vec<Arc<Pod>>,
    /// Jobs.
    pub jobs: Vec<Arc<Job>>,
}

/// The answer of one pod's `/status`.
#[derive(Clone, Debug)]
pub struct PodReport {
    /// Component of the pod, from its label `app.kubernetes.io/component`.
    pub component: Component,
    /// Name of the pod.
    pub pod: String,
    /// The report, or why there is none.
    pub result: Result<ServiceStatus, String>,
}

/// One thing wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kind of problem; a condition reason when it is the only kind.
    pub reason: ProblemReason,
    /// Path of the field, such as `spec.servers[main].credential`.
    pub path: String,
    /// What is wrong and what to do about it, as one sentence or two. Never a secret value.
    pub message: String,
}

/// Kinds of problems. These strings become condition reasons, so they are part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemReason {
    /// The field is part of the schema but its behaviour does not exist yet.
    NotImplemented,
    /// A field has a value that cannot work.
    InvalidValue,
    /// A name that must be unique is used twice.
    DuplicateName,
    /// No entry of `spec.credentials` has this name.
    UnknownCredential,
    /// The credential opens something else than what it is used for.
    CredentialMismatch,
    /// A private key is in a form the application cannot use.
    UnusableKey,
    /// A cron expression or time zone is wrong.
    InvalidSchedule,
    /// An older `ReportApp` holds the host.
    HostTaken,
    /// The `known_hosts` lines do not name a host key of the bastion.
    KnownHostsInvalid,
    /// The image reference is not one.
    ImageInvalid,
    /// A certificate in a Secret is not one.
    CertificateUnusable,
    /// A Secret does not exist.
    SecretMissing,
    /// A Secret does not lend itself to this `ReportApp`.
    SecretNotAllowed,
    /// A `ConfigMap` does not exist.
    ConfigMapMissing,
    /// A `ConfigMap` does not lend itself to this `ReportApp`.
    ConfigMapNotAllowed,
    /// A workload to restart does not exist.
    WorkloadMissing,
    /// A workload to restart does not lend itself to this `ReportApp`.
    WorkloadNotAllowed,
    /// A Secret lacks a key.
    SecretKeyMissing,
    /// The API server does not give a Secret now; nothing is known of what it holds.
    SecretUnreadable,
    /// The secret store does not answer or is sealed, and nothing was read from it before.
    StoreUnavailable,
    /// The secret store refuses the login or the right, and nothing was read from it before.
    StoreDenied,
    /// The secret store has no such value.
    StoreValueMissing,
    /// The operator may not read a Secret.
    Forbidden,
}

/// Every problem of a spec; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// State of [`Resources`] that are built and not written.
#[derive(Clone, Copy, Debug)]
pub enum Prepared {}

/// State of [`Resources`] that the API server holds; the objects are its answers, or the live
/// objects where nothing had to be written.
#[derive(Clone, Copy, Debug)]
pub enum Applied {}

/// Every object of an application, in the order in which they are applied.
///
/// Not among them, because they outlive a spec: the ledger and the first administrator's Secret
/// ([`super::naming::ledger_secret`], [`super::naming::first_administrator_secret`]), which `fetch` creates.
#[derive(Clone, Debug)]
pub struct Resources<State> {
    /// One per component.
    pub service_accounts: Vec<ServiceAccount>,
    /// Immutable configuration of each component, and the mutable authority certificate.
    pub config_maps: Vec<ConfigMap>,
    /// Immutable versions of credentials, and the mutable certificate of the API.
    pub secrets: Vec<Secret>,
    /// Volume of a SQLite store; carries no owner, so that it survives the application.
    pub volume_claims: Vec<PersistentVolumeClaim>,
    /// Default deny and one per component.
    pub network_policies: Vec<NetworkPolicy>,
    /// Services of API and tunnels.
    pub services: Vec<Service>,
    /// The Job that migrates the store, unless it has.
    pub jobs: Vec<Job>,
    /// Deployments to apply.
    pub deployments: Vec<Deployment>,
    /// Scales the API; then the API's Deployment has no `replicas`.
    pub autoscaler: Option<HorizontalPodAutoscaler>,
    /// One per component with more than one pod.
    pub disruption_budgets: Vec<PodDisruptionBudget>,
    /// Way in from outside the cluster.
    pub ingress: Option<Ingress>,
    /// Live Deployments that stay as they are until the next change of the spec, because only this
    /// operator would build them differently. They are neither applied nor garbage-collected.
    pub postponed: Vec<Arc<Deployment>>,
    /// Where the migration of the store stands; of a spec with a migrator.
    pub migration: Option<Migration>,
    /// First values the secret store does not give now, so that pods keep what they have: a
    /// sentence each.
    pub unread: Vec<String>,
    /// What of others no rotation could use; pods need none of it.
    pub refused: Vec<Problem>,
    /// Credentials of the spec, and the Secret each one's value is in where pods use it.
    pub credentials: Vec<CredentialStatus>,
    /// [`Prepared`] or [`Applied`].
    pub state: PhantomData<State>,
}

/// Where the migration of the store to the present image stands.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The Job that tells; it is not garbage-collected.
    pub job: String,
    /// How far it is.
    pub progress: MigrationProgress,
    /// Whether pods of the API wait for it. Their Deployment is not applied meanwhile.
    pub is_awaited: bool,
    /// The API's Deployment as it is while its next pods wait; absent when it never had any.
    pub kept: Option<Arc<Deployment>>,
}

/// How far a migration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationProgress {
    /// The Job has not ended; what was in the way last, if anything.
    Running(Option<String>),
    /// The Job gave up; its last words.
    Failed(String),
    /// The store is up to date.
    Done,
}

/// How far a reconcile came; the input of `status` beside the live objects.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// `spec.suspend`: nothing was changed.
    Suspended,
    /// The spec cannot be carried out: nothing was changed.
    Invalid(Problems),
    /// The API server refused a right the operator needs.
    Forbidden {
        /// Verb, such as `patch`.
        verb: String,
        /// Resource, such as `deployments.apps`.
        resource: String,
    },
    /// The API server does not give a named Secret now: nothing was changed, and it is tried again; a
    /// sentence without secrets for each.
    Unread(String),
    /// Something else went wrong and is tried again; a sentence without secrets.
    Failed(String),
    /// Everything is as the spec wants it, as far as the API server is concerned.
    Applied(Box<Resources<Applied>>),
}
