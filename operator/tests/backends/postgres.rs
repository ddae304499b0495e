//! PostgreSQL: two users in turn, against a real server, under an administrator that has no more
//! rights than docs/reference/postgresql-grants.md gives it.

mod faults;
mod rights;
mod turns;
pub mod world;
