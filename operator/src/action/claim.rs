//! Whose turn it is: of several actions with one target, one is carried out at a time. Pure.
//!
//! Each action claims its targets. Which of two goes first is the same for whoever asks: what has begun
//! before what has not, emergencies before the rest, then the older one. Emergencies wait for
//! emergencies alone. What could not begin if it were its turn holds nobody up: its turn comes again when
//! it can.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use reportapp_crds::incident_action::{Chosen, Holders, RotateMode, Whose};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::{Workload, WorkloadKind};
use reportapp_crds::{IncidentAction, ReportApp};

use super::approval;
use super::trouble::Reason;
use super::undo::Referred;
use crate::one_shot;
use crate::reportapp::naming::{self, Component};

/// What an action claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the action.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// When it was created.
    pub created: Timestamp,
    /// Whether it has begun.
    pub begun: bool,
    /// Whether something else than its turn keeps it from beginning.
    pub held: bool,
    /// Whether it waits for emergencies alone.
    pub emergency: bool,
    /// What it works on, such as `Deployment demo-api`.
    pub targets: BTreeSet<String>,
}

impl Claim {
    /// The claim of `action`. `None` when it claims nothing: it has ended, is being deleted, only
    /// plans, or waits for an approval.
    ///
    /// `app` is the `ReportApp` it names, if there is one: without it nobody knows its components.
    /// `undone` tells of the action that one undoes.
    pub fn of(
        action: &IncidentAction,
        app: Option<&ReportApp>,
        undone: impl Fn(&str) -> Option<Referred>,
    ) -> Option<Self> {
        let phase = action.status.as_ref().and_then(|status| status.phase);
        let over = phase.is_some_and(Phase::is_final) || action.spec.dry_run;
        if over || action.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let chosen = action.spec.action.chosen()?;
        // What nobody has approved of holds nobody up.
        let kind = chosen.action_type();
        if app.is_some_and(|app| approval::is_missing(action, kind, app) != Ok(false)) {
            return None;
        }
        let created = action.creation_timestamp().map(|time| time.0);
        Some(Self {
            name: action.name_any(),
            uid: action.uid().unwrap_or_default(),
            created: created.unwrap_or(Timestamp::MAX),
            begun: app.is_some_and(|app| one_shot::belongs_to(&action.metadata, app)),
            held: is_held(action, chosen, &undone),
            emergency: matches!(chosen, Chosen::RotateCredential(rotate) if rotate.mode == RotateMode::Emergency),
            targets: targets(&action.spec.app, chosen, app, undone),
        })
    }

    /// The first of `others` that this one waits for.
    pub fn waits_for<'a>(&self, others: &'a [Self]) -> Option<&'a Self> {
        let goes_first = |other: &&Self| {
            other.uid != self.uid
                && !self.targets.is_disjoint(&other.targets)
                && (other.begun || !other.held)
                && (other.emergency || !self.emergency)
                && other.rank() < self.rank()
        };
        others
            .iter()
            .filter(goes_first)
            .min_by_key(|other| other.rank())
    }

    /// The order of turns, smallest first.
    fn rank(&self) -> (bool, bool, Timestamp, &str) {
        (!self.begun, !self.emergency, self.created, &self.uid)
    }
}

/// Whether the last look at an action found something in its way. A status may be a moment old; what begins
/// for that belongs to its application, and is waited for.
fn is_held(
    action: &IncidentAction,
    chosen: Chosen<'_>,
    undone: impl Fn(&str) -> Option<Referred>,
) -> bool {
    let status = action.status.as_ref();
    let stalled = status.and_then(|status| one_shot::stalled(status.phase, &status.conditions));
    match chosen {
        // Seen afresh, so that it keeps its place once it can begin.
        Chosen::Undo(undo)
            if stalled.is_none_or(|reason| reason == Reason::ActionNotEnded.to_string()) =>
        {
            undone(&undo.action_ref).is_none_or(|referred| !referred.ended)
        }
        _ => stalled.is_some(),
    }
}

fn targets(
    app_name: &str,
    chosen: Chosen<'_>,
    app: Option<&ReportApp>,
    undone: impl Fn(&str) -> Option<Referred>,
) -> BTreeSet<String> {
    let one = |target| BTreeSet::from([target]);
    match chosen {
        Chosen::RollingRestart(restart) => {
            let chosen = restart.components.as_deref();
            let ours = app.map(|app| components(app, chosen)).unwrap_or_default();
            let ours = ours.iter().map(|component| deployment(app_name, component));
            let workloads = ours.chain(restart.workloads.iter().cloned());
            workloads
                .map(|workload| crate::workloads::told(&workload))
                .collect()
        }
        Chosen::RotateCredential(rotate) => {
            let credentials = rotate.credentials.iter();
            credentials
                .map(|credential| format!("credential {app_name}/{credential}"))
                .collect()
        }
        Chosen::InvalidateSessions(invalidate) => match invalidate.whose() {
            Some(Whose::User(name)) => one(user(app_name, &name)),
            Some(whose) => one(format!("sessions {app_name}/{whose}")),
            None => BTreeSet::new(),
        },
        Chosen::InvalidatePermissions(invalidate) => match invalidate.holders() {
            Some(Holders::User(name)) => one(user(app_name, &name)),
            Some(holders) => one(format!("permissions {app_name}/{holders}")),
            None => BTreeSet::new(),
        },
        Chosen::InvalidateCaches(invalidate) => {
            let namespaces = invalidate.namespaces.iter();
            namespaces
                .map(|namespace| format!("cache {app_name}/{namespace}"))
                .collect()
        }
        Chosen::DisableUser(disable) => one(user(app_name, &disable.user)),
        Chosen::ForcePasswordReset(reset) => one(user(app_name, &reset.user)),
        Chosen::Undo(undo) => match undone(&undo.action_ref) {
            Some(referred) => one(user(app_name, &referred.user)),
            None => one(format!("action {}", undo.action_ref)),
        },
    }
}

/// A user is one target, whatever is done to them and however the name is spelled. Who is named once by
/// name and once by id is two here; the store lets their changes happen one after the other all the same.
fn user(app: &str, name: &str) -> String {
    format!("user {app}/{}", name.trim().to_lowercase())
}

/// The components of an application in the order they are restarted: tunnels first, so that an API pod
/// finds a new one. Of `chosen` those that exist; without it all.
pub fn components(app: &ReportApp, chosen: Option<&[String]>) -> Vec<Component> {
    let tunnels = app.spec.servers.iter().filter(|s| s.tunnel.is_some());
    let tunnels = tunnels.map(|server| Component::Tunnel(server.name.clone()));
    let bot = app.spec.bot.as_ref().map(|_| Component::Bot);
    let is_chosen = |component: &Component| {
        chosen.is_none_or(|chosen| chosen.iter().any(|name| *name == component.to_string()))
    };
    let all = tunnels.chain([Component::Api]).chain(bot);
    all.filter(is_chosen).collect()
}

/// The Deployment of a component.
pub fn deployment(app: &str, component: &Component) -> Workload {
    Workload {
        kind: WorkloadKind::Deployment,
        name: naming::workload(app, component),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(_: &str) -> Option<Referred> {
        None
    }

    fn claim(uid: &str, created: i64, targets: &[&str]) -> Claim {
        Claim {
            name: format!("action-{uid}"),
            uid: uid.to_owned(),
            created: Timestamp::from_second(created).unwrap(),
            begun: false,
            held: false,
            emergency: false,
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
        }
    }

    fn begun(claim: Claim) -> Claim {
        Claim {
            begun: true,
            ..claim
        }
    }

    fn emergency(claim: Claim) -> Claim {
        Claim {
            emergency: true,
            ..claim
        }
    }

    fn waits(one: &Claim, other: &Claim) -> bool {
        one.waits_for(&[one.clone(), other.clone()]).is_some()
    }

    #[test]
    fn of_two_with_one_target_exactly_one_waits() {
        let pairs = [
            // The older goes first, whatever the uid.
            (claim("b", 1, &["x"]), claim("a", 2, &["x", "y"])),
            // Of one second: the smaller uid.
            (claim("a", 1, &["x"]), claim("b", 1, &["x"])),
            // What has begun is not interrupted.
            (begun(claim("b", 9, &["x"])), claim("a", 1, &["x"])),
            // An emergency overtakes what has not begun.
            (emergency(claim("b", 9, &["x"])), claim("a", 1, &["x"])),
            (
                emergency(claim("a", 1, &["x"])),
                emergency(claim("b", 2, &["x"])),
            ),
        ];
        for (first, second) in pairs {
            assert!(!waits(&first, &second), "{first:?} waits");
            assert!(waits(&second, &first), "{second:?} does not wait");
        }
    }

    #[test]
    fn an_emergency_waits_for_no_ordinary_one() {
        let (urgent, running) = (
            emergency(claim("b", 9, &["x"])),
            begun(claim("a", 1, &["x"])),
        );
        assert!(!waits(&urgent, &running));
        assert!(!waits(&running, &urgent), "it has begun already");
    }

    #[test]
    fn what_cannot_begin_is_not_waited_for_until_it_has_begun() {
        let later = claim("b", 2, &["x"]);
        let older = Claim {
            held: true,
            ..claim("a", 1, &["x"])
        };
        assert!(!waits(&later, &older), "it could not go first");
        assert!(waits(&later, &begun(older.clone())));
        // Once it can, it is the older one again.
        assert!(!waits(&older, &later));
        assert!(waits(&older, &begun(later)));
    }

    #[test]
    fn an_action_is_held_by_what_its_last_look_found_and_an_undo_by_what_it_undoes() {
        let app = crate::reportapp::testing::example_app();
        let of = |what: serde_json::Value, reason: &str| -> IncidentAction {
            let mut spec = serde_json::json!({ "app": "demo", "reason": "test" });
            let (field, value) = what.as_object().unwrap().iter().next().unwrap();
            spec[field] = value.clone();
            let stalled = serde_json::json!({
                "type": "Stalled", "reason": reason, "message": "",
                "status": if reason.is_empty() { "False" } else { "True" },
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            serde_json::from_value(serde_json::json!({
                "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
                "metadata": { "name": "lock" }, "spec": spec,
                "status": { "phase": "Running", "conditions": [stalled] },
            }))
            .unwrap()
        };
        let lock = serde_json::json!({ "disableUser": { "user": "ana" } });
        let undo = |name: &str| serde_json::json!({ "undo": { "actionRef": name } });
        let undone = |name: &str| {
            (name != "gone").then(|| Referred {
                user: "ana".to_owned(),
                ended: name == "done",
            })
        };
        for (action, expected) in [
            (of(lock.clone(), ""), false),
            (of(lock, "StoreUnreachable"), true),
            (of(undo("done"), ""), false),
            (of(undo("running"), ""), true),
            (of(undo("running"), "ActionNotEnded"), true),
            (of(undo("done"), "ActionNotEnded"), false),
            (of(undo("done"), "StoreUnreachable"), true),
            (of(undo("gone"), ""), true),
        ] {
            let claim = Claim::of(&action, Some(&app), undone).unwrap();
            assert_eq!(claim.held, expected, "{:?}", action.spec.action);
        }
    }

    #[test]
    fn others_with_other_targets_are_not_waited_for() {
        assert!(!waits(
            &claim("b", 2, &["y"]),
            &begun(claim("a", 1, &["x"]))
        ));
    }

    #[test]
    fn the_one_that_is_named_is_the_next_in_turn() {
        let me = claim("c", 3, &["x"]);
        let others = [claim("b", 2, &["x"]), begun(claim("a", 9, &["x"]))];
        assert_eq!(me.waits_for(&others).unwrap().name, "action-a");
    }

    #[test]
    fn components_come_tunnels_first_and_only_those_that_exist() {
        let app = crate::reportapp::testing::example_app();
        let all: Vec<_> = components(&app, None)
            .iter()
            .map(Component::to_string)
            .collect();
        assert_eq!(all, ["tunnel-main", "api", "bot"]);
        let chosen = ["api".to_owned(), "tunnel-other".to_owned()];
        assert_eq!(components(&app, Some(&chosen)), [Component::Api]);
        assert_eq!(components(&app, Some(&[])), []);
    }

    #[test]
    fn what_has_ended_or_only_plans_claims_nothing() {
        let app = crate::reportapp::testing::example_app();
        let mut action: IncidentAction = serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "restart" },
            "spec": { "app": "demo", "reason": "test", "rollingRestart": { "components": ["api"] } },
        }))
        .unwrap();
        let claim = Claim::of(&action, Some(&app), nobody).unwrap();
        assert_eq!(
            claim.targets,
            BTreeSet::from(["Deployment demo-api".to_owned()])
        );
        assert!(!claim.begun);
        action.metadata.owner_references = Some(one_shot::owners(&action.metadata, &app));
        assert!(Claim::of(&action, Some(&app), nobody).unwrap().begun);
        let status = action.status.get_or_insert_default();
        status.phase = Some(Phase::Failed);
        assert_eq!(Claim::of(&action, Some(&app), nobody), None);
        action.status = None;
        action.spec.dry_run = true;
        assert_eq!(Claim::of(&action, Some(&app), nobody), None);
    }

    #[test]
    fn a_user_is_one_target_whatever_is_done_to_them() {
        let app = crate::reportapp::testing::example_app();
        let undone = |name: &str| {
            (name == "done").then(|| Referred {
                user: " ANA".to_owned(),
                ended: true,
            })
        };
        for what in [
            serde_json::json!({ "disableUser": { "user": "Ana" } }),
            serde_json::json!({ "forcePasswordReset": { "user": "ana " } }),
            serde_json::json!({ "invalidateSessions": { "user": "ana" } }),
            serde_json::json!({ "invalidatePermissions": { "user": "ana" } }),
            serde_json::json!({ "undo": { "actionRef": "done" } }),
        ] {
            let mut spec = serde_json::json!({ "app": "demo", "reason": "test" });
            let (field, value) = what.as_object().unwrap().iter().next().unwrap();
            spec[field] = value.clone();
            let action: IncidentAction = serde_json::from_value(serde_json::json!({
                "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
                "metadata": { "name": "lock" }, "spec": spec,
            }))
            .unwrap();
            let claim = Claim::of(&action, Some(&app), undone).unwrap();
            assert_eq!(claim.targets, BTreeSet::from(["user demo/ana".to_owned()]));
        }
    }

    #[test]
    fn equal_invalidations_have_one_target_and_different_ones_none_in_common() {
        let app = crate::reportapp::testing::example_app();
        let whats = [
            serde_json::json!({ "invalidateCaches": { "namespaces": ["dash"] } }),
            serde_json::json!({ "invalidateCaches": { "namespaces": ["report"] } }),
            serde_json::json!({ "invalidatePermissions": { "all": {} } }),
            serde_json::json!({ "invalidatePermissions": { "role": "reader" } }),
            serde_json::json!({ "invalidatePermissions": { "role": "all" } }),
            serde_json::json!({ "invalidatePermissions": { "user": "ana" } }),
            serde_json::json!({ "invalidateSessions": { "all": {} } }),
            serde_json::json!({ "invalidateSessions": { "tenant": "acme" } }),
            serde_json::json!({ "invalidateSessions": { "user": "bob" } }),
        ];
        let targets = |what: &serde_json::Value| {
            let mut spec = serde_json::json!({ "app": "demo", "reason": "test" });
            let (field, value) = what.as_object().unwrap().iter().next().unwrap();
            spec[field] = value.clone();
            let action: IncidentAction = serde_json::from_value(serde_json::json!({
                "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
                "metadata": { "name": "forget" }, "spec": spec,
            }))
            .unwrap();
            Claim::of(&action, Some(&app), nobody).unwrap().targets
        };
        for (one, what) in whats.iter().enumerate() {
            assert_eq!(targets(what).len(), 1, "{what}");
            assert_eq!(targets(what), targets(what), "{what}");
            for other in &whats[one + 1..] {
                assert!(targets(what).is_disjoint(&targets(other)), "{what} {other}");
            }
        }
        let both = serde_json::json!({ "invalidateCaches": { "namespaces": ["dash", "report"] } });
        let both = targets(&both);
        assert!(whats[..2].iter().all(|one| both.is_superset(&targets(one))));
    }

    #[test]
    fn what_nobody_has_approved_of_holds_nobody_up() {
        let mut app = crate::reportapp::testing::example_app();
        let rule = serde_json::json!({ "approval": { "requiredFor": ["RollingRestart"] } });
        app.spec.incidents = Some(serde_json::from_value(rule).unwrap());
        let mut action: IncidentAction = serde_json::from_value(serde_json::json!({
            "apiVersion": "reportapp.dev/v1alpha1", "kind": "IncidentAction",
            "metadata": { "name": "restart" },
            "spec": {
                "app": "demo", "reason": "test", "requestedBy": "bob", "rollingRestart": {},
            },
        }))
        .unwrap();
        assert_eq!(Claim::of(&action, Some(&app), nobody), None);
        let approval = serde_json::json!({ "approvedBy": "eve" });
        action.spec.approval = Some(serde_json::from_value(approval).unwrap());
        assert!(Claim::of(&action, Some(&app), nobody).is_some());
    }
}
