//! The Job that migrates the store. Its name follows from everything in it, so that another login, image or
//! address is another Job, and the same spec never a second one.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};

use super::deployment::{parts, with_files};
use crate::reportapp::build::pod::build_task;
use crate::reportapp::build::{metadata, migration, upgrade};
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::{ValidatedApp, ValidatedMigrator};

/// Tries after the first one. More would not make a login that is refused better.
const MORE_TRIES: i32 = 2;

/// The Job of this image, store and login. It stays when it has ended: it is what tells.
pub fn build_job(app: &ValidatedApp, migrator: &ValidatedMigrator) -> Job {
    let component = Component::Migrator;
    let parts = with_files(app, &component, parts(app, &component));
    let arguments = arguments(migrator);
    let spec = JobSpec {
        backoff_limit: Some(MORE_TRIES),
        active_deadline_seconds: i64::try_from(migrator.deadline.as_secs()).ok(),
        pod_failure_policy: Some(evictions_do_not_count()),
        template: build_task(app, &component, parts, arguments),
        ..JobSpec::default()
    };
    let name = naming::migration_job(&app.name, &upgrade::hash(&spec));
    let mut metadata = metadata(app, name, Some(&component));
    metadata.annotations = Some(migration::mark(app).into_iter().collect());
    Job {
        metadata,
        spec: Some(spec),
        status: None,
    }
}

/// A node that is drained takes none of the tries away.
fn evictions_do_not_count() -> PodFailurePolicy {
    let disrupted = PodFailurePolicyOnPodConditionsPattern {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
    };
    PodFailurePolicy {
        rules: vec![PodFailurePolicyRule {
            action: "Ignore".to_owned(),
            on_exit_codes: None,
            on_pod_conditions: Some(vec![disrupted]),
        }],
    }
}

/// A store that is away is waited for, yet not for so long that nobody could be told.
fn arguments(migrator: &ValidatedMigrator) -> Vec<String> {
    let patience = migrator.deadline.as_secs() / 2;
    [
        "migrate",
        "--grant-to",
        &migrator.grants_to,
        "--wait",
        &patience.to_string(),
    ]
    .map(str::to_owned)
    .into()
}
