//! Moves rows from the database to the client through an encoder, and knows how that ended.
//!
//! A task of its own, because somebody has to notice a client that has stopped reading: the body of an answer
//! is not asked for anything then. The body ends well only after the last byte of the file; whatever else
//! ends the task, a panic included, is an error of the body, which breaks the connection or the stream.

use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::timeout;
use warp::reply::{Reply, Response};

use super::encoder::{Encoder, Out};
use super::totals::Totals;
use crate::error::ApiError;
use crate::metrics::ExportTally;
use crate::reports::Cell;
use crate::reports::run::Rows;

/// Bytes collected before they are sent.
const CHUNK_BYTES: usize = 32 * 1024;
/// Chunks on their way to a slow client.
const CHUNKS_IN_FLIGHT: usize = 2;

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The whole export, and so the query. A million rows take some ten seconds; a slow line some minutes.
    pub(super) whole: Duration,
    /// A client that takes no chunk for so long is gone or asleep, and holds a connection to the database.
    pub(super) stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(600),
            stall: Duration::from_secs(60),
        }
    }
}

/// An export on its way.
pub(super) struct Pump {
    pub(super) rows: Rows,
    /// The first rows, read already.
    pub(super) sample: Vec<Vec<Cell>>,
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) out: Out,
    pub(super) totals: Totals,
    pub(super) tally: ExportTally,
    pub(super) limits: Limits,
}

/// A piece of the body.
enum Part {
    Bytes(Bytes),
    End,
}

/// Why an export ended early.
#[derive(Debug)]
enum Stop {
    /// The client went away.
    Abandoned,
    /// The client stopped reading.
    Stalled,
    /// The database or the encoder failed.
    Failed(ApiError),
}

/// What a client sees of an export that ended early, if anything.
#[derive(Debug, thiserror::Error)]
#[error("the export was interrupted")]
struct Interrupted;

impl Pump {
    /// The answer with its body, and the work that feeds it.
    pub(super) fn start(self) -> (Response, impl Future<Output = ()> + Send) {
        let (sender, mut receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let body = stream::poll_fn(move |context| {
            let part = match ready!(receiver.poll_recv(context)) {
                Some(Part::Bytes(bytes)) => Some(Ok(bytes)),
                Some(Part::End) => None,
                None => Some(Err(Interrupted)),
            };
            Poll::Ready(part)
        });
        (warp::reply::stream(body).into_response(), self.run(sender))
    }

    async fn run(self, sender: Sender<Part>) {
        let Self {
            rows,
            sample,
            encoder,
            out,
            totals,
            mut tally,
            limits,
        } = self;
        let transfer = Transfer {
            sender: &sender,
            out,
            stall: limits.stall,
        };
        let moved = transfer.all(rows, sample, encoder, totals, &tally);
        match timeout(limits.whole, moved).await {
            Ok(Ok(())) => tally.end("complete"),
            Ok(Err(Stop::Abandoned)) => tally.end("abandoned"),
            Ok(Err(Stop::Stalled)) => tally.end("stalled"),
            Ok(Err(Stop::Failed(error))) => {
                error.log();
                tally.end("failed");
            }
            Err(_elapsed) => {
                tracing::warn!("an export ran into its limit and was broken off");
                tally.end("expired");
            }
        }
    }
}

struct Transfer<'a> {
    sender: &'a Sender<Part>,
    out: Out,
    stall: Duration,
}

impl Transfer<'_> {
    async fn all(
        self,
        mut rows: Rows,
        sample: Vec<Vec<Cell>>,
        mut encoder: Box<dyn Encoder>,
        mut totals: Totals,
        tally: &ExportTally,
    ) -> Result<(), Stop> {
        encoder.begin(&sample).map_err(unwritten)?;
        for cells in &sample {
            totals.add(cells).map_err(Stop::Failed)?;
            encoder.row(cells).map_err(unwritten)?;
        }
        tally.rows(sample.len());
        drop(sample);
        self.send_chunk().await?;
        loop {
            let row = tokio::select! {
                row = rows.next() => row,
                () = self.sender.closed() => return Err(Stop::Abandoned),
            };
            let Some(row) = row else { break };
            let cells = row.map_err(Stop::Failed)?;
            totals.add(&cells).map_err(Stop::Failed)?;
            encoder.row(&cells).map_err(unwritten)?;
            tally.rows(1);
            if self.out.len() >= CHUNK_BYTES {
                self.send_chunk().await?;
            }
        }
        // The database is done; a slow client keeps nothing of it from here on.
        drop(rows);
        encoder.finish(totals.cells()).map_err(unwritten)?;
        self.send_chunk().await?;
        self.send(Part::End).await
    }

    async fn send_chunk(&self) -> Result<(), Stop> {
        let bytes = self.out.take();
        if bytes.is_empty() {
            return Ok(());
        }
        self.send(Part::Bytes(bytes)).await
    }

    async fn send(&self, part: Part) -> Result<(), Stop> {
        match timeout(self.stall, self.sender.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_closed)) => Err(Stop::Abandoned),
            Err(_elapsed) => Err(Stop::Stalled),
        }
    }
}

/// Memory does not fail; what remains are limits of the format.
fn unwritten(error: std::io::Error) -> Stop {
    tracing::warn!(%error, "an export could not be written");
    Stop::Failed(ApiError::Internal(
        "a row does not fit into the format of the export",
    ))
}

#[cfg(test)]
mod tests;
