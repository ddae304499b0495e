//! A socket that is given up when its client keeps us waiting: with the head of a request that it has begun,
//! or by taking nothing of an answer.
//!
//! hyper bounds the time until a head is complete, and counts the time a kept-alive connection may idle into
//! it, which has to be long. Here the time runs from the first byte of a head. It is told apart from idling
//! and from a body by the [`Turn`], which knows whether a request is in hand.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::service::STALL;

/// From the first byte of a head to its last.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Whose turn it is on an HTTP/1 connection.
#[derive(Debug, Default)]
pub(super) struct Turn {
    is_ours: AtomicBool,
    /// Requests whose head was complete.
    heads: AtomicU64,
}

/// A request is in hand until this is dropped.
pub(super) struct Ours(Arc<Turn>);

impl Turn {
    pub(super) fn begin(self: &Arc<Self>) -> Ours {
        self.heads.fetch_add(1, Ordering::Relaxed);
        self.is_ours.store(true, Ordering::Relaxed);
        Ours(Arc::clone(self))
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.0.is_ours.store(false, Ordering::Relaxed);
    }
}

/// The head that is being received.
struct Head {
    /// Complete heads before it.
    before: u64,
    due: Pin<Box<Sleep>>,
}

/// A stream with these limits.
pub(super) struct Paced<S> {
    stream: S,
    /// `None` where heads have frames of their own (HTTP/2).
    turn: Option<Arc<Turn>>,
    head: Option<Head>,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, turn: Option<Arc<Turn>>) -> Self {
        Self {
            stream,
            turn,
            head: None,
            stall: None,
        }
    }

    /// Notes that bytes came, or fails when a head takes too long.
    fn pace_head(&mut self, has_read: bool, context: &mut Context<'_>) -> io::Result<()> {
        let Some(turn) = &self.turn else {
            return Ok(());
        };
        let heads = turn.heads.load(Ordering::Relaxed);
        let is_done = |head: &Head| head.before != heads;
        if turn.is_ours.load(Ordering::Relaxed) || self.head.as_ref().is_some_and(is_done) {
            self.head = None;
        }
        if turn.is_ours.load(Ordering::Relaxed) {
            return Ok(());
        }
        if has_read && self.head.is_none() {
            self.head = Some(Head {
                before: heads,
                due: Box::pin(sleep(HEAD_TIMEOUT)),
            });
        }
        let due = self.head.as_mut().map(|head| head.due.as_mut());
        if due.is_some_and(|due| due.poll(context).is_ready()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Passes on what became of writing, or fails when nothing was taken for too long.
    fn pace_write<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.pace_head(buffer.filled().len() > before, context)?;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Whoever is being answered has sent a whole head; what came since is the next one, early.
        self.head = None;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pace_write(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.head = None;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.pace_write(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.pace_write(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.pace_write(closed, context)
    }
}
