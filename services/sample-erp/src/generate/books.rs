//! The journal of one company: checks that documents balance and knows every account's balance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::ledger::Posting;

/// Whole bani as a decimal number of lei.
pub(super) fn lei(bani: i64) -> Decimal {
    Decimal::new(bani, 2)
}

/// One document: lines that must balance.
pub(super) struct Document {
    number: Arc<str>,
    on: Date,
    text: Arc<str>,
    /// Account, side and positive amount.
    lines: Vec<(Arc<str>, Side, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Debit,
    Credit,
}

impl Document {
    pub(super) fn new(number: impl Into<Arc<str>>, on: Date, text: impl Into<Arc<str>>) -> Self {
        Self {
            number: number.into(),
            on,
            text: text.into(),
            lines: Vec::with_capacity(6),
        }
    }

    /// Adds a debit line; nothing for zero.
    pub(super) fn debit(mut self, cont: &str, amount: i64) -> Self {
        self.add(cont, Side::Debit, amount);
        self
    }

    /// Adds a credit line; nothing for zero.
    pub(super) fn credit(mut self, cont: &str, amount: i64) -> Self {
        self.add(cont, Side::Credit, amount);
        self
    }

    pub(super) fn add_debit(&mut self, cont: &str, amount: i64) {
        self.add(cont, Side::Debit, amount);
    }

    pub(super) fn add_credit(&mut self, cont: &str, amount: i64) {
        self.add(cont, Side::Credit, amount);
    }

    fn add(&mut self, cont: &str, side: Side, amount: i64) {
        assert!(amount >= 0, "{}: {cont} has a negative amount", self.number);
        if amount > 0 {
            self.lines.push((cont.into(), side, amount));
        }
    }
}

/// The journal so far.
pub(super) struct Books {
    company: Arc<str>,
    balances: BTreeMap<Arc<str>, i64>,
    known: BTreeSet<Arc<str>>,
    numbers: BTreeMap<&'static str, u32>,
    postings: Vec<Posting>,
}

impl Books {
    pub(super) fn new(company: &Arc<str>) -> Self {
        Self {
            company: company.clone(),
            balances: BTreeMap::new(),
            known: BTreeSet::new(),
            numbers: BTreeMap::new(),
            postings: Vec::new(),
        }
    }

    /// The next number of a series, as `NC-000123`.
    pub(super) fn number(&mut self, series: &'static str) -> Arc<str> {
        let number = self.numbers.entry(series).or_default();
        *number += 1;
        format!("{series}-{number:06}").into()
    }

    /// Writes a document.
    pub(super) fn post(&mut self, document: Document) {
        let sum: i64 = document
            .lines
            .iter()
            .map(|(_, side, amount)| signed(*side, *amount))
            .sum();
        assert_eq!(sum, 0, "{} does not balance", document.number);
        for (cont, side, amount) in document.lines {
            let cont = self.shared(cont);
            *self.balances.entry(cont.clone()).or_default() += signed(side, amount);
            let (debit, credit) = match side {
                Side::Debit => (lei(amount), lei(0)),
                Side::Credit => (lei(0), lei(amount)),
            };
            self.postings.push(Posting {
                company: self.company.clone(),
                document: document.number.clone(),
                posted_on: document.on,
                cont,
                debit,
                credit,
                text: document.text.clone(),
            });
        }
    }

    /// Debit balance of an account; a credit balance is negative.
    pub(super) fn balance(&self, cont: &str) -> i64 {
        self.balances.get(cont).copied().unwrap_or(0)
    }

    /// Accounts whose number starts with `prefix` and whose balance is not zero.
    pub(super) fn open_accounts(&self, prefix: &str) -> Vec<(Arc<str>, i64)> {
        let range = self
            .balances
            .iter()
            .filter(|(cont, balance)| cont.starts_with(prefix) && **balance != 0);
        range
            .map(|(cont, balance)| (cont.clone(), *balance))
            .collect()
    }

    /// Every account ever used.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.iter()
    }

    /// The journal by day, documents of a day in the order they were written.
    pub(super) fn into_postings(mut self) -> Vec<Posting> {
        self.postings.sort_by_key(|posting| posting.posted_on);
        self.postings
    }

    fn shared(&mut self, cont: Arc<str>) -> Arc<str> {
        if let Some(known) = self.known.get(&cont) {
            return known.clone();
        }
        self.known.insert(cont.clone());
        cont
    }
}

fn signed(side: Side, amount: i64) -> i64 {
    match side {
        Side::Debit => amount,
        Side::Credit => -amount,
    }
}
