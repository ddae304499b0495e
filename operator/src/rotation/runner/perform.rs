//! Carries out effects: changes the backend and looks whether that took, or writes the ledger.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::StepName;

use super::super::ledger::{Closed, Entry};
use super::super::machine::{self, Effect, Next, Order, Seen, Stage};
use super::super::target::{Round, Target};
use super::super::trouble::Trouble;
use super::super::world::{Publication, World};
use super::State;
use super::look::{Look, probe};
use crate::backend::Login;

/// Most superseded rotations a ledger names.
const SUPERSEDED: usize = 8;

/// Carries out one effect, and tells the state after it.
pub(super) async fn perform_one<W: World>(
    world: &W,
    look: &mut Look<'_>,
    effect: Effect,
) -> (StepName, State) {
    let step = step_of(effect);
    match perform(world, look, effect).await {
        Ok(None) if matches!(effect, Effect::Close { .. }) => {
            (step, ended(&look.read.entry, &look.order))
        }
        Ok(None) => (step, State::Acted),
        Ok(Some((step, trouble))) => (step, State::Stalled(trouble)),
        Err(trouble) => (step, State::Stalled(trouble)),
    }
}

/// Disables a value, proves it and closes: one visit, so that no crash in between is told apart
/// from none.
pub(super) async fn disable_now<W: World>(
    world: &W,
    look: &mut Look<'_>,
    follows: fn(&Seen) -> Next,
) -> (StepName, State) {
    if look.stage != Stage::Undo
        && let Some(repaired) = keep_current(world, look).await
    {
        return repaired;
    }
    loop {
        match follows(&look.seen) {
            Next::Act(effect @ (Effect::Retire | Effect::Withdraw)) => {
                if let Err(trouble) = perform(world, look, effect).await {
                    return (step_of(effect), State::Stalled(trouble));
                }
            }
            Next::Act(effect) => return perform_one(world, look, effect).await,
            Next::Stall(step, trouble) => return (step, State::Stalled(trouble)),
            _ => return (StepName::Retire, State::Acted),
        }
    }
}

/// The old value is not disabled unless the one in use was accepted a moment ago: somebody may have
/// altered it while the old one was waited for.
async fn keep_current<W: World>(world: &W, look: &mut Look<'_>) -> Option<(StepName, State)> {
    match probe(world, look.target, look.read.entry.current.as_ref()).await {
        Ok(Some(Login::Accepted)) => return None,
        Ok(_) => {}
        Err(trouble) => return Some((StepName::Retire, State::Stalled(trouble))),
    }
    if let Err(trouble) = perform(world, look, Effect::Repair).await {
        return Some((StepName::Apply, State::Stalled(trouble)));
    }
    match &look.seen.current {
        Some(Login::Accepted) => None,
        refusal => {
            let refusal = refusal.clone().unwrap_or(Login::Refused);
            let trouble = machine::lacking(look.target, &refusal);
            Some((StepName::Test, State::Stalled(trouble)))
        }
    }
}

/// Carries out one effect. Gives what stands in the way when the effect was done and its proof failed.
async fn perform<W: World>(
    world: &W,
    look: &mut Look<'_>,
    effect: Effect,
) -> Result<Option<(StepName, Trouble)>, Trouble> {
    let (target, order) = (look.target, look.order.clone());
    let order = &order;
    let mut entry = look.read.entry.clone();
    let now = world.now();
    match effect {
        Effect::Prepare => {
            let Some(pending) = &entry.pending else {
                return Ok(None);
            };
            world.prepare(target, entry.fence, pending).await?;
            look.seen.prepared = true;
            look.seen.pending = probe(world, target, Some(pending)).await?;
            return Ok(proof_failed(look, now));
        }
        Effect::Repair => {
            let Some(current) = &entry.current else {
                return Ok(None);
            };
            world.prepare(target, entry.fence, current).await?;
            look.seen.prepared = true;
            look.seen.current = probe(world, target, Some(current)).await?;
            return Ok(proof_failed(look, now));
        }
        Effect::Settle => {
            let Some(left) = &entry.previous else {
                return Ok(None);
            };
            world
                .disable(
                    target,
                    order.fence_over(&entry),
                    left,
                    entry.current.as_ref(),
                )
                .await?;
            let refused = world.login(target, left).await? == Some(Login::Refused);
            let still = || (StepName::Retire, machine::still_accepted());
            return Ok((!refused).then(still));
        }
        Effect::Retire => {
            if let Some(previous) = &entry.previous {
                let in_use = entry.current.as_ref();
                world.disable(target, entry.fence, previous, in_use).await?;
                look.seen.previous = world.login(target, previous).await?;
            }
            look.seen.retired = true;
            return Ok(None);
        }
        Effect::Withdraw => {
            if let Some(pending) = &entry.pending {
                // Where nothing else works any more, blocking all of it is what disables one value
                // under every strategy.
                if order.emergency {
                    world.block(target, entry.fence).await?;
                } else {
                    let in_use = entry.current.as_ref();
                    world.disable(target, entry.fence, pending, in_use).await?;
                }
                look.seen.pending = world.login(target, pending).await?;
            }
            look.seen.retired = true;
            return Ok(None);
        }
        Effect::Generate => begin(order, target, &mut entry, now)?,
        Effect::Promote => {
            entry.previous = entry.current.take();
            entry.current = entry.pending.take();
        }
        Effect::TakeBack => {
            take_back(order, &mut entry);
            // Some places may have been given the new value already, and nothing durable says so.
            if look.stage == Stage::Publish {
                let old = Publication {
                    target,
                    entry: &entry,
                    round: Round::Announced,
                    before: look.published.as_ref(),
                };
                world.publish(&[old]).await?;
            }
        }
        Effect::NoteQuiet => entry.quiet_since = Some(now),
        Effect::NoteBusy => entry.quiet_since = None,
        Effect::Close { succeeded } => close(order, &mut entry, succeeded, now),
    }
    world
        .write(target, &entry, look.read.version.as_ref())
        .await?;
    look.read.entry = entry;
    Ok(None)
}

/// What stands in the way although the effect was done.
fn proof_failed(look: &Look<'_>, now: Timestamp) -> Option<(StepName, Trouble)> {
    let (entry, published) = (&look.read.entry, look.published.as_ref());
    match machine::next(&look.order, look.target, entry, published, &look.seen, now) {
        Next::Stall(step, trouble) => Some((step, trouble)),
        _ => None,
    }
}

fn begin(order: &Order, target: &Target, entry: &mut Entry, now: Timestamp) -> Result<(), Trouble> {
    entry.pending = Some(target.generate(&order.id, entry, now)?);
    entry.fence = order.fence_over(entry);
    if let Some(other) = entry.rotation.replace(order.id.clone()) {
        let known = entry.superseded.len();
        entry
            .superseded
            .drain(..known.saturating_sub(SUPERSEDED - 1));
        entry.superseded.push(other);
    }
    entry.emergency = order.emergency;
    entry.quiet_since = None;
    entry.undoing = false;
    Ok(())
}

fn take_back(order: &Order, entry: &mut Entry) {
    // A value that was never current was in no process: nothing of it has to be waited for.
    entry.quiet_since = Some(Timestamp::UNIX_EPOCH);
    if entry.is_promoted(&order.id) && entry.previous.is_some() {
        entry.pending = entry.current.take();
        entry.current = entry.previous.take();
        entry.quiet_since = None;
    }
    // What another operator still has under way for this rotation is refused from here on.
    entry.fence += 1;
    entry.undoing = true;
}

fn close(order: &Order, entry: &mut Entry, succeeded: bool, now: Timestamp) {
    entry.closed = Some(Closed {
        rotation: order.id.clone(),
        at: now,
        succeeded,
    });
    entry.rotation = None;
    entry.emergency = false;
    entry.pending = None;
    entry.undoing = false;
    entry.quiet_since = None;
}

/// How a rotation that has ended stands.
pub(super) fn ended(entry: &Entry, order: &Order) -> State {
    if entry.superseded.contains(&order.id) {
        return State::Superseded;
    }
    let closed = entry
        .closed
        .as_ref()
        .filter(|closed| closed.rotation == order.id);
    let succeeded = closed.is_some_and(|closed| closed.succeeded);
    let in_use = entry
        .current
        .as_ref()
        .is_some_and(|value| value.rotation == order.id);
    State::Ended {
        succeeded,
        both_valid: !succeeded && in_use,
    }
}

fn step_of(effect: Effect) -> StepName {
    match effect {
        Effect::Generate => StepName::Generate,
        Effect::Prepare | Effect::Repair => StepName::Apply,
        Effect::Promote => StepName::Promote,
        Effect::NoteQuiet | Effect::NoteBusy => StepName::Converge,
        Effect::Settle | Effect::Retire | Effect::Withdraw => StepName::Retire,
        Effect::TakeBack | Effect::Close { .. } => StepName::Close,
    }
}
