//! A way to a server, on a free loopback port, that a test closes, or that ends a connection at a chosen
//! message: what was asked arrives, and its answer does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A way to a server that a test can close, or cut right after the server has answered a message.
pub struct Gate {
    pub port: u16,
    state: Arc<GateState>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct GateState {
    closed: AtomicBool,
    /// Told when a cut has closed it.
    shut: Notify,
    cut: Mutex<Option<Cut>>,
    /// Held from a cut until what follows it is done.
    cutting: tokio::sync::Mutex<()>,
}

/// Where a connection is cut.
struct Cut {
    text: &'static str,
    /// How many messages with this text pass before.
    before: usize,
    then: BoxFuture<'static, ()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    /// An open way to `port`.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = listener.local_addr().unwrap().port();
        let state = Arc::<GateState>::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !shared.closed.load(Ordering::Relaxed) {
                    tokio::spawn(pass_on(client, port, shared.clone()));
                }
            }
        });
        Self {
            port: gate,
            state,
            task,
        }
    }

    /// Takes no new connection, or takes them again.
    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::Relaxed);
    }

    /// Cuts the connection after the answer to the message with `text`, after `before` such ones.
    pub fn cut(&self, text: &'static str, before: usize) {
        self.cut_and(text, before, async {});
    }

    /// As [`Gate::cut`]; `then` happens before the connection ends and before another one begins.
    pub fn cut_and(
        &self,
        text: &'static str,
        before: usize,
        then: impl Future<Output = ()> + Send + 'static,
    ) {
        let then = then.boxed();
        *self.state.cut.lock().unwrap() = Some(Cut { text, before, then });
    }

    /// Ends the connection at the message after `before` others, whatever they say, and takes no new one.
    pub fn close_after(&self, before: usize) {
        let state = Arc::clone(&self.state);
        self.cut_and("", before, async move {
            state.closed.store(true, Ordering::Relaxed);
            state.shut.notify_one();
        });
    }

    /// Waits until the message of [`Gate::close_after`] has passed.
    pub async fn is_shut(&self) {
        self.state.shut.notified().await;
    }

    /// Whether the cut is still to come.
    pub fn is_armed(&self) -> bool {
        self.state.cut.lock().unwrap().is_some()
    }
}

impl GateState {
    /// What follows the cut, if this message is where it is.
    fn cuts(&self, message: &[u8]) -> Option<BoxFuture<'static, ()>> {
        let mut cut = self.cut.lock().unwrap();
        let Cut { text, before, .. } = cut.as_mut()?;
        if !String::from_utf8_lossy(message).contains(*text) {
            return None;
        }
        if let Some(left) = before.checked_sub(1) {
            *before = left;
            return None;
        }
        cut.take().map(|cut| cut.then)
    }
}

async fn pass_on(mut client: TcpStream, port: u16, state: Arc<GateState>) {
    drop(state.cutting.lock().await);
    let server = TcpStream::connect(("127.0.0.1", port)).await;
    let Ok(mut server) = server else { return };
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                let cut = state.cuts(&asked[..count]);
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
                if let Some(then) = cut {
                    let _cutting = state.cutting.lock().await;
                    let _unheard = server.read(&mut answered).await;
                    then.await;
                    return;
                }
            }
            count = server.read(&mut answered) => {
                let Some(count) = count.ok().filter(|count| *count > 0) else { return };
                if client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
