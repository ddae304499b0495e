//! Constant traffic on the application, with every answer counted. Some clients keep their connection,
//! some open one per request, and each signs in anew every few seconds.
//!
//! What it would notice: figures come from the ERP's PostgreSQL through the tunnel, each time anew, a sign-in reads and
//! writes the store, every request is checked with the keys of the tokens. Redis has a copy of each session;
//! that the API had to do without it fails no request, and [`lookups`] counts it. A login that is taken from
//! a pool of connections too early shows when the next connection is made: [`with_short_connections`].

mod lookups;
mod testimony;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::Api;
use reportapp_config::Secret;
use reportapp_crds::{Period, ReportApp, ReportAppSpec};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::lookups::{Lookups, Watch};
use super::subject::Subject;
use crate::demo::access::{Entrance, Session};
use crate::demo::{ADMINISTRATOR, NAME};

/// Between two requests of one client. Leaves the machine time for what is tested.
const PACE: Duration = Duration::from_millis(100);
/// How long a client goes on with one session; less when its token lives shorter.
const SESSION_LIFE: Duration = Duration::from_secs(3);
/// How long connections to databases live under [`with_short_connections`].
pub const CONNECTION_LIFE: Period = Period::from_secs(10);
/// Clients of each kind.
const CLIENTS: usize = 2;
/// Failures that are told in full.
const TOLD: usize = 5;

/// What traffic came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests that were answered or failed.
    pub requests: usize,
    /// Requests that failed.
    pub failed: usize,
    /// The first failures, each with the second it happened in, and what the API logged before the first.
    pub told: Vec<String>,
    /// Where sessions were found; unknown on a foreign cluster whose API server may not reach pods.
    pub lookups: Option<Lookups>,
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} requests, {} failed; ",
            self.requests, self.failed
        )?;
        match self.lookups {
            Some(Lookups {
                in_redis,
                refused,
                late,
            }) => write!(
                formatter,
                "sessions found in Redis {in_redis} times, refused by it {refused} times, late {late} times"
            ),
            None => write!(
                formatter,
                "where sessions were found cannot be read through this API server"
            ),
        }
    }
}

/// Lets connections to both databases live for seconds while `scene` plays: old connections keep working
/// when a login stops working, and only new ones would tell.
///
/// # Errors
/// When the scene fails, or the application does not become Ready before or after it.
pub async fn with_short_connections<T>(
    subject: &Subject<'_>,
    scene: impl AsyncFnOnce() -> Result<T>,
) -> Result<T> {
    let before = subject.edit(short_connections).await?;
    let outcome = scene().await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    outcome
}

/// The change behind [`with_short_connections`].
pub fn short_connections(spec: &mut ReportAppSpec) {
    spec.store.pool.max_lifetime = CONNECTION_LIFE;
    for server in &mut spec.servers {
        server.pool.max_lifetime = CONNECTION_LIFE;
    }
}

/// Running traffic; it ends when this is dropped.
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    watch: Option<Watch>,
    stop: CancellationToken,
    clients: JoinSet<()>,
}

impl Load {
    /// Starts clients.
    ///
    /// # Errors
    /// When the application does not serve already.
    pub async fn start(subject: &Subject<'_>) -> Result<Self> {
        let apps: Api<ReportApp> = subject.objects();
        let token_life = apps.get(NAME).await?.spec.api.token_lifetime.as_duration();
        let session = subject.session().await?;
        let pages = pages(&session).await?;
        let found = session.ask(&pages[0], true).await?.found;
        ensure!(
            found.as_deref() == Some("database"),
            "figures were found in {found:?}: the traffic would not notice a lost database"
        );
        let watch = Watch::begin(subject).await?;
        let (tally, stop) = (Arc::default(), CancellationToken::new());
        let mut clients = JoinSet::new();
        for number in 0..2 * CLIENTS {
            let client = Client {
                entrance: subject.demo.entrance(),
                password: subject.demo.admin_password().clone(),
                keeps_connection: number % 2 == 0,
                pages: pages.clone(),
                session_life: SESSION_LIFE.min(token_life / 3),
                tally: Arc::clone(&tally),
                kubernetes: subject.demo.client(),
                started: Instant::now(),
            };
            clients.spawn(client.run(stop.clone()));
        }
        Ok(Self {
            tally,
            watch,
            stop,
            clients,
        })
    }

    /// What it came to so far.
    pub fn so_far(&self) -> Tally {
        Tally {
            lookups: self.watch.as_ref().map(Watch::so_far),
            ..lock(&self.tally).clone()
        }
    }

    /// Ends it once the requests in hand are answered.
    pub async fn stop(mut self) -> Tally {
        self.stop.cancel();
        while self.clients.join_next().await.is_some() {}
        let mut tally = self.so_far();
        if let Some(watch) = self.watch {
            tally.lookups = Some(watch.end().await);
        }
        tally
    }

    /// Ends it.
    ///
    /// # Errors
    /// When a request failed, or was served without Redis; the message tells the first failures.
    pub async fn none_failed(self) -> Result<Tally> {
        let tally = self.stop().await;
        ensure!(
            tally.failed == 0 && tally.requests > 0,
            "{} of {} requests failed:\n{}",
            tally.failed,
            tally.requests,
            tally.told.join("\n")
        );
        if let Some(lookups) = tally.lookups {
            ensure!(
                lookups.refused == 0.0 && lookups.in_redis > lookups.late,
                "Redis refused the API, or hardly answered: {tally}"
            );
        }
        Ok(tally)
    }
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is asked in turn: first figures of the ERP.
///
/// # Errors
/// When the application does not serve.
pub async fn pages(session: &Session) -> Result<Vec<String>> {
    let companies = session.get("/api/companies").await?;
    let company = companies[0]["id"].as_str().context("there is no company")?;
    let calendar = session
        .get(&format!("/api/calendar?company={company}"))
        .await?;
    let (year, month) = (&calendar["latest"]["year"], &calendar["latest"]["month"]);
    Ok(vec![
        format!("/api/trial-balance?company={company}&year={year}&month={month}"),
        "/api/companies".to_owned(),
    ])
}

/// One user of the application.
struct Client {
    entrance: Entrance,
    password: Secret,
    keeps_connection: bool,
    pages: Vec<String>,
    session_life: Duration,
    tally: Arc<Mutex<Tally>>,
    kubernetes: kube::Client,
    started: Instant,
}

impl Client {
    async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut signed_in: Option<(Session, Instant)> = None;
        for page in self.pages.iter().cycle() {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            signed_in = signed_in.filter(|(_, since)| since.elapsed() < self.session_life);
            if let Some((session, _)) = &signed_in {
                self.count(page, session.get(page).await.err()).await;
                continue;
            }
            match self.sign_in().await {
                Ok(session) => {
                    self.count("sign-in", None).await;
                    signed_in = Some((session, Instant::now()));
                }
                Err(error) => self.count("sign-in", Some(error)).await,
            }
        }
    }

    async fn sign_in(&self) -> Result<Session> {
        let mut http = self.entrance.http()?;
        if !self.keeps_connection {
            http = http.pool_max_idle_per_host(0);
        }
        let password = self.password.expose();
        self.entrance
            .sign_in(http.build()?, ADMINISTRATOR, password)
            .await
    }

    async fn count(&self, what: &str, failure: Option<anyhow::Error>) {
        let is_first = {
            let mut tally = lock(&self.tally);
            tally.requests += 1;
            let Some(failure) = failure else { return };
            tally.failed += 1;
            if tally.failed <= TOLD {
                let second = self.started.elapsed().as_secs_f64();
                let told = format!("  after {second:.1} s, {what}: {failure:#}");
                tally.told.push(told);
            }
            tally.failed == 1
        };
        if is_first {
            let logged = testimony::of_pods(self.kubernetes.clone()).await;
            lock(&self.tally).told.extend(logged);
        }
    }
}
