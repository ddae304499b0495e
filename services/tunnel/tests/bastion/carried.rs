//! What a tunnel carries, and how it ends.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{interval, timeout};

use crate::peer::Peer;
use crate::running::{PATIENCE, Setup, exchange, mebibyte};
use crate::sshd::{Bastion, free_address};

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
