//! How an export ends: whole, broken off, given up by its client, with memory flat meanwhile.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use prometheus::{Registry, TextEncoder};

use super::super::ndjson::Ndjson;
use super::super::testing::cover;
use super::*;
use crate::metrics::ExportMetrics;
use crate::reports::file::Kind;

/// A source of rows that counts what was taken of it, and knows whether it is still there.
struct Source {
    taken: Arc<AtomicUsize>,
    alive: Arc<()>,
    registry: Registry,
}

impl Source {
    fn new() -> Self {
        Self {
            taken: Arc::default(),
            alive: Arc::default(),
            registry: Registry::new(),
        }
    }

    /// Rows without end.
    fn rows(&self) -> Rows {
        let (taken, alive) = (Arc::clone(&self.taken), Arc::clone(&self.alive));
        let rows = stream::repeat_with(move || {
            let _held = &alive;
            taken.fetch_add(1, Ordering::Relaxed);
            Ok(vec![Cell::Text("x".repeat(1_000))])
        });
        rows.boxed()
    }

    fn pump(&self, rows: Rows) -> Pump {
        let (cover, out) = (cover(&[("Text", Kind::Text)]), Out::default());
        Pump {
            rows,
            sample: vec![vec![Cell::Text("first".to_owned())]],
            encoder: Box::new(Ndjson::new(&cover, out.clone())),
            out,
            totals: Totals::new(&cover),
            tally: ExportMetrics::register(&self.registry)
                .unwrap()
                .begin("ndjson"),
            limits: Limits::default(),
        }
    }

    /// Whether exactly one export ended, with this result, and let go of its rows.
    fn ended(&self, result: &str) -> bool {
        let text = TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap();
        let line =
            format!("reportapp_api_exports_total{{format=\"ndjson\",result=\"{result}\"}} 1");
        text.contains(&line)
            && text.contains("reportapp_api_exports_in_flight 0")
            && Arc::strong_count(&self.alive) == 1
    }
}

/// On a clock that runs on its own while nothing else can: what would go on for ever is told at once.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let longest = Duration::from_secs(3_600);
    timeout(longest, work).await.expect("it has an end")
}

async fn read(body: Response) -> Result<String, warp::Error> {
    let bytes = body.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_row_arrives_and_the_body_ends_well() {
    let source = Source::new();
    let (body, work) = source.pump(source.rows().take(500).boxed()).start();
    let (body, ()) = futures::join!(read(body), work);
    let body = body.unwrap();
    assert_eq!(body.lines().count(), 501);
    assert!(body.starts_with("{\"text\":\"first\"}\n"));
    assert!(source.ended("complete"));
    let text = TextEncoder::new()
        .encode_to_string(&source.registry.gather())
        .unwrap();
    assert!(text.contains("reportapp_api_export_rows_total{format=\"ndjson\"} 501"));
}

#[tokio::test]
async fn what_fails_in_the_middle_breaks_the_body_off() {
    let source = Source::new();
    let failure = stream::once(async { Err(ApiError::Internal("lost")) });
    let rows = source.rows().take(100).chain(failure).boxed();
    let (body, work) = source.pump(rows).start();
    let (body, ()) = futures::join!(read(body), work);
    assert!(body.is_err());
    assert!(source.ended("failed"));
}

#[tokio::test]
async fn work_that_dies_breaks_the_body_off() {
    let source = Source::new();
    let (body, work) = source.pump(source.rows()).start();
    drop(work);
    assert!(read(body).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_holds_few_rows_and_loses_its_query() {
    let source = Source::new();
    let (mut body, work) = source.pump(source.rows()).start();
    let work = tokio::spawn(work);
    for _ in 0..3 {
        body.body_mut().frame().await.unwrap().unwrap();
    }
    // The clock runs on its own while nothing else can: nobody reads.
    in_time(work).await.unwrap();
    assert!(source.ended("stalled"));
    let most = CHUNK_BYTES * (3 + CHUNKS_IN_FLIGHT + 2) / 1_000;
    let taken = source.taken.load(Ordering::Relaxed);
    assert!(
        taken < most,
        "{taken} rows of a kilobyte were taken, {most} may be"
    );
    assert!(
        in_time(read(body)).await.is_err(),
        "what is left must not look complete"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_ends_the_query_even_while_the_database_is_silent() {
    let source = Source::new();
    let rows = source.rows().take(5).chain(stream::pending()).boxed();
    let (mut body, work) = source.pump(rows).start();
    let work = tokio::spawn(work);
    body.body_mut().frame().await.unwrap().unwrap();
    drop(body);
    in_time(work).await.unwrap();
    assert!(source.ended("abandoned"));
}

#[tokio::test(start_paused = true)]
async fn an_export_that_takes_too_long_is_broken_off() {
    let source = Source::new();
    let (body, work) = source.pump(stream::pending().boxed()).start();
    let (body, ()) = in_time(futures::future::join(read(body), work)).await;
    assert!(body.is_err());
    assert!(source.ended("expired"));
}

#[tokio::test]
async fn a_row_that_the_format_cannot_hold_breaks_the_body_off() {
    struct Full;
    impl Encoder for Full {
        fn begin(&mut self, _: &[Vec<Cell>]) -> io::Result<()> {
            Ok(())
        }
        fn row(&mut self, _: &[Cell]) -> io::Result<()> {
            Err(io::Error::other("full"))
        }
        fn finish(self: Box<Self>, _: &[Cell]) -> io::Result<()> {
            Ok(())
        }
    }
    let source = Source::new();
    let mut pump = source.pump(source.rows());
    pump.encoder = Box::new(Full);
    let (body, work) = pump.start();
    let (body, ()) = futures::join!(read(body), work);
    assert!(body.is_err());
    assert!(source.ended("failed"));
}
