//! The body of an answer on its way out, let go of when nobody takes it.
//!
//! A small answer is in memory and costs nothing more. A large or growing one may hold a database cursor and a
//! place among the exports: when its client has not asked for more for [`STALL`], both are given back and the
//! answer breaks off. Time during which the client waits for us does not count.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::admission::Permit;

/// How long a client may take nothing of an answer that is ready.
pub(crate) const STALL: Duration = Duration::from_secs(30);
/// The system takes as much off our hands at once.
const SMALL_BYTES: u64 = 64 * 1024;

/// What goes wrong with an answer after its head is sent.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;
/// The body of any answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, Broken>;

/// Watches over the body of an answer, and over the permit as long as making the body is work.
pub(super) fn watch(
    response: warp::reply::Response,
    permit: Option<Permit>,
) -> Response<AnswerBody> {
    let permit = permit.filter(Permit::covers_body);
    response.map(|body| {
        let is_small = body
            .size_hint()
            .exact()
            .is_some_and(|size| size <= SMALL_BYTES);
        let body = body.map_err(Into::into).boxed_unsync();
        if is_small {
            body
        } else {
            Watched::new(body, permit).boxed_unsync()
        }
    })
}

/// A body that is dropped when its client has stopped reading.
struct Watched {
    state: Arc<Mutex<State>>,
    _watch: AbortOnDropHandle<()>,
}

struct State {
    /// `None` when it was let go of.
    body: Option<AnswerBody>,
    permit: Option<Permit>,
    /// When the client asked for more last.
    asked: Instant,
    /// Whether it is us who are waited for.
    is_ours: bool,
}

impl Watched {
    fn new(body: AnswerBody, permit: Option<Permit>) -> Self {
        let state = Arc::new(Mutex::new(State {
            body: Some(body),
            permit,
            asked: Instant::now(),
            is_ours: false,
        }));
        let watch = tokio::spawn(let_go(Arc::downgrade(&state)));
        Self {
            state,
            _watch: AbortOnDropHandle::new(watch),
        }
    }
}

async fn let_go(state: Weak<Mutex<State>>) {
    let mut due = Instant::now() + STALL;
    loop {
        tokio::time::sleep_until(due).await;
        let Some(state) = state.upgrade() else { return };
        let mut state = lock(&state);
        let now = Instant::now();
        let since = if state.is_ours { now } else { state.asked };
        due = since + STALL;
        if due <= now {
            drop((state.body.take(), state.permit.take()));
            return;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let mut state = lock(&self.state);
        let Some(body) = &mut state.body else {
            let stalled = "the client took nothing of the answer for too long";
            return Poll::Ready(Some(Err(stalled.into())));
        };
        let frame = Pin::new(body).poll_frame(context);
        state.asked = Instant::now();
        state.is_ours = frame.is_pending();
        if let Poll::Ready(None) = frame {
            state.permit = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.state);
        state.body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.state);
        state.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream};
    use http_body_util::StreamBody;

    use super::*;

    /// Bytes at once, then more after each of these pauses; says when it is dropped.
    fn body(pauses: Vec<Duration>) -> (AnswerBody, Weak<()>) {
        let held = Arc::new(());
        let alive = Arc::downgrade(&held);
        let chunks = stream::iter(pauses).then(move |pause| {
            let held = Arc::clone(&held);
            async move {
                tokio::time::sleep(pause).await;
                drop(held);
                Ok(Frame::data(Bytes::from_static(b"row")))
            }
        });
        (StreamBody::new(chunks).boxed_unsync(), alive)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_let_go_of_and_breaks_off() {
        let (body, alive) = body(vec![Duration::ZERO; 3]);
        let mut watched = Watched::new(body, None);
        assert!(watched.frame().await.unwrap().is_ok());
        tokio::time::sleep(STALL - Duration::from_secs(1)).await;
        assert!(watched.frame().await.unwrap().is_ok(), "slow is no stall");
        tokio::time::sleep(STALL + Duration::from_secs(1)).await;
        assert_eq!(alive.strong_count(), 0, "what made it is gone");
        assert!(watched.frame().await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_waits_for_us_is_not_cut() {
        let (body, _) = body(vec![STALL * 3, STALL * 3]);
        let watched = Watched::new(body, None);
        let whole = watched.collect().await.unwrap().to_bytes();
        assert_eq!(whole, "rowrow");
        let (body, _) = super::tests::body(vec![STALL]);
        let mut waiting = Watched::new(body, None);
        assert!(waiting.frame().now_or_never().is_none());
    }
}
