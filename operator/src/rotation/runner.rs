//! Carries out what [`machine`](super::machine) decides: looks at every credential, acts on those
//! that can go on, and meets the barriers. One call is one pass; whoever calls it writes the status
//! in between and calls again while something was done.

use futures::future::join_all;
use reportapp_crds::secret_rotation::StepName;

use super::ledger::Value;
use super::machine::{self, Effect, Next, Order, Rollout, Sessions, Stage, Waiting};
use super::target::{Round, Strategy, Target};
use super::trouble::Trouble;
use super::world::{Publication, World};
use crate::backend::Login;

mod look;
mod perform;

use look::{Halt, Look, look};
use perform::{disable_now, ended, perform_one};

/// How a rotation is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// To its end.
    Forward,
    /// It may not: its deadline has passed.
    Late,
    /// It may not: it was deleted.
    Cancelled,
}

/// What one pass found and did for one credential.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The step in hand.
    pub step: StepName,
    /// What is waited for or what stands in the way.
    pub state: State,
    /// Login name before.
    pub from: Option<String>,
    /// Login name after.
    pub to: Option<String>,
    /// Sessions of the old value, if they were counted.
    pub old_sessions: Option<Sessions>,
    /// Pods with another value than the published one, if they were counted.
    pub old_pods: Option<u32>,
    /// Whether every workload was seen to run with the new value, and nothing with the old one.
    pub rolled_out: bool,
    /// Whether the old value was seen to be refused.
    pub old_refused: bool,
    /// Emergency: sessions of old values that were ended before anything else.
    pub blocked: Option<u32>,
}

/// Whether a credential goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Something was done; look again at once.
    Acted,
    /// Nothing can be done now.
    Waiting(Waiting),
    /// Something stands in the way.
    Stalled(Trouble),
    /// Ready; another credential of the same rotation is not.
    AtBarrier,
    /// It has ended.
    Ended {
        /// Whether the new value is in use and the old one dead.
        succeeded: bool,
        /// Whether the new value is in use beside the old one.
        both_valid: bool,
    },
    /// An emergency took over.
    Superseded,
}

/// One pass over all credentials of a rotation.
pub async fn pass<W: World>(
    world: &W,
    order: &Order,
    targets: &[Target],
    course: Course,
) -> Vec<Progress> {
    let mut looks = Vec::new();
    let mut done = Vec::new();
    // All at once: in an emergency one backend that does not answer keeps no other from its block.
    let all = targets
        .iter()
        .map(|target| look(world, order, target, course));
    for (target, found) in targets.iter().zip(join_all(all).await) {
        match found {
            Ok(found) => looks.push(found),
            Err(halt) => done.push((target.index, halted(halt))),
        }
    }
    // A credential that cannot be looked at, or that another rotation has to be ended for, holds the
    // others at their barriers.
    let ours = done.is_empty() && looks.iter().all(|look| look.order.id == order.id);
    let publish = ours && looks.iter().all(may_publish);
    let retire = ours && looks.iter().all(may_retire);
    let published = publish_ready(world, &looks, publish).await;
    for found in looks {
        let index = found.target.index;
        let is_ours = found.order.id == order.id;
        let late = course == Course::Late;
        let mut progress = act(world, found, &published, retire || !is_ours, late).await;
        if !is_ours && matches!(progress.state, State::Ended { .. }) {
            progress.state = State::Acted;
        }
        done.push((index, progress));
    }
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, progress)| progress).collect()
}

fn may_publish(look: &Look<'_>) -> bool {
    matches!(
        look.next,
        Next::ReadyToPublish(Round::Switched | Round::Alone)
    ) || look.stage > Stage::Publish
}

fn may_retire(look: &Look<'_>) -> bool {
    matches!(look.next, Next::ReadyToRetire) || look.stage >= Stage::Retire
}

/// Publishes everything that is ready, at once, so that each workload rolls out once.
async fn publish_ready<W: World>(
    world: &W,
    looks: &[Look<'_>],
    barrier: bool,
) -> Result<Vec<usize>, Trouble> {
    let ready = |look: &&Look<'_>| match look.next {
        Next::ReadyToPublish(Round::Announced) => true,
        // In an emergency each outage lasts until that credential is published.
        Next::ReadyToPublish(_) => barrier || look.order.emergency,
        _ => false,
    };
    let publications: Vec<_> = looks
        .iter()
        .filter(ready)
        .map(|look| Publication {
            target: look.target,
            entry: &look.read.entry,
            round: match look.next {
                Next::ReadyToPublish(round) => round,
                _ => Round::Switched,
            },
            before: look.published.as_ref(),
        })
        .collect();
    if publications.is_empty() {
        return Ok(Vec::new());
    }
    world.publish(&publications).await?;
    Ok(publications
        .iter()
        .map(|published| published.target.index)
        .collect())
}

async fn act<W: World>(
    world: &W,
    mut look: Look<'_>,
    published: &Result<Vec<usize>, Trouble>,
    retire: bool,
    late: bool,
) -> Progress {
    let next = std::mem::replace(&mut look.next, Next::Done);
    let (step, state) = match next {
        Next::Wait(waiting) => (waiting.step, State::Waiting(waiting)),
        Next::Stall(step, trouble) => (step, State::Stalled(trouble)),
        Next::Done => (StepName::Close, ended(&look.read.entry, &look.order)),
        Next::ReadyToPublish(_) => match published {
            Ok(done) if done.contains(&look.target.index) => (StepName::Publish, State::Acted),
            Ok(_) => (StepName::Publish, State::AtBarrier),
            Err(trouble) => (StepName::Publish, State::Stalled(trouble.clone())),
        },
        Next::ReadyToRetire if !retire && !look.order.emergency => {
            (StepName::Converge, State::AtBarrier)
        }
        Next::ReadyToRetire if look.target.strategy == Strategy::KeyOverlap => {
            let alone = Publication {
                target: look.target,
                entry: &look.read.entry,
                round: Round::Alone,
                before: look.published.as_ref(),
            };
            acted(StepName::Retire, world.publish(&[alone]).await)
        }
        Next::ReadyToRetire | Next::Act(Effect::Retire) => {
            match disable_now(world, &mut look, machine::retired).await {
                // The new value is in use: what is left can wait for the next rotation, a deadline not.
                (_, State::Stalled(_)) if late => {
                    perform_one(world, &mut look, Effect::Close { succeeded: false }).await
                }
                done => done,
            }
        }
        Next::Act(Effect::Withdraw) => disable_now(world, &mut look, machine::withdrawn).await,
        Next::Act(effect) => perform_one(world, &mut look, effect).await,
    };
    progress(step, state, &look)
}

fn acted(step: StepName, result: Result<(), Trouble>) -> (StepName, State) {
    match result {
        Ok(()) => (step, State::Acted),
        Err(trouble) => (step, State::Stalled(trouble)),
    }
}

fn halted(halt: Halt) -> Progress {
    Progress {
        step: halt.step,
        state: State::Stalled(halt.trouble),
        from: None,
        to: None,
        old_sessions: None,
        old_pods: None,
        rolled_out: false,
        old_refused: false,
        blocked: halt.blocked,
    }
}

fn progress(step: StepName, state: State, look: &Look<'_>) -> Progress {
    let entry = &look.read.entry;
    let name = |value: Option<&Value>| value.and_then(|v| v.username.clone());
    let (from, to) = match entry.pending.as_ref() {
        Some(pending) => (entry.current.as_ref(), Some(pending)),
        None => (entry.previous.as_ref(), entry.current.as_ref()),
    };
    Progress {
        step,
        state,
        from: name(from),
        to: name(to),
        old_sessions: look.seen.sessions.clone(),
        old_pods: look.seen.rollout.as_ref().map(|rollout| match rollout {
            Rollout::Complete => 0,
            Rollout::Moving { old_pods, .. } | Rollout::Unhealthy { old_pods, .. } => *old_pods,
        }),
        rolled_out: matches!(look.stage, Stage::Converge | Stage::Retire)
            && look.seen.rollout == Some(Rollout::Complete),
        old_refused: look.seen.previous == Some(Login::Refused)
            || (look.blocked.is_some() && look.seen.current == Some(Login::Refused)),
        blocked: look.blocked,
    }
}
