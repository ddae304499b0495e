//! Rotations against real PostgreSQL and Redis servers, with the ledger, publication and roll-outs
//! played by a stub that can stop at any chosen effect.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod consumers;
mod crash_points;
mod crashing;
mod emergencies;
mod endings;
mod faults;
mod kubernetes;
mod restarts;
mod sandbox;
mod scenes;
mod servers;
mod strategies;
mod tampering;

#[path = "../shared/gate.rs"]
#[allow(dead_code, reason = "shared with the tests of backends")]
mod gate;
#[path = "../shared/mishap.rs"]
mod mishap;
