//! A sample ERP database: the books of three Romanian companies, and a way to load one's own.
//!
//! ```text
//! generate(seed) ─▶ Ledger ─ load ─▶ tables ─▶ view vbal ─▶ trial balance
//! postings.csv ─ parse (all problems at once) ─ load_csv ─▶ the same tables
//! Ledger.postings ─ trial_balance ─▶ the same figures by other means, for tests
//! create_users ─▶ schema pack_drepturi ─▶ signing in at the ERP (PostgreSQL)
//! ```
//!
//! The tables are described in `SCHEMA.md`. The same seed gives the same books on every machine
//! and both engines.

mod chart;
mod check;
mod generate;
pub mod import;
pub mod ledger;
mod load;
mod random;
pub mod sign_in;

pub use check::{TrialBalanceRow, trial_balance};
pub use generate::{DEFAULT_SEED, generate};
pub use import::{ImportTarget, load_csv};
pub use ledger::Ledger;
pub use load::{LoadError, create_schema, is_loaded, load};
pub use sign_in::create_users;
