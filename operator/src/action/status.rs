//! What a pass found as `IncidentActionStatus`. Pure; the old status is read only to keep what a pass
//! does not tell anew: times, the plan, the last figures.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::{IncidentAction, IncidentActionStatus};

use super::runner::{Found, State};
use super::trouble::Trouble;
use crate::api_error::shortened;
use crate::one_shot::{self, Stand, Verdict};

/// Most characters of a line of the plan.
const LINE: usize = 1_000;
/// Most lines of a plan.
const LINES: usize = 128;

/// What the operator knows beside what it found.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The action as last seen.
    pub action: &'a IncidentAction,
    /// Now, in whole seconds.
    pub now: Timestamp,
    /// Whether its deadline has passed.
    pub late: bool,
}

/// The status after a pass.
pub fn after_pass(facts: &Facts<'_>, found: Found) -> IncidentActionStatus {
    let mut status = seen(facts);
    if let Some(plan) = found.plan {
        let lines = plan.iter().take(LINES);
        status.plan = lines
            .map(|line| shortened(line, LINE).into_owned())
            .collect();
    }
    if !found.workloads.is_empty() {
        status.workloads = found.workloads;
    }
    if found.rotation.is_some() {
        status.rotation = found.rotation;
    }
    if let Some(mut revocation) = found.revocation {
        // Counted once, before it happened.
        let seen = status.revocation.as_ref();
        let before = seen.and_then(|seen| seen.sessions_before);
        revocation.sessions_before = before.or(revocation.sessions_before);
        status.revocation = Some(revocation);
    }
    if found.caches.is_some() {
        status.caches = found.caches;
    }
    if found.reverts_at.is_some() {
        status.reverts_at = found.reverts_at.map(Time);
    }
    if !found.figures.is_empty() {
        status.verification = found.figures;
    }
    let verdict = match found.state {
        State::Acted(message) => Verdict::plain(Phase::Running, "Working", message),
        State::Queued(message) if facts.late => {
            Verdict::plain(Phase::Expired, "DeadlineExceeded", message)
        }
        State::Queued(message) => Verdict::plain(Phase::Pending, "WaitingForOther", message),
        State::Stalled(trouble) => return in_trouble_with(facts, status, &trouble),
        State::Stands(verdict) => verdict,
    };
    conclude(facts, status, &verdict)
}

/// The status of an action that cannot be worked on; the rest stays as it was last seen.
pub fn in_trouble(facts: &Facts<'_>, trouble: &Trouble) -> IncidentActionStatus {
    in_trouble_with(facts, seen(facts), trouble)
}

fn in_trouble_with(
    facts: &Facts<'_>,
    mut status: IncidentActionStatus,
    trouble: &Trouble,
) -> IncidentActionStatus {
    let passing = trouble.reason.is_passing();
    let lasting = trouble.reason.is_lasting();
    let over = facts.late || lasting;
    if facts.late && !passing && !lasting && status.reverts_at.is_none() {
        status.reverts_at = unseen_change(facts);
    }
    let verdict = Verdict {
        phase: match over && !passing {
            true => Phase::Failed,
            false => Phase::Running,
        },
        reason: trouble.reason.to_string(),
        message: trouble.message.clone(),
        stalled: !over && !passing,
    };
    conclude(facts, status, &verdict)
}

/// When to look for something to put back of one that ends while nobody answers: an earlier pass may have
/// changed something and not heard of it. Where nothing was changed, that look finds it out.
fn unseen_change(facts: &Facts<'_>) -> Option<Time> {
    let owners = facts.action.metadata.owner_references.as_ref();
    let begun = owners.is_some_and(|owners| !owners.is_empty());
    let after = SignedDuration::try_from(facts.action.spec.duration?.as_duration()).ok()?;
    let due = facts.now.checked_add(after).ok()?;
    (begun && !facts.action.spec.dry_run).then_some(Time(due))
}

pub(super) fn seen(facts: &Facts<'_>) -> IncidentActionStatus {
    let mut status = facts.action.status.clone().unwrap_or_default();
    status.observed_generation = facts.action.metadata.generation;
    let chosen = facts.action.spec.action.chosen();
    status.action_type = chosen.map(|chosen| chosen.action_type());
    status.started_at.get_or_insert(Time(facts.now));
    status
}

pub(super) fn conclude(
    facts: &Facts<'_>,
    mut status: IncidentActionStatus,
    verdict: &Verdict,
) -> IncidentActionStatus {
    if verdict.phase.is_final() {
        status.finished_at.get_or_insert(Time(facts.now));
    }
    status.phase = Some(verdict.phase);
    status.message = Some(verdict.message());
    let generation = facts.action.metadata.generation;
    status.conditions = one_shot::conditions(verdict, &status.conditions, generation, facts.now);
    status
}

/// What a status says, as far as events go.
pub fn stand(status: &IncidentActionStatus) -> Stand<'_> {
    let rotation = status.rotation.as_ref().and_then(|rotation| rotation.step);
    let rotating = rotation.map(|step| (format!("{step:?}"), String::new()));
    let restarting = status.workloads.iter().find(|found| !found.done);
    let restarting = restarting
        .filter(|found| found.old_pods.is_some())
        .map(|found| {
            (
                "Restarting".to_owned(),
                format!("{:?} {}", found.kind, found.name),
            )
        });
    let awaits = status.phase == Some(Phase::AwaitingApproval);
    let awaiting = awaits.then(|| (format!("{:?}", Phase::AwaitingApproval), String::new()));
    Stand {
        phase: status.phase,
        conditions: &status.conditions,
        step: awaiting.or(rotating).or(restarting),
    }
}

#[cfg(test)]
mod tests;
