//! Carries an action out: looks at what is there, and does the next thing that is missing. One call is
//! one pass; whoever calls it writes the status in between and calls again while something was done.

use k8s_openapi::jiff::Timestamp;
use reportapp_crds::incident_action::{
    CacheNamespace, CacheProgress, Figure, RevocationProgress, RotateCredential, RotationProgress,
    WorkloadProgress,
};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::Workload;

use super::caches;
use super::invalidate::{self, Target};
use super::restart::{self, Next};
use super::rotate;
use super::trouble::Trouble;
use super::undo::{self, Undone};
use super::user::{self, UserChange};
use super::world::{Rotation, Turn, World};
use crate::one_shot::{self, Verdict};

/// What is to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The action itself.
    pub task: Task,
    /// Whether it only plans.
    pub dry_run: bool,
    /// When its deadline is over.
    pub end: Option<Timestamp>,
    /// Whether the consent of a second person is missing.
    pub unapproved: bool,
}

/// What an action does, with everything it names resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// New pods, for these workloads in this order.
    Restart(Vec<Workload>),
    /// New values, by a rotation.
    Rotate(RotateCredential),
    /// No more sessions, or permissions read anew.
    Invalidate(Target),
    /// A user who may not sign in, or not with the password of now.
    ChangeUser(UserChange),
    /// No more keys, of these.
    Sweep(Vec<CacheNamespace>),
    /// A user as before another action.
    Undo(Undone),
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
    /// How far the removal of keys is.
    pub caches: Option<CacheProgress>,
    /// When what was changed is put back by itself.
    pub reverts_at: Option<Timestamp>,
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
            caches: None,
            reverts_at: None,
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
            Task::Invalidate(target) => invalidate(world, target, late).await,
            Task::ChangeUser(change) => change_user(world, change, late).await,
            Task::Sweep(namespaces) => sweep(world, namespaces, late).await,
            Task::Undo(undone) => put_back(world, undone, late).await,
        },
        Err(trouble) => trouble.into(),
    }
}

/// Plans and begins; `None` when it has begun and it is its turn.
async fn prepare<W: World>(world: &W, order: &Order, late: bool) -> Result<Option<Found>, Trouble> {
    // Also of one that looks begun: whoever creates an action may give it an owner.
    let unapproved = order.unapproved && !order.dry_run;
    if world.is_begun() && !order.dry_run && (late || !unapproved) {
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
    } else if unapproved {
        awaiting_approval().into()
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
    let Task::Restart(workloads) = task else {
        return world.plan(task).await;
    };
    let mut seen = Vec::new();
    for workload in workloads {
        seen.push(world.look(workload).await?);
    }
    Ok(restart::plan(&seen))
}

fn awaiting_approval() -> State {
    State::Stands(Verdict::plain(
        Phase::AwaitingApproval,
        "AwaitingApproval",
        one_shot::AWAITS_APPROVAL,
    ))
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

async fn invalidate<W: World>(world: &W, target: &Target, late: bool) -> Found {
    let found = match late {
        true => { world.revision().await }.map(|found| invalidate::too_late(target, found)),
        false => raise(world, target).await,
    };
    found.unwrap_or_else(Found::from)
}

/// Counts first: afterwards nobody can tell the sessions that this ended from those that others did.
async fn raise<W: World>(world: &W, target: &Target) -> Result<Found, Trouble> {
    let before = world.sessions_before(target).await?;
    let done = world.invalidate(target).await?;
    Ok(invalidate::found(target, &done, before))
}

async fn change_user<W: World>(world: &W, change: &UserChange, late: bool) -> Found {
    let found = match late {
        true => { world.snapshot(None).await }.map(|taken| user::too_late(change, taken.as_ref())),
        false => { world.change_user(change).await }.map(|changed| user::found(change, &changed)),
    };
    found.unwrap_or_else(Found::from)
}

async fn sweep<W: World>(world: &W, namespaces: &[CacheNamespace], late: bool) -> Found {
    if late {
        return caches::too_late(namespaces);
    }
    let found = async {
        let swept = world.sweep(namespaces).await?;
        // Not before: a process would keep again what it finds in Redis.
        let memories = match swept.left {
            Some(0) => world.empty_memories(namespaces).await?,
            _ => None,
        };
        Ok(caches::found(namespaces, &swept, memories.as_ref()))
    };
    found
        .await
        .unwrap_or_else(|trouble: Trouble| trouble.into())
}

async fn put_back<W: World>(world: &W, undone: &Undone, late: bool) -> Found {
    let found = match late {
        true => { world.snapshot(Some(undone)).await }
            .map(|taken| undo::too_late(undone, taken.as_ref())),
        false => { world.put_back(undone).await }.map(|done| undo::found(undone, &done)),
    };
    found.unwrap_or_else(Found::from)
}
