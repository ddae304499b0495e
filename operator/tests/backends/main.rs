//! The backends against real servers: each test starts its own on a free loopback port.

mod app_store;
mod canary;
mod postgres;
mod redis;
