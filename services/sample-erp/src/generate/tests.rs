//! What must hold for the generated books: they balance, they repeat, they are believable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rust_decimal::Decimal;

use super::*;
use crate::ledger::Direction;
use crate::trial_balance;

static LEDGER: LazyLock<Ledger> = LazyLock::new(|| generate(DEFAULT_SEED));

fn periods() -> impl Iterator<Item = (i16, i8)> {
    (0..MONTHS).map(|index| {
        let months = FIRST_MONTH.0 * 12 + i16::from(FIRST_MONTH.1) - 1 + index;
        (months / 12, i8::try_from(months % 12 + 1).expect("a month"))
    })
}

#[test]
fn the_sample_is_as_large_as_promised_and_ends_in_october_2026() {
    assert_eq!(LEDGER.companies.len(), 3);
    assert!(
        LEDGER.postings.len() >= 200_000,
        "{}",
        LEDGER.postings.len()
    );
    for company in &LEDGER.companies {
        let months: BTreeSet<_> = LEDGER
            .postings
            .iter()
            .filter(|posting| posting.company == company.id)
            .map(|posting| (posting.posted_on.year(), posting.posted_on.month()))
            .collect();
        assert_eq!(
            months.into_iter().collect::<Vec<_>>(),
            periods().collect::<Vec<_>>()
        );
    }
    assert!(
        LEDGER
            .companies
            .iter()
            .any(|company| company.name.contains('ț'))
    );
}

#[test]
fn every_document_balances_on_one_day_and_every_line_has_one_side() {
    let mut documents = BTreeMap::new();
    for posting in &LEDGER.postings {
        assert!(
            posting.debit.is_zero() != posting.credit.is_zero(),
            "{posting:?}"
        );
        assert!(
            posting.debit >= Decimal::ZERO && posting.credit >= Decimal::ZERO,
            "{posting:?}"
        );
        let key = (&posting.company, &posting.document);
        let (day, sum) = documents
            .entry(key)
            .or_insert((posting.posted_on, Decimal::ZERO));
        assert_eq!(*day, posting.posted_on, "{posting:?}");
        *sum += posting.debit - posting.credit;
    }
    assert!(documents.values().all(|(_, sum)| sum.is_zero()));
}

#[test]
fn the_same_seed_gives_the_same_books_and_another_gives_others() {
    assert_eq!(generate(DEFAULT_SEED), *LEDGER);
    assert_ne!(generate(DEFAULT_SEED + 1).postings, LEDGER.postings);
}

#[test]
fn every_month_is_believable() {
    for company in &LEDGER.companies {
        for (year, month) in periods() {
            let rows = trial_balance(&LEDGER.postings, &company.id, year, month);
            for row in &rows {
                let what = format!("{} {year}-{month}: {row:?}", company.id);
                let class = row.cont.as_bytes()[0];
                if matches!(class, b'6' | b'7') {
                    assert!(
                        row.solddeb.is_zero() && row.soldcred.is_zero(),
                        "not closed: {what}"
                    );
                }
                if matches!(row.cont.as_str(), "4426" | "4427" | "581" | "456" | "1011") {
                    assert_eq!(row.solddeb, row.soldcred, "not settled: {what}");
                }
                let money_or_stock = ["5121", "5124", "5311", "301", "345", "371", "4111"];
                if money_or_stock
                    .iter()
                    .any(|prefix| row.cont.starts_with(prefix))
                {
                    assert!(row.soldcred.is_zero(), "overdrawn: {what}");
                }
                if row.cont.starts_with("401") || row.cont == "378" {
                    assert!(row.solddeb.is_zero(), "overpaid: {what}");
                }
            }
        }
    }
}

#[test]
fn each_company_earns_something_and_grows() {
    for company in &LEDGER.companies {
        let turnover = |year: i16| -> Decimal {
            let sales = LEDGER.postings.iter().filter(|posting| {
                posting.company == company.id
                    && posting.posted_on.year() == year
                    && ["704", "7015", "707"].contains(&&*posting.cont)
            });
            sales.map(|posting| posting.credit).sum()
        };
        assert!(turnover(2025) > turnover(2024), "{}", company.id);
        let rows = trial_balance(&LEDGER.postings, &company.id, 2025, 12);
        let result = rows
            .iter()
            .find(|row| row.cont == "121")
            .expect("there is a result");
        let percent = (result.soldcred - result.solddeb) / turnover(2025) * Decimal::ONE_HUNDRED;
        assert!(
            percent > Decimal::ONE && percent < Decimal::from(30),
            "{}: {percent}",
            company.id
        );
    }
}

#[test]
fn vat_is_19_percent_and_21_from_august_2025() {
    for (date, rate) in [("2025-07-31", 19), ("2025-08-01", 21)] {
        assert_eq!(trade::vat_rate(date.parse().expect("valid")), rate);
    }
    let dates: BTreeMap<_, _> = LEDGER
        .invoices
        .iter()
        .map(|invoice| ((&invoice.company, &invoice.number), invoice.issued_on))
        .collect();
    for line in &LEDGER.invoice_lines {
        let issued = dates[&(&line.company, &line.invoice)];
        assert_eq!(
            i64::from(line.vat_rate),
            trade::vat_rate(issued),
            "{line:?}"
        );
    }
}

#[test]
fn invoices_agree_with_their_lines_their_payments_and_the_journal() {
    let mut lines: BTreeMap<_, (Decimal, Decimal)> = BTreeMap::new();
    for line in &LEDGER.invoice_lines {
        assert_eq!(line.net, line.unit_price * Decimal::from(line.quantity));
        let sum = lines.entry((&line.company, &line.invoice)).or_default();
        sum.0 += line.net;
        sum.1 += line.vat;
    }
    let mut paid: BTreeMap<_, Decimal> = BTreeMap::new();
    for payment in &LEDGER.payments {
        *paid
            .entry((&payment.company, &payment.invoice))
            .or_default() += payment.amount;
    }
    let mut booked: BTreeMap<_, Decimal> = BTreeMap::new();
    for posting in LEDGER
        .postings
        .iter()
        .filter(|posting| posting.cont.contains('.'))
    {
        let key = (&posting.company, &posting.document, &posting.cont);
        *booked.entry(key).or_default() += posting.debit - posting.credit;
    }
    for invoice in &LEDGER.invoices {
        let key = (&invoice.company, &invoice.number);
        assert_eq!(lines[&key], (invoice.net, invoice.vat), "{invoice:?}");
        let total = invoice.net + invoice.vat;
        assert!(
            paid.get(&key).is_none_or(|amount| *amount <= total),
            "{invoice:?}"
        );
        let on_account = booked[&(&invoice.company, &invoice.number, &invoice.partner)];
        let expected = if invoice.direction == Direction::Issued {
            total
        } else {
            -total
        };
        assert_eq!(on_account, expected, "{invoice:?}");
    }
}

#[test]
fn every_account_is_listed_and_synthetic_ones_are_named() {
    let listed: BTreeMap<_, _> = LEDGER
        .accounts
        .iter()
        .map(|account| ((&account.company, &account.cont), &account.denumire))
        .collect();
    assert_eq!(listed.len(), LEDGER.accounts.len());
    for posting in &LEDGER.postings {
        let name = listed[&(&posting.company, &posting.cont)];
        assert!(
            name.is_some() || posting.cont.contains('.'),
            "{} has no name",
            posting.cont
        );
    }
    assert!(
        listed.values().any(|name| name.is_none()),
        "an account without a name belongs to the sample"
    );
}

#[test]
fn nobody_hoards_cash() {
    for company in &LEDGER.companies {
        for (year, month) in periods() {
            let rows = trial_balance(&LEDGER.postings, &company.id, year, month);
            let cash = rows
                .iter()
                .find(|row| row.cont == "5311")
                .map_or(Decimal::ZERO, |row| row.solddeb);
            assert!(
                cash < Decimal::from(150_000),
                "{} {year}-{month}: {cash}",
                company.id
            );
        }
    }
}
