//! What a pass found as `SecretRotationStatus`. Pure; the old status is read only to keep times.

mod cost;
pub mod standing;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use reportapp_crds::SecretRotation;
use reportapp_crds::secret_rotation::{
    CredentialProgress, Mode, Phase, RotationStep, SecretRotationStatus, StepName,
};

use super::runner::{Course, Progress, State};
use super::target::Target;
use super::trouble::Reason;
use crate::one_shot::{self, Verdict};
use standing::Standing;

/// Most steps the status holds of one credential.
const MAX_STEPS: usize = 24;

/// What the operator found out, beside the credentials.
pub struct Facts<'a> {
    /// The rotation as last seen.
    pub rotation: &'a SecretRotation,
    /// Now, in whole seconds.
    pub now: Timestamp,
    /// How it goes on.
    pub course: Course,
}

/// The status after a pass over `targets`.
pub fn after_pass(
    facts: &Facts<'_>,
    targets: &[Target],
    found: &[Progress],
) -> SecretRotationStatus {
    let mut status = begun(facts);
    for (target, progress) in targets.iter().zip(found) {
        note(&mut status.credentials, target, progress, facts.now);
    }
    status.step = found.iter().map(|progress| progress.step).min();
    let mut verdict = verdict(facts, targets, found);
    if let Some(cost) = cost::sentence(&status.credentials).filter(|_| verdict.phase.is_final()) {
        verdict.message = format!("{}. {cost}", verdict.message);
    }
    conclude(facts, &mut status, verdict);
    status
}

/// The status of a rotation that cannot be worked on; the credentials stay as they were last seen.
pub fn in_trouble(facts: &Facts<'_>, reason: Reason, message: &str) -> SecretRotationStatus {
    let mut status = begun(facts);
    let over = facts.course == Course::Late || reason.is_lasting();
    let verdict = Verdict {
        phase: if over { Phase::Failed } else { Phase::Running },
        reason: reason.to_string(),
        message: message.to_owned(),
        stalled: !over,
    };
    conclude(facts, &mut status, verdict);
    status
}

/// The status of a dry run.
pub fn dry_run(facts: &Facts<'_>, plan: Vec<String>) -> SecretRotationStatus {
    let mut status = begun(facts);
    status.plan = plan;
    let message = "dry run: nothing was changed; status.plan shows what would be";
    let verdict = Verdict::plain(Phase::Succeeded, &Standing::DryRun.to_string(), message);
    conclude(facts, &mut status, verdict);
    status
}

/// The status of a rotation that nobody has approved of: it waits, with its plan, and nothing is begun.
pub fn unapproved(facts: &Facts<'_>, plan: Vec<String>) -> SecretRotationStatus {
    let mut status = begun(facts);
    status.plan = plan;
    let (phase, standing, message) = match facts.course {
        Course::Forward => (
            Phase::AwaitingApproval,
            Standing::AwaitingApproval,
            one_shot::AWAITS_APPROVAL,
        ),
        Course::Late => (
            Phase::Expired,
            Standing::DeadlineExceeded,
            "nobody approved of it before its deadline; nothing was changed",
        ),
        Course::Cancelled => (
            Phase::Expired,
            Standing::Cancelled,
            "it was deleted before anybody approved of it; nothing was changed",
        ),
    };
    let verdict = Verdict::plain(phase, &standing.to_string(), message);
    conclude(facts, &mut status, verdict);
    status
}

fn begun(facts: &Facts<'_>) -> SecretRotationStatus {
    let mut status = facts.rotation.status.clone().unwrap_or_default();
    status.observed_generation = facts.rotation.metadata.generation;
    status.started_at.get_or_insert(Time(facts.now));
    status
}

fn verdict(facts: &Facts<'_>, targets: &[Target], found: &[Progress]) -> Verdict {
    let ended =
        |progress: &Progress| matches!(progress.state, State::Ended { .. } | State::Superseded);
    if found.iter().all(ended) {
        return end(facts, targets, found);
    }
    let named = found.iter().zip(targets);
    if let Some((trouble, target)) =
        named
            .clone()
            .find_map(|(progress, target)| match &progress.state {
                State::Stalled(trouble) if !trouble.reason.is_passing() => Some((trouble, target)),
                _ => None,
            })
    {
        return Verdict {
            phase: Phase::Running,
            reason: trouble.reason.to_string(),
            message: format!("{}: {}", target.name, trouble.message),
            stalled: true,
        };
    }
    let waiting = named
        .clone()
        .find_map(|(progress, target)| match &progress.state {
            State::Waiting(waiting) => Some((waiting, target)),
            _ => None,
        });
    if let Some((waiting, target)) = waiting {
        let queued = waiting.step == StepName::Plan;
        let (phase, standing) = if queued {
            (Phase::Pending, Standing::WaitingForOther)
        } else {
            (Phase::Running, Standing::Waiting)
        };
        return Verdict::plain(
            phase,
            &standing.to_string(),
            format!("{}: {}", target.name, waiting.message),
        );
    }
    let step = found.iter().map(|progress| progress.step).min();
    let step = step.map(|step| format!("{step:?}")).unwrap_or_default();
    Verdict::plain(
        Phase::Running,
        &Standing::Working.to_string(),
        format!("at step {step}"),
    )
}

fn end(facts: &Facts<'_>, targets: &[Target], found: &[Progress]) -> Verdict {
    let succeeded = |state: &State| {
        matches!(
            state,
            State::Ended {
                succeeded: true,
                ..
            }
        )
    };
    let both_valid = |state: &State| {
        matches!(
            state,
            State::Ended {
                both_valid: true,
                ..
            }
        )
    };
    let named = |test: &dyn Fn(&State) -> bool| {
        let named = targets.iter().zip(found);
        let named = named.filter(|(_, progress)| test(&progress.state));
        let names: Vec<_> = named.map(|(target, _)| target.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let emergency = facts.rotation.spec.mode == Mode::Emergency;
    let why = || {
        let before = facts.rotation.status.as_ref();
        let message = before.and_then(|status| status.message.clone());
        message.unwrap_or_default()
    };
    let (phase, reason, message) = if let Some(names) =
        named(&succeeded).filter(|_| named(&|state| !succeeded(state)).is_none())
    {
        (
            Phase::Succeeded,
            Standing::Succeeded.to_string(),
            format!("{names}: the new value is in use, the old one is refused"),
        )
    } else if let Some(names) = named(&|state| *state == State::Superseded) {
        let message = format!("{names}: an emergency rotation took over");
        (Phase::Failed, Reason::Superseded.to_string(), message)
    } else if let Some(names) = named(&both_valid) {
        let old = if emergency {
            "the old one is blocked, but it was not waited for the pods"
        } else {
            "the old one stays valid beside it"
        };
        (
            Phase::Failed,
            stalled_for(facts.rotation)
                .map_or_else(|| Reason::OldSessionsRemain.to_string(), str::to_owned),
            format!(
                "{names}: the new value is in use and {old}; last seen: {}",
                why()
            ),
        )
    } else {
        let cancelled = facts.course == Course::Cancelled;
        let standing = if cancelled {
            Standing::Cancelled
        } else {
            Standing::DeadlineExceeded
        };
        let reason = standing.to_string();
        if emergency {
            let message = format!(
                "no new value is in use and the old ones may be blocked; create another rotation. \
                 Last seen: {}",
                why()
            );
            (Phase::Failed, reason, message)
        } else {
            let message = "what was begun is undone; the old value is in use".to_owned();
            (Phase::Expired, reason, message)
        }
    };
    Verdict::plain(phase, &reason, message)
}

/// What stood in the way when the rotation was last looked at.
fn stalled_for(rotation: &SecretRotation) -> Option<&str> {
    let status = rotation.status.as_ref()?;
    one_shot::stalled(status.phase, &status.conditions)
}

fn conclude(facts: &Facts<'_>, status: &mut SecretRotationStatus, verdict: Verdict) {
    if verdict.phase.is_final() {
        status.finished_at.get_or_insert(Time(facts.now));
        for credential in &mut status.credentials {
            finish_open_steps(credential, facts.now);
        }
    }
    status.phase = Some(verdict.phase);
    status.message = Some(verdict.message());
    let generation = facts.rotation.metadata.generation;
    status.conditions = one_shot::conditions(&verdict, &status.conditions, generation, facts.now);
}

fn note(
    credentials: &mut Vec<CredentialProgress>,
    target: &Target,
    progress: &Progress,
    now: Timestamp,
) {
    let position = credentials
        .iter()
        .position(|found| found.name == target.name);
    let credential = match position {
        Some(position) => &mut credentials[position],
        None => {
            credentials.push(CredentialProgress {
                name: target.name.clone(),
                strategy: format!("{:?}", target.strategy),
                ..CredentialProgress::default()
            });
            credentials.last_mut().expect("it was just pushed")
        }
    };
    if progress.to.is_some() {
        credential.from.clone_from(&progress.from);
        credential.to.clone_from(&progress.to);
    }
    if let Some(sessions) = &progress.old_sessions {
        credential.old_sessions = Some(number(sessions.count));
    }
    if let Some(pods) = progress.old_pods {
        credential.old_pods = Some(number(pods));
    }
    cost::note(credential, target, progress, now);
    credential.old_refused |= progress.old_refused;
    let was_blocked = progress.blocked.is_some() && progress.step != StepName::Block;
    if was_blocked && credential.steps.iter().all(|s| s.name != StepName::Block) {
        credential.steps.push(RotationStep {
            name: StepName::Block,
            started_at: Time(now),
            finished_at: Some(Time(now)),
            attempts: 1,
        });
    }
    enter(credential, progress, now);
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Opens the step in hand, or counts another try of it.
fn enter(credential: &mut CredentialProgress, progress: &Progress, now: Timestamp) {
    if let Some(step) = credential
        .steps
        .iter_mut()
        .find(|step| step.name == progress.step && step.finished_at.is_none())
    {
        // Counting every look of a long wait would only make noise.
        if progress.state == State::Acted {
            step.attempts += 1;
        }
        return;
    }
    finish_open_steps(credential, now);
    for passed in passed_through(progress) {
        let done = credential.steps.iter().any(|step| step.name == *passed);
        if !done {
            open(credential, *passed, now);
        }
    }
    finish_open_steps(credential, now);
    open(credential, progress.step, now);
}

/// Steps that were done in the same visit as the one it ended with.
fn passed_through(progress: &Progress) -> &'static [StepName] {
    match (progress.step, &progress.state) {
        (StepName::Promote, State::Acted) => &[StepName::Test],
        (StepName::Close, State::Ended { .. }) if progress.old_refused => {
            &[StepName::Converge, StepName::Retire]
        }
        _ => &[],
    }
}

fn open(credential: &mut CredentialProgress, name: StepName, now: Timestamp) {
    if credential.steps.len() < MAX_STEPS {
        credential.steps.push(RotationStep {
            name,
            started_at: Time(now),
            finished_at: None,
            attempts: 1,
        });
    }
}

fn finish_open_steps(credential: &mut CredentialProgress, now: Timestamp) {
    for step in &mut credential.steps {
        step.finished_at.get_or_insert(Time(now));
    }
}

#[cfg(test)]
mod tests;
