//! A normal request beside a thousand clients that have begun a head and a thousand that have begun a body.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::load::{Kind, Load};
use crate::subjects::{Stream, Subject};

/// Clients of each kind.
const CLIENTS: usize = 1_000;
/// Normal requests, one after the other.
const REQUESTS: usize = 300;
const HEAD: &str = "GET /api/companies HTTP/1.1\r\nhost: local";
const BODY: &str = "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 60\r\n\r\n{\"user";

pub(crate) async fn measure(subject: &Subject) {
    println!("\n{}: companies, one after the other", subject.name);
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>10}",
        "", "answered", "p50", "p99", "memory"
    );
    row(subject, "alone").await;
    let mut slow: Vec<Stream> = Vec::with_capacity(2 * CLIENTS);
    for _ in 0..CLIENTS {
        for begun in [HEAD, BODY] {
            if let Some(mut stream) = subject.connect().await
                && stream.write_all(begun.as_bytes()).await.is_ok()
            {
                slow.push(stream);
            }
        }
    }
    row(subject, &format!("beside {} slow", slow.len())).await;
}

async fn row(subject: &Subject, title: &str) {
    let load = Load::new(subject, Kind::Companies);
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        let answer = tokio::time::timeout(Duration::from_secs(5), load.ask(false)).await;
        if answer == Ok(true) {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    let at = |percent: usize| {
        let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        format!(
            "{:.1} ms",
            time.copied().unwrap_or_default().as_secs_f64() * 1e3
        )
    };
    println!(
        "{title:<24} {:>8.1}% {:>9} {:>9} {:>6.0} MiB",
        times.len() as f64 * 100.0 / REQUESTS as f64,
        at(50),
        at(99),
        subject.process.memory_mib()
    );
}
