//! A TCP link to a server that can be cut, and stalled so that bytes wait on the way.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Stalled,
    Cut,
}

/// A port that leads to another one.
pub struct TestLink {
    port: u16,
    state: Arc<watch::Sender<State>>,
    task: AbortHandle,
}

impl TestLink {
    /// A link to a port of this machine. Needs a tokio runtime.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = Arc::new(watch::Sender::new(State::Open));
        Self {
            port: address.port(),
            task: tokio::spawn(serve(listener, target, Arc::clone(&state))).abort_handle(),
            state,
        }
    }

    /// The port to dial.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection, and every new one at once.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Lets nothing through in either direction; what is sent waits.
    pub fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Lets everything through again, what waited first.
    pub fn mend(&self) {
        self.state.send_replace(State::Open);
    }
}

impl Drop for TestLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: u16, state: Arc<watch::Sender<State>>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((near, _)) = listener.accept().await else {
            continue;
        };
        if *state.borrow() != State::Cut {
            connections.spawn(connect(near, target, state.subscribe()));
        }
    }
}

async fn connect(near: TcpStream, target: u16, state: watch::Receiver<State>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let mut cut = state.clone();
    tokio::select! {
        () = carry(near_in, far_out, state.clone()) => {}
        () = carry(far_in, near_out, state) => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| *state == State::Open).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
