//! Waits for the `ReportApp` and tells what it waits for.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Api;
use reportapp_crds::ReportApp;

use super::{NAME, NAMESPACE};
use crate::cluster::Cluster;
use crate::progress::Progress;

/// Images are there already, so a start that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(300);
/// How often the object is looked at.
const PERIOD: Duration = Duration::from_millis(300);

/// Waits until the operator says `Ready` of the latest spec.
pub(super) async fn wait(cluster: &Cluster, progress: &Progress) -> Result<()> {
    let api: Api<ReportApp> = Api::namespaced(cluster.client(), NAMESPACE);
    let step = progress.step("waiting until the ReportApp is Ready");
    let mut told = String::new();
    let waiting = async {
        loop {
            let app = api
                .get(NAME)
                .await
                .context("failed to look at the ReportApp")?;
            match seen(&app) {
                Seen::Ready => return anyhow::Ok(()),
                Seen::Waiting(why) if why != told => {
                    progress.note(&why);
                    step.detail(why.clone());
                    told = why;
                }
                Seen::Waiting(_) => {}
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    let outcome = tokio::time::timeout(DEADLINE, waiting).await;
    match outcome {
        Ok(done) => done?,
        Err(_) => bail!(
            "the ReportApp did not become Ready in {} s; the operator says: {told}\n\
             look deeper with: cargo e2e kubectl -n {NAMESPACE} describe reportapp {NAME}, \
             and: cargo e2e kubectl -n {NAMESPACE} get pods,events",
            DEADLINE.as_secs()
        ),
    }
    step.done("");
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Ready,
    /// Reason and message of the condition, for people.
    Waiting(String),
}

fn seen(app: &ReportApp) -> Seen {
    let condition = app
        .status
        .iter()
        .flat_map(|status| &status.conditions)
        .find(|condition| condition.type_ == "Ready");
    match condition {
        None => Seen::Waiting("the operator has not looked at it yet".to_owned()),
        Some(ready) if ready.observed_generation != app.metadata.generation => {
            Seen::Waiting("the operator has not looked at the change yet".to_owned())
        }
        Some(ready) if ready.status == "True" => Seen::Ready,
        Some(Condition {
            reason, message, ..
        }) if message.is_empty() => Seen::Waiting(reason.clone()),
        Some(Condition {
            reason, message, ..
        }) => Seen::Waiting(format!("{reason}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(status: &str, observed: i64) -> ReportApp {
        let mut app: ReportApp = serde_yaml_ng::from_str(super::super::MANIFEST).unwrap();
        app.metadata.generation = Some(2);
        app.status = serde_json::from_value(serde_json::json!({"conditions": [{
            "type": "Ready", "status": status, "reason": "RollingOut", "message": "api 0/2",
            "observedGeneration": observed, "lastTransitionTime": "2024-01-01T00:00:00Z",
        }]}))
        .unwrap();
        app
    }

    #[test]
    fn ready_counts_for_the_latest_spec_alone() {
        assert_eq!(seen(&app("True", 2)), Seen::Ready);
        assert!(matches!(seen(&app("True", 1)), Seen::Waiting(_)));
    }

    #[test]
    fn waiting_tells_reason_and_message() {
        assert_eq!(
            seen(&app("False", 2)),
            Seen::Waiting("RollingOut: api 0/2".to_owned())
        );
    }
}
