//! Looks at one credential: what is durable, then of backend and pods only what its stage needs, and
//! what follows from both. Changes nothing, but that an emergency blocks here, before all else.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::StepName;

use super::super::ledger::{Entry, SecretText, Value};
use super::super::machine::{self, Effect, Ending, Next, Order, Published, Rollout, Seen, Stage};
use super::super::target::{Strategy, Target};
use super::super::trouble::{Reason, Trouble};
use super::super::world::{Read, World};
use super::Course;
use crate::backend::Login;

/// One credential in one pass.
pub(super) struct Look<'a> {
    /// The rotation it is looked at for: usually the one of the pass.
    pub(super) order: Order,
    pub(super) target: &'a Target,
    pub(super) read: Read,
    pub(super) published: Option<Published>,
    pub(super) stage: Stage,
    pub(super) seen: Seen,
    pub(super) blocked: Option<u32>,
    pub(super) next: Next,
}

/// Why a credential could not be looked at.
pub(super) struct Halt {
    pub(super) step: StepName,
    pub(super) trouble: Trouble,
    /// Emergency: sessions that were ended all the same.
    pub(super) blocked: Option<u32>,
}

impl From<(StepName, Trouble)> for Halt {
    fn from((step, trouble): (StepName, Trouble)) -> Self {
        Self {
            step,
            trouble,
            blocked: None,
        }
    }
}

/// Reads what is durable, and of the rest only what the stage needs.
pub(super) async fn look<'a, W: World>(
    world: &W,
    order: &Order,
    target: &'a Target,
    course: Course,
) -> Result<Look<'a>, Halt> {
    let at_plan = |trouble| (StepName::Plan, trouble);
    let published = world.published(target).await.map_err(at_plan)?;
    let read = match world.read(target).await {
        Ok(read) => read,
        Err(trouble) => {
            // What consumers have been given since is not to be blocked again.
            let given = published.as_ref().is_some_and(|p| p.rotation == order.id);
            return Err(match order.emergency && !given {
                true => blocked_without_ledger(world, order, target, trouble).await,
                false => (StepName::Plan, trouble).into(),
            });
        }
    };
    let open = open_rotation(world, order, &read.entry, course)
        .await
        .map_err(at_plan)?;
    let (order, course, other) = match open {
        Open::Ours => (order.clone(), course, None),
        Open::Other(name) => (order.clone(), course, Some(name)),
        Open::Abandoned(open) => (open, Course::Late, None),
    };
    let mut look = Look {
        order,
        target,
        read,
        published,
        stage: Stage::Generate,
        seen: Seen {
            other,
            ..Seen::default()
        },
        blocked: None,
        next: Next::Done,
    };
    assess(world, &mut look, course).await?;
    Ok(look)
}

/// The rotation that is open in the ledger.
enum Open {
    /// None but, perhaps, this one.
    Ours,
    /// Another one, by its name.
    Other(String),
    /// Another one, and nobody carries it out any more: its object is gone, or was given up while its
    /// ReportApp was missing. It is ended in its place, or the credential would never rotate again.
    Abandoned(Order),
}

async fn open_rotation<W: World>(
    world: &W,
    order: &Order,
    entry: &Entry,
    course: Course,
) -> Result<Open, Trouble> {
    let Some(open) = entry.rotation.as_ref().filter(|open| **open != order.id) else {
        return Ok(Open::Ours);
    };
    // An emergency takes over whatever is open.
    if order.emergency || course != Course::Forward {
        return Ok(Open::Ours);
    }
    Ok(match world.carried_out(open).await? {
        Some(name) => Open::Other(name),
        None => Open::Abandoned(Order {
            id: open.clone(),
            fence: entry.fence,
            emergency: entry.emergency,
            repairs: true,
        }),
    })
}

async fn assess<W: World>(
    world: &W,
    look: &mut Look<'_>,
    course: Course,
) -> Result<(), (StepName, Trouble)> {
    let at_plan = |trouble| (StepName::Plan, trouble);
    let target = look.target;
    let foreign = target.is_foreign(&look.read.entry);
    let ours = look.read.entry.rotation.as_ref() == Some(&look.order.id);
    if foreign && ours && course == Course::Forward {
        return Err((StepName::Plan, role_changed(target)));
    }
    let entry = &mut look.read.entry;
    if foreign && (entry.rotation.is_none() || (look.order.emergency && !ours)) {
        *entry = begun_anew(std::mem::take(entry));
    }
    if entry.current.is_none() {
        entry.current = Some(world.adopted(target).await.map_err(at_plan)?);
    }
    look.stage = machine::stage(&look.order, entry, look.published.as_ref());
    if foreign && ours {
        // Nobody may touch the other role for this credential any more; the next rotation starts
        // from the value the spec names.
        look.next = Next::Act(Effect::Close { succeeded: false });
        return Ok(());
    }
    see(world, look).await?;
    look.next = decide(look, world.now(), course);
    Ok(())
}

fn decide(look: &Look<'_>, now: Timestamp, course: Course) -> Next {
    let order = &look.order;
    let published = look.published.as_ref();
    let entry = &look.read.entry;
    let next = machine::next(order, look.target, entry, published, &look.seen, now);
    if course == Course::Forward {
        return next;
    }
    let cancelled = course == Course::Cancelled;
    match machine::ending(order, look.stage, &look.seen, &next, cancelled) {
        Ending::Forget => Next::Done,
        Ending::TakeBack => Next::Act(Effect::TakeBack),
        Ending::StopHere => Next::Act(Effect::Close { succeeded: false }),
        Ending::GoOn => next,
    }
}

/// What the spec named before is another role's ledger; only the fence and the history stay.
fn begun_anew(entry: Entry) -> Entry {
    Entry {
        fence: entry.fence,
        rotation: entry.rotation,
        closed: entry.closed,
        superseded: entry.superseded,
        ..Entry::default()
    }
}

fn role_changed(target: &Target) -> Trouble {
    Trouble::new(
        Reason::AppNotReady,
        format!(
            "the spec names another role for credential {} than when this rotation began; name the \
             former one again, or delete the rotation and create another",
            target.name
        ),
    )
}

/// Asks backend and pods.
async fn see<W: World>(world: &W, look: &mut Look<'_>) -> Result<(), (StepName, Trouble)> {
    let order = &look.order;
    let at = |step| move |trouble| (step, trouble);
    let (target, entry, seen) = (look.target, &look.read.entry, &mut look.seen);
    let (pending, current) = (entry.pending.as_ref(), entry.current.as_ref());
    match look.stage {
        Stage::Generate if order.emergency => {
            let ended = world.block(target, order.fence_over(entry)).await;
            look.blocked = Some(ended.map_err(at(StepName::Block))?);
            seen.current = login(world, target, current)
                .await
                .map_err(at(StepName::Plan))?;
        }
        Stage::Generate if entry.rotation.is_none() => {
            let before = see_before(world, order, target, entry, seen).await;
            before.map_err(at(StepName::Plan))?;
        }
        Stage::Introduce => {
            let tried = probe(world, target, pending).await;
            seen.pending = tried.map_err(at(StepName::Test))?;
        }
        Stage::Publish => {
            let tried = probe(world, target, current).await;
            seen.current = tried.map_err(at(StepName::Test))?;
        }
        Stage::Announce | Stage::Retire => {
            seen.rollout = Some(world.rollout(target).await.map_err(at(StepName::RollOut))?);
        }
        Stage::Converge => {
            let rollout = world.rollout(target).await.map_err(at(StepName::RollOut))?;
            if rollout == Rollout::Complete
                && let Some(previous) = &entry.previous
            {
                let sessions = world.sessions(target, previous, current).await;
                seen.sessions = Some(sessions.map_err(at(StepName::Converge))?);
            }
            seen.rollout = Some(rollout);
        }
        Stage::Undo => {
            seen.rollout = Some(world.rollout(target).await.map_err(at(StepName::RollOut))?);
            for (value, seen) in [(pending, &mut seen.pending), (current, &mut seen.current)] {
                let tried = login(world, target, value).await;
                *seen = tried.map_err(at(StepName::Retire))?;
            }
        }
        Stage::Generate | Stage::Closed => {}
    }
    Ok(())
}

/// Before the first step: whether the value in use works, and whether anybody still uses what this
/// rotation would take away.
async fn see_before<W: World>(
    world: &W,
    order: &Order,
    target: &Target,
    entry: &Entry,
    seen: &mut Seen,
) -> Result<(), Trouble> {
    if !order.repairs {
        seen.current = login(world, target, entry.current.as_ref()).await?;
    }
    let in_use = entry.current.as_ref();
    let left = machine::leftover(order, entry);
    if let Some(left) = left {
        seen.previous = world.login(target, left).await?;
    }
    if let Some(left) = left.filter(|_| seen.previous != Some(Login::Refused)) {
        seen.rollout = Some(world.rollout(target).await?);
        seen.sessions = Some(world.sessions(target, left, in_use).await?);
    } else if target.strategy == Strategy::AlternatingUsers {
        let successor = Value {
            rotation: order.id.clone(),
            username: target.successor(entry),
            secret: SecretText::new(""),
            created: world.now(),
        };
        seen.sessions = Some(world.sessions(target, &successor, in_use).await?);
    }
    Ok(())
}

/// Blocking needs no ledger: leaked values die at once, whatever the secret store does.
async fn blocked_without_ledger<W: World>(
    world: &W,
    order: &Order,
    target: &Target,
    trouble: Trouble,
) -> Halt {
    match world.block(target, order.fence).await {
        Ok(ended) => Halt {
            step: StepName::Block,
            trouble: Trouble::new(
                Reason::BlockedAwaitingStore,
                format!(
                    "every value of credential {} is blocked; a new one has to wait: {trouble}",
                    target.name
                ),
            ),
            blocked: Some(ended),
        },
        // Its own later changes carry a greater fence: what had to be blocked is.
        Err(fenced) if fenced.reason == Reason::Superseded => (StepName::Block, trouble).into(),
        Err(trouble) => (StepName::Block, trouble).into(),
    }
}

/// Logs in where there is a value and something to log in to.
async fn login<W: World>(
    world: &W,
    target: &Target,
    value: Option<&Value>,
) -> Result<Option<Login>, Trouble> {
    match value {
        Some(value) => world.login(target, value).await,
        None => Ok(None),
    }
}

/// A value with nothing to log in to counts as accepted.
pub(super) async fn probe<W: World>(
    world: &W,
    target: &Target,
    value: Option<&Value>,
) -> Result<Option<Login>, Trouble> {
    let Some(value) = value else { return Ok(None) };
    let login = world.login(target, value).await?;
    Ok(Some(login.unwrap_or(Login::Accepted)))
}
