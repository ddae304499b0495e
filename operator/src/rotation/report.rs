//! What people read of a rotation: its plan, and its transitions as events.

use kube::ResourceExt as _;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::Credential;
use reportapp_crds::{SecretRotation, SecretRotationStatus};

use super::consumers;
use super::live::Live;
use super::plan::{Backend, Planned};
use super::publish_template::place_in_words;
use super::target::Strategy;
use super::world::World as _;
use crate::api_error::shortened;
use crate::backend::{Outline, next_twin};
use crate::context::Context;
use crate::one_shot::{self, Stand, object};
use crate::reportapp::fetch;

/// Most bytes of a line of the plan.
const LINE_BYTES: usize = 1_000;
/// Most lines of a plan.
const LINES: usize = 128;

/// What is done, in order, without values. Rights that are missing stand in it as well.
pub async fn plan(live: &Live<'_>, emergency: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if emergency {
        lines.push(
            "emergency: every value of these credentials is blocked and its sessions are ended first; \
             requests that need them fail until the pods are replaced"
                .to_owned(),
        );
    }
    for planned in &live.planned {
        let found = credential(live, planned, emergency).await;
        let name = &planned.target.name;
        lines.extend(found.iter().map(|line| format!("{name}: {line}")));
    }
    bounded(&lines)
}

/// As many lines as a status may hold, and how many are left out.
fn bounded(lines: &[String]) -> Vec<String> {
    let shown = match lines.len() {
        all if all <= LINES => all,
        _ => LINES - 1,
    };
    let (shown, left) = lines.split_at(shown);
    let left = (!left.is_empty()).then(|| {
        let count = left.len();
        format!("and {count} lines more; rotate fewer credentials at once to read them")
    });
    let shown = shown
        .iter()
        .map(|line| shortened(line, LINE_BYTES).into_owned());
    shown.chain(left).collect()
}

/// The lines of one credential.
async fn credential(live: &Live<'_>, planned: &Planned, emergency: bool) -> Vec<String> {
    let target = &planned.target;
    let mut lines = vec![planned.why.clone()];
    let in_use = match live.read(target).await {
        Ok(read) => read.entry.current.and_then(|value| value.username),
        Err(trouble) => {
            lines.push(format!("the ledger cannot be read: {trouble}"));
            None
        }
    };
    match planned.backend.preflight().await {
        Ok(notices) => lines.extend(notices),
        Err(error) => lines.push(format!("missing: {error}")),
    }
    let outline = outline(planned, in_use);
    let opens_something = !outline.accept.is_empty();
    lines.push("write the new value to the ledger as pending".to_owned());
    lines.extend(outline.accept);
    if opens_something {
        lines.push("log in with it as the application does, and compare privileges".to_owned());
    }
    lines.push("make it the current value in the ledger".to_owned());
    let mut credentials = live.app.spec.credentials.iter();
    if let Some(credential) = credentials.find(|found| found.name == target.name) {
        lines.extend(readers(credential));
    }
    let pods = fetch::live(&live.app, live.context);
    let app = live.app.name_any();
    lines.push(own_pods(&consumers::workloads(
        &pods,
        &app,
        &target.name,
        &live.name_key,
    )));
    if !target.hold.is_zero() && !emergency {
        lines.push(format!(
            "wait {} s beyond that before the old value is retired",
            target.hold.as_secs()
        ));
    }
    lines.extend(outline.retire);
    if opens_something {
        lines.push("log in with the old value, which must be refused".to_owned());
    }
    lines
}

/// What the backend is told.
fn outline(planned: &Planned, in_use: Option<String>) -> Outline {
    let target = &planned.target;
    let Some(role) = &target.role else {
        return Outline::default();
    };
    let from = in_use.unwrap_or_else(|| role.clone());
    let to = match target.strategy {
        Strategy::AlternatingUsers => next_twin(role, Some(&from)),
        _ => role.clone(),
    };
    match &planned.backend {
        Backend::Postgres(postgres) => postgres.plan(Some(&from), &to),
        Backend::Redis(redis) => redis.plan(Some(&from), &to),
        Backend::None => Outline::default(),
    }
}

/// Who beyond the application's own pods is given the value.
fn readers(credential: &Credential) -> impl Iterator<Item = String> {
    let places = credential.publish.iter().map(|target| {
        let place = place_in_words(target);
        format!("write it to {place}; other keys there stay")
    });
    let restarts = credential.restart.iter().map(|workload| {
        let (kind, name) = (workload.kind, &workload.name);
        format!("restart {kind:?} {name} and wait until none of its old pods is left")
    });
    places.chain(restarts)
}

/// The application's own pods.
fn own_pods(deployments: &[String]) -> String {
    match deployments {
        [] => "no pod of the application mounts it".to_owned(),
        names => format!(
            "publish a new immutable Secret, replace the pods of {} one by one, wait until none with \
             the old value is left",
            names.join(", ")
        ),
    }
}

/// Tells a transition.
pub async fn tell(before: &SecretRotation, after: &SecretRotationStatus, context: &Context) {
    let old = before.status.clone().unwrap_or_default();
    let Some(transition) = one_shot::transition(&stand(&old), &stand(after)) else {
        return;
    };
    let message = after.message.as_deref().unwrap_or_default();
    object::tell(before, &before.spec.app, transition, message, context).await;
}

fn stand(status: &SecretRotationStatus) -> Stand<'_> {
    let named = |word: String| (word, String::new());
    let awaits = status.phase == Some(Phase::AwaitingApproval);
    let awaiting = awaits.then(|| named(format!("{:?}", Phase::AwaitingApproval)));
    let step = status.step.map(|step| named(format!("{step:?}")));
    Stand {
        phase: status.phase,
        conditions: &status.conditions,
        step: awaiting.or(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_is_too_long_says_how_much_is_left_out() {
        let lines = |count: usize| vec!["x".repeat(2 * LINE_BYTES); count];
        assert_eq!(bounded(&lines(LINES)).len(), LINES);
        let cut = bounded(&lines(LINES + 2));
        assert_eq!(cut.len(), LINES);
        assert!(cut[0].len() <= LINE_BYTES + "…".len());
        assert!(
            cut[LINES - 1].starts_with("and 3 lines more"),
            "{}",
            cut[LINES - 1]
        );
    }

    #[test]
    fn the_plan_names_every_reader_of_the_value() {
        let text = "
            {name: erp, generic: {},
             publish: [{vaultPath: bisman/production, key: DATABASE_URL},
                       {awsSecret: bisman/production/database, key: password},
                       {kubernetesSecret: bisman-db-credentials, key: password}],
             restart: [{kind: StatefulSet, name: bisman-backend}]}";
        let credential: Credential = serde_yaml_ng::from_str(text).expect("a credential");
        let lines: Vec<_> = readers(&credential).collect();
        assert_eq!(
            lines,
            [
                "write it to Vault path bisman/production, key DATABASE_URL; other keys there stay",
                "write it to AWS secret bisman/production/database, key password; other keys there stay",
                "write it to Secret bisman-db-credentials, key password; other keys there stay",
                "restart StatefulSet bisman-backend and wait until none of its old pods is left",
            ]
        );
        let own = own_pods(&["demo-api".to_owned(), "demo-bot".to_owned()]);
        assert!(
            own.contains("the pods of demo-api, demo-bot one by one"),
            "{own}"
        );
        assert_eq!(own_pods(&[]), "no pod of the application mounts it");
    }
}
