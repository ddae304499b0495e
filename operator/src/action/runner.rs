//! Carries an action out: looks at what is there, and does the next thing that is missing. One call is
//! one pass; whoever calls it writes the status in between and calls again while something was done.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::incident_action::{
    Figure, RevocationProgress, RotateCredential, RotationProgress, Whose, WorkloadProgress,
};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;

use super::invalidate;
use super::restart::{self, Next};
use super::rotate;
use super::trouble::Trouble;
use super::world::{Rotation, Turn, World};
use crate::one_shot::Verdict;

/// What is to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The action itself.
    pub task: Task,
    /// Whether it only plans.
    pub dry_run: bool,
    /// When its deadline is over.
    pub end: Option<Timestamp>,
}

/// What an action does, with everything it names resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// New pods, for these workloads in this order.
    Restart(Vec<Workload>),
    /// New values, by a rotation.
    Rotate(RotateCredential),
    /// No more sessions, of these.
    Invalidate(Whose),
}

/// What one pass found and did.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// How the action goes on.
    pub state: State,
    /// What will be done; only before it begins.
    pub plan: Option<Vec<String>>,
    /// How far the workloads are.
    pub workloads: Vec<WorkloadProgress>,
    /// How far the rotation is.
    pub rotation: Option<RotationProgress>,
    /// How far the revocation is.
    pub revocation: Option<RevocationProgress>,
    /// What was measured.
    pub figures: Vec<Figure>,
}

/// How an action goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Something was done; look again at once.
    Acted(String),
    /// Another action goes first.
    Queued(String),
    /// Something stands in the way.
    Stalled(Trouble),
    /// It waits, or it has ended.
    Stands(Verdict),
}

impl From<State> for Found {
    fn from(state: State) -> Self {
        Self {
            state,
            plan: None,
            workloads: Vec::new(),
            rotation: None,
            revocation: None,
            figures: Vec::new(),
        }
    }
}

impl From<Trouble> for Found {
    fn from(trouble: Trouble) -> Self {
        State::Stalled(trouble).into()
    }
}

/// One pass at the instant `now`.
pub async fn pass<W: World>(world: &W, order: &Order, now: Timestamp) -> Found {
    let late = order.end.is_some_and(|end| now >= end);
    match prepare(world, order, late).await {
        Ok(Some(found)) => found,
        Ok(None) => match &order.task {
            Task::Restart(workloads) => restart(world, workloads, late).await,
            Task::Rotate(_) => rotate(world, late).await,
            Task::Invalidate(whose) => invalidate(world, whose, late).await,
        },
        Err(trouble) => trouble.into(),
    }
}

/// Plans and begins; `None` when it has begun and it is its turn.
async fn prepare<W: World>(world: &W, order: &Order, late: bool) -> Result<Option<Found>, Trouble> {
    if world.is_begun() && !order.dry_run {
        // At its deadline it ends, whoever goes first.
        return Ok(match late {
            true => None,
            false => match world.take_turn().await? {
                Turn::Ours => None,
                Turn::Behind(other) => Some(queued(&other)),
            },
        });
    }
    if late {
        let message = "the deadline passed before it began; nothing was changed";
        return Ok(Some(over(Phase::Expired, "DeadlineExceeded", message)));
    }
    let plan = plan(world, &order.task).await?;
    let mut found = if order.dry_run {
        let message = "dry run: nothing was changed; status.plan shows what would be";
        over(Phase::Succeeded, "DryRun", message)
    } else {
        match world.take_turn().await? {
            Turn::Ours => State::Acted("it has begun".to_owned()).into(),
            Turn::Behind(other) => queued(&other),
        }
    };
    found.plan = Some(plan);
    Ok(Some(found))
}

/// What will be done. What would stand in the way later on is trouble now.
async fn plan<W: World>(world: &W, task: &Task) -> Result<Vec<String>, Trouble> {
    match task {
        Task::Restart(workloads) => {
            let mut seen = Vec::new();
            for workload in workloads {
                seen.push(world.look(workload).await?);
            }
            Ok(restart::plan(&seen))
        }
        Task::Rotate(_) => world.plan_rotation().await,
        Task::Invalidate(whose) => world.plan_invalidation(whose).await,
    }
}

fn queued(other: &str) -> Found {
    State::Queued(format!(
        "waiting for IncidentAction {other}, which has the same target"
    ))
    .into()
}

fn over(phase: Phase, reason: &str, message: impl Into<String>) -> Found {
    State::Stands(Verdict::plain(phase, reason, message)).into()
}

async fn restart<W: World>(world: &W, workloads: &[Workload], late: bool) -> Found {
    let mut seen = Vec::new();
    let mut unseen = None;
    for workload in workloads {
        match world.look(workload).await {
            Ok(found) => seen.push(found),
            Err(trouble) => {
                unseen = Some(trouble);
                break;
            }
        }
        // Those behind it have to wait for it.
        if seen.last().is_some_and(|found| !found.is_done()) {
            break;
        }
    }
    let state = match unseen {
        Some(trouble) => State::Stalled(trouble),
        None => match restart::next(&seen) {
            Next::Done => {
                let message = format!(
                    "{} restarted, no old pod is left",
                    match workloads.len() {
                        1 => "1 workload".to_owned(),
                        count => format!("{count} workloads"),
                    }
                );
                State::Stands(Verdict::plain(Phase::Succeeded, "Succeeded", message))
            }
            _ if late => {
                let message = restart::too_late(workloads, &seen);
                State::Stands(Verdict::plain(Phase::Expired, "DeadlineExceeded", message))
            }
            Next::Mark(workload) => match world.mark(&workload).await {
                Ok(()) => State::Acted(format!("restarting {}", crate::workloads::told(&workload))),
                Err(trouble) => State::Stalled(trouble),
            },
            Next::Wait(message) => {
                State::Stands(Verdict::plain(Phase::Running, "RollingOut", message))
            }
            Next::Stall(trouble) => State::Stalled(trouble),
        },
    };
    Found {
        workloads: restart::progress(workloads, &seen),
        figures: restart::figures(workloads, &seen),
        ..state.into()
    }
}

async fn rotate<W: World>(world: &W, late: bool) -> Found {
    let rotation = match world.rotation().await {
        Ok(rotation) => rotation,
        Err(trouble) => return trouble.into(),
    };
    match rotation {
        Rotation::Unmade if late => {
            let message =
                "the deadline passed before its SecretRotation was made; nothing was changed";
            over(Phase::Expired, "DeadlineExceeded", message)
        }
        Rotation::Unmade => match world.create_rotation().await {
            Ok(()) => State::Acted("its SecretRotation is made".to_owned()).into(),
            Err(trouble) => trouble.into(),
        },
        Rotation::Gone => {
            let message = "its SecretRotation was deleted, which stops it at a safe place; the \
                           credentials say which value is in use: kubectl describe reportapp";
            over(Phase::Failed, "Cancelled", message)
        }
        Rotation::Made(made) => {
            if let Err(trouble) = world.note_rotation().await {
                return trouble.into();
            }
            // It has the deadline of the action, and undoes what it began when that is over.
            Found {
                rotation: Some(rotate::progress(&made)),
                figures: rotate::figures(&made.status.clone().unwrap_or_default()),
                ..State::Stands(rotate::verdict(&made)).into()
            }
        }
    }
}

async fn invalidate<W: World>(world: &W, whose: &Whose, late: bool) -> Found {
    let found = match late {
        true => { world.revision().await }.map(|found| invalidate::too_late(whose, found)),
        false => { world.invalidate(whose).await }.map(|done| invalidate::found(whose, &done)),
    };
    found.unwrap_or_else(Found::from)
}
