//! Logging out everybody: ours beside the command of a runbook, at numbers of sessions that differ by
//! powers of ten, on a PostgreSQL and a Redis started for it. Prints one table; asserts nothing.
//!
//! Ours commits one number and is heard by eight processes, each of which tries one token a thousand
//! times a second and notes when it was refused; all read one boot-time clock. The runbook deletes every key of
//! a session, which takes as long as there are sessions. Beside both somebody asks Redis 2,000 times a
//! second for something else and notes the longest answer.

#![allow(clippy::unwrap_used, reason = "what fails ends the bench")]
#![allow(
    clippy::print_stdout,
    reason = "the figures are the output of the command"
)]

mod check;
mod crowd;
mod probe;
mod process;

use std::time::{Duration, Instant};

use reportapp_pool::testing::TestPostgres;
use reportapp_session::testing::TestRedis;

use crowd::Crowd;
use probe::Probe;

/// Revocations per figure.
const ROUNDS: u32 = 20;
const SESSIONS: [u64; 3] = [10_000, 100_000, 1_000_000];
/// Kept for what a process of its own does: its configuration follows.
const PROCESS: &str = "--process";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.next() {
        Some(first) if first == PROCESS => {
            let settings = arguments.next().unwrap();
            runtime.block_on(process::run(&settings));
        }
        first => {
            let given = first.into_iter().chain(arguments);
            // Options are those of a test harness, which this is not.
            let given = given.filter(|argument| !argument.starts_with('-'));
            let mut sessions: Vec<u64> = given.map(|count| count.parse().unwrap()).collect();
            if sessions.is_empty() {
                sessions = SESSIONS.to_vec();
            }
            runtime.block_on(measure(&sessions));
        }
    }
}

async fn measure(sessions: &[u64]) {
    let (postgres, redis) = (TestPostgres::start().await, TestRedis::start());
    let crowd = Crowd::start(&postgres, &redis).await;
    println!(
        "{:>9}  {:<30} {:>11} {:>11} {:>11} {:>11}",
        "sessions", "log out everybody by", "committed", "all refuse", "at most", "worst stall"
    );
    for &count in sessions {
        fill(&redis, count).await;
        for (title, wakes) in [
            ("an epoch, with wake-ups", true),
            ("an epoch, without Redis", false),
        ] {
            let probe = Probe::start(&redis);
            let mut commits = Vec::new();
            let mut refusals = Vec::new();
            for _ in 0..ROUNDS {
                let (commit, refused) = crowd.log_out_everybody(wakes).await;
                commits.push(commit);
                refusals.push(refused);
            }
            let stall = probe.stop().await;
            refusals.sort_unstable();
            commits.sort_unstable();
            let last = refusals.last().copied();
            row(
                count,
                title,
                Some(median(&commits)),
                Some(median(&refusals)),
                last,
                stall,
            );
        }
        let probe = Probe::start(&redis);
        let took = runbook(&redis).await;
        row(
            count,
            "KEYS session:* | xargs DEL",
            Some(took),
            None,
            None,
            probe.stop().await,
        );
    }
    println!(
        "\nThe original accepts a token until it expires, whatever the command deletes; \"committed\" of the \
         runbook is the time until every key was gone."
    );
    check::print(&crowd).await;
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn row(
    count: u64,
    title: &str,
    commit: Option<Duration>,
    refused: Option<Duration>,
    last: Option<Duration>,
    stall: Duration,
) {
    let shown = |time: Option<Duration>| {
        time.map_or_else(
            || "never".to_owned(),
            |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        )
    };
    println!(
        "{count:>9}  {title:<30} {:>11} {:>11} {:>11} {:>11}",
        shown(commit),
        shown(refused),
        shown(last),
        shown(Some(stall)),
    );
}

/// Records of so many sessions, under the keys of the original and under ours.
async fn fill(redis: &TestRedis, count: u64) {
    const PART: u64 = 50_000;
    let () = redis.admin(&["FLUSHALL"]).await;
    let script = "for n = ARGV[1], ARGV[2] do \
                      redis.call('SET', 'session:' .. n, ARGV[3]) \
                      redis.call('SET', 'shop:session:' .. n, ARGV[3]) \
                  end";
    let record = "x".repeat(200);
    let mut done = 0;
    while done < count {
        let last = (done + PART).min(count);
        let (first, end) = ((done + 1).to_string(), last.to_string());
        let () = redis
            .admin(&["EVAL", script, "0", &first, &end, &record])
            .await;
        done = last;
    }
}

/// As it is written there, with the login of the administrator.
async fn runbook(redis: &TestRedis) -> Duration {
    let cli = format!(
        "redis-cli -p {} --user admin -a admin --no-auth-warning",
        redis.port()
    );
    let command = format!("{cli} KEYS 'session:*' | xargs {cli} DEL > /dev/null");
    let begun = Instant::now();
    let done = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(command)
        .status()
        .await;
    assert!(done.unwrap().success());
    begun.elapsed()
}
