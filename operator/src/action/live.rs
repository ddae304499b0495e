//! The [`World`] of the running operator: API server and watch caches of one action.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::runtime::reflector::ObjectRef;
use reportapp_crds::incident_action::{CacheNamespace, Chosen, RotateCredential};
use reportapp_crds::report_app::credential::Workload;
use reportapp_crds::secret_rotation::Mode;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use reportapp_session::directory::Snapshot;
use reportapp_session::epochs::{LONGEST_LEASE, Revision};
use serde_json::json;

use super::app_store::AppStore;
use super::caches::{self, Swept};
use super::claim::Claim;
use super::invalidate::{Invalidated, Target};
use super::restart::{self, MANAGER, Seen};
use super::rotate::{self, NOTE};
use super::runner::Task;
use super::trouble::{Reason, Trouble};
use super::undo::{PutBack, Referred, UNDOES, Undone};
use super::user::{Changed, UserChange};
use super::world::{Rotation, Turn, World};
use crate::api_error::ApiError;
use crate::context::Context;
use crate::one_shot::{self, object};
use crate::rotation::{reconcile, report};
use crate::workloads;

mod redis;
mod workloads_of;

/// How long one look waits for the processes of the API: longer than the longest lease, so that it
/// succeeds also when the store fails right after the commit.
const ACKNOWLEDGEMENT: Duration = LONGEST_LEASE.saturating_add(Duration::from_secs(5));
/// How long one look removes keys.
const SWEEP: Duration = Duration::from_secs(5);
/// Shortest time a look is worth beginning for.
const SHORTEST_LOOK: Duration = Duration::from_secs(1);

/// One action and its `ReportApp`.
pub struct Live<'a> {
    app: Arc<ReportApp>,
    /// The action as it is; its metadata changes when it begins, and when its rotation is made.
    action: Mutex<IncidentAction>,
    end: Option<Timestamp>,
    /// The action that this one undoes.
    undone: Option<Undone>,
    context: &'a Context,
}

impl<'a> Live<'a> {
    /// The outside of `action`, whose deadline is over at `end`.
    pub fn new(
        app: Arc<ReportApp>,
        action: IncidentAction,
        end: Option<Timestamp>,
        context: &'a Context,
    ) -> Self {
        Self {
            app,
            action: Mutex::new(action),
            end,
            undone: None,
            context,
        }
    }

    /// The same of one that undoes another action.
    #[must_use]
    pub fn undoing(self, undone: Option<Undone>) -> Self {
        Self { undone, ..self }
    }

    fn namespace(&self) -> String {
        self.app.namespace().unwrap_or_default()
    }

    fn action(&self) -> MutexGuard<'_, IncidentAction> {
        self.action
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn seen_action(&self) -> IncidentAction {
        self.action().clone()
    }

    fn uid(&self) -> String {
        self.action().uid().unwrap_or_default()
    }

    /// The other actions of the namespace: of other applications too, for workloads may be lent to
    /// several.
    async fn others(&self, begun: bool) -> Result<Vec<Claim>, Trouble> {
        let shared = &self.context.shared;
        let namespace = self.namespace();
        let actions: Vec<Arc<IncidentAction>> = if begun {
            let stores = shared.actions();
            let ours = |action: &IncidentAction| action.namespace().as_ref() == Some(&namespace);
            { stores.iter() }
                .flat_map(|store| store.state_filter(ours))
                .collect()
        } else {
            // A cache may not know yet what began a moment ago.
            let api = Api::<IncidentAction>::namespaced(shared.client.clone(), &namespace);
            let all = api.list(&ListParams::default()).await;
            let all = all.map_err(|error| ApiError::new::<IncidentAction>("list", "", &error))?;
            all.items.into_iter().map(Arc::new).collect()
        };
        let apps = shared.apps();
        let app_of = |action: &IncidentAction| {
            let key = ObjectRef::<ReportApp>::new(&action.spec.app).within(&namespace);
            apps.iter().find_map(|store| store.get(&key))
        };
        let undone = |name: &str| {
            let other = actions.iter().find(|other| other.name_any() == name)?;
            Referred::of(other)
        };
        Ok(actions
            .iter()
            .filter_map(|action| Claim::of(action, app_of(action).as_deref(), undone))
            .collect())
    }

    async fn store(&self) -> Result<AppStore, Trouble> {
        AppStore::of(&self.app, &self.context.shared.client).await
    }

    /// Time for one look, which ends at the deadline of the action.
    fn patience(&self) -> Duration {
        let left = |end: Timestamp| Duration::try_from(end.duration_since(Timestamp::now()));
        let left = self.end.map(left).and_then(Result::ok);
        let left = left.unwrap_or(ACKNOWLEDGEMENT);
        left.clamp(SHORTEST_LOOK, ACKNOWLEDGEMENT)
    }

    /// The rotation of this action, as it would be made now.
    fn wanted_rotation(&self) -> Option<SecretRotation> {
        let action = self.action();
        let rotate = rotate_of(&action)?;
        let left = |end: Timestamp| end.duration_since(Timestamp::now());
        let deadline = SignedDuration::from_secs(action.spec.active_deadline_seconds);
        let left = self.end.map_or(deadline, left);
        Some(rotate::rotation(&action, rotate, left))
    }

    async fn plan_rotation(&self, rotate: &RotateCredential) -> Result<Vec<String>, Trouble> {
        let action = self.seen_action();
        let mut lines = rotate::plan(&action, rotate);
        // One that is carried out writes its plan itself, before it changes anything.
        if action.spec.dry_run
            && let Some(rotation) = self.wanted_rotation()
        {
            lines.extend(self.lines_of(&rotation).await?);
        }
        Ok(lines)
    }

    /// The plan of a rotation that is not made.
    async fn lines_of(&self, rotation: &SecretRotation) -> Result<Vec<String>, Trouble> {
        let emergency = rotation.spec.mode == Mode::Emergency;
        match reconcile::resolve(rotation, self.context).await {
            Ok(live) => Ok(report::plan(&live, emergency).await),
            Err(trouble) => Err(Trouble::new(Reason::RotationNotPlanned, trouble.message)),
        }
    }

    async fn find_rotation(&self, name: &str) -> Result<Option<SecretRotation>, Trouble> {
        let shared = &self.context.shared;
        let key = ObjectRef::<SecretRotation>::new(name).within(&self.namespace());
        let cached = shared.rotations().iter().find_map(|store| store.get(&key));
        if let Some(rotation) = cached {
            return Ok(Some(rotation.as_ref().clone()));
        }
        // Made a moment ago, or gone: the cache does not say.
        let api = Api::<SecretRotation>::namespaced(shared.client.clone(), &self.namespace());
        let params = ListParams::default().fields(&format!("metadata.name={name}"));
        let listed = api.list(&params).await;
        let listed =
            listed.map_err(|error| ApiError::new::<SecretRotation>("list", name, &error))?;
        Ok(listed.items.into_iter().next())
    }
}

fn rotate_of(action: &IncidentAction) -> Option<&RotateCredential> {
    match action.spec.action.chosen() {
        Some(Chosen::RotateCredential(rotate)) => Some(rotate),
        _ => None,
    }
}

impl World for Live<'_> {
    fn is_begun(&self) -> bool {
        one_shot::belongs_to(&self.action().metadata, &self.app)
    }

    async fn plan(&self, task: &Task) -> Result<Vec<String>, Trouble> {
        match task {
            // Of workloads the runner makes the plan, from a look at each.
            Task::Restart(_) => Ok(Vec::new()),
            Task::Rotate(rotate) => self.plan_rotation(rotate).await,
            Task::Sweep(namespaces) => self.plan_sweep(namespaces).await,
            Task::Invalidate(target) => {
                let store = self.store().await?;
                let plan = store.plan(target).await;
                store.close().await;
                plan
            }
            Task::ChangeUser(change) => {
                let store = self.store().await?;
                let plan = store.plan_change(change).await;
                store.close().await;
                plan
            }
            Task::Undo(undone) => {
                let store = self.store().await?;
                let plan = store.plan_undo(undone).await;
                store.close().await;
                plan
            }
        }
    }

    async fn take_turn(&self) -> Result<Turn, Trouble> {
        let begun = self.is_begun();
        // Between the look at the others and the beginning nobody else of this operator begins.
        let _turn = match begun {
            true => None,
            false => Some(self.context.shared.beginning.lock().await),
        };
        let others = self.others(begun).await?;
        let action = self.seen_action();
        let undone = |_: &str| {
            let user = self.undone.as_ref()?.user.clone();
            Some(Referred { user, ended: true })
        };
        let Some(claim) = Claim::of(&action, Some(&self.app), undone) else {
            return Ok(Turn::Ours);
        };
        if let Some(first) = claim.waits_for(&others) {
            return Ok(Turn::Behind(first.name.clone()));
        }
        if !begun {
            let owners = one_shot::owners(&action.metadata, &self.app);
            let mut metadata = json!({ "ownerReferences": owners });
            if let Some(undone) = &self.undone {
                metadata["labels"] = json!({ UNDOES: undone.uid });
            }
            object::patch_metadata(&self.context.shared.client, &action, metadata).await?;
            self.action().metadata.owner_references = Some(owners);
        }
        Ok(Turn::Ours)
    }

    async fn look(&self, workload: &Workload) -> Result<Seen, Trouble> {
        let found = self.found(workload).await?;
        let pods = self.pods(workload, &found).await?;
        let uid = self.uid();
        Ok(Seen::of(workload, &uid, &found, &pods))
    }

    async fn mark(&self, workload: &Workload) -> Result<(), Trouble> {
        let found = self.found(workload).await?;
        let uid = self.uid();
        let mark = restart::mark(workload, &uid, &found);
        let params = PatchParams::apply(MANAGER).force();
        workloads::api(&self.context.shared.client, &self.namespace(), workload)
            .patch(&workload.name, &params, &Patch::Apply(&mark))
            .await
            .map(drop)
            .map_err(|error| workloads::api_error("patch", workload, &error).into())
    }

    async fn rotation(&self) -> Result<Rotation, Trouble> {
        let action = self.seen_action();
        let name = rotate::rotation_name(&action);
        let noted = action.annotations().get(NOTE) == Some(&name);
        match self.find_rotation(&name).await? {
            Some(found) if rotate::is_of(&found, &action) => Ok(Rotation::Made(Box::new(found))),
            Some(_) => Err(Trouble::new(
                Reason::RotationNotOurs,
                format!("SecretRotation {name} exists and is not of this action; delete it"),
            )),
            None if noted => Ok(Rotation::Gone),
            None => Ok(Rotation::Unmade),
        }
    }

    async fn create_rotation(&self) -> Result<(), Trouble> {
        if let Some(rotation) = self.wanted_rotation() {
            object::create(&self.context.shared.client, &self.namespace(), &rotation).await?;
        }
        Ok(())
    }

    async fn note_rotation(&self) -> Result<(), Trouble> {
        let action = self.seen_action();
        let name = rotate::rotation_name(&action);
        if action.annotations().get(NOTE) == Some(&name) {
            return Ok(());
        }
        let metadata = json!({ "annotations": { NOTE: name } });
        object::patch_metadata(&self.context.shared.client, &action, metadata).await?;
        self.action()
            .annotations_mut()
            .insert(NOTE.to_owned(), name);
        Ok(())
    }

    async fn sessions_before(&self, target: &Target) -> Result<Option<i64>, Trouble> {
        let status = self.seen_action().status.unwrap_or_default();
        if status.revocation.is_some() {
            return Ok(None);
        }
        let store = self.store().await?;
        let before = store.sessions_before(&self.uid(), target).await;
        store.close().await;
        before
    }

    async fn invalidate(&self, target: &Target) -> Result<Invalidated, Trouble> {
        let store = self.store().await?;
        let invalidated = store.invalidate(&self.uid(), target, self.patience()).await;
        store.close().await;
        invalidated
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        let store = self.store().await?;
        let revision = store.revision(&self.uid()).await;
        store.close().await;
        revision
    }

    async fn change_user(&self, change: &UserChange) -> Result<Changed, Trouble> {
        let store = self.store().await?;
        let changed = store.change(&self.uid(), change, self.patience()).await;
        store.close().await;
        changed
    }

    async fn snapshot(&self, of: Option<&Undone>) -> Result<Option<Snapshot>, Trouble> {
        let uid = of.map_or_else(|| self.uid(), |undone| undone.uid.clone());
        let store = self.store().await?;
        let snapshot = store.snapshot(&uid).await;
        store.close().await;
        snapshot
    }

    async fn put_back(&self, undone: &Undone) -> Result<PutBack, Trouble> {
        let uid = self.uid();
        // What an action puts back itself is another revocation than the one it began with.
        let by = match uid == undone.uid {
            true => format!("{uid}-revert"),
            false => uid,
        };
        let store = self.store().await?;
        let put_back = store.put_back(&by, undone, self.patience()).await;
        store.close().await;
        put_back
    }

    async fn sweep(&self, namespaces: &[CacheNamespace]) -> Result<Swept, Trouble> {
        self.remove_keys(namespaces).await
    }

    async fn empty_memories(
        &self,
        namespaces: &[CacheNamespace],
    ) -> Result<Option<Invalidated>, Trouble> {
        if !self.has_memories(namespaces) {
            return Ok(None);
        }
        let store = self.store().await?;
        let emptied = store.empty_caches(&self.uid(), self.patience()).await;
        store.close().await;
        emptied.map(Some)
    }
}
