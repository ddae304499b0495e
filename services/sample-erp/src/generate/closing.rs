//! The last day of a month: wages, depreciation, bank, VAT, profit tax, and income and expense
//! closed into 121, as Romanian practice does every month; the profit of a year is distributed and
//! carried forward.

use std::sync::Arc;

use jiff::civil::Date;

use super::money::bank_with;
use super::simulation::{Month, Simulation, note};
use super::{FIRST_MONTH, payroll};

/// Profit tax in percent.
const PROFIT_TAX: i64 = 16;

/// Closes a month.
pub(super) fn close_month(simulation: &mut Simulation, month: &Month) {
    let day = month.last;
    payroll::book_wages(simulation, month);
    book_bank(simulation, day);
    depreciate(simulation, day);
    settle_vat(simulation, day);
    let profit = simulation.profit_of_open_accounts();
    simulation.quarter_profit += profit;
    simulation.year_profit += profit;
    if day.month() % 3 == 0 {
        book_profit_tax(simulation, day);
    }
    close_income_and_expense(simulation, day);
    match day.month() {
        12 => book_legal_reserve(simulation, day),
        1 if day.year() > FIRST_MONTH.0 => carry_forward(simulation, month.first),
        _ => {}
    }
}

impl Simulation {
    /// Income less expense not yet closed.
    fn profit_of_open_accounts(&self) -> i64 {
        let of = |class| {
            self.books
                .open_accounts(class)
                .iter()
                .map(|(_, balance)| -balance)
                .sum::<i64>()
        };
        of("6") + of("7")
    }
}

/// Fees, interest and exchange differences.
fn book_bank(simulation: &mut Simulation, day: Date) {
    let fee =
        18_000 + simulation.profile.invoices_per_month * 90 + simulation.random.between(0, 4_000);
    let bank = bank_with(simulation, day, fee);
    let document = note(&mut simulation.books, day, "Comisioane bancare")
        .debit("627", fee)
        .credit(bank, fee);
    simulation.books.post(document);
    let interest = simulation.books.balance("5121.02").max(0) / 1_000;
    let document = note(&mut simulation.books, day, "Dobânzi încasate")
        .debit("5121.02", interest)
        .credit("766", interest);
    simulation.books.post(document);
    let cost = -simulation.books.balance("5191") * 6 / 1_000;
    if cost > 0 {
        let bank = bank_with(simulation, day, cost);
        let document = note(&mut simulation.books, day, "Dobândă linie de credit")
            .debit("666", cost)
            .credit(bank, cost);
        simulation.books.post(document);
    }
    let foreign = simulation.books.balance("5124");
    let drift = foreign * simulation.random.between(-9, 11) / 1_000;
    let document = note(
        &mut simulation.books,
        day,
        "Reevaluare disponibil în valută",
    );
    simulation.books.post(if drift >= 0 {
        document.debit("5124", drift).credit("765", drift)
    } else {
        document.debit("665", -drift).credit("5124", -drift)
    });
}

/// Machines in eight years, buildings in forty.
fn depreciate(simulation: &mut Simulation, day: Date) {
    for (asset, depreciation, months) in [("213", "2813", 96), ("212", "2812", 480)] {
        let left = simulation.books.balance(asset) + simulation.books.balance(depreciation);
        let amount = (simulation.books.balance(asset) / months).min(left);
        let document = note(&mut simulation.books, day, "Amortizare lunară")
            .debit("6811", amount)
            .credit(depreciation, amount);
        simulation.books.post(document);
    }
}

/// Sets deductible against collected VAT; the rest is owed (4423) or recovered (4424), where what is
/// to be recovered is first set against what is owed.
fn settle_vat(simulation: &mut Simulation, day: Date) {
    let collected = -simulation.books.balance("4427");
    let deductible = simulation.books.balance("4426");
    let common = collected.min(deductible);
    let document = note(&mut simulation.books, day, "Regularizare TVA")
        .debit("4427", collected)
        .debit("4424", deductible - common)
        .credit("4426", deductible)
        .credit("4423", collected - common);
    simulation.books.post(document);
    let offset = simulation
        .books
        .balance("4424")
        .min(-simulation.books.balance("4423"));
    if offset > 0 {
        let document = note(&mut simulation.books, day, "Compensare TVA")
            .debit("4423", offset)
            .credit("4424", offset);
        simulation.books.post(document);
    }
}

/// Tax on the profit of the quarter; losses of a quarter are carried into the next.
fn book_profit_tax(simulation: &mut Simulation, day: Date) {
    if simulation.quarter_profit <= 0 {
        return;
    }
    let tax = simulation.quarter_profit * PROFIT_TAX / 100;
    simulation.quarter_profit = 0;
    simulation.year_profit -= tax;
    let document = note(&mut simulation.books, day, "Impozit pe profit")
        .debit("691", tax)
        .credit("4411", tax);
    simulation.books.post(document);
}

fn close_income_and_expense(simulation: &mut Simulation, day: Date) {
    for (class, text) in [
        ("6", "Închiderea conturilor de cheltuieli"),
        ("7", "Închiderea conturilor de venituri"),
    ] {
        let open: Vec<(Arc<str>, i64)> = simulation.books.open_accounts(class);
        let mut document = note(&mut simulation.books, day, text);
        let mut net = 0;
        for (cont, balance) in open {
            net += balance;
            if balance > 0 {
                document.add_credit(&cont, balance);
            } else {
                document.add_debit(&cont, -balance);
            }
        }
        if net > 0 {
            document.add_debit("121", net);
        } else {
            document.add_credit("121", -net);
        }
        simulation.books.post(document);
    }
}

/// 5 % of the year's profit until the reserve reaches a fifth of the capital (Legea 31/1990, art. 183).
fn book_legal_reserve(simulation: &mut Simulation, day: Date) {
    let room = -simulation.books.balance("1012") / 5 + simulation.books.balance("1061");
    let reserve = (simulation.year_profit / 20).min(room);
    if reserve > 0 {
        let document = note(&mut simulation.books, day, "Constituirea rezervei legale")
            .debit("129", reserve)
            .credit("1061", reserve);
        simulation.books.post(document);
    }
    simulation.year_profit = 0;
}

/// Empties 121 of last year's result. January's own result is in it already, so last year's is what
/// is left without it.
fn carry_forward(simulation: &mut Simulation, day: Date) {
    let last_year = -simulation.books.balance("121") - simulation.year_profit;
    let reserve = simulation.books.balance("129");
    let mut document = note(
        &mut simulation.books,
        day,
        "Repartizarea rezultatului anului precedent",
    );
    if last_year >= reserve {
        document.add_debit("121", last_year);
        document.add_credit("129", reserve);
        document.add_credit("1171", last_year - reserve);
    } else {
        document.add_debit("1171", reserve - last_year);
        document.add_credit("129", reserve);
        if last_year >= 0 {
            document.add_debit("121", last_year);
        } else {
            document.add_credit("121", -last_year);
        }
    }
    simulation.books.post(document);
}
