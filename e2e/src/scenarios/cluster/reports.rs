//! A report is added by a ConfigMap while the application runs, by the steps of `docs/guides/add-a-report.md`:
//! no pod is restarted, a file that is broken is told by name and line, and what was read of it before is still
//! answered.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::Reports;
use serde_json::{Value, json};

use super::pods;
use super::subject::Subject;
use crate::demo::access::Session;
use crate::scenarios::watch::{condition, is_observed, says};
use crate::scenarios::world::World;

/// What the guide has its reader apply.
const EXAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/examples/report-configmap.yaml"
);
/// Its name, the file in it and the report in that.
const FILES: &str = "reports";
const FILE: &str = "sales-by-client.yaml";
const REPORT: &str = "sales-by-client";
/// The kubelet brings a changed file within about a minute.
const PATIENCE: Duration = Duration::from_secs(150);

pub(super) async fn added_without_a_restart(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    apply_example(&subject).await?;
    let example = file(&subject).await?;
    // Nothing in it yet, so that the report comes to pods that run.
    write(&subject, None).await?;
    let before = subject
        .edit(|spec| {
            spec.reports = Some(Reports {
                config_map: FILES.to_owned(),
            });
        })
        .await?;
    let outcome = scene(world, &subject, &example).await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    let maps = subject.objects::<ConfigMap>();
    maps.delete(FILES, &DeleteParams::default()).await?;
    outcome
}

async fn scene(world: &World, subject: &Subject<'_>, example: &str) -> Result<()> {
    let running = pods::of(subject).await?;
    let session = subject.session().await?;
    let path = path(&session).await?;
    let absent = session.get(&path).await;
    ensure!(absent.is_err(), "{REPORT} is answered before it was added");

    apply_example(subject).await?;
    let begun = std::time::Instant::now();
    let rows = until_answered(&session, &path).await?;
    let took = begun.elapsed();
    ensure!(!rows.is_empty(), "{REPORT} has no rows");
    until_ready(subject, "True", "ReportsLoaded").await?;

    let broken = example.replace("kind: amount", "kind: guess");
    write(subject, Some(&broken)).await?;
    let words = until_ready(subject, "False", "ReportRefused").await?;
    let line = broken.lines().position(|line| line.contains("kind: guess"));
    let place = format!("{FILE}:{}", line.context("the file has amounts")? + 1);
    ensure!(words.contains(&place), "no {place} in: {words}");
    ensure!(
        until_answered(&session, &path).await? == rows,
        "the report of before is not answered any more"
    );

    write(subject, Some(example)).await?;
    until_ready(subject, "True", "ReportsLoaded").await?;
    ensure!(until_answered(&session, &path).await? == rows, "other rows");
    let now = pods::of(subject).await?;
    ensure!(now == running, "pods were restarted: {running:?} {now:?}");
    world.progress().note(&format!(
        "{REPORT}: {} rows, {:.0} s after kubectl apply",
        rows.len(),
        took.as_secs_f64()
    ));
    Ok(())
}

async fn apply_example(subject: &Subject<'_>) -> Result<()> {
    let arguments = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--filename",
        EXAMPLE,
    ];
    subject.kubectl(&arguments).await.map(drop)
}

/// The report file as it is.
async fn file(subject: &Subject<'_>) -> Result<String> {
    let map = subject.objects::<ConfigMap>().get(FILES).await?;
    let data = map.data.and_then(|mut data| data.remove(FILE));
    data.with_context(|| format!("the ConfigMap {FILES} has no key {FILE}"))
}

/// Gives the file another content, or takes it away.
async fn write(subject: &Subject<'_>, content: Option<&str>) -> Result<()> {
    let maps: Api<ConfigMap> = subject.objects();
    let patch = Patch::Merge(json!({ "data": { FILE: content } }));
    let written = maps.patch(FILES, &PatchParams::default(), &patch).await;
    written.context("the ConfigMap was refused").map(drop)
}

/// The report of the first company and its last month.
async fn path(session: &Session) -> Result<String> {
    let companies = session.get("/api/companies").await?;
    let company = companies[0]["id"].as_str().context("there is no company")?;
    let calendar = session
        .get(&format!("/api/calendar?company={company}"))
        .await?;
    let periods = calendar["periods"].as_array().context("no periods")?;
    let months = periods.iter().filter_map(|period| {
        let (year, month) = (period["year"].as_i64()?, period["month"].as_i64()?);
        Some((year, month))
    });
    let (year, month) = months.max().context("the calendar is empty")?;
    let month = format!("{year:04}-{month:02}");
    Ok(format!(
        "/api/reports/{REPORT}?server=main&company={company}&from={month}-01&to={month}-28"
    ))
}

/// The rows of the report, once it is answered.
async fn until_answered(session: &Session, path: &str) -> Result<Vec<Value>> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let answered = async {
        loop {
            ticks.tick().await;
            if let Ok(answer) = session.get(path).await {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answered).await;
    let answer = answer.with_context(|| format!("GET {path} is not answered"))?;
    let rows = answer["rows"].as_array();
    rows.cloned().context("rows is no list")
}

/// Waits for the condition `ReportsReady` and gives its message.
async fn until_ready(subject: &Subject<'_>, status: &str, reason: &str) -> Result<String> {
    let holds = |app: &ReportApp| {
        let found = condition(app, "ReportsReady");
        is_observed(app)
            && says(app, "ReportsReady", status)
            && found.is_some_and(|found| found.reason == reason)
    };
    let app = subject
        .until(&format!("ReportsReady={status}"), holds)
        .await?;
    let message = condition(&app, "ReportsReady").map(|found| found.message.clone());
    Ok(message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reportapp_crds::ALLOW_ANNOTATION;

    use super::*;

    #[test]
    fn the_example_lends_one_report_to_the_demo() {
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        let map: ConfigMap = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(map.metadata.name.as_deref(), Some(FILES));
        assert_eq!(
            map.metadata.namespace.as_deref(),
            Some(crate::demo::NAMESPACE)
        );
        let annotations = map.metadata.annotations.unwrap();
        assert_eq!(annotations[ALLOW_ANNOTATION], crate::demo::NAME);
        let files = map.data.unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), [FILE]);
        let report: Value = serde_yaml_ng::from_str(&files[FILE]).unwrap();
        assert_eq!(report["id"], REPORT);
        assert!(files[FILE].contains("kind: amount"), "nothing to break");
    }
}
