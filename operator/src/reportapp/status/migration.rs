//! Whether the store is up to date for the present image, as far as the Job says that migrates it.

use kube::ResourceExt as _;
use reportapp_crds::ReportApp;

use super::super::model::{Migration, MigrationProgress, Outcome};
use super::conditions::{Verdict, no, yes};
use super::{Finding, StatusInput};

/// Reason while the Job has not ended.
pub const RUNNING: &str = "MigrationRunning";
/// Reason when it gave up.
const FAILED: &str = "MigrationFailed";

/// Where the migration stands, if this reconcile came so far as to see.
pub(super) fn seen<'a>(input: &StatusInput<'a>) -> Option<&'a Migration> {
    match input.outcome {
        Outcome::Applied(resources) => resources.migration.as_ref(),
        _ => None,
    }
}

/// Why pods of the present spec do not start yet.
pub(super) fn awaited(input: &StatusInput<'_>) -> Option<Finding> {
    let migration = seen(input).filter(|migration| migration.is_awaited)?;
    unfinished(input.app, migration)
}

/// The condition `Migrated`.
pub(super) fn migrated(app: &ReportApp, migration: &Migration) -> Verdict {
    match unfinished(app, migration) {
        Some(finding) => no(finding),
        None => {
            let job = &migration.job;
            yes(
                "MigrationDone",
                format!("Job {job} brought the store up to date"),
            )
        }
    }
}

/// Why the store is not up to date yet.
fn unfinished(app: &ReportApp, migration: &Migration) -> Option<Finding> {
    let job = &migration.job;
    let waiting = match migration.is_awaited {
        true => "; pods of the API wait for it",
        false => "",
    };
    let namespace = app.namespace().unwrap_or_default();
    Some(match &migration.progress {
        MigrationProgress::Done => return None,
        MigrationProgress::Running(None) => {
            let message = format!("Job {job} migrates the store{waiting}");
            Finding::new(RUNNING, message)
        }
        MigrationProgress::Running(Some(obstacle)) => {
            let message = format!("Job {job} migrates the store{waiting}: {obstacle}");
            Finding::new(RUNNING, message)
        }
        MigrationProgress::Failed(why) => Finding::new(
            FAILED,
            format!(
                "Job {job} did not migrate the store{waiting}: {why}. It is tried again when the login, the \
                 image or spec.store changes, and after: kubectl -n {namespace} delete job {job}"
            ),
        ),
    })
}

/// What goes on by itself.
pub(super) fn running(input: &StatusInput<'_>) -> Option<Finding> {
    let finding = unfinished(input.app, seen(input)?)?;
    (finding.reason == RUNNING).then_some(finding)
}

/// What goes on only after somebody changed something.
pub(super) fn failed(input: &StatusInput<'_>) -> Option<Finding> {
    let finding = unfinished(input.app, seen(input)?)?;
    (finding.reason == FAILED).then_some(finding)
}
