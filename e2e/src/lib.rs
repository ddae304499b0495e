//! A real cluster on this machine, the demo in it, and every test against it.
//!
//! [`cli`] is what `cargo e2e` runs; [`cluster`] is what everything else stands on.

pub mod backends;
pub mod bench;
pub mod cli;
pub mod cluster;
pub mod demo;
pub mod images;
pub mod progress;
pub mod scenarios;
