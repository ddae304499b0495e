//! The backends against real servers: each test starts its own on a free loopback port.

mod canary;
mod postgres;
mod redis;
