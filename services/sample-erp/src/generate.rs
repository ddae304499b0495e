//! Makes the sample ledger: a simulation of three companies, day by day, from a seed.
//!
//! ```text
//! profile (what kind of company) ─▶ simulation (plan of a month, then its days) ─▶ books (documents)
//! ```
//!
//! Everything is counted in whole bani (1/100 leu), so that documents balance to the cent.

use crate::ledger::Ledger;

mod books;
mod closing;
mod money;
mod partners;
mod payroll;
mod profile;
mod simulation;
mod trade;

/// The seed of the published sample.
pub const DEFAULT_SEED: u64 = 2026;

/// First month of the books; they have [`MONTHS`] of them and end with October 2026.
const FIRST_MONTH: (i16, i8) = (2023, 11);
/// Length of the books.
const MONTHS: i16 = 36;

/// Makes the books of all companies. The same seed gives the same books.
pub fn generate(seed: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for (number, profile) in profile::all().into_iter().enumerate() {
        simulation::run(&mut ledger, profile, seed, number);
    }
    ledger
}

#[cfg(test)]
mod tests;
