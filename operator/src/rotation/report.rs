//! What people read of a rotation: its plan, and its transitions as events.

use reportapp_crds::{SecretRotation, SecretRotationStatus};

use super::live::Live;
use super::plan::{Backend, Planned};
use super::target::Strategy;
use super::world::World as _;
use crate::api_error::shortened;
use crate::backend::next_twin;
use crate::context::Context;
use crate::one_shot::{self, Stand, object};

/// Most bytes of a line of the plan.
const LINE_BYTES: usize = 1_000;
/// Most lines of a plan.
const LINES: usize = 128;

/// What is done, in order, without values. Rights that are missing stand in it as well.
pub async fn plan(live: &Live<'_>, emergency: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if emergency {
        lines.push(
            "emergency: every value of these credentials is blocked and its sessions are ended first; \
             requests that need them fail until the pods are replaced"
                .to_owned(),
        );
    }
    for planned in &live.planned {
        credential(live, planned, &mut lines).await;
    }
    lines.truncate(LINES);
    lines
        .iter()
        .map(|line| shortened(line, LINE_BYTES).into_owned())
        .collect()
}

async fn credential(live: &Live<'_>, planned: &Planned, lines: &mut Vec<String>) {
    let target = &planned.target;
    let name = &target.name;
    lines.push(format!("{name}: {}", why(target.strategy)));
    let in_use = match live.read(target).await {
        Ok(read) => read.entry.current.and_then(|value| value.username),
        Err(trouble) => {
            lines.push(format!("{name}: the ledger cannot be read: {trouble}"));
            None
        }
    };
    let from = in_use.or_else(|| target.role.clone());
    let to = target.role.as_ref().map(|role| match target.strategy {
        Strategy::AlternatingUsers => next_twin(role, from.as_deref()),
        _ => role.clone(),
    });
    lines.push(format!(
        "{name}: write the new value to the ledger as pending"
    ));
    let to = to.unwrap_or_default();
    let statements = match &planned.backend {
        Backend::Postgres(postgres) => postgres.plan(from.as_deref(), &to),
        Backend::Redis(redis) => redis.plan(from.as_deref(), &to),
        Backend::None => Vec::new(),
    };
    match planned.backend.preflight().await {
        Ok(notices) => lines.extend(
            notices
                .into_iter()
                .map(|notice| format!("{name}: {notice}")),
        ),
        Err(error) => lines.push(format!("{name}: missing: {error}")),
    }
    lines.extend(statements.into_iter().map(|line| format!("{name}: {line}")));
    lines.push(format!(
        "{name}: publish a new immutable Secret, replace the pods that mount it one by one, wait \
         until none with the old value is left"
    ));
    if !target.hold.is_zero() {
        lines.push(format!(
            "{name}: wait {} s beyond that before the old value is retired",
            target.hold.as_secs()
        ));
    }
}

fn why(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::AlternatingUsers => {
            "two users in turn, because every consumer takes the user name from the published value; \
             no request fails"
        }
        Strategy::TwoPasswords => {
            "two passwords on one user, because the spec says InPlace; no request fails"
        }
        Strategy::InPlace => {
            "the password of one user changes in place, because the spec says InPlace; new \
             connections fail from the change until a pod has the new value"
        }
        Strategy::KeyOverlap => {
            "two keys: the new one verifies everywhere first, then signs, then stands alone; no \
             token is refused"
        }
        Strategy::ValueOnly => "the value is generated and published; nothing else accepts it",
    }
}

/// Tells a transition.
pub async fn tell(before: &SecretRotation, after: &SecretRotationStatus, context: &Context) {
    let old = before.status.clone().unwrap_or_default();
    let Some(transition) = one_shot::transition(&stand(&old), &stand(after)) else {
        return;
    };
    let message = after.message.as_deref().unwrap_or_default();
    object::tell(before, &before.spec.app, transition, message, context).await;
}

fn stand(status: &SecretRotationStatus) -> Stand<'_> {
    Stand {
        phase: status.phase,
        conditions: &status.conditions,
        step: status.step.map(|step| (format!("{step:?}"), String::new())),
    }
}
