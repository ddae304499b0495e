//! Reaches the cluster's network from the host.
//!
//! A socket stays in the network namespace it was created in, whoever uses it afterwards. So
//! one thread lives inside the namespace and does nothing but create sockets; connecting and
//! copying happens on the ordinary runtime.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long one connection attempt may take.
const CONNECT: Duration = Duration::from_secs(10);

type Request = oneshot::Sender<io::Result<TcpSocket>>;

/// Opens connections from inside a network namespace. Clones share the thread, which ends
/// with the last of them.
#[derive(Debug, Clone)]
pub struct Dialer {
    requests: mpsc::Sender<Request>,
}

impl Dialer {
    /// A dialer in an existing namespace, given as a file such as `/proc/1/ns/net`.
    ///
    /// # Errors
    /// When the namespace is gone or this process may not enter it.
    pub(crate) fn inside(namespace: &Path) -> io::Result<Self> {
        let file = std::fs::File::open(namespace)?;
        let enter = move || setns(file, CloneFlags::CLONE_NEWNET).map_err(io::Error::from);
        Self::start(enter).map(|(dialer, ())| dialer)
    }

    /// A dialer in a new namespace, which lives as long as the dialer. `first` is started in
    /// it. Gives also the thread, as `/proc/self/task/<thread>/ns/net` names the namespace.
    ///
    /// # Errors
    /// When a namespace cannot be made or `first` fails.
    pub(crate) fn in_new_namespace(
        first: impl FnOnce() -> io::Result<Child> + Send + 'static,
    ) -> io::Result<(Self, Pid, Child)> {
        let (dialer, (thread, child)) = Self::start(move || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok((nix::unistd::gettid(), first()?))
        })?;
        Ok((dialer, thread, child))
    }

    fn start<T: Send + 'static>(
        enter: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<(Self, T)> {
        let (requests, asked) = mpsc::channel::<Request>();
        let (entered, result) = mpsc::channel();
        std::thread::Builder::new()
            .name("dialer".to_owned())
            .spawn(move || {
                let outcome = enter();
                let inside = outcome.is_ok();
                if entered.send(outcome).is_err() || !inside {
                    return;
                }
                while let Ok(answer) = asked.recv() {
                    // Whoever asked may have given up meanwhile.
                    let _ = answer.send(TcpSocket::new_v4());
                }
            })?;
        let outcome = result
            .recv()
            .map_err(|_| io::Error::other("the dialer thread died"))??;
        Ok((Self { requests }, outcome))
    }

    /// Opens a connection to `address` from inside the namespace.
    ///
    /// # Errors
    /// When it is refused, unreachable or takes longer than ten seconds.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let gone = || io::Error::other("the cluster's network is gone");
        let (answer, socket) = oneshot::channel();
        self.requests.send(answer).map_err(|_| gone())?;
        let socket = socket.await.map_err(|_| gone())??;
        tokio::time::timeout(CONNECT, socket.connect(address))
            .await
            .map_err(|_| {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{address} does not answer"),
                )
            })?
    }

    /// Passes every connection of `listener` to `address`, for ever.
    pub(crate) async fn pass(self, listener: TcpListener, address: SocketAddr) {
        loop {
            let Ok((mut outside, _)) = listener.accept().await else {
                // Out of descriptors: wait for connections to end.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let dialer = self.clone();
            tokio::spawn(async move {
                let _ = outside.set_nodelay(true);
                if let Ok(mut inside) = dialer.connect(address).await {
                    let _ = inside.set_nodelay(true);
                    // Either end may break off; the other then sees the end as well.
                    let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                }
            });
        }
    }
}

/// A loopback listener whose connections end inside the cluster. Closed when dropped;
/// connections that are open then stay open.
#[derive(Debug)]
pub struct Forward {
    local: SocketAddr,
    _carrier: Carrier,
}

/// What keeps a [`Forward`] going; ends when dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held for the sake of being dropped")]
enum Carrier {
    Task(AbortOnDrop),
    Process(tokio::process::Child),
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Forward {
    pub(crate) async fn start(dialer: Dialer, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let local = listener.local_addr()?;
        let task = tokio::spawn(dialer.pass(listener, address));
        Ok(Self {
            local,
            _carrier: Carrier::Task(AbortOnDrop(task)),
        })
    }

    pub(crate) fn by_process(local: SocketAddr, process: tokio::process::Child) -> Self {
        Self {
            local,
            _carrier: Carrier::Process(process),
        }
    }

    /// Where to connect to.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}
