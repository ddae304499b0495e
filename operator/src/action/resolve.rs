//! Everything an action names, found: its `ReportApp`, the approval, what is to be done, and the action
//! that one undoes.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use kube::runtime::reflector::ObjectRef;
use reportapp_crds::incident_action::Chosen;
use reportapp_crds::{IncidentAction, ReportApp};
use reportapp_session::directory::Change;

use super::approval;
use super::claim::{components, deployment};
use super::invalidate::{self, Target};
use super::live::Live;
use super::rotate;
use super::runner::{Order, Task};
use super::trouble::{Reason, Trouble};
use super::undo::{UNDOES, Undone};
use super::user::UserChange;
use crate::api_error::ApiError;
use crate::context::Context;
use crate::one_shot;

/// Everything the action names.
///
/// # Errors
/// What stands in the way.
pub(super) async fn resolve<'a>(
    action: &IncidentAction,
    end: Option<Timestamp>,
    context: &'a Context,
) -> Result<(Live<'a>, Order), Trouble> {
    let app = app_of(action, context)?;
    let chosen = action.spec.action.chosen().ok_or_else(of_no_type)?;
    let unapproved = approval::is_missing(action, chosen.action_type(), &app)?;
    let task = task(action, chosen, &app, context).await?;
    let undone = match &task {
        Task::Undo(undone) => Some(undone.clone()),
        _ => None,
    };
    let order = Order {
        task,
        dry_run: action.spec.dry_run,
        end,
        unapproved,
    };
    let live = Live::new(app, action.clone(), end, context).undoing(undone);
    Ok((live, order))
}

/// The `ReportApp` of an action, if anything of it may be changed.
///
/// # Errors
/// When there is none, or it is suspended.
pub(super) fn app_of(
    action: &IncidentAction,
    context: &Context,
) -> Result<Arc<ReportApp>, Trouble> {
    let app = one_shot::app_of(action, &action.spec.app, &context.shared)?;
    match app.spec.suspend {
        false => Ok(app),
        true => Err(Trouble::new(
            Reason::AppSuspended,
            format!(
                "ReportApp {} is suspended, so nothing of it is changed; set spec.suspend: false",
                app.name_any()
            ),
        )),
    }
}

/// What the action does, with everything it names resolved.
async fn task(
    action: &IncidentAction,
    chosen: Chosen<'_>,
    app: &ReportApp,
    context: &Context,
) -> Result<Task, Trouble> {
    Ok(match chosen {
        Chosen::RollingRestart(restart) => {
            let chosen = restart.components.as_deref();
            check_components(app, chosen.unwrap_or_default())?;
            let ours = components(app, chosen);
            let ours = ours.iter().map(|part| deployment(&app.name_any(), part));
            Task::Restart(ours.chain(restart.workloads.iter().cloned()).collect())
        }
        Chosen::RotateCredential(rotate) => {
            rotate::check(app, rotate)?;
            Task::Rotate(rotate.clone())
        }
        Chosen::InvalidateCaches(invalidate) => Task::Sweep(invalidate.namespaces.clone()),
        Chosen::Undo(undo) => {
            invalidate::check_store(app)?;
            let found = find_action(action, &undo.action_ref, context).await?;
            let app = app.name_any();
            let undone = Undone::resolve(&undo.action_ref, &app, found.as_deref())?;
            // One that has begun stays with the action it began with, whatever has its name now.
            let begun = action.labels().get(UNDOES);
            if begun.is_some_and(|uid| *uid != undone.uid) {
                let message = format!(
                    "spec.undo.actionRef: IncidentAction {} is another one than when this began; create \
                     the undo anew if this one is meant",
                    undone.name
                );
                return Err(Trouble::new(Reason::ActionMissing, message));
            }
            Task::Undo(undone)
        }
        _ => {
            invalidate::check_store(app)?;
            in_store(chosen, action).ok_or_else(of_no_type)?
        }
    })
}

/// What needs nothing but the application's store, and a user, a role or a tenant there.
fn in_store(chosen: Chosen<'_>, action: &IncidentAction) -> Option<Task> {
    let change = |user: &str, change| {
        Task::ChangeUser(UserChange {
            user: user.to_owned(),
            change,
            duration: action.spec.duration,
        })
    };
    match chosen {
        Chosen::InvalidateSessions(invalidate) => {
            Some(Task::Invalidate(Target::Sessions(invalidate.whose()?)))
        }
        Chosen::InvalidatePermissions(invalidate) => {
            Some(Task::Invalidate(Target::Permissions(invalidate.holders()?)))
        }
        Chosen::DisableUser(disable) => {
            let force = disable.force;
            Some(change(&disable.user, Change::Disable { force }))
        }
        Chosen::ForcePasswordReset(reset) => Some(change(&reset.user, Change::ForceReset)),
        Chosen::RollingRestart(_)
        | Chosen::RotateCredential(_)
        | Chosen::InvalidateCaches(_)
        | Chosen::Undo(_) => None,
    }
}

/// Another action of the namespace.
async fn find_action(
    action: &IncidentAction,
    name: &str,
    context: &Context,
) -> Result<Option<Arc<IncidentAction>>, Trouble> {
    let (shared, namespace) = (&context.shared, action.namespace().unwrap_or_default());
    let key = ObjectRef::<IncidentAction>::new(name).within(&namespace);
    let cached = shared.actions().iter().find_map(|store| store.get(&key));
    if cached.is_some() {
        return Ok(cached);
    }
    // Made a moment ago, or gone: the cache does not say.
    let api = Api::<IncidentAction>::namespaced(shared.client.clone(), &namespace);
    let params = ListParams::default().fields(&format!("metadata.name={name}"));
    let listed = api.list(&params).await;
    let listed = listed.map_err(|error| ApiError::new::<IncidentAction>("list", name, &error))?;
    Ok(listed.items.into_iter().next().map(Arc::new))
}

fn of_no_type() -> Trouble {
    Trouble::new(
        Reason::ApiServer,
        "the API server accepted an action of no type this operator knows; install the definitions of \
         this version: helm upgrade reportapp-crds",
    )
}

/// Whether the application has every component that is named.
fn check_components(app: &ReportApp, named: &[String]) -> Result<(), Trouble> {
    let known: Vec<_> = components(app, None)
        .iter()
        .map(ToString::to_string)
        .collect();
    match named.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Trouble::new(
            Reason::UnknownComponent,
            format!(
                "spec.rollingRestart.components: ReportApp {} has no component {name}; it has: {}",
                app.name_any(),
                known.join(", ")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_component_is_named_beside_those_there_are() {
        let app = crate::reportapp::testing::example_app();
        let named = |names: &[&str]| -> Vec<_> { names.iter().map(ToString::to_string).collect() };
        assert_eq!(check_components(&app, &named(&["bot", "api"])), Ok(()));
        let trouble = check_components(&app, &named(&["api", "tunnel-x"])).unwrap_err();
        assert_eq!(trouble.reason, Reason::UnknownComponent);
        for word in ["component tunnel-x;", "tunnel-main, api, bot"] {
            assert!(trouble.message.contains(word), "{trouble}");
        }
    }
}
