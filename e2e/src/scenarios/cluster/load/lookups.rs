//! Where the API finds sessions while traffic runs. A Redis that refuses the API fails no request, for
//! the store has every session too; but each pod counts the look-ups that had to go past Redis, and
//! whether it refused the API or was late, as it may be on a busy machine.
//!
//! A pod takes its counts with it when it ends. So all pods are read again and again through the API
//! server, also those on their way out, and the highest counts of each are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::demo::NAMESPACE;
use crate::scenarios::cluster::subject::{API_PODS, Subject};
use crate::scenarios::metrics;

/// Counts look-ups of sessions by where they were found.
const METRIC: &str = "reportapp_session_lookups_total";
/// Between two readings. What a pod counts after its last one is lost.
const EVERY: Duration = Duration::from_millis(500);
/// A pod that takes longer has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Look-ups of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lookups {
    /// Found in Redis.
    pub in_redis: f64,
    /// Asked of the store because Redis refused the API.
    pub refused: f64,
    /// Asked of the store because Redis did not answer in time.
    pub late: f64,
}

impl Lookups {
    /// What a page of `/metrics` says.
    fn of(page: &str) -> Self {
        let from = |source| metrics::sum_of(page, METRIC, &format!("source=\"{source}\""));
        Self {
            in_redis: from("cache"),
            refused: from("store-cache-refused"),
            late: from("store-cache-failed"),
        }
    }

    fn fold(self, other: Self, with: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            in_redis: with(self.in_redis, other.in_redis),
            refused: with(self.refused, other.refused),
            late: with(self.late, other.late),
        }
    }
}

/// What one pod counted.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// When this began; nothing for a pod that came later.
    before: Lookups,
    highest: Lookups,
}

/// Spans by pod.
#[derive(Debug, Default)]
struct Counts(BTreeMap<String, Span>);

impl Counts {
    fn begin(pods: Vec<(String, Lookups)>) -> Self {
        let span = |counted| Span {
            before: counted,
            highest: counted,
        };
        let spans = pods.into_iter().map(|(pod, counted)| (pod, span(counted)));
        Self(spans.collect())
    }

    fn see(&mut self, pod: String, counted: Lookups) {
        let span = self.0.entry(pod).or_default();
        span.highest = span.highest.fold(counted, f64::max);
    }

    fn growth(&self) -> Lookups {
        let grown = |span: &Span| span.highest.fold(span.before, |now, then| now - then);
        let all = self.0.values().map(grown);
        all.fold(Lookups::default(), |sum, one| sum.fold(one, |a, b| a + b))
    }
}

/// Reads all pods until it is dropped.
pub(super) struct Watch {
    pods: Pods,
    counts: Arc<Mutex<Counts>>,
    _reader: JoinSet<()>,
}

impl Watch {
    /// Begins to read. `None` on a foreign cluster whose API server may not reach pods.
    ///
    /// # Errors
    /// When no pod can be read on a local one.
    pub(super) async fn begin(subject: &Subject<'_>) -> Result<Option<Self>> {
        let pods = Pods(subject.demo.client());
        let first = match pods.read().await {
            Ok(first) => first,
            Err(_) if !subject.is_local() => return Ok(None),
            Err(error) => return Err(error),
        };
        let counts = Arc::new(Mutex::new(Counts::begin(first)));
        let mut reader = JoinSet::new();
        let (all, seen) = (pods.clone(), Arc::clone(&counts));
        reader.spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                look(&all, &seen).await;
            }
        });
        Ok(Some(Self {
            pods,
            counts,
            _reader: reader,
        }))
    }

    /// What all pods counted so far.
    pub(super) fn so_far(&self) -> Lookups {
        lock(&self.counts).growth()
    }

    /// What all pods counted, up to now.
    pub(super) async fn end(self) -> Lookups {
        look(&self.pods, &self.counts).await;
        self.so_far()
    }
}

/// Reads once. A moment without an answer is made good by the next one, as counts only grow.
async fn look(pods: &Pods, counts: &Mutex<Counts>) {
    let Ok(found) = pods.read().await else { return };
    let mut counts = lock(counts);
    for (pod, counted) in found {
        counts.see(pod, counted);
    }
}

fn lock(counts: &Mutex<Counts>) -> std::sync::MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pods of the API, as the API server reaches them.
#[derive(Clone)]
struct Pods(Client);

impl Pods {
    /// Counts of all that answer.
    ///
    /// # Errors
    /// When the API server does not answer, or none of the pods.
    async fn read(&self) -> Result<Vec<(String, Lookups)>> {
        let pods = Api::<Pod>::namespaced(self.0.clone(), NAMESPACE);
        let pods = pods.list(&ListParams::default().labels(API_PODS)).await?;
        let pages = pods.into_iter().map(|pod| async move {
            let name = pod.name_any();
            let page = self.page(&name).await?;
            anyhow::Ok((name, Lookups::of(&page)))
        });
        let (read, failed): (Vec<_>, Vec<_>) =
            join_all(pages).await.into_iter().partition(Result::is_ok);
        if let (true, Some(Err(error))) = (read.is_empty(), failed.into_iter().next()) {
            return Err(error);
        }
        Ok(read.into_iter().flatten().collect())
    }

    async fn page(&self, pod: &str) -> Result<String> {
        let port = reportapp_config::HEALTH_PORT;
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{port}/proxy/metrics");
        let request = http::Request::get(path).body(Vec::new())?;
        let page = tokio::time::timeout(PATIENCE, self.0.request_text(request));
        let page = page.await.context("it does not answer in time");
        page.and_then(|page| Ok(page?))
            .with_context(|| format!("the metrics of pod {pod} cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(in_redis: u32, refused: u32) -> Lookups {
        let page = format!(
            "# TYPE {METRIC} counter\n\
             {METRIC}{{source=\"cache\"}} {in_redis}\n\
             {METRIC}{{source=\"store\"}} 100\n\
             {METRIC}{{source=\"store-cache-failed\"}} 1\n\
             {METRIC}{{source=\"store-cache-refused\"}} {refused}\n"
        );
        Lookups::of(&page)
    }

    #[test]
    fn what_every_pod_counted_since_the_beginning_is_added_up() {
        let mut counts = Counts::begin(vec![("old".to_owned(), counted(10, 3))]);
        assert_eq!(counts.growth(), Lookups::default());
        counts.see("old".to_owned(), counted(14, 3));
        counts.see("new".to_owned(), counted(2, 0));
        counts.see("new".to_owned(), counted(5, 1));
        assert_eq!(counts.growth(), counted(9, 1));
    }

    #[test]
    fn a_container_that_began_to_count_anew_takes_nothing_away() {
        let mut counts = Counts::begin(Vec::new());
        counts.see("pod".to_owned(), counted(7, 2));
        counts.see("pod".to_owned(), counted(1, 0));
        assert_eq!(counts.growth(), counted(7, 2));
    }
}
