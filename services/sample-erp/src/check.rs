//! The trial balance straight from raw postings, as a second opinion on the SQL view `vbal`.
//!
//! It shares nothing with the view: no monthly turnover, no periods, one pass over the journal in
//! whatever order it is, amounts as whole bani.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::ledger::Posting;

/// One account in a trial balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalanceRow {
    /// Account number.
    pub cont: String,
    /// Net balance before the month, if on the debit side.
    pub precdeb: Decimal,
    /// Net balance before the month, if on the credit side.
    pub preccred: Decimal,
    /// Debit turnover of the month.
    pub ruldeb: Decimal,
    /// Credit turnover of the month.
    pub rulcred: Decimal,
    /// Net balance after the month, if on the debit side.
    pub solddeb: Decimal,
    /// Net balance after the month, if on the credit side.
    pub soldcred: Decimal,
}

/// Computes the trial balance of one company and month, by account number as text. An account is
/// there from its first posting on.
///
/// # Panics
/// When an amount has more than two decimals or does not fit 64 bits, which no valid posting has.
pub fn trial_balance<'a>(
    postings: impl IntoIterator<Item = &'a Posting>,
    company: &str,
    year: i16,
    month: i8,
) -> Vec<TrialBalanceRow> {
    let mut accounts: BTreeMap<&str, [i128; 3]> = BTreeMap::new();
    for posting in postings {
        let when = (posting.posted_on.year(), posting.posted_on.month());
        if &*posting.company != company || when > (year, month) {
            continue;
        }
        let (debit, credit) = (bani(posting.debit), bani(posting.credit));
        let [before, turnover_debit, turnover_credit] = accounts.entry(&posting.cont).or_default();
        if when == (year, month) {
            *turnover_debit += debit;
            *turnover_credit += credit;
        } else {
            *before += debit - credit;
        }
    }
    accounts
        .into_iter()
        .map(|(cont, sums)| row(cont, sums))
        .collect()
}

fn row(cont: &str, [before, ruldeb, rulcred]: [i128; 3]) -> TrialBalanceRow {
    let after = before + ruldeb - rulcred;
    TrialBalanceRow {
        cont: cont.to_owned(),
        precdeb: lei(before.max(0)),
        preccred: lei((-before).max(0)),
        ruldeb: lei(ruldeb),
        rulcred: lei(rulcred),
        solddeb: lei(after.max(0)),
        soldcred: lei((-after).max(0)),
    }
}

fn bani(amount: Decimal) -> i128 {
    let scaled = amount * Decimal::ONE_HUNDRED;
    assert!(scaled.is_integer(), "a posting has at most two decimals");
    scaled.to_i128().expect("a posting fits")
}

fn lei(bani: i128) -> Decimal {
    Decimal::from_i128_with_scale(bani, 2)
}
