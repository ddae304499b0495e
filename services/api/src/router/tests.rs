//! The API as its clients see it, in process, on SQLite.

mod administration;
mod auth;
mod catalogue;
mod contract;
mod faults;
mod fleet;
mod guesses;
mod matrix;
mod refresh;
mod reports;
mod resets;
mod revocations;
mod sessions;
mod telegram;
mod tenancy;
