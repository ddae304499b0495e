//! Asks the database for a handshake through the tunnel, again and again, on channels of its own.
//!
//! This is the only writer of the tunnel's dependency, so what the operator reads never flickers
//! between two opinions: no session means the sessions' last failure, a session means what the
//! handshake says.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::status::Reason;
use reportapp_config::tunnel::{Forward, Handshake};
use reportapp_telemetry::{Backoff, DependencyHandle, Heartbeat};
use russh::ChannelOpenFailure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::session::{OpenError, Session};
use crate::sessions::{SLOTS, Sessions};

/// Pause after a success.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Longest wait for the answer of the database.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// `SSLRequest`: length 8, code 1234.5679.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The probe has no client to name as the origin of its channels.
const ORIGIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Probes every forward until the task is dropped, and reports to `dependency`.
pub async fn watch(
    forwards: &[Forward],
    sessions: &Sessions,
    metrics: &Metrics,
    dependency: &DependencyHandle,
    heartbeat: &Heartbeat,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut changes = sessions.watch();
    loop {
        heartbeat.beat();
        changes.mark_unchanged();
        let pause = match check_all(forwards, sessions, metrics).await {
            Outcome::Ok => {
                dependency.ok();
                backoff.reset();
                INTERVAL
            }
            Outcome::Failing(failure) => {
                dependency.failing(failure.reason, failure.message);
                backoff.next_pause()
            }
            Outcome::TooEarly => INTERVAL,
        };
        tokio::select! {
            () = sleep(pause) => {}
            // A session that came or went changes the answer at once.
            _ = changes.changed() => {}
        }
    }
}

enum Outcome {
    Ok,
    Failing(Failure),
    /// No session yet and no failure either.
    TooEarly,
}

async fn check_all(forwards: &[Forward], sessions: &Sessions, metrics: &Metrics) -> Outcome {
    for forward in forwards {
        match check(forward, sessions, metrics).await {
            Outcome::Ok => {}
            other => return other,
        }
    }
    Outcome::Ok
}

/// A failure counts only when no session gets through, since one session may be ending or busy.
async fn check(forward: &Forward, sessions: &Sessions, metrics: &Metrics) -> Outcome {
    let mut last = Outcome::TooEarly;
    for _ in 0..SLOTS {
        let Some(session) = sessions.pick() else {
            break;
        };
        let started = Instant::now();
        match handshake(forward, &session).await {
            Ok(()) => {
                metrics.handshake.observe(started.elapsed().as_secs_f64());
                return Outcome::Ok;
            }
            Err(Some(failure)) => last = Outcome::Failing(failure),
            // The session ended meanwhile: the sessions know better why.
            Err(None) => {}
        }
    }
    match sessions.watch().borrow().failure.clone() {
        Some(failure) if sessions.pick().is_none() => Outcome::Failing(failure),
        _ => last,
    }
}

async fn handshake(forward: &Forward, session: &Arc<Session>) -> Result<(), Option<Failure>> {
    let channel = match session.open(forward, ORIGIN).await {
        Ok(channel) => channel,
        Err(error) => return Err(explain_open(forward, &error)),
    };
    let mut stream = channel.into_stream();
    let answered = match forward.handshake {
        Handshake::Postgres => timeout(ANSWER_TIMEOUT, postgres(&mut stream)).await,
    };
    let unreachable = |what: String| {
        let message = format!("the database {} {what}", address(forward));
        Some(Failure::new(Reason::DatabaseUnreachable, message))
    };
    match answered {
        Ok(Ok(())) => Ok(()),
        _ if session.is_closed() => Err(None),
        Ok(Err(error)) => Err(unreachable(format!("does not speak PostgreSQL: {error}"))),
        Err(_) => Err(unreachable(
            "accepts connections but does not answer".to_owned(),
        )),
    }
}

/// Any server of version 7.4 or later answers `S` or `N` before it asks for a login.
async fn postgres(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' | b'N' => Ok(()),
        other => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it answered byte {other} to an SSLRequest"),
        )),
    }
}

fn explain_open(forward: &Forward, error: &OpenError) -> Option<Failure> {
    let to = address(forward);
    match error {
        OpenError::SessionEnded => None,
        OpenError::Refused(ChannelOpenFailure::ConnectFailed) => Some(Failure::new(
            Reason::DatabaseUnreachable,
            format!("the bastion cannot connect to the database {to}"),
        )),
        OpenError::Refused(ChannelOpenFailure::AdministrativelyProhibited) => Some(Failure::new(
            Reason::TunnelForwardRefused,
            format!(
                "the bastion does not permit connections to {to}; check AllowTcpForwarding and \
                 PermitOpen there"
            ),
        )),
        OpenError::Refused(refusal) => Some(Failure::new(
            Reason::TunnelForwardRefused,
            format!("the bastion does not open connections to {to}: {refusal:?}"),
        )),
        OpenError::TimedOut => Some(Failure::new(
            Reason::DatabaseUnreachable,
            format!("the bastion gets no answer from the database {to}"),
        )),
    }
}

fn address(forward: &Forward) -> String {
    format!("{}:{}", forward.host, forward.port)
}
