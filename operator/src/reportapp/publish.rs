//! The writing half of `status`: the status only when it differs from the live one, and one event
//! for each transition a person would want to see. An event that cannot be published costs
//! nothing but itself.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Resource as _, ResourceExt as _};
use reportapp_crds::report_app::{CanaryStatus, CredentialStatus};
use reportapp_crds::{ReportApp, ReportAppStatus};
use serde_json::json;

use super::naming::FIELD_MANAGER;
use super::status::{
    MIGRATED, MIGRATION_RUNNING, READY, REPORTS_READY, STALLED, UP_TO_DATE, bounded,
};
use crate::api_error::{ApiError, ApiResult};
use crate::canary::verdict::REJECTED;
use crate::context::Context;

/// Most bytes of an event's note; the API server takes no longer one.
pub const MAX_NOTE: usize = 1_024;
/// `action` of every event.
const ACTION: &str = "Reconcile";

/// Writes `status` if it differs, and tells transitions as events.
///
/// # Errors
/// When the API server refuses the status. An object that is gone is no error.
pub async fn publish(
    app: &Arc<ReportApp>,
    status: ReportAppStatus,
    context: &Context,
) -> ApiResult<()> {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    let shared = &context.shared;
    let before = app.status.clone().unwrap_or_default();
    if let Some(ready) = find(&status, READY) {
        shared
            .metrics
            .app(&namespace, &name, ready.status == "True", &ready.reason);
    }
    if app.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let api = Api::<ReportApp>::namespaced(shared.client.clone(), &namespace);
    // With the uid, a status never lands on a namesake that was created meanwhile.
    let object = json!({
        "apiVersion": ReportApp::api_version(&()),
        "kind": ReportApp::kind(&()),
        "metadata": { "name": name, "uid": app.uid() },
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api
        .patch_status(&name, &params, &Patch::Apply(&object))
        .await
    {
        Ok(written) => shared.latest.remember(written),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return Ok(()),
        Err(error) => return Err(ApiError::new::<ReportApp>("patch", &name, &error).on("status")),
    }
    for event in transitions(&before, &status) {
        emit(app, event, context).await;
    }
    Ok(())
}

/// Publishes an event about `app`; a failure is logged and counted.
pub async fn emit(app: &ReportApp, event: Event, context: &Context) {
    emit_about(&app.object_ref(&()), event, context).await;
}

/// Publishes an event about any object; a failure is logged and counted.
pub async fn emit_about(about: &ObjectReference, event: Event, context: &Context) {
    let shared = &context.shared;
    let Err(error) = shared.events.publish(&event, about).await else {
        return;
    };
    shared.metrics.event_failed(&event.reason);
    let error = ApiError::new::<k8s_openapi::api::events::v1::Event>("create", "", &error);
    tracing::warn!(
        about = about.name,
        reason = event.reason,
        "an event is lost: {error}"
    );
}

/// An event of `kind` with a bounded note.
pub fn event(kind: EventType, reason: &str, note: &str) -> Event {
    Event {
        type_: kind,
        reason: reason.to_owned(),
        note: Some(bounded(note, MAX_NOTE)),
        action: ACTION.to_owned(),
        secondary: None,
    }
}

fn find<'a>(status: &'a ReportAppStatus, kind: &str) -> Option<&'a Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind)
}

/// Events for what changed between two statuses.
fn transitions(before: &ReportAppStatus, after: &ReportAppStatus) -> Vec<Event> {
    let changed = |kind: &str| {
        let now = find(after, kind)?;
        let same = find(before, kind)
            .is_some_and(|then| then.status == now.status && then.reason == now.reason);
        (!same).then_some(now)
    };
    let ready = changed(READY).map(|condition| {
        let calm = condition.status == "True"
            || ["RollingOut", MIGRATION_RUNNING].contains(&condition.reason.as_str());
        let kind = if calm {
            EventType::Normal
        } else {
            EventType::Warning
        };
        event(kind, &condition.reason, &condition.message)
    });
    // What `Ready` has told is not told again.
    let is_news =
        |condition: &&Condition| find(after, READY).is_none_or(|r| r.reason != condition.reason);
    let refused = changed(STALLED)
        .filter(|condition| condition.status == "True")
        .filter(is_news)
        .map(|condition| event(EventType::Warning, &condition.reason, &condition.message));
    let pending = changed(UP_TO_DATE)
        .filter(|condition| condition.status == "False")
        .map(|condition| event(EventType::Normal, &condition.reason, &condition.message));
    let apart = [MIGRATED, REPORTS_READY].into_iter().filter_map(|kind| {
        let condition = changed(kind).filter(is_news)?;
        let kind = match (condition.status.as_str(), condition.reason.as_str()) {
            ("True", _) | (_, MIGRATION_RUNNING) => EventType::Normal,
            ("False", _) => EventType::Warning,
            _ => return None,
        };
        Some(event(kind, &condition.reason, &condition.message))
    });
    let logins = after.credentials.iter().filter_map(|credential| {
        let then = before
            .credentials
            .iter()
            .find(|c| c.name == credential.name);
        login(then.and_then(|then| then.canary.as_ref()), credential)
    });
    let conditions = [ready, refused, pending].into_iter().flatten();
    conditions.chain(apart).chain(logins).collect()
}

/// The event for a login that is refused now, or accepted again.
fn login(before: Option<&CanaryStatus>, credential: &CredentialStatus) -> Option<Event> {
    let canary = credential.canary.as_ref()?;
    if before.map_or(canary.ok, |before| before.ok == canary.ok) {
        return None;
    }
    Some(if canary.ok {
        let note = format!(
            "the login of credential {} is accepted again",
            credential.name
        );
        event(EventType::Normal, "CredentialAccepted", &note)
    } else {
        let reason = canary.reason.as_deref().unwrap_or(REJECTED);
        let note = canary.message.as_deref().unwrap_or_default();
        event(EventType::Warning, reason, note)
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn status(conditions: &[(&str, &str, &str)]) -> ReportAppStatus {
        let condition = |(kind, status, reason): &(&str, &str, &str)| Condition {
            type_: (*kind).to_owned(),
            status: (*status).to_owned(),
            reason: (*reason).to_owned(),
            message: "é".repeat(2_000),
            observed_generation: Some(1),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        ReportAppStatus {
            conditions: conditions.iter().map(condition).collect(),
            ..ReportAppStatus::default()
        }
    }

    fn told(before: &ReportAppStatus, after: &ReportAppStatus) -> Vec<(EventType, String)> {
        let events = transitions(before, after);
        assert!(
            events
                .iter()
                .all(|event| event.note.as_ref().is_some_and(|note| note.len() <= 1_024))
        );
        events
            .into_iter()
            .map(|event| (event.type_, event.reason))
            .collect()
    }

    #[test]
    fn an_event_is_told_once_per_transition() {
        let up = status(&[
            (READY, "True", "Available"),
            (UP_TO_DATE, "True", "UpToDate"),
        ]);
        let down = status(&[
            (READY, "False", "BastionUnreachable"),
            (UP_TO_DATE, "True", "UpToDate"),
        ]);
        let warning = (EventType::Warning, "BastionUnreachable".to_owned());
        assert_eq!(told(&up, &down), [warning]);
        assert_eq!(told(&down, &down), []);
        assert_eq!(
            told(&down, &up),
            [(EventType::Normal, "Available".to_owned())]
        );
    }

    #[test]
    fn a_login_is_told_when_it_is_refused_and_when_it_is_accepted_again() {
        let tried = |ok| {
            let canary = CanaryStatus {
                ok,
                checked_at: Time(Timestamp::UNIX_EPOCH),
                reason: (!ok).then(|| REJECTED.to_owned()),
                message: (!ok).then(|| "m".repeat(1_000)),
            };
            let credential = CredentialStatus {
                name: "erp".to_owned(),
                secret: None,
                last_rotation: None,
                next_rotation: None,
                canary: Some(canary),
            };
            ReportAppStatus {
                credentials: vec![credential],
                ..ReportAppStatus::default()
            }
        };
        let (untried, good, bad) = (ReportAppStatus::default(), tried(true), tried(false));
        let warning = [(EventType::Warning, REJECTED.to_owned())];
        assert_eq!(told(&untried, &good), []);
        assert_eq!(told(&untried, &bad), warning);
        assert_eq!(told(&good, &bad), warning);
        assert_eq!(told(&bad, &bad), []);
        let again = (EventType::Normal, "CredentialAccepted".to_owned());
        assert_eq!(told(&bad, &good), [again]);
    }

    #[test]
    fn a_refusal_is_told_once_beside_an_application_that_serves_or_with_it() {
        let fine = status(&[
            (READY, "True", "Available"),
            (STALLED, "False", "Progressing"),
        ]);
        let beside = status(&[
            (READY, "True", "Available"),
            (STALLED, "True", "WorkloadNotAllowed"),
        ]);
        let warning = |reason: &str| [(EventType::Warning, reason.to_owned())];
        assert_eq!(told(&fine, &beside), warning("WorkloadNotAllowed"));
        assert_eq!(told(&beside, &beside), []);
        assert_eq!(told(&beside, &fine), []);
        let whole = status(&[
            (READY, "False", "HostTaken"),
            (STALLED, "True", "HostTaken"),
        ]);
        assert_eq!(told(&fine, &whole), warning("HostTaken"));
    }

    #[test]
    fn a_migration_and_its_failure_are_told_once() {
        let seen = |ready: &str, migrated: &str, reason: &str| {
            status(&[(READY, ready, reason), (MIGRATED, migrated, reason)])
        };
        let running = seen("False", "False", MIGRATION_RUNNING);
        let failed = seen("False", "False", "MigrationFailed");
        let done = status(&[
            (READY, "True", "Available"),
            (MIGRATED, "True", "MigrationDone"),
        ]);
        let one = |kind, reason: &str| [(kind, reason.to_owned())];
        let nothing = ReportAppStatus::default();
        assert_eq!(
            told(&nothing, &running),
            one(EventType::Normal, MIGRATION_RUNNING)
        );
        assert_eq!(
            told(&running, &failed),
            one(EventType::Warning, "MigrationFailed")
        );
        assert_eq!(told(&failed, &failed), []);
        let over = [
            (EventType::Normal, "Available".to_owned()),
            (EventType::Normal, "MigrationDone".to_owned()),
        ];
        assert_eq!(told(&running, &done), over);
    }

    #[test]
    fn a_report_file_that_is_refused_is_told_beside_an_application_that_serves() {
        let seen = |value: &str, reason: &str| {
            status(&[(READY, "True", "Available"), (REPORTS_READY, value, reason)])
        };
        let (unknown, loaded) = (
            seen("Unknown", "NotReported"),
            seen("True", "ReportsLoaded"),
        );
        let refused = seen("False", "ReportRefused");
        let one = |kind, reason: &str| [(kind, reason.to_owned())];
        assert_eq!(told(&loaded, &unknown), []);
        assert_eq!(
            told(&loaded, &refused),
            one(EventType::Warning, "ReportRefused")
        );
        assert_eq!(
            told(&refused, &loaded),
            one(EventType::Normal, "ReportsLoaded")
        );
    }

    #[test]
    fn a_pending_upgrade_is_told() {
        let before = status(&[
            (READY, "True", "Available"),
            (UP_TO_DATE, "True", "UpToDate"),
        ]);
        let after = status(&[
            (READY, "True", "Available"),
            (UP_TO_DATE, "False", "UpgradePending"),
        ]);
        assert_eq!(
            told(&before, &after),
            [(EventType::Normal, "UpgradePending".to_owned())]
        );
    }
}
