//! Rows one by one from a blocking thread, through a short queue: the thread waits when the reader
//! is slow and stops when the reader is gone.

use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc;

use super::worker::Worker;
use crate::Value;
use crate::row::RowStream;

/// Rows in flight.
const QUEUE: usize = 64;

/// Starts the statement on a blocking thread.
pub(super) fn start(mut reader: Worker, sql: String, params: Vec<Value>) -> RowStream {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (caller, leave) = reader.caller();
    tokio::task::spawn_blocking(move || {
        let outcome = reader.run_here(leave, |connection| {
            connection.each(&sql, &params, |row| sender.blocking_send(Ok(row)).is_ok())
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
