//! Rows one by one from a blocking thread, through a short queue: the thread waits when the reader
//! is slow and stops when the reader is gone.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc;

use super::connection::SqliteConnection;
use super::worker::{Worker, caller_for};
use crate::row::RowStream;
use crate::{PoolError, Row};

/// Rows in flight.
const QUEUE: usize = 64;

/// Starts `each`, which hands every row to a sink until that returns false, on a blocking thread.
pub(super) fn start(
    mut reader: Worker,
    limit: Duration,
    each: impl FnOnce(&mut SqliteConnection, &mut dyn FnMut(Row) -> bool) -> Result<(), PoolError>
    + Send
    + 'static,
) -> RowStream {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (caller, leave) = caller_for(limit);
    tokio::task::spawn_blocking(move || {
        let outcome = reader.run_here(leave, |connection| {
            each(connection, &mut |row| sender.blocking_send(Ok(row)).is_ok())
        });
        // The connection is free before the reader learns that the rows have ended.
        drop(reader);
        if let Err(error) = outcome {
            // A reader that is gone needs no error.
            drop(sender.blocking_send(Err(error)));
        }
    });
    stream::unfold((receiver, caller), |(mut receiver, caller)| async move {
        receiver.recv().await.map(|row| (row, (receiver, caller)))
    })
    .boxed()
}
