//! The outside as one action has it: turns, and everything else through the parts of the cluster.

use std::sync::Mutex;

use kube::ResourceExt as _;
use reportapp_crds::IncidentAction;
use reportapp_crds::incident_action::CacheNamespace;
use reportapp_crds::report_app::credential::Workload;
use reportapp_operator::action::caches::{self, Sweep, Swept};
use reportapp_operator::action::claim::Claim;
use reportapp_operator::action::invalidate::{Invalidated, Target};
use reportapp_operator::action::restart::Seen;
use reportapp_operator::action::rotate;
use reportapp_operator::action::runner::Task;
use reportapp_operator::action::trouble::Trouble;
use reportapp_operator::action::undo::{PutBack, Referred, Undone};
use reportapp_operator::action::user::{Changed, UserChange};
use reportapp_operator::action::world::{Rotation, Turn, World};
use reportapp_operator::one_shot;
use reportapp_session::directory::Snapshot;
use reportapp_session::epochs::Revision;

use super::Cluster;

/// The outside of one action.
pub struct Hand<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) action: &'a str,
    /// Where the removal of keys stands; an operator that dies forgets it.
    pub(super) sweep: Mutex<Option<Sweep>>,
}

impl Hand<'_> {
    /// Whether the action says that its rotation was made.
    pub fn is_noted(&self) -> bool {
        let action = self.action();
        let name = rotate::rotation_name(&action);
        action.annotations().get(rotate::NOTE) == Some(&name)
    }

    fn action(&self) -> IncidentAction {
        self.cluster.objects().actions[self.action].clone()
    }
}

impl World for Hand<'_> {
    fn is_begun(&self) -> bool {
        self.cluster.is_begun(self.action)
    }

    async fn plan(&self, task: &Task) -> Result<Vec<String>, Trouble> {
        let mut objects = self.cluster.objects();
        match task {
            Task::Restart(_) | Task::Rotate(_) | Task::Sweep(_) => {}
            Task::Invalidate(_) | Task::Undo(_) => objects.store()?,
            Task::ChangeUser(change) => {
                objects.store()?;
                objects.find(&change.user)?;
            }
        }
        Ok(vec!["what is done".to_owned()])
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        let app = &self.cluster.app;
        let mut objects = self.cluster.objects();
        let undone = |name: &str| Referred::of(objects.actions.get(name)?);
        let claims: Vec<_> = { objects.actions.values() }
            .filter_map(|action| Claim::of(action, Some(app), undone))
            .collect();
        let Some(claim) = Claim::of(&objects.actions[self.action], Some(app), undone) else {
            return Ok(Turn::Ours);
        };
        let action = objects.actions.get_mut(self.action).unwrap();
        if let Some(first) = claim.waits_for(&claims) {
            return Ok(Turn::Behind(first.name.clone()));
        }
        action.metadata.owner_references = Some(one_shot::owners(&action.metadata, app));
        Ok(Turn::Ours)
    }

    async fn look(&self, workload: &Workload) -> Result<Seen, Trouble> {
        self.cluster.objects().see(workload, self.action)
    }

    async fn mark(&self, workload: &Workload) -> Result<(), Trouble> {
        self.cluster.objects().mark(workload, self.action);
        Ok(())
    }

    async fn rotation(&self) -> Result<Rotation, Trouble> {
        let (action, noted) = (self.action(), self.is_noted());
        self.cluster.objects().rotation_of(&action, noted)
    }

    async fn create_rotation(&self) -> Result<(), Trouble> {
        let action = self.action();
        self.cluster.objects().make_rotation(&action);
        Ok(())
    }

    async fn note_rotation(&self) -> Result<(), Trouble> {
        let mut objects = self.cluster.objects();
        let action = objects.actions.get_mut(self.action).unwrap();
        let name = rotate::rotation_name(action);
        action
            .annotations_mut()
            .insert(rotate::NOTE.to_owned(), name);
        Ok(())
    }

    async fn sessions_before(&self, target: &Target) -> Result<Option<i64>, Trouble> {
        let objects = self.cluster.objects();
        objects.store()?;
        let of_sessions = matches!(target, Target::Sessions(_));
        let is_first = objects.revision_of(self.action).is_none();
        Ok((of_sessions && is_first).then(|| objects.open_sessions()))
    }

    async fn invalidate(&self, _: &Target) -> Result<Invalidated, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        Ok(objects.raise(self.action))
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        let objects = self.cluster.objects();
        objects.store()?;
        Ok(objects.revision_of(self.action))
    }

    async fn change_user(&self, change: &UserChange) -> Result<Changed, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        let snapshot = objects.change(self.action, change)?;
        let invalidated = objects.raise(self.action);
        let measured = objects.measure(&change.user, &snapshot)?;
        Ok(Changed {
            snapshot,
            invalidated,
            measured,
        })
    }

    async fn snapshot(&self, of: Option<&Undone>) -> Result<Option<Snapshot>, Trouble> {
        let objects = self.cluster.objects();
        objects.store()?;
        let name = of.map_or(self.action, |undone| &undone.uid);
        Ok(objects.snapshots.get(name).cloned())
    }

    async fn put_back(&self, undone: &Undone) -> Result<PutBack, Trouble> {
        let mut objects = self.cluster.objects();
        objects.store()?;
        let in_store = objects.undo(undone)?;
        let invalidated = objects.raise(&format!("{} puts back", self.action));
        Ok(PutBack {
            undone: in_store,
            invalidated,
        })
    }

    /// One key with each look, from the place where the last look of this operator ended.
    async fn sweep(&self, namespaces: &[CacheNamespace]) -> Result<Swept, Trouble> {
        let prefixes = caches::prefixes("demo", namespaces);
        let mut objects = self.cluster.objects();
        let mut sweep = self.sweep.lock().unwrap();
        let sweep = sweep.get_or_insert_with(|| Sweep::of(&objects.actions[self.action]));
        objects.sweep(sweep, &prefixes);
        Ok(sweep.swept())
    }

    async fn empty_memories(
        &self,
        namespaces: &[CacheNamespace],
    ) -> Result<Option<Invalidated>, Trouble> {
        if !caches::reach_memories(namespaces) {
            return Ok(None);
        }
        let mut objects = self.cluster.objects();
        objects.store()?;
        Ok(Some(objects.raise(self.action)))
    }
}
