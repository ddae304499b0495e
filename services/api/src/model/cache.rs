//! What the console of the caches shows: of the process that answers, counted since it started.

use reportapp_session::epochs::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access;
use crate::app::App;
use crate::cache::Count;

/// What is kept of the ERP's answers, and how often that helped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheStats {
    /// The process that answers; others count for themselves.
    pub process: String,
    /// Answers in memory.
    pub memory: MemoryLevel,
    /// Answers in Redis; null where there is none.
    pub redis: Option<RedisLevel>,
    /// Questions to the ERP.
    pub database: DatabaseLevel,
    /// Requests that waited for the same question of another one.
    pub joins: u64,
    /// Requests that would not have a kept answer.
    pub refreshes: u64,
    /// By report, `dashboard`, and `books`: companies with their months.
    pub reports: Vec<ReportCache>,
}

/// The first level.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryLevel {
    /// Answers there are.
    pub entries: u64,
    /// Bytes they take, roughly.
    pub bytes: u64,
    /// Bytes they may take; 0: nothing is kept.
    pub capacity_bytes: u64,
    /// Looks that found a good answer.
    pub hits: u64,
    /// Looks that found none.
    pub misses: u64,
    /// Looks that found one too old, or emptied since.
    pub outdated: u64,
    /// Answers that left to make room.
    pub evictions: u64,
}

/// The second level.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedisLevel {
    /// Whether it answered last time; if not, it is left alone for a while.
    pub answers: bool,
    /// Looks that found a good answer.
    pub hits: u64,
    /// Looks that found none.
    pub misses: u64,
    /// Looks that found one too old, or emptied since.
    pub outdated: u64,
    /// Looks it did not answer.
    pub errors: u64,
    /// Looks it was spared after one of those.
    pub spared: u64,
}

/// The ERP.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseLevel {
    /// Questions that were answered.
    pub reads: u64,
    /// Questions that were not.
    pub errors: u64,
}

/// What is kept under one name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportCache {
    /// Id of the report, `dashboard` or `books`.
    pub report: String,
    /// Answers in memory.
    pub entries: u64,
    /// Bytes they take, roughly.
    pub bytes: u64,
    /// Requests answered from memory.
    pub memory: u64,
    /// Requests answered from Redis.
    pub redis: u64,
    /// Requests answered by the ERP.
    pub database: u64,
}

impl CacheStats {
    /// What this process counted.
    pub fn of(app: &App) -> Self {
        let (cache, counts) = (&app.cache, app.cache.counts());
        let extent = cache.extent();
        let reports = cache.by_name().into_iter();
        Self {
            process: app.epochs.process().to_owned(),
            memory: MemoryLevel {
                entries: extent.entries,
                bytes: extent.bytes,
                capacity_bytes: cache.capacity(),
                hits: counts.of(Count::MemoryHit),
                misses: counts.of(Count::MemoryMiss),
                outdated: counts.of(Count::MemoryOutdated),
                evictions: counts.evicted(),
            },
            redis: cache.redis_answers().map(|answers| RedisLevel {
                answers,
                hits: counts.of(Count::RedisHit),
                misses: counts.of(Count::RedisMiss),
                outdated: counts.of(Count::RedisOutdated),
                errors: counts.of(Count::RedisError),
                spared: counts.of(Count::RedisResting),
            }),
            database: DatabaseLevel {
                reads: counts.of(Count::DatabaseRead),
                errors: counts.of(Count::DatabaseError),
            },
            joins: counts.joins(),
            refreshes: counts.refreshes(),
            reports: reports
                .map(|(report, named, extent)| ReportCache {
                    report,
                    entries: extent.entries,
                    bytes: extent.bytes,
                    memory: named.memory,
                    redis: named.redis,
                    database: named.database,
                })
                .collect(),
        }
    }
}

/// What is to be emptied.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearCache {
    /// Id of a report, `dashboard` or `books`; absent: everything.
    #[serde(default)]
    #[schema(required = false)]
    pub report: Option<String>,
}

/// What was emptied.
#[derive(Debug, Serialize, ToSchema)]
pub struct CacheCleared {
    /// Keys that were removed from Redis; null where there is none or it did not answer. What it still has is given
    /// to nobody.
    pub keys: Option<u64>,
}

/// How sessions, permissions and revocations are remembered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityCache {
    /// The process that answers; others count for themselves.
    pub process: String,
    /// Copies of sessions in front of the store.
    pub sessions: SessionCopies,
    /// What users may do.
    pub people: PeopleMemory,
    /// What was revoked.
    pub epochs: EpochCopy,
}

/// Copies of sessions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCopies {
    /// Where they are: `redis` or `memory`.
    pub kept_in: &'static str,
    /// Whether that answers now.
    pub answers: bool,
    /// Sessions found there.
    pub hits: u64,
    /// Sessions read from the store because they were not there.
    pub misses: u64,
    /// Sessions read from the store because it did not answer.
    pub errors: u64,
    /// Refresh tokens that were exchanged.
    pub renewed: u64,
    /// Refresh tokens that were refused.
    pub refused: u64,
    /// Refresh tokens that were used twice, which ended their sessions.
    pub reused: u64,
}

/// Memories of users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeopleMemory {
    /// Users remembered.
    pub remembered: u64,
    /// The most there may be.
    pub capacity: u64,
    /// Seconds a memory is used at most.
    pub life_seconds: u64,
}

/// The copy of the epochs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EpochCopy {
    /// `leased`: requests are judged without asking the store; `lapsed`: each asks; `behind`: all are refused.
    pub state: &'static str,
    /// Milliseconds the lease still lasts.
    pub lease_left_ms: u64,
    /// The last revision that is known.
    pub revision: u64,
    /// Tokens that were accepted.
    pub accepted: u64,
    /// Tokens that were revoked.
    pub revoked: u64,
    /// Tokens that were refused because nobody knew.
    pub unanswered: u64,
}

impl SecurityCache {
    /// What this process counted.
    pub async fn of(app: &App) -> Self {
        let [hits, misses, errors] = app.session_metrics.lookups();
        let [renewed, refused, reused] = app.session_metrics.refreshes();
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            process: app.epochs.process().to_owned(),
            sessions: SessionCopies {
                kept_in: match app.cache.redis_answers() {
                    Some(_) => "redis",
                    None => "memory",
                },
                answers: app.sessions.probe().await.is_ok(),
                hits,
                misses,
                errors,
                renewed,
                refused,
                reused,
            },
            people: PeopleMemory {
                remembered: number(app.people.len()),
                capacity: number(access::CAPACITY),
                life_seconds: access::LIFE.as_secs(),
            },
            epochs: EpochCopy::of(app),
        }
    }
}

impl EpochCopy {
    fn of(app: &App) -> Self {
        let (state, lease_left_ms) = match app.epochs.standing() {
            Some(Standing::Leased(left)) => ("leased", left.as_millis()),
            Some(Standing::Behind) => ("behind", 0),
            Some(Standing::Lapsed { .. }) | None => ("lapsed", 0),
        };
        let [accepted, revoked, unknown, unanswered] = app.epochs.metrics().checks();
        Self {
            state,
            lease_left_ms: u64::try_from(lease_left_ms).unwrap_or(u64::MAX),
            revision: app.epochs.revision().0,
            accepted,
            revoked: revoked + unknown,
            unanswered,
        }
    }
}
