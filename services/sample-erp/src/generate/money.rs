//! Money in and out: bank, cash desk, credit line, capital, taxes, dividends.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;

use super::books::{Document, lei};
use super::profile::Business;
use super::simulation::{Simulation, note};
use crate::ledger::{Direction, Payment};

const MAIN_BANK: &str = "5121.01";
const SECOND_BANK: &str = "5121.02";
const CASH: &str = "5311";
const CREDIT_LINE: &str = "5191";
/// Law 70/2015 bounds what companies may settle in cash.
const CASH_LIMIT: i64 = 500_000;
/// The credit line moves in steps of 50,000 lei.
const CREDIT_STEP: i64 = 5_000_000;
/// Float that stays in the second bank.
const SECOND_BANK_FLOAT: i64 = 12_000_000;
/// Float that stays in the cash desk.
const CASH_FLOAT: i64 = 200_000;

/// Money that will move for an invoice.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    pub(super) invoice: Arc<str>,
    pub(super) direction: Direction,
    pub(super) partner: Arc<str>,
    pub(super) amount: i64,
}

impl Simulation {
    /// Notes that an invoice will be settled some days later, now and then in two parts.
    pub(super) fn promise(&mut self, day: Date, delay_days: i64, settlement: Settlement) {
        let on = day.saturating_add(delay_days.max(1).days());
        if !self.random.chance(6) {
            self.due.entry(on).or_default().push(settlement);
            return;
        }
        let first = settlement.amount * self.random.between(30, 70) / 100;
        let rest = settlement.amount - first;
        self.due.entry(on).or_default().push(Settlement {
            amount: first,
            ..settlement.clone()
        });
        let later = on.saturating_add(self.random.between(10, 25).days());
        self.due.entry(later).or_default().push(Settlement {
            amount: rest,
            ..settlement
        });
    }
}

/// The shareholders bring money, machines and perhaps a building.
pub(super) fn found(simulation: &mut Simulation, day: Date) {
    let (money, machines, building) = (
        simulation.profile.capital,
        simulation.profile.machines,
        simulation.profile.building,
    );
    let all = money + machines + building;
    let document = note(&mut simulation.books, day, "Subscrierea capitalului social")
        .debit("456", all)
        .credit("1011", all);
    simulation.books.post(document);
    let document = note(&mut simulation.books, day, "Aport la capitalul social")
        .debit(MAIN_BANK, money)
        .debit("213", machines)
        .debit("212", building)
        .credit("456", all);
    simulation.books.post(document);
    let document = note(&mut simulation.books, day, "Capital subscris vărsat")
        .debit("1011", all)
        .credit("1012", all);
    simulation.books.post(document);
    if simulation.profile.business == Business::Services {
        let float = money / 10;
        let document = note(&mut simulation.books, day, "Schimb valutar")
            .debit("581", float)
            .credit(MAIN_BANK, float);
        simulation.books.post(document);
        let document = note(&mut simulation.books, day, "Schimb valutar")
            .debit("5124", float)
            .credit("581", float);
        simulation.books.post(document);
    }
}

/// Settles everything due up to a day.
pub(super) fn settle_due(simulation: &mut Simulation, day: Date) {
    let later = simulation.due.split_off(&day.saturating_add(1.day()));
    for settlement in std::mem::replace(&mut simulation.due, later)
        .into_values()
        .flatten()
    {
        match settlement.direction {
            Direction::Issued => receive(simulation, day, settlement),
            Direction::Received => pay(simulation, day, settlement),
        }
    }
}

fn receive(simulation: &mut Simulation, day: Date, settlement: Settlement) {
    let in_cash = settlement.amount <= CASH_LIMIT && simulation.random.chance(30);
    let cont = match (in_cash, simulation.random.chance(30)) {
        (true, _) => CASH,
        (false, true) => SECOND_BANK,
        (false, false) => MAIN_BANK,
    };
    let number = simulation.books.number(if in_cash { "CH" } else { "EI" });
    let document = Document::new(
        number.clone(),
        day,
        format!("Încasare {}", settlement.invoice),
    )
    .debit(cont, settlement.amount)
    .credit(&settlement.partner, settlement.amount);
    simulation.books.post(document);
    record(simulation, number, day, cont, settlement);
}

fn pay(simulation: &mut Simulation, day: Date, settlement: Settlement) {
    let in_cash = settlement.amount <= CASH_LIMIT / 5
        && simulation.books.balance(CASH) >= settlement.amount + CASH_FLOAT;
    let cont = if in_cash {
        CASH
    } else {
        bank_with(simulation, day, settlement.amount)
    };
    let number = simulation.books.number(if in_cash { "DP" } else { "OP" });
    let document = Document::new(number.clone(), day, format!("Plată {}", settlement.invoice))
        .debit(&settlement.partner, settlement.amount)
        .credit(cont, settlement.amount);
    simulation.books.post(document);
    record(simulation, number, day, cont, settlement);
}

fn record(
    simulation: &mut Simulation,
    document: Arc<str>,
    day: Date,
    cont: &str,
    settlement: Settlement,
) {
    simulation.payments.push(Payment {
        company: simulation.company.clone(),
        document,
        invoice: settlement.invoice,
        direction: settlement.direction,
        paid_on: day,
        cont: cont.into(),
        amount: lei(settlement.amount),
    });
}

/// A bank account that holds an amount, after drawing on the credit line if none does.
pub(super) fn bank_with(simulation: &mut Simulation, day: Date, amount: i64) -> &'static str {
    let banks = [MAIN_BANK, SECOND_BANK];
    if let Some(bank) = banks
        .into_iter()
        .find(|bank| simulation.books.balance(bank) >= amount)
    {
        return bank;
    }
    let missing = amount - simulation.books.balance(MAIN_BANK);
    let draw = (missing + CREDIT_STEP - 1) / CREDIT_STEP * CREDIT_STEP;
    let document = note(&mut simulation.books, day, "Tragere linie de credit")
        .debit(MAIN_BANK, draw)
        .credit(CREDIT_LINE, draw);
    simulation.books.post(document);
    MAIN_BANK
}

/// Brings the takings of the shop to the bank, by way of 581.
pub(super) fn bring_cash_to_bank(simulation: &mut Simulation, day: Date) {
    let amount = simulation.books.balance(CASH) - CASH_FLOAT;
    if amount <= 0 {
        return;
    }
    let out = Document::new(simulation.books.number("DP"), day, "Depunere numerar")
        .debit("581", amount)
        .credit(CASH, amount);
    simulation.books.post(out);
    let inward = Document::new(simulation.books.number("EI"), day, "Depunere numerar")
        .debit(MAIN_BANK, amount)
        .credit("581", amount);
    simulation.books.post(inward);
}

/// Pays what the state is owed from last month, and old debts for machines; repays the credit line
/// if there is money left.
pub(super) fn pay_taxes(simulation: &mut Simulation, day: Date) {
    let owed = [
        ("4315", "Plată CAS"),
        ("4316", "Plată CASS"),
        ("436", "Plată CAM"),
        ("444", "Plată impozit pe salarii"),
        ("4423", "Plată TVA"),
        ("4411", "Plată impozit pe profit"),
        ("446", "Plată impozit pe dividende"),
        ("404", "Plată furnizor de imobilizări"),
    ];
    for (cont, text) in owed {
        pay_off(simulation, day, cont, text);
    }
    gather(simulation, day);
    let spare = simulation.books.balance(MAIN_BANK)
        - simulation.profile.employees * simulation.profile.average_gross;
    let debt = -simulation.books.balance(CREDIT_LINE);
    let back = spare.min(debt) / CREDIT_STEP * CREDIT_STEP;
    if back > 0 {
        let document = note(&mut simulation.books, day, "Rambursare linie de credit")
            .debit(CREDIT_LINE, back)
            .credit(MAIN_BANK, back);
        simulation.books.post(document);
    }
}

/// Moves what the second bank holds beyond its float to the main one, by way of 581.
fn gather(simulation: &mut Simulation, day: Date) {
    let spare = simulation.books.balance(SECOND_BANK) - SECOND_BANK_FLOAT;
    if spare <= 0 {
        return;
    }
    let out = Document::new(simulation.books.number("OP"), day, "Transfer între bănci")
        .debit("581", spare)
        .credit(SECOND_BANK, spare);
    simulation.books.post(out);
    let inward = Document::new(simulation.books.number("EI"), day, "Transfer între bănci")
        .debit(MAIN_BANK, spare)
        .credit("581", spare);
    simulation.books.post(inward);
}

/// Brings the credit balance of an account to zero from the bank.
pub(super) fn pay_off(simulation: &mut Simulation, day: Date, cont: &str, text: &str) {
    let owed = -simulation.books.balance(cont);
    if owed <= 0 {
        return;
    }
    let bank = bank_with(simulation, day, owed);
    let document = Document::new(simulation.books.number("OP"), day, text)
        .debit(cont, owed)
        .credit(bank, owed);
    simulation.books.post(document);
}

/// Half of the profit carried forward goes to the shareholders; tax is held back (8 %, 10 % from
/// 2025, 16 % from 2026).
pub(super) fn pay_dividends(simulation: &mut Simulation, day: Date) {
    let dividends = -simulation.books.balance("1171") / 2;
    if dividends <= 0 {
        return;
    }
    let percent = match day.year() {
        ..=2024 => 8,
        2025 => 10,
        _ => 16,
    };
    let tax = dividends * percent / 100;
    let document = note(&mut simulation.books, day, "Repartizare dividende")
        .debit("1171", dividends)
        .credit("457", dividends);
    simulation.books.post(document);
    let document = note(&mut simulation.books, day, "Impozit pe dividende")
        .debit("457", tax)
        .credit("446", tax);
    simulation.books.post(document);
    pay_off(simulation, day, "457", "Plată dividende");
}
