//! A store whose tables belong to a login of their own is migrated by a Job before pods of the API rely on
//! it. Pure: from the live Jobs and pods to the Job to apply and what waits for it.
//!
//! What is to be done has a [`mark`]: image, store and role that serves. A Job that carries it and has
//! succeeded is proof, whatever login it had, so that a rotation migrates nothing again. The API's Deployment
//! carries the mark of the migration its pods rely on: while the present one is not done it stays as it is,
//! unless it carries that mark already.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::{Resource as _, ResourceExt as _};

use super::super::model::{Migration, MigrationProgress};
use super::super::naming::{self, Component, MIGRATION_ANNOTATION, short_hash};
use super::super::status::{bounded, rollout};
use super::super::validate::ValidatedApp;
use super::resource::deployment::api_image;
use super::resource::job;

/// Most bytes of the last words of a Job.
const WORDS_BYTES: usize = 1_024;

/// What is applied now, and where the migration stands.
pub struct Plan {
    /// Deployments that wait for nothing.
    pub deployments: Vec<Deployment>,
    /// The Job, unless it has ended.
    pub jobs: Vec<Job>,
    /// Absent without a migrator.
    pub migration: Option<Migration>,
}

/// The annotation that says what is migrated by which image; nothing without a migrator.
pub fn mark(app: &ValidatedApp) -> Option<(String, String)> {
    let (store, migrator) = super::migrator(app)?;
    let text = format!(
        "{}\n{}:{}/{}\n{}",
        api_image(app),
        store.host,
        store.port,
        store.database,
        migrator.grants_to
    );
    Some((MIGRATION_ANNOTATION.to_owned(), short_hash(text.as_bytes())))
}

/// Decides what the Job is to do, and takes the API's Deployment out while it must wait.
pub fn plan(app: &ValidatedApp, built: Vec<Deployment>) -> Plan {
    let Some((_, migrator)) = super::migrator(app) else {
        return Plan {
            deployments: built,
            jobs: Vec::new(),
            migration: None,
        };
    };
    let wanted = job::build_job(app, migrator);
    let (job, progress) = stand(app, &wanted);
    let name = naming::workload(&app.name, &Component::Api);
    let live = app.live.deployments.get(&name);
    let relies = |deployment: &Deployment| {
        progress == MigrationProgress::Done
            || live.is_some_and(|live| mark_of(live.as_ref()) == mark_of(deployment))
    };
    let (awaiting, deployments): (Vec<_>, Vec<_>) = built
        .into_iter()
        .partition(|deployment| deployment.name_any() == name && !relies(deployment));
    let is_awaited = !awaiting.is_empty();
    let ended = !matches!(progress, MigrationProgress::Running(_));
    Plan {
        deployments,
        jobs: if ended { Vec::new() } else { vec![wanted] },
        migration: Some(Migration {
            job,
            progress,
            is_awaited,
            kept: live.filter(|_| is_awaited).cloned(),
        }),
    }
}

/// The Job that tells, and what it tells.
fn stand(app: &ValidatedApp, wanted: &Job) -> (String, MigrationProgress) {
    let mut jobs = app.live.jobs.iter();
    let proof = jobs.find(|job| mark_of(job.as_ref()) == mark_of(wanted) && says(job, "Complete"));
    if let Some(proof) = proof {
        return (proof.name_any(), MigrationProgress::Done);
    }
    let name = wanted.name_any();
    let live = app.live.jobs.iter().find(|job| job.name_any() == name);
    let progress = match live {
        Some(job) => progress(app, job),
        None => MigrationProgress::Running(None),
    };
    (name, progress)
}

fn progress(app: &ValidatedApp, job: &Job) -> MigrationProgress {
    // One that is on its way out is made anew when it is gone.
    if job.meta().deletion_timestamp.is_some() {
        return MigrationProgress::Running(None);
    }
    let pods: Vec<_> = app.live.pods.iter().filter(|pod| is_of(pod, job)).collect();
    let words = last_words(&pods);
    if says(job, "Failed") {
        let verdict = condition(job, "Failed").and_then(|condition| condition.message.clone());
        return MigrationProgress::Failed(words.or(verdict).unwrap_or_default());
    }
    let obstacle = pods.iter().find_map(|pod| rollout::obstacle_of_pod(pod));
    MigrationProgress::Running(obstacle.or(words))
}

fn mark_of<K: kube::Resource>(object: &K) -> Option<&String> {
    object.annotations().get(MIGRATION_ANNOTATION)
}

fn condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let mut conditions = job.status.as_ref()?.conditions.as_ref()?.iter();
    conditions.find(|condition| condition.type_ == kind)
}

fn says(job: &Job, kind: &str) -> bool {
    condition(job, kind).is_some_and(|condition| condition.status == "True")
}

fn is_of(pod: &Pod, job: &Job) -> bool {
    let mut owners = pod.owner_references().iter();
    let uid = job.uid();
    owners.any(|owner| Some(&owner.uid) == uid.as_ref())
}

/// What the try that failed last said.
fn last_words(pods: &[&Arc<Pod>]) -> Option<String> {
    let ends = pods.iter().filter_map(|pod| end(pod));
    let failed = ends.filter(|end| end.exit_code != 0);
    let last = failed.max_by_key(|end| end.finished_at.as_ref().map(|at| at.0))?;
    let said = last.message.as_deref().map(in_one_line);
    let said = said.filter(|said| !said.is_empty());
    let code = || {
        let reason = last.reason.as_deref().unwrap_or("Error");
        format!("{reason}, exit code {}", last.exit_code)
    };
    Some(bounded(&said.unwrap_or_else(code), WORDS_BYTES))
}

fn end(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let container = containers.first()?;
    container.state.as_ref()?.terminated.as_ref()
}

/// An error with its causes, as the program writes them one below the other.
fn in_one_line(said: &str) -> String {
    let error = said.rfind("Error: ").map_or(said, |start| &said[start..]);
    let error = error.strip_prefix("Error: ").unwrap_or(error);
    let lines = error.lines().map(str::trim);
    let causes = lines
        .filter(|line| !line.is_empty() && *line != "Caused by:")
        .map(|line| match line.split_once(": ") {
            Some((number, cause)) if number.bytes().all(|byte| byte.is_ascii_digit()) => cause,
            _ => line,
        });
    causes.collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
