//! The API as its clients see it, in process, on SQLite.

mod administration;
mod auth;
mod cache;
mod catalogue;
mod contract;
mod erp_sign_in;
mod exports;
mod faults;
mod fleet;
mod guesses;
mod matrix;
mod refresh;
mod rehash;
mod reports;
mod resets;
mod revocations;
mod sessions;
mod statements;
mod telegram;
mod tenancy;
