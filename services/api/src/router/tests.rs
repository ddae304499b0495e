//! The API as its clients see it, in process, on SQLite.

mod administration;
mod auth;
mod contract;
mod faults;
mod fleet;
mod matrix;
mod reports;
mod sessions;
mod telegram;
mod tenancy;
