//! The tunnel against a real OpenSSH server: what it carries, what it refuses, how it recovers.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod peer;
mod sshd;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reportapp_config::TunnelConfig;
use reportapp_config::status::{DependencyState, DependencyStatus, Reason};
use reportapp_config::tunnel::{Bastion as BastionConfig, Forward, Handshake};
use reportapp_telemetry::Health;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::peer::Peer;
use crate::sshd::{Bastion, free_address, user};

/// Generous: only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tunnel in this process.
struct Tunnel {
    listen: SocketAddr,
    health: Health,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct Setup {
    known_hosts: Vec<String>,
    credential: PathBuf,
}

impl Setup {
    fn of(bastion: &Bastion) -> Self {
        Self {
            known_hosts: vec![bastion.known_host("ed25519")],
            credential: bastion.credential(),
        }
    }

    fn config(self, bastion: &Bastion, database: SocketAddr) -> TunnelConfig {
        TunnelConfig {
            app: "erp".to_owned(),
            server: "main".to_owned(),
            health: free_address(),
            bastion: BastionConfig {
                host: bastion.address.ip().to_string(),
                port: bastion.address.port(),
                user: user(),
            },
            known_hosts: self.known_hosts,
            credential: self.credential,
            forwards: vec![Forward {
                listen: free_address(),
                host: database.ip().to_string(),
                port: database.port(),
                handshake: Handshake::Postgres,
            }],
            keepalive_seconds: 5,
            drain_seconds: 2,
        }
    }

    fn start(self, bastion: &Bastion, database: SocketAddr) -> Tunnel {
        let config = self.config(bastion, database);
        let listen = config.forwards[0].listen;
        let health = Health::new("reportapp-tunnel", "0.0.0");
        let stop = CancellationToken::new();
        let (running_health, running_stop) = (health.clone(), stop.clone());
        let task = tokio::spawn(async move {
            reportapp_tunnel::run(config, running_health, running_stop)
                .await
                .unwrap();
        });
        Tunnel {
            listen,
            health,
            stop,
            task,
        }
    }
}

impl Tunnel {
    async fn until(&self, what: &str, is_so: impl Fn(&DependencyStatus) -> bool) {
        let mut polls = interval(Duration::from_millis(10));
        let waited = timeout(PATIENCE, async {
            while !self
                .health
                .status()
                .dependencies
                .first()
                .is_some_and(&is_so)
            {
                polls.tick().await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "never {what}: {:?}",
            self.health.status()
        );
    }

    async fn until_ok(&self) {
        self.until("ok", |status| status.state == DependencyState::Ok)
            .await;
    }

    async fn until_failing(&self, reason: Reason) -> String {
        self.until(reason.as_str(), |status| status.reason == Some(reason))
            .await;
        self.health.status().dependencies.remove(0).message
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.health.registry().gather();
        let family = families
            .iter()
            .find(|family| family.name() == name)
            .unwrap();
        family
            .get_metric()
            .iter()
            .map(|m| m.get_gauge().get_value() + m.get_counter().get_value())
            .sum()
    }

    async fn until_metric(&self, name: &str, expected: f64) {
        let mut polls = interval(Duration::from_millis(10));
        let waited = timeout(PATIENCE, async {
            while (self.metric(name) - expected).abs() > f64::EPSILON {
                polls.tick().await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "{name} is {}, not {expected}",
            self.metric(name)
        );
    }
}

/// Sends `bytes`, says that it is done, and returns everything that comes back.
async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut answer).await.unwrap();
    })
    .await
    .unwrap();
    answer
}

fn mebibyte() -> Vec<u8> {
    (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn a_mebibyte_travels_both_ways_and_half_close_is_honoured() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_ok().await;
    assert!(tunnel.health.is_ready());
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    assert!(exchange(&mut stream, &mebibyte()).await == mebibyte());
    tunnel
        .until_metric("reportapp_tunnel_connections", 0.0)
        .await;
    tunnel
        .until_metric("reportapp_tunnel_bytes_total", 2.0 * 1024.0 * 1024.0)
        .await;
    tunnel.until_metric("reportapp_tunnel_sessions", 2.0).await;
    // The counterpart of the test that looks for these words in vain.
    assert!(bastion.log().contains("userauth") && bastion.log().contains("Accepted"));
}

#[tokio::test]
async fn a_client_that_does_not_read_does_not_hold_up_the_others() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_ok().await;
    tunnel.until_metric("reportapp_tunnel_sessions", 2.0).await;
    let mut idle = TcpStream::connect(tunnel.listen).await.unwrap();
    for _ in 0..4 {
        idle.write_all(&mebibyte()).await.unwrap();
    }
    idle.shutdown().await.unwrap();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
        assert!(exchange(&mut stream, &mebibyte()).await == mebibyte());
    }
    let mut answer = Vec::new();
    timeout(PATIENCE, idle.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.len(), 4 * mebibyte().len());
}

#[tokio::test]
async fn many_connections_at_once_each_get_their_own_bytes_back() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'S').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_ok().await;
    let clients = (0..50_u8).map(|number| {
        let listen = tunnel.listen;
        tokio::spawn(async move {
            let bytes = vec![number; 64 * 1024];
            let mut stream = TcpStream::connect(listen).await.unwrap();
            assert!(
                exchange(&mut stream, &bytes).await == bytes,
                "client {number}"
            );
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    tunnel
        .until_metric("reportapp_tunnel_connections", 0.0)
        .await;
    tunnel
        .until_metric("reportapp_tunnel_connections_total", 50.0)
        .await;
}

#[tokio::test]
async fn a_host_key_that_is_not_listed_is_refused_before_anything_is_sent() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let stranger = Bastion::new("");
    let stranger_key = stranger.known_host("ed25519");
    let (_, stranger_key) = stranger_key.split_once(' ').unwrap();
    let setup = Setup {
        known_hosts: vec![format!("* {stranger_key}")],
        credential: bastion.credential(),
    };
    let tunnel = setup.start(&bastion, free_address());
    let message = tunnel.until_failing(Reason::TunnelHostKeyMismatch).await;
    assert!(message.contains("SHA256:"), "{message}");
    assert!(!tunnel.health.is_ready());
    let log = bastion.log();
    assert!(!log.contains("userauth"), "the bastion saw a login:\n{log}");
    assert!(!log.contains("Accepted"), "the bastion saw a login:\n{log}");
}

#[tokio::test]
async fn the_key_we_know_is_negotiated_even_when_the_bastion_prefers_another() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let setup = Setup {
        known_hosts: vec![bastion.known_host("ecdsa")],
        ..Setup::of(&bastion)
    };
    setup.start(&bastion, database).until_ok().await;
}

#[tokio::test]
async fn a_bastion_that_is_down_is_reported_and_used_again_when_it_is_back() {
    let mut bastion = Bastion::new("");
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_failing(Reason::BastionUnreachable).await;
    assert!(!tunnel.health.is_ready());
    bastion.start();
    tunnel.until_ok().await;
    assert!(tunnel.health.is_ready());
    bastion.stop();
    tunnel.until_failing(Reason::BastionUnreachable).await;
    assert!(
        tunnel.health.is_ready(),
        "a later loss must not unready the pod"
    );
    bastion.start();
    tunnel.until_ok().await;
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    assert_eq!(
        exchange(&mut stream, b"after the restart").await,
        b"after the restart"
    );
    assert!(tunnel.metric("reportapp_tunnel_reconnects_total") >= 1.0);
}

#[tokio::test]
async fn a_connection_is_held_until_the_bastion_is_back() {
    let mut bastion = Bastion::new("");
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_failing(Reason::BastionUnreachable).await;
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    tunnel
        .until_metric("reportapp_tunnel_connections", 1.0)
        .await;
    bastion.start();
    assert_eq!(
        exchange(&mut stream, b"worth waiting for").await,
        b"worth waiting for"
    );
}

#[tokio::test]
async fn a_connection_is_closed_when_no_session_comes_up() {
    let bastion = Bastion::new("");
    let tunnel = Setup::of(&bastion).start(&bastion, free_address());
    tunnel.until_failing(Reason::BastionUnreachable).await;
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.is_empty());
    tunnel
        .until_metric("reportapp_tunnel_connections_refused_total", 1.0)
        .await;
}

#[tokio::test]
async fn a_key_the_bastion_does_not_accept_is_a_refused_login() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let setup = Setup {
        credential: bastion.other_credential("ed25519"),
        ..Setup::of(&bastion)
    };
    let tunnel = setup.start(&bastion, free_address());
    let message = tunnel.until_failing(Reason::BastionLoginRefused).await;
    assert!(
        message.contains(&user()) && message.contains("SHA256:"),
        "{message}"
    );
}

#[tokio::test]
async fn an_rsa_key_is_refused_at_start_with_a_remedy() {
    let bastion = Bastion::new("");
    let setup = Setup {
        credential: bastion.other_credential("rsa"),
        ..Setup::of(&bastion)
    };
    let tunnel = setup.start(&bastion, free_address());
    let message = tunnel.until_failing(Reason::BastionLoginRefused).await;
    assert!(
        message.contains("RSA") && message.contains("ssh-keygen -t ed25519"),
        "{message}"
    );
    tunnel.stop.cancel();
    timeout(PATIENCE, tunnel.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_database_that_is_down_is_told_apart_and_used_again_when_it_is_back() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    let message = tunnel.until_failing(Reason::DatabaseUnreachable).await;
    assert!(message.contains(&database.to_string()), "{message}");
    let peer = Peer::start(database, b'N').await;
    tunnel.until_ok().await;
    peer.stop().await;
    tunnel.until_failing(Reason::DatabaseUnreachable).await;
}

#[tokio::test]
async fn a_peer_that_is_no_database_is_not_taken_for_one() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'H').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    let message = tunnel.until_failing(Reason::DatabaseUnreachable).await;
    assert!(message.contains("does not speak PostgreSQL"), "{message}");
}

#[tokio::test]
async fn a_bastion_that_forbids_the_destination_is_reported_as_such() {
    let database = free_address();
    let mut bastion = Bastion::new("PermitOpen 127.0.0.1:1");
    bastion.start();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    let message = tunnel.until_failing(Reason::TunnelForwardRefused).await;
    assert!(message.contains("PermitOpen"), "{message}");
}

#[tokio::test]
async fn draining_refuses_new_connections_and_lets_open_ones_finish() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_ok().await;
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    stream.write_all(b"first half ").await.unwrap();
    tunnel
        .until_metric("reportapp_tunnel_connections", 1.0)
        .await;
    tunnel.stop.cancel();
    let mut polls = interval(Duration::from_millis(10));
    timeout(PATIENCE, async {
        while TcpStream::connect(tunnel.listen).await.is_ok() {
            polls.tick().await;
        }
    })
    .await
    .unwrap();
    assert!(!tunnel.health.is_ready());
    assert_eq!(
        exchange(&mut stream, b"second half").await,
        b"first half second half"
    );
    timeout(PATIENCE, tunnel.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn draining_ends_at_its_deadline_with_a_connection_open() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let tunnel = Setup::of(&bastion).start(&bastion, database);
    tunnel.until_ok().await;
    let mut stream = TcpStream::connect(tunnel.listen).await.unwrap();
    stream.write_all(b"never finished").await.unwrap();
    tunnel
        .until_metric("reportapp_tunnel_connections", 1.0)
        .await;
    tunnel.stop.cancel();
    timeout(PATIENCE, tunnel.task).await.unwrap().unwrap();
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .ok();
}

#[tokio::test]
async fn the_program_forwards_and_ends_in_good_order_when_asked_to() {
    let mut bastion = Bastion::new("");
    bastion.start();
    let database = free_address();
    let _peer = Peer::start(database, b'N').await;
    let config = Setup::of(&bastion).config(&bastion, database);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    // JSON is YAML.
    std::fs::write(&file, serde_json::to_string(&config).unwrap()).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_reportapp-tunnel"))
        .arg("--config")
        .arg(&file)
        .args(["--log-level", "trace", "--log-format", "json"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut polls = interval(Duration::from_millis(10));
    let mut stream = timeout(PATIENCE, async {
        loop {
            match TcpStream::connect(config.forwards[0].listen).await {
                Ok(stream) => break stream,
                Err(_) => polls.tick().await,
            };
        }
    })
    .await
    .unwrap();
    assert_eq!(
        exchange(&mut stream, b"through the program").await,
        b"through the program"
    );
    let pid = program.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    let output = timeout(PATIENCE, program.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(
        log.contains("SSH session is up") && log.contains("\"message\":\"ended\""),
        "{log}"
    );
    assert!(!log.contains("through the program"), "{log}");
}
