//! Copies bytes between an accepted connection and its SSH channel until both sides are done.
//!
//! A side that is done sending is told apart from a side that is gone: an end of file travels to
//! the other side, whose answer still flows back (half-close).

use std::io;
use std::time::Duration;

use prometheus::IntCounter;
use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::metrics::Metrics;

/// The SSH library's largest packet; a larger read would only be split again.
const CHUNK_BYTES: usize = 32 * 1024;
/// A reader that takes no byte for this long while data waits for it is cut off: its backlog
/// holds up every other connection of its SSH session.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Copies until the channel is closed or either side fails, then closes both.
///
/// # Errors
/// What ended the copy early; both sides are closed in any case.
pub async fn pump(local: TcpStream, channel: Channel<Msg>, metrics: &Metrics) -> io::Result<()> {
    let (from_local, to_local) = local.into_split();
    let (mut from_channel, channel) = channel.split();
    let result = {
        let down = send_down(&mut from_channel, to_local, &metrics.bytes_down);
        let up = send_up(from_local, channel.make_writer(), &metrics.bytes_up);
        tokio::pin!(down);
        tokio::select! {
            result = &mut down => result,
            result = up => match result {
                Ok(()) => down.await,
                Err(error) => Err(error),
            },
        }
    };
    // The reading half goes first: a session that waits to deliver to it would never get to
    // send our close.
    drop(from_channel);
    if let Err(error) = channel.close().await {
        tracing::debug!(%error, "the SSH session was gone before its channel was closed");
    }
    result
}

async fn send_up(
    mut local: impl AsyncRead + Unpin,
    channel: impl AsyncWrite,
    bytes: &IntCounter,
) -> io::Result<()> {
    tokio::pin!(channel);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = local.read(&mut chunk).await?;
        if length == 0 {
            return channel.shutdown().await;
        }
        channel.write_all(&chunk[..length]).await?;
        bytes.inc_by(length as u64);
    }
}

async fn send_down(
    channel: &mut russh::ChannelReadHalf,
    mut local: impl AsyncWrite + Unpin,
    bytes: &IntCounter,
) -> io::Result<()> {
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => {
                write_or_stall(&mut local, &data).await?;
                bytes.inc_by(data.len() as u64);
            }
            Some(ChannelMsg::Eof) => local.shutdown().await?,
            Some(ChannelMsg::Close) => return Ok(()),
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::BrokenPipe,
                    "SSH session ended",
                ));
            }
            Some(_) => {}
        }
    }
}

async fn write_or_stall(local: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> io::Result<()> {
    let mut rest = data;
    while !rest.is_empty() {
        let Ok(written) = timeout(STALL_TIMEOUT, local.write(rest)).await else {
            tracing::warn!(
                seconds = STALL_TIMEOUT.as_secs(),
                "closing a connection whose client stopped reading"
            );
            return Err(io::ErrorKind::TimedOut.into());
        };
        rest = &rest[written?..];
    }
    Ok(())
}
