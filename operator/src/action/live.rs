//! The [`World`] of the running operator: API server and watch caches of one action.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::runtime::reflector::ObjectRef;
use reportapp_crds::incident_action::{Chosen, RotateCredential, Whose};
use reportapp_crds::report_app::credential::Workload;
use reportapp_crds::secret_rotation::Mode;
use reportapp_crds::{ALLOW_ANNOTATION, IncidentAction, ReportApp, SecretRotation};
use reportapp_session::epochs::{LONGEST_LEASE, Revision};
use serde_json::json;

use super::app_store::AppStore;
use super::claim::{Claim, components, deployment};
use super::invalidate::Invalidated;
use super::restart::{self, MANAGER, Seen};
use super::rotate::{self, NOTE};
use super::trouble::{Reason, Trouble};
use super::world::{Rotation, Turn, World};
use crate::api_error::ApiError;
use crate::context::Context;
use crate::one_shot::{self, object};
use crate::rotation::{outside, reconcile, report};
use crate::workloads;

/// Pods that run or will: one that has run to its end stays until somebody tidies up.
const ALIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// How long one look waits for the processes of the API: longer than the longest lease, so that it
/// succeeds also when the store fails right after the commit.
const ACKNOWLEDGEMENT: Duration = LONGEST_LEASE.saturating_add(Duration::from_secs(5));
/// Shortest time a look is worth beginning for.
const SHORTEST_LOOK: Duration = Duration::from_secs(1);

/// One action and its `ReportApp`.
pub struct Live<'a> {
    app: Arc<ReportApp>,
    /// The action as it is; its metadata changes when it begins, and when its rotation is made.
    action: Mutex<IncidentAction>,
    end: Option<Timestamp>,
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
            context,
        }
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
        Ok(actions
            .iter()
            .filter_map(|action| Claim::of(action, app_of(action).as_deref()))
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

    async fn found(&self, workload: &Workload) -> Result<DynamicObject, Trouble> {
        let client = &self.context.shared.client;
        let found = workloads::api(client, &self.namespace(), workload)
            .get_opt(&workload.name)
            .await
            .map_err(|error| workloads::api_error("get", workload, &error))?;
        let found = found.ok_or_else(|| {
            let message = format!(
                "there is no {} in namespace {}; create it, or create an IncidentAction without it",
                workloads::told(workload),
                self.namespace()
            );
            Trouble::new(Reason::WorkloadMissing, message)
        })?;
        self.check_ours_or_lent(workload, &found)?;
        if let Some(why) = workloads::held_by_its_owner(workload.kind, &found.data) {
            let message = format!(
                "{} replaces no pod by itself: {why}",
                workloads::told(workload)
            );
            return Err(Trouble::new(Reason::WorkloadHeld, message));
        }
        Ok(found)
    }

    /// Ours is a component that the application owns. Everything else has to lend itself.
    fn check_ours_or_lent(
        &self,
        workload: &Workload,
        found: &DynamicObject,
    ) -> Result<(), Trouble> {
        let app = self.app.name_any();
        let ours = components(&self.app, None);
        let mut ours = ours.iter().map(|component| deployment(&app, component));
        if ours.any(|ours| ours == *workload) && one_shot::belongs_to(&found.metadata, &self.app) {
            return Ok(());
        }
        let kind = format!("{:?}", workload.kind).to_lowercase();
        let list = found.annotations().get(ALLOW_ANNOTATION);
        outside::check_lent(&self.namespace(), &app, &kind, &workload.name, list)
            .map_err(|refusal| Trouble::new(Reason::WorkloadNotLent, refusal.message))
    }

    async fn pods(&self, workload: &Workload, found: &DynamicObject) -> Result<Vec<Pod>, Trouble> {
        let Some(selector) = workloads::selector(&found.data) else {
            let message = format!(
                "{} has a selector this operator cannot read, so its old pods cannot be counted",
                workloads::told(workload)
            );
            return Err(Trouble::new(Reason::WorkloadHeld, message));
        };
        let params = ListParams::default().labels_from(&selector).fields(ALIVE);
        let api = Api::<Pod>::namespaced(self.context.shared.client.clone(), &self.namespace());
        let pods = api.list(&params).await;
        Ok(pods
            .map_err(|error| ApiError::new::<Pod>("list", "", &error))?
            .items)
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

    async fn plan_rotation(&self) -> Result<Vec<String>, Trouble> {
        let action = self.seen_action();
        let Some(rotate) = rotate_of(&action) else {
            return Ok(Vec::new());
        };
        let mut lines = rotate::plan(&action, rotate);
        // One that is carried out writes its plan itself, before it changes anything.
        if action.spec.dry_run
            && let Some(rotation) = self.wanted_rotation()
        {
            lines.extend(self.lines_of(&rotation).await?);
        }
        Ok(lines)
    }

    async fn plan_invalidation(&self, whose: &Whose) -> Result<Vec<String>, Trouble> {
        let store = self.store().await?;
        let plan = store.plan(whose).await;
        store.close().await;
        plan
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
        let Some(claim) = Claim::of(&action, Some(&self.app)) else {
            return Ok(Turn::Ours);
        };
        if let Some(first) = claim.waits_for(&others) {
            return Ok(Turn::Behind(first.name.clone()));
        }
        if !begun {
            let owners = one_shot::owners(&action.metadata, &self.app);
            let metadata = json!({ "ownerReferences": owners });
            object::patch_metadata(&self.context.shared.client, &action, metadata).await?;
            self.action().metadata.owner_references = Some(owners);
        }
        Ok(Turn::Ours)
    }

    async fn look(&self, workload: &Workload) -> Result<Seen, Trouble> {
        let found = self.found(workload).await?;
        let pods = self.pods(workload, &found).await?;
        let uid = self.action().uid().unwrap_or_default();
        Ok(Seen::of(workload, &uid, &found, &pods))
    }

    async fn mark(&self, workload: &Workload) -> Result<(), Trouble> {
        let found = self.found(workload).await?;
        let uid = self.action().uid().unwrap_or_default();
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

    async fn invalidate(&self, whose: &Whose) -> Result<Invalidated, Trouble> {
        let uid = self.action().uid().unwrap_or_default();
        let store = self.store().await?;
        let invalidated = store.invalidate(&uid, whose, self.patience()).await;
        store.close().await;
        invalidated
    }

    async fn revision(&self) -> Result<Option<Revision>, Trouble> {
        let uid = self.action().uid().unwrap_or_default();
        let store = self.store().await?;
        let revision = store.revision(&uid).await;
        store.close().await;
        revision
    }
}
