//! Counters and histograms of HTTP requests, of exports, of revocation and of the audit trail. Labels come from code, never from a request, so their
//! number is bounded.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use reportapp_session::SessionError;
use reportapp_session::epochs::Verdict;

use crate::store::audit::Batch;

/// Seconds; a report over a slow link may take ten.
const BUCKETS: [f64; 11] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Metrics of all listeners of this process.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGauge,
}

impl HttpMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("reportapp_http_requests_total", "Requests answered."),
                &["route", "method", "status"],
            )?,
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "reportapp_http_request_duration_seconds",
                    "Time from the head of a request to the head of its answer.",
                )
                .buckets(BUCKETS.to_vec()),
                &["route", "method"],
            )?,
            in_flight: IntGauge::new("reportapp_http_in_flight", "Requests being answered.")?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        Ok(metrics)
    }

    /// Counts a request as being answered until the guard is dropped.
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts an answer.
    pub fn observe(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let method = label(method);
        self.requests
            .with_label_values(&[route, method, status.as_str()])
            .inc();
        self.duration
            .with_label_values(&[route, method])
            .observe(took.as_secs_f64());
    }
}

/// A request being answered.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Metrics of reports that are exported as files.
#[derive(Clone, Debug)]
pub struct ExportMetrics {
    ended: IntCounterVec,
    rows: IntCounterVec,
    in_flight: IntGauge,
}

impl ExportMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            ended: IntCounterVec::new(
                Opts::new(
                    "reportapp_api_exports_total",
                    "Exports of reports that ended: complete, abandoned (the client went away), stalled (it \
                     stopped reading), expired (it took too long) or failed.",
                ),
                &["format", "result"],
            )?,
            rows: IntCounterVec::new(
                Opts::new("reportapp_api_export_rows_total", "Rows exported."),
                &["format"],
            )?,
            in_flight: IntGauge::new("reportapp_api_exports_in_flight", "Exports being sent.")?,
        };
        registry.register(Box::new(metrics.ended.clone()))?;
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.in_flight.clone()))?;
        Ok(metrics)
    }

    /// Counts an export as being sent until its tally is dropped.
    pub fn begin(&self, format: &'static str) -> ExportTally {
        self.in_flight.inc();
        ExportTally {
            metrics: self.clone(),
            rows: self.rows.with_label_values(&[format]),
            format,
            result: "abandoned",
        }
    }
}

/// An export being sent; abandoned unless somebody says how it ended.
#[derive(Debug)]
pub struct ExportTally {
    metrics: ExportMetrics,
    rows: IntCounter,
    format: &'static str,
    result: &'static str,
}

impl ExportTally {
    /// Counts rows.
    pub fn rows(&self, rows: usize) {
        self.rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
    }

    /// Says how it ended.
    pub fn end(&mut self, result: &'static str) {
        self.result = result;
    }
}

impl Drop for ExportTally {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        let labels = [self.format, self.result];
        self.metrics.ended.with_label_values(&labels).inc();
    }
}

/// Metrics of the sealed audit trail: the newest head leaves the database here.
#[derive(Clone, Debug)]
pub struct AuditMetrics {
    rows: IntCounter,
    sealed_at: IntGauge,
    head: IntGaugeVec,
}

impl AuditMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            rows: IntCounter::new(
                "reportapp_audit_sealed_rows_total",
                "Audit rows sealed by this process.",
            )?,
            sealed_at: IntGauge::new(
                "reportapp_audit_sealed_timestamp_seconds",
                "When this process sealed audit rows last.",
            )?,
            head: IntGaugeVec::new(
                Opts::new(
                    "reportapp_audit_head",
                    "Number of the batch sealed last by this process, with its head as a label.",
                ),
                &["head"],
            )?,
        };
        registry.register(Box::new(metrics.rows.clone()))?;
        registry.register(Box::new(metrics.sealed_at.clone()))?;
        registry.register(Box::new(metrics.head.clone()))?;
        Ok(metrics)
    }

    /// Shows a batch; one head at a time, so that there is one series.
    pub fn sealed(&self, batch: &Batch) {
        self.rows.inc_by(u64::try_from(batch.rows).unwrap_or(0));
        self.sealed_at.set(batch.sealed_at.as_second());
        self.head.reset();
        self.head.with_label_values(&[&batch.head]).set(batch.id);
    }
}

/// Metrics of the check each request passes, and of what it is checked against.
#[derive(Clone, Debug)]
pub struct EpochMetrics {
    accepted: IntCounter,
    revoked: IntCounter,
    unknown: IntCounter,
    unanswered: IntCounter,
    revocations: HistogramVec,
}

impl EpochMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let checks = IntCounterVec::new(
            Opts::new(
                "reportapp_epoch_checks_total",
                "Tokens judged by the epochs; \"unanswered\" ones were refused without the store.",
            ),
            &["verdict"],
        )?;
        let revocations = HistogramVec::new(
            HistogramOpts::new(
                "reportapp_revocation_duration_seconds",
                "Time from a request to end sessions to the moment no process accepts them.",
            )
            .buckets(BUCKETS.to_vec()),
            &["outcome"],
        )?;
        registry.register(Box::new(checks.clone()))?;
        registry.register(Box::new(revocations.clone()))?;
        Ok(Self {
            accepted: checks.with_label_values(&["accepted"]),
            revoked: checks.with_label_values(&["revoked"]),
            unknown: checks.with_label_values(&["unknown"]),
            unanswered: checks.with_label_values(&["unanswered"]),
            revocations,
        })
    }

    /// How many tokens were accepted, revoked, of another store, and refused without an answer of it.
    pub fn checks(&self) -> [u64; 4] {
        [
            &self.accepted,
            &self.revoked,
            &self.unknown,
            &self.unanswered,
        ]
        .map(IntCounter::get)
    }

    /// Counts a judged token.
    pub fn checked(&self, verdict: Verdict) {
        match verdict {
            Verdict::Accept => self.accepted.inc(),
            Verdict::Revoked => self.revoked.inc(),
            Verdict::Unknown => self.unknown.inc(),
            Verdict::Ask => self.unanswered.inc(),
        }
    }

    /// Counts a revocation that this process waited for.
    pub fn revoked(&self, is_acknowledged: bool, took: Duration) {
        let outcome = if is_acknowledged {
            "acknowledged"
        } else {
            "gave-up"
        };
        self.revocations
            .with_label_values(&[outcome])
            .observe(took.as_secs_f64());
    }
}

/// Metrics of sessions: where they are found, and what comes of refresh tokens.
#[derive(Clone, Debug)]
pub struct SessionMetrics {
    cached: IntCounter,
    stored: IntCounter,
    uncached: IntCounter,
    turned_away: IntCounter,
    renewed: IntCounter,
    refused: IntCounter,
    reused: IntCounter,
}

impl SessionMetrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When they are registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lookups = IntCounterVec::new(
            Opts::new(
                "reportapp_session_lookups_total",
                "Sessions looked for, by where: the cache, the store because the cache did not have \
                 them, did not answer, or refused us.",
            ),
            &["source"],
        )?;
        let refreshes = IntCounterVec::new(
            Opts::new(
                "reportapp_session_refreshes_total",
                "Refresh tokens presented; a reused one ended its session.",
            ),
            &["outcome"],
        )?;
        registry.register(Box::new(lookups.clone()))?;
        registry.register(Box::new(refreshes.clone()))?;
        Ok(Self {
            cached: lookups.with_label_values(&["cache"]),
            stored: lookups.with_label_values(&["store"]),
            uncached: lookups.with_label_values(&["store-cache-failed"]),
            turned_away: lookups.with_label_values(&["store-cache-refused"]),
            renewed: refreshes.with_label_values(&["renewed"]),
            refused: refreshes.with_label_values(&["refused"]),
            reused: refreshes.with_label_values(&["reused"]),
        })
    }

    /// How many sessions the cache had, it did not have, and it did not answer for.
    pub fn lookups(&self) -> [u64; 3] {
        let unanswered = self.uncached.get() + self.turned_away.get();
        [self.cached.get(), self.stored.get(), unanswered]
    }

    /// How many refresh tokens were exchanged, refused, and used twice.
    pub fn refreshes(&self) -> [u64; 3] {
        [&self.renewed, &self.refused, &self.reused].map(IntCounter::get)
    }

    /// Counts a look at the cache: whether it had the session, or why it did not say.
    pub fn looked_up(&self, cache_had_it: Result<bool, &SessionError>) {
        match cache_had_it {
            Ok(true) => self.cached.inc(),
            Ok(false) => self.stored.inc(),
            Err(SessionError::LoginRefused { .. }) => self.turned_away.inc(),
            Err(_) => self.uncached.inc(),
        }
    }

    /// Counts a refresh token that was exchanged for new ones, or refused.
    pub fn refreshed(&self, is_renewed: bool) {
        if is_renewed {
            self.renewed.inc();
        } else {
            self.refused.inc();
        }
    }

    /// Counts a refresh token that somebody else had used before.
    pub fn reused(&self) {
        self.reused.inc();
    }
}

/// A client may invent methods.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
