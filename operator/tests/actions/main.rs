//! Actions against a cluster that is played: workloads that roll out one pod at a time, and rotations
//! that take their time. A layer stops at any chosen effect.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cancelled;
mod cluster;
mod crash_points;
mod crashing;
mod endings;
mod examples;
mod turns;

#[path = "../shared/mishap.rs"]
#[allow(dead_code, reason = "shared with the tests of rotations")]
mod mishap;
