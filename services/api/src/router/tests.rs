//! The API as its clients see it, in process, on SQLite.

mod auth;
mod contract;
mod faults;
mod fleet;
mod reports;
mod revocations;
mod sessions;
mod telegram;
