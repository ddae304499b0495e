//! The backends against real servers: each test starts its own on a free loopback port.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod app_store;
mod canary;
mod postgres;
mod redis;

#[path = "../shared/gate.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod gate;
