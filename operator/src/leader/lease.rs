//! Reading and writing the Lease. The only part of leader election that talks to the API server.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt as _};
use tokio::sync::Mutex;

use super::election::Record;
use crate::api_error::ApiError;

/// The Lease could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// It changed between read and write.
    #[error("the Lease was changed by another process")]
    Conflict,
    /// The API server did not answer or refused.
    #[error(transparent)]
    Call(Box<dyn std::error::Error + Send + Sync>),
}

/// The Lease of one election.
pub trait Leases {
    /// What it says; `None` when it does not exist.
    fn get(&self) -> impl Future<Output = Result<Option<Record>, LeaseError>> + Send;
    /// Creates it; its new version.
    fn create(&self, record: &Record) -> impl Future<Output = Result<String, LeaseError>> + Send;
    /// Replaces the version that `record` was made from; the new version.
    fn update(&self, record: &Record) -> impl Future<Output = Result<String, LeaseError>> + Send;
}

/// A Lease of the Kubernetes API.
pub struct KubeLease {
    api: Api<Lease>,
    name: String,
    acquired: Mutex<Option<MicroTime>>,
}

impl KubeLease {
    /// The Lease `name` in `namespace`.
    pub fn new(client: Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            acquired: Mutex::default(),
        }
    }

    async fn object(&self, record: &Record) -> Lease {
        let now = MicroTime(Timestamp::now());
        let mut acquired = self.acquired.lock().await;
        if record.new_term {
            *acquired = Some(now.clone());
        }
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                resource_version: Some(record.version.clone()).filter(|text| !text.is_empty()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                acquire_time: acquired.clone(),
                holder_identity: Some(record.holder.clone()),
                lease_duration_seconds: Some(
                    i32::try_from(record.duration.as_secs()).unwrap_or(i32::MAX),
                ),
                lease_transitions: Some(record.transitions),
                renew_time: Some(now),
                ..LeaseSpec::default()
            }),
        }
    }
}

impl KubeLease {
    fn failed(&self, verb: &'static str, error: &kube::Error) -> LeaseError {
        match ApiError::new::<Lease>(verb, &self.name, error) {
            ApiError::Conflict { .. } => LeaseError::Conflict,
            other => LeaseError::Call(Box::new(other)),
        }
    }
}

impl Leases for KubeLease {
    async fn get(&self) -> Result<Option<Record>, LeaseError> {
        let found = self
            .api
            .get_opt(&self.name)
            .await
            .map_err(|error| self.failed("get", &error))?;
        Ok(found.map(|lease| {
            let version = lease.resource_version().unwrap_or_default();
            let spec = lease.spec.unwrap_or_default();
            let seconds = spec.lease_duration_seconds.unwrap_or(0);
            Record {
                holder: spec.holder_identity.unwrap_or_default(),
                duration: Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
                transitions: spec.lease_transitions.unwrap_or(0),
                new_term: false,
                version,
            }
        }))
    }

    async fn create(&self, record: &Record) -> Result<String, LeaseError> {
        let object = self.object(record).await;
        let written = self.api.create(&PostParams::default(), &object).await;
        Ok(written
            .map_err(|error| self.failed("create", &error))?
            .resource_version()
            .unwrap_or_default())
    }

    async fn update(&self, record: &Record) -> Result<String, LeaseError> {
        let object = self.object(record).await;
        let written = self
            .api
            .replace(&self.name, &PostParams::default(), &object)
            .await;
        Ok(written
            .map_err(|error| self.failed("update", &error))?
            .resource_version()
            .unwrap_or_default())
    }
}
