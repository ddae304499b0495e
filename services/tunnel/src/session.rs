//! One SSH session with the bastion: dial, check the host key, log in, open channels.
//!
//! The library runs the session in a task of its own. That task ends with the socket, so a
//! [`Session`] holds a second handle to the socket and cuts it when dropped: no way out of here,
//! a timeout included, leaves a task behind.

use std::borrow::Cow;
use std::fmt;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::status::Reason;
use reportapp_config::tunnel::Forward;
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{AlgorithmKind, Channel, ChannelOpenFailure, Disconnect, Preferred};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::failure::Failure;
use crate::known_hosts::{KnownHosts, Verdict};
use crate::target::Target;

/// Longest wait for the TCP connection, and again for key exchange and for login.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the bastion to connect to the database.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a session to end in good order.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);
/// Unanswered keepalives that end a session.
const KEEPALIVES: usize = 3;
/// Packets (at most 32 KiB each) that one channel may hold before its session waits for it. The
/// library grants the peer a new window before data is consumed, so a slow reader would stall
/// every channel of its session at once without this slack; see also [`crate::pump`].
const CHANNEL_PACKETS: usize = 256;

/// A logged-in session.
pub struct Session {
    handle: Handle<Pinned>,
    closed: CancellationToken,
    _socket: Cutter,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Why a channel could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The session ended meanwhile; another one may work.
    #[error("the SSH session ended")]
    SessionEnded,
    /// The bastion refused.
    #[error("the bastion refused the connection")]
    Refused(ChannelOpenFailure),
    /// Neither a channel nor a refusal within the time allowed.
    #[error("the bastion did not open the connection within {} s", OPEN_TIMEOUT.as_secs())]
    TimedOut,
}

impl Session {
    /// Dials, checks the host key and logs in.
    ///
    /// # Errors
    /// The [`Failure`] to report. After a host key mismatch nothing but the key exchange was sent.
    pub async fn connect(target: &Target) -> Result<Self, Failure> {
        let (stream, socket) = dial(target).await?;
        let closed = CancellationToken::new();
        let pinned = Pinned {
            known_hosts: Arc::clone(&target.known_hosts),
            _closes: closed.clone().drop_guard(),
        };
        let exchange = client::connect_stream(Arc::new(ssh_config(target)), stream, pinned);
        let mut handle = match timeout(STEP_TIMEOUT, exchange).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(error)) => return Err(explain_exchange(target, error)),
            Err(_) => return Err(unreachable(target, "does not finish the SSH key exchange")),
        };
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&target.key), None);
        let login = handle.authenticate_publickey(target.user.clone(), key);
        let result = match timeout(STEP_TIMEOUT, login).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => return Err(unreachable(target, "closed the connection during login")),
            Err(_) => return Err(unreachable(target, "does not answer the login")),
        };
        match result {
            client::AuthResult::Success => Ok(Self {
                handle,
                closed,
                _socket: socket,
            }),
            client::AuthResult::Failure {
                partial_success: true,
                ..
            } => Err(Failure::new(
                Reason::BastionLoginRefused,
                format!(
                    "the bastion {} asks user {} for more than a key; allow publickey alone",
                    target.address(),
                    target.user
                ),
            )),
            client::AuthResult::Failure {
                remaining_methods, ..
            } if remaining_methods.is_empty() && handle.is_closed() => {
                Err(unreachable(target, "closed the connection during login"))
            }
            client::AuthResult::Failure { .. } => Err(login_refused(target)),
        }
    }

    /// Opens a channel to `to` on behalf of the peer `from`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        self: &Arc<Self>,
        to: &Forward,
        from: SocketAddr,
    ) -> Result<Channel<Msg>, OpenError> {
        let (answer, opened) = oneshot::channel();
        let session = Arc::clone(self);
        let (host, port) = (to.host.clone(), u32::from(to.port));
        // In a task of its own, because a channel that opens after we gave up must be closed.
        tokio::spawn(async move {
            let (ip, from_port) = (from.ip().to_string(), u32::from(from.port()));
            let result = session
                .handle
                .channel_open_direct_tcpip(host, port, ip, from_port)
                .await;
            if let Err(Ok(late)) = answer.send(result)
                && let Err(error) = late.close().await
            {
                tracing::debug!(%error, "failed to close a channel that opened too late");
            }
        });
        match timeout(OPEN_TIMEOUT, opened).await {
            Ok(Ok(Ok(channel))) => Ok(channel),
            Ok(Ok(Err(russh::Error::ChannelOpenFailure(refusal)))) => {
                Err(OpenError::Refused(refusal))
            }
            Ok(_) => Err(OpenError::SessionEnded),
            Err(_) => Err(OpenError::TimedOut),
        }
    }

    /// Returns when the session has ended.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Says goodbye to the bastion and waits a moment for the end.
    pub async fn end(&self) {
        let goodbye = async {
            if self
                .handle
                .disconnect(Disconnect::ByApplication, "", "en")
                .await
                .is_ok()
            {
                self.closed().await;
            }
        };
        if timeout(GOODBYE_TIMEOUT, goodbye).await.is_err() {
            tracing::debug!("the bastion did not answer the goodbye; cutting the session");
        }
    }
}

/// Cuts a socket when dropped, whoever else still holds it.
#[derive(Debug)]
struct Cutter(std::net::TcpStream);

impl Drop for Cutter {
    fn drop(&mut self) {
        // The error is "not connected": the peer was faster.
        let _already_closed = self.0.shutdown(Shutdown::Both);
    }
}

async fn dial(target: &Target) -> Result<(TcpStream, Cutter), Failure> {
    let dialled = timeout(
        STEP_TIMEOUT,
        TcpStream::connect((target.host.as_str(), target.port)),
    );
    let stream = match dialled.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return Err(unreachable(target, &format!("cannot be reached: {error}")));
        }
        Err(_) => return Err(unreachable(target, "does not answer")),
    };
    let prepare = || -> std::io::Result<(TcpStream, Cutter)> {
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        let stream = stream.into_std()?;
        let cutter = Cutter(stream.try_clone()?);
        Ok((TcpStream::from_std(stream)?, cutter))
    };
    prepare().map_err(|error| unreachable(target, &format!("cannot be used: {error}")))
}

/// Lets the kernel notice within a minute or so that the peer's machine is gone.
///
/// # Errors
/// Whatever the system says about the socket.
pub fn keep_alive(stream: &TcpStream) -> std::io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn ssh_config(target: &Target) -> client::Config {
    let interval =
        (target.keepalive_seconds > 0).then(|| Duration::from_secs(target.keepalive_seconds));
    client::Config {
        keepalive_interval: interval,
        keepalive_max: KEEPALIVES,
        inactivity_timeout: None,
        nodelay: true,
        channel_buffer_size: CHANNEL_PACKETS,
        preferred: Preferred {
            key: Cow::Owned(host_key_order(&target.known_hosts)),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

/// The kinds of keys we know the bastion by come first, so that it shows a key we can compare; the
/// others follow, so that a mismatch can name the key that was shown.
fn host_key_order(known: &KnownHosts) -> Vec<Algorithm> {
    let is_known =
        |algorithm: &Algorithm| known.algorithms().any(|name| name == algorithm.as_str());
    let usable = Preferred::DEFAULT
        .key
        .iter()
        .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { .. }))
        .cloned();
    let (mut first, rest): (Vec<_>, Vec<_>) = usable.partition(is_known);
    first.extend(rest);
    first
}

fn unreachable(target: &Target, what: &str) -> Failure {
    let message = format!("the bastion {} {what}", target.address());
    Failure::new(Reason::BastionUnreachable, message)
}

fn login_refused(target: &Target) -> Failure {
    Failure::new(
        Reason::BastionLoginRefused,
        format!(
            "the bastion {} refuses user {} with the key {}; check authorized_keys there",
            target.address(),
            target.user,
            target.key_fingerprint()
        ),
    )
}

fn explain_exchange(target: &Target, error: ExchangeError) -> Failure {
    let mismatch = |what: String| {
        let message = format!("the bastion {} {what}", target.address());
        Failure::new(Reason::TunnelHostKeyMismatch, message)
    };
    match error {
        ExchangeError::Unknown { kind, fingerprint } => mismatch(format!(
            "shows the {kind} host key {fingerprint}, which is not in knownHosts; compare it \
             with the bastion's own key before adding it"
        )),
        ExchangeError::Revoked { fingerprint } => mismatch(format!(
            "shows the host key {fingerprint}, which knownHosts revokes"
        )),
        ExchangeError::Certificate => {
            mismatch("shows a host certificate, which is not supported".to_owned())
        }
        ExchangeError::Ssh(russh::Error::NoCommonAlgo {
            kind: AlgorithmKind::Key,
            theirs,
            ..
        }) => mismatch(format!(
            "has only host keys of the kinds {}; it needs an ssh-ed25519 or ecdsa-sha2-* key",
            theirs.join(", ")
        )),
        ExchangeError::Ssh(error) => unreachable(
            target,
            &format!("does not finish the SSH key exchange: {error}"),
        ),
    }
}

/// Why a session ended before it began.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error("the host key {fingerprint} is not known")]
    Unknown { kind: String, fingerprint: String },
    #[error("the host key {fingerprint} is revoked")]
    Revoked { fingerprint: String },
    #[error("host certificates are not supported")]
    Certificate,
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// Accepts pinned host keys and nothing else.
#[derive(Debug)]
struct Pinned {
    known_hosts: Arc<KnownHosts>,
    /// The library drops this handler when the session's task ends.
    _closes: DropGuard,
}

impl client::Handler for Pinned {
    type Error = ExchangeError;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, ExchangeError> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Err(ExchangeError::Certificate);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let blob = key.to_bytes().map_err(russh::Error::from)?;
        match self.known_hosts.check(&blob) {
            Verdict::Trusted => Ok(true),
            Verdict::Revoked => Err(ExchangeError::Revoked { fingerprint }),
            Verdict::Unknown => {
                let kind = key.algorithm().as_str().to_owned();
                Err(ExchangeError::Unknown { kind, fingerprint })
            }
        }
    }

    async fn disconnected(
        &mut self,
        reason: client::DisconnectReason<ExchangeError>,
    ) -> Result<(), ExchangeError> {
        match reason {
            client::DisconnectReason::ReceivedDisconnect(info) => {
                tracing::info!(code = ?info.reason_code, "the bastion ended an SSH session");
            }
            client::DisconnectReason::Error(error) => {
                tracing::info!(%error, "an SSH session ended");
            }
        }
        Ok(())
    }
}
