//! Ledgers and published values in servers that keep them, whose programs the environment names:
//! `REPORTAPP_VAULT=/path/to/vault cargo test -p reportapp-operator --test secret_stores vault::`, and
//! `REPORTAPP_MOTO=/path/to/python … aws::` with a Python that has moto. Each test starts its own server on a free loopback
//! port and stops it at the end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod aws;
mod crashes;
mod vault;

#[path = "../rotation/consumers.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod consumers;
#[path = "../rotation/crashing.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod crashing;
#[path = "../shared/gate.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod gate;
#[path = "../shared/mishap.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod mishap;
#[path = "../rotation/sandbox.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod sandbox;
#[path = "../rotation/scenes.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod scenes;
#[path = "../rotation/servers.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod servers;
