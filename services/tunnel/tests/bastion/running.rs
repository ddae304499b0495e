//! A tunnel that runs in the test: how it is set up, what is waited for, what travels through it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reportapp_config::TunnelConfig;
use reportapp_config::status::{DependencyState, DependencyStatus, Reason};
use reportapp_config::tunnel::{Bastion as BastionConfig, Forward, Handshake};
use reportapp_telemetry::Health;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::sshd::{Bastion, free_address, user};

/// Generous: only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A tunnel in this process.
pub struct Tunnel {
    pub listen: SocketAddr,
    pub health: Health,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

/// How one is set up.
pub struct Setup {
    pub known_hosts: Vec<String>,
    pub credential: PathBuf,
}

impl Setup {
    pub fn of(bastion: &Bastion) -> Self {
        Self {
            known_hosts: vec![bastion.known_host("ed25519")],
            credential: bastion.credential(),
        }
    }

    pub fn config(self, bastion: &Bastion, database: SocketAddr) -> TunnelConfig {
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

    pub fn start(self, bastion: &Bastion, database: SocketAddr) -> Tunnel {
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
    pub async fn until(&self, what: &str, is_so: impl Fn(&DependencyStatus) -> bool) {
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

    pub async fn until_ok(&self) {
        self.until("ok", |status| status.state == DependencyState::Ok)
            .await;
    }

    pub async fn until_failing(&self, reason: Reason) -> String {
        self.until(reason.as_str(), |status| status.reason == Some(reason))
            .await;
        self.health.status().dependencies.remove(0).message
    }

    pub fn metric(&self, name: &str) -> f64 {
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

    pub async fn until_metric(&self, name: &str, expected: f64) {
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
pub async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
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

pub fn mebibyte() -> Vec<u8> {
    (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect()
}
