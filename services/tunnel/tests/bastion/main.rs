//! The tunnel against a real OpenSSH server: what it carries, what it refuses, how it recovers.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod carried;
mod peer;
mod recovery;
mod refused;
mod running;
mod sshd;
