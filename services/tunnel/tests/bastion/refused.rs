//! What a tunnel refuses, or is refused: keys, destinations, peers that are no database.

use reportapp_config::status::Reason;
use tokio::time::timeout;

use crate::peer::Peer;
use crate::running::{PATIENCE, Setup};
use crate::sshd::{Bastion, free_address, user};

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
