//! The figures of the built-in reports by other means: loops over the raw entries, no SQL, no monthly
//! turnover, no periods.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use reportapp_sample_erp::ledger::{Direction, Invoice, Posting};
use reportapp_sample_erp::{Ledger, trial_balance};
use rust_decimal::Decimal;

use super::super::Cell;
use crate::model::Amount;

/// What a report is asked.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) company: &'a str,
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) month: Option<(i16, i8)>,
    pub(super) parameters: BTreeMap<&'a str, &'a str>,
}

type Row = Vec<Cell>;

/// The rows of a report, in any order.
pub(super) fn rows(report: &str, ledger: &Ledger, question: &Question<'_>) -> Vec<Row> {
    let books = Books { ledger, question };
    match report {
        "trial-balance" => books.trial_balance(),
        "trial-balance-synthetic" => books.synthetic(),
        "client-balances" => books.balances("411", Decimal::ONE),
        "supplier-balances" => books.balances("401", Decimal::NEGATIVE_ONE),
        "ageing-clients" => books.ageing(Direction::Issued),
        "ageing-suppliers" => books.ageing(Direction::Received),
        "overdue-clients" => books.overdue(),
        "treasury" => books.treasury(),
        "treasury-movements" => books.movements(),
        "ledger-card" => books.ledger_card(),
        "journal" => books.journal(),
        "invoices" => books.invoices(),
        "invoices-summary" => books.summary(),
        "receipts" => books.receipts(),
        "monthly-figures" => books.figures(),
        other => panic!("{other} is not proven"),
    }
}

fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

fn opt_text(text: Option<String>) -> Cell {
    text.map_or(Cell::Nothing, Cell::Text)
}

fn money(amount: Decimal) -> Cell {
    Cell::Amount(Amount(amount))
}

fn whole(number: impl TryInto<i64>) -> Cell {
    Cell::Integer(number.try_into().ok().expect("fits"))
}

fn month_of(day: Date) -> (i16, i8) {
    (day.year(), day.month())
}

struct Books<'a> {
    ledger: &'a Ledger,
    question: &'a Question<'a>,
}

impl<'a> Books<'a> {
    /// The postings of the company with their place in the journal, by day.
    fn postings(&self) -> Vec<(i64, &'a Posting)> {
        let mut own: Vec<(i64, &Posting)> = (1..)
            .zip(&self.ledger.postings)
            .filter(|(_, posting)| &*posting.company == self.question.company)
            .collect();
        own.sort_by_key(|(place, posting)| (posting.posted_on, *place));
        own
    }

    fn is_asked_for(&self, day: Date) -> bool {
        day >= self.question.from && day <= self.question.to
    }

    fn account_name(&self, cont: &str) -> Option<String> {
        let mut accounts = self.ledger.accounts.iter();
        let found = accounts
            .find(|account| &*account.company == self.question.company && &*account.cont == cont);
        found.and_then(|account| account.denumire.clone())
    }

    fn partner_name(&self, cont: &str) -> Option<String> {
        let mut partners = self.ledger.partners.iter();
        let found = partners
            .find(|partner| &*partner.company == self.question.company && &*partner.cont == cont);
        found.map(|partner| partner.name.clone())
    }

    fn trial_balance(&self) -> Vec<Row> {
        let (year, month) = self.question.month.unwrap();
        let rows = trial_balance(&self.ledger.postings, self.question.company, year, month);
        let rows = rows.into_iter().map(|row| {
            let name = self.account_name(&row.cont);
            let amounts = [
                row.precdeb,
                row.preccred,
                row.ruldeb,
                row.rulcred,
                row.solddeb,
                row.soldcred,
            ];
            [text(row.cont), opt_text(name)]
                .into_iter()
                .chain(amounts.map(money))
                .collect()
        });
        rows.collect()
    }

    fn synthetic(&self) -> Vec<Row> {
        let (year, month) = self.question.month.unwrap();
        let mut sums: BTreeMap<String, [Decimal; 3]> = BTreeMap::new();
        for row in trial_balance(&self.ledger.postings, self.question.company, year, month) {
            let above = row.cont.split('.').next().unwrap().to_owned();
            let sum = sums.entry(above).or_default();
            sum[0] += row.precdeb - row.preccred;
            sum[1] += row.ruldeb;
            sum[2] += row.rulcred;
        }
        let side = |amount: Decimal| [amount.max(Decimal::ZERO), (-amount).max(Decimal::ZERO)];
        let rows = sums.into_iter().map(|(cont, [before, debit, credit])| {
            let amounts = [side(before), [debit, credit], side(before + debit - credit)];
            let name = self.account_name(&cont);
            let amounts = amounts.concat().into_iter().map(money);
            [text(cont), opt_text(name)]
                .into_iter()
                .chain(amounts)
                .collect()
        });
        rows.collect()
    }

    /// Opening, debit and credit of every account that was in use by the end of the month.
    fn turnover(&self, of: impl Fn(&str) -> bool) -> BTreeMap<&'a str, [Decimal; 3]> {
        let mut sums: BTreeMap<&str, [Decimal; 3]> = BTreeMap::new();
        for (_, posting) in self.postings() {
            if !of(&posting.cont) || posting.posted_on > self.question.to {
                continue;
            }
            let sum = sums.entry(&posting.cont).or_default();
            if posting.posted_on < self.question.from {
                sum[0] += posting.debit - posting.credit;
            } else {
                sum[1] += posting.debit;
                sum[2] += posting.credit;
            }
        }
        sums
    }

    fn balances(&self, prefix: &str, sign: Decimal) -> Vec<Row> {
        let sums = self.turnover(|cont| cont.starts_with(prefix));
        let rows = sums.into_iter().map(|(cont, [opening, debit, credit])| {
            let name = self.partner_name(cont).or_else(|| self.account_name(cont));
            vec![
                text(cont),
                opt_text(name),
                money(opening * sign),
                money(debit),
                money(credit),
                money((opening + debit - credit) * sign),
            ]
        });
        rows.collect()
    }

    fn treasury(&self) -> Vec<Row> {
        let sums = self.turnover(|cont| cont.starts_with("531") || cont.starts_with("512"));
        let rows = sums.into_iter().map(|(cont, [opening, debit, credit])| {
            let kind = if cont.starts_with("531") {
                "cash"
            } else {
                "bank"
            };
            vec![
                text(kind),
                text(cont),
                opt_text(self.account_name(cont)),
                money(opening),
                money(debit),
                money(credit),
                money(opening + debit - credit),
            ]
        });
        rows.collect()
    }

    fn is_chosen(&self, cont: &str) -> bool {
        let Some(account) = self.question.parameters.get("account") else {
            return true;
        };
        cont == *account || cont.starts_with(&format!("{account}."))
    }

    fn movements(&self) -> Vec<Row> {
        let mut balances: BTreeMap<&str, Decimal> = BTreeMap::new();
        let mut rows = Vec::new();
        for (place, posting) in self.postings() {
            let is_money = posting.cont.starts_with("531") || posting.cont.starts_with("512");
            if !is_money || !self.is_chosen(&posting.cont) || posting.posted_on > self.question.to {
                continue;
            }
            let balance = balances.entry(&posting.cont).or_default();
            *balance += posting.debit - posting.credit;
            if posting.posted_on >= self.question.from {
                rows.push(vec![
                    Cell::Date(posting.posted_on),
                    text(&posting.document),
                    text(&posting.cont),
                    text(&posting.text),
                    money(posting.debit),
                    money(posting.credit),
                    money(*balance),
                    whole(place),
                ]);
            }
        }
        rows
    }

    fn ledger_card(&self) -> Vec<Row> {
        let (mut balance, mut lines, mut rows) = (Decimal::ZERO, 0, Vec::new());
        let postings = self.postings();
        let chosen = postings
            .iter()
            .filter(|(_, posting)| self.is_chosen(&posting.cont));
        for (_, posting) in chosen.clone() {
            if posting.posted_on < self.question.from {
                balance += posting.debit - posting.credit;
            }
        }
        let nothing = || Cell::Nothing;
        let first = Cell::Date(self.question.from);
        rows.push(vec![
            first,
            nothing(),
            text("Sold inițial"),
            nothing(),
            nothing(),
            money(balance),
            whole(0),
        ]);
        for (_, posting) in chosen.filter(|(_, posting)| self.is_asked_for(posting.posted_on)) {
            balance += posting.debit - posting.credit;
            lines += 1;
            rows.push(vec![
                Cell::Date(posting.posted_on),
                text(&posting.document),
                text(&posting.text),
                money(posting.debit),
                money(posting.credit),
                money(balance),
                whole(lines),
            ]);
        }
        rows
    }

    fn journal(&self) -> Vec<Row> {
        let document = self.question.parameters.get("document");
        let mut rows = Vec::new();
        for (place, posting) in self.postings() {
            if !self.is_asked_for(posting.posted_on)
                || document.is_some_and(|d| **d != *posting.document)
            {
                continue;
            }
            rows.push(vec![
                Cell::Date(posting.posted_on),
                text(&posting.document),
                text(&posting.cont),
                opt_text(self.account_name(&posting.cont)),
                text(&posting.text),
                money(posting.debit),
                money(posting.credit),
                whole(place),
            ]);
        }
        rows
    }

    /// Every invoice of the company with what was paid for it by the last day.
    fn paid(&self) -> Vec<(&'a Invoice, Decimal)> {
        let own = self.ledger.payments.iter();
        let own = own.filter(|payment| &*payment.company == self.question.company);
        let mut paid: BTreeMap<&str, Decimal> = BTreeMap::new();
        for payment in own.filter(|payment| payment.paid_on <= self.question.to) {
            *paid.entry(&payment.invoice).or_default() += payment.amount;
        }
        let invoices = self.ledger.invoices.iter();
        let own = invoices.filter(|invoice| &*invoice.company == self.question.company);
        own.map(|invoice| {
            (
                invoice,
                paid.get(&*invoice.number).copied().unwrap_or_default(),
            )
        })
        .collect()
    }

    fn days_late(&self, invoice: &Invoice) -> i64 {
        let span = invoice.due_on.until(self.question.to).expect("two days");
        span.get_days().into()
    }

    fn invoices(&self) -> Vec<Row> {
        let parameter = |name: &str| self.question.parameters[name];
        let mut rows = Vec::new();
        for (invoice, paid) in self.paid() {
            let (direction, total) = (invoice.direction.as_str(), invoice.net + invoice.vat);
            let late = self.days_late(invoice);
            let status = match (paid >= total, late > 0) {
                (true, _) => "paid",
                (false, true) => "overdue",
                (false, false) => "open",
            };
            let wanted = self.is_asked_for(invoice.issued_on)
                && ["all", direction].contains(&parameter("direction"))
                && ["all", status].contains(&parameter("status"));
            if !wanted {
                continue;
            }
            rows.push(vec![
                text(&invoice.number),
                text(direction),
                text(&invoice.partner),
                opt_text(self.partner_name(&invoice.partner)),
                Cell::Date(invoice.issued_on),
                Cell::Date(invoice.due_on),
                money(invoice.net),
                money(invoice.vat),
                money(total),
                money(paid),
                money(total - paid),
                text(status),
                whole(if status == "overdue" { late } else { 0 }),
            ]);
        }
        rows
    }

    fn summary(&self) -> Vec<Row> {
        let mut sums: BTreeMap<(i16, i8, &str), (i64, [Decimal; 3])> = BTreeMap::new();
        for (invoice, paid) in self.paid() {
            if self.is_asked_for(invoice.issued_on) {
                let (year, month) = month_of(invoice.issued_on);
                let sum = sums
                    .entry((year, month, invoice.direction.as_str()))
                    .or_default();
                sum.0 += 1;
                sum.1[0] += invoice.net;
                sum.1[1] += invoice.vat;
                sum.1[2] += paid;
            }
        }
        let rows = sums
            .into_iter()
            .map(|((year, month, direction), (count, [net, vat, paid]))| {
                let amounts = [net, vat, net + vat, paid, net + vat - paid];
                let head = [whole(year), whole(month), text(direction), whole(count)];
                head.into_iter().chain(amounts.map(money)).collect()
            });
        rows.collect()
    }

    /// What is not paid of each partner's invoices, with the days since each was due.
    fn open(&self, direction: Direction) -> BTreeMap<&'a str, Vec<(i64, Decimal)>> {
        let mut open: BTreeMap<&str, Vec<(i64, Decimal)>> = BTreeMap::new();
        for (invoice, paid) in self.paid() {
            let rest = invoice.net + invoice.vat - paid;
            let counts = invoice.direction == direction
                && invoice.issued_on <= self.question.to
                && !rest.is_zero();
            if counts {
                let late = self.days_late(invoice);
                open.entry(&invoice.partner).or_default().push((late, rest));
            }
        }
        open
    }

    /// Every invoice is in the first bucket whose last day it has not passed, also where somebody gives the
    /// last days in another order.
    fn ageing(&self, direction: Direction) -> Vec<Row> {
        let asked = |(name, default)| match self.question.parameters.get(name) {
            Some(days) => days.parse().expect("a number of days"),
            None => default,
        };
        let last_days = [
            ("bound1", 30),
            ("bound2", 60),
            ("bound3", 90),
            ("bound4", 120),
        ]
        .map(asked);
        let rows = self.open(direction).into_iter().map(|(partner, invoices)| {
            let mut buckets = [Decimal::ZERO; 7];
            for (late, rest) in invoices {
                let bucket = match late {
                    ..=0 => 0,
                    _ => 1 + last_days.iter().take_while(|last| late > **last).count(),
                };
                buckets[bucket] += rest;
                buckets[6] += rest;
            }
            let head = [text(partner), opt_text(self.partner_name(partner))];
            head.into_iter().chain(buckets.map(money)).collect()
        });
        rows.collect()
    }

    fn overdue(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (partner, invoices) in self.open(Direction::Issued) {
            let late: Vec<(i64, Decimal)> =
                invoices.into_iter().filter(|(late, _)| *late > 0).collect();
            let Some(oldest) = late.iter().map(|(late, _)| *late).max() else {
                continue;
            };
            rows.push(vec![
                text(partner),
                opt_text(self.partner_name(partner)),
                money(late.iter().map(|(_, rest)| *rest).sum()),
                whole(oldest),
            ]);
        }
        rows
    }

    /// Every month from the first posting to the last.
    fn months(&self) -> Vec<(i16, i8)> {
        let postings = self.postings();
        let last = month_of(postings.last().expect("postings").1.posted_on);
        let mut months = vec![month_of(postings[0].1.posted_on)];
        while months[months.len() - 1] < last {
            let (year, month) = months[months.len() - 1];
            months.push(if month == 12 {
                (year + 1, 1)
            } else {
                (year, month + 1)
            });
        }
        months
    }

    /// Receipts and payments of a month.
    fn money_of(&self, month: (i16, i8), counts: impl Fn(Date) -> bool) -> [Decimal; 2] {
        let mut sums = [Decimal::ZERO; 2];
        for payment in &self.ledger.payments {
            let own =
                &*payment.company == self.question.company && month_of(payment.paid_on) == month;
            if own && counts(payment.paid_on) {
                sums[usize::from(payment.direction == Direction::Received)] += payment.amount;
            }
        }
        sums
    }

    fn receipts(&self) -> Vec<Row> {
        let (first, last) = (month_of(self.question.from), month_of(self.question.to));
        let months = self.months().into_iter();
        let asked = months.filter(|month| *month >= first && *month <= last);
        let rows = asked.map(|month| {
            let sums = self.money_of(month, |day| self.is_asked_for(day));
            let head = [whole(month.0), whole(month.1)];
            head.into_iter().chain(sums.map(money)).collect()
        });
        rows.collect()
    }

    fn figures(&self) -> Vec<Row> {
        let (year, month) = self.question.month.unwrap();
        let months = self.months().into_iter();
        let asked = months.filter(|asked| *asked <= (year, month) && *asked > (year - 2, month));
        let postings = self.postings();
        let closing: BTreeSet<&str> = postings
            .iter()
            .filter(|(_, posting)| &*posting.cont == "121")
            .map(|(_, posting)| &*posting.document)
            .collect();
        let rows = asked.map(|month| {
            let (mut income, mut expense) = (Decimal::ZERO, Decimal::ZERO);
            let mut balances = [Decimal::ZERO; 4];
            for (_, posting) in &postings {
                let (cont, net) = (&posting.cont, posting.debit - posting.credit);
                if month_of(posting.posted_on) == month && !closing.contains(&*posting.document) {
                    income -= if cont.starts_with('7') {
                        net
                    } else {
                        Decimal::ZERO
                    };
                    expense += if cont.starts_with('6') {
                        net
                    } else {
                        Decimal::ZERO
                    };
                }
                if month_of(posting.posted_on) <= month {
                    let prefixes = ["411", "401", "531", "512"];
                    let index = prefixes.iter().position(|prefix| cont.starts_with(prefix));
                    if let Some(index) = index {
                        balances[index] += if index == 1 { -net } else { net };
                    }
                }
            }
            let [receipts, payments] = self.money_of(month, |_| true);
            let flows = [income, expense, income - expense, receipts, payments];
            let head = [whole(month.0), whole(month.1)];
            head.into_iter()
                .chain(flows.map(money))
                .chain(balances.map(money))
                .collect()
        });
        rows.collect()
    }
}
