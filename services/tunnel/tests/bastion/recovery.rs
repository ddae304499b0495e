//! What is down is reported, and used again when it is back.

use reportapp_config::status::Reason;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::peer::Peer;
use crate::running::{PATIENCE, Setup, exchange};
use crate::sshd::{Bastion, free_address};

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
