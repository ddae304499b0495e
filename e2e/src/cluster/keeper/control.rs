//! The keeper's control socket: one JSON request per connection, one JSON answer.
//!
//! Only the owner of the cluster's folder can open it.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};

use super::{End, State};
use crate::cluster::dial::Dialer;
use crate::cluster::paths::Paths;

/// What can be asked of a keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub(crate) enum Request {
    /// Who are you?
    Hello,
    /// Listen on a loopback port (0: any) for connections to `to`.
    Publish { to: SocketAddr, port: u16 },
    /// End the cluster. The answer is that the connection closes: the keeper is gone.
    Down,
}

/// What a keeper answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// To `Hello`.
    Hello {
        /// The keeper.
        state: State,
        /// Its listeners and where they lead.
        published: Vec<(SocketAddr, SocketAddr)>,
    },
    /// To `Publish`.
    Published(SocketAddr),
    /// The request failed.
    Failed(String),
}

/// Asks the keeper behind `socket`.
///
/// # Errors
/// When there is none, or it refuses.
pub(crate) async fn ask(socket: &Path, request: &Request) -> Result<Answer> {
    let mut stream = UnixStream::connect(socket)
        .await
        .context("the cluster does not run")?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream
        .write_all(line.as_bytes())
        .await
        .context("the cluster's keeper does not listen")?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .await
        .context("the cluster's keeper does not answer")?;
    match serde_json::from_str(&answer).context("the cluster's keeper ended without an answer")? {
        Answer::Failed(why) => bail!("{why}"),
        answer => Ok(answer),
    }
}

/// Asks the keeper behind `socket` to end its cluster and waits until it is gone. Gives whether
/// there was one.
pub(crate) async fn ask_to_end(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket).await else {
        return false;
    };
    let mut line = serde_json::to_string(&Request::Down).expect("a unit variant has a JSON form");
    line.push('\n');
    let keeper = peer_process(&stream);
    // If it breaks off, the keeper is gone, which is what is wanted.
    let _ = stream.write_all(line.as_bytes()).await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
    // The connection closes while the keeper's process still ends.
    if let Ok(keeper) = keeper {
        let _ = tokio::task::spawn_blocking(move || exited(&keeper)).await;
    }
    true
}

/// A handle of the process at the other end (pidfd_open(2)).
fn peer_process(stream: &UnixStream) -> io::Result<OwnedFd> {
    let peer = stream.peer_cred()?.pid().and_then(Pid::from_raw);
    let peer = peer.ok_or(io::ErrorKind::NotFound)?;
    Ok(pidfd_open(peer, PidfdFlags::empty())?)
}

/// Blocks until the process has exited: its handle is readable then.
fn exited(process: &OwnedFd) -> io::Result<()> {
    poll(&mut [PollFd::new(process, PollFlags::IN)], None)?;
    Ok(())
}

type Published = Arc<Mutex<HashMap<SocketAddr, SocketAddr>>>;

/// Serves requests for ever.
pub(super) async fn serve(
    listener: UnixListener,
    paths: Paths,
    dialer: Dialer,
    end: mpsc::Sender<End>,
) {
    let published = Published::default();
    while let Ok((stream, _)) = listener.accept().await {
        let (paths, dialer, end) = (paths.clone(), dialer.clone(), end.clone());
        let published = Arc::clone(&published);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &paths, dialer, end, &published).await {
                tracing::warn!(%error, "a control connection broke off");
            }
        });
    }
}

async fn converse(
    stream: UnixStream,
    paths: &Paths,
    dialer: Dialer,
    end: mpsc::Sender<End>,
    published: &Published,
) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line)? {
        Request::Hello => hello(paths, published).await?,
        Request::Publish { to, port } => match publish(dialer, published, to, port).await {
            Ok(local) => Answer::Published(local),
            Err(error) => Answer::Failed(format!("failed to listen on 127.0.0.1:{port}: {error}")),
        },
        Request::Down => {
            end.send(End::Asked).await?;
            return std::future::pending().await;
        }
    };
    let mut line = serde_json::to_string(&answer)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    Ok(())
}

async fn hello(paths: &Paths, published: &Published) -> Result<Answer> {
    let mut listed: Vec<_> = published
        .lock()
        .await
        .iter()
        .map(|(to, local)| (*local, *to))
        .collect();
    listed.sort();
    Ok(Answer::Hello {
        state: State::read(paths)?,
        published: listed,
    })
}

async fn publish(
    dialer: Dialer,
    published: &Published,
    to: SocketAddr,
    port: u16,
) -> io::Result<SocketAddr> {
    let mut published = published.lock().await;
    if let Some(local) = published
        .get(&to)
        .filter(|local| port == 0 || local.port() == port)
    {
        return Ok(*local);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let local = listener.local_addr()?;
    tokio::spawn(dialer.pass(listener, to));
    published.insert(to, local);
    Ok(local)
}
