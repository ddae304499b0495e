//! Wages: booked on the last day of a month, paid on the tenth of the next.

use jiff::civil::Date;

use super::money;
use super::simulation::{Month, Simulation, note};

/// Employees' contributions and tax, and the employer's contribution, in basis points of gross
/// (tax: of what is left after the contributions), as in force since 2018.
const CAS: i64 = 2_500;
const CASS: i64 = 1_000;
const INCOME_TAX: i64 = 1_000;
const CAM: i64 = 225;

/// Books the wages of a month; they rise by 7 % each January and follow the number of days worked.
pub(super) fn book_wages(simulation: &mut Simulation, month: &Month) {
    let years = i64::from(month.first.year()) - 2023;
    let mut gross = simulation.profile.employees * simulation.profile.average_gross;
    for _ in 0..years {
        gross = gross * 107 / 100;
    }
    gross = gross * simulation.random.between(980, 1_020) / 1_000;
    let share = |of: i64, points: i64| (of * points + 5_000) / 10_000;
    let (cas, cass) = (share(gross, CAS), share(gross, CASS));
    let tax = share(gross - cas - cass, INCOME_TAX);
    let day = month.last;
    let document = note(&mut simulation.books, day, "Stat de salarii")
        .debit("641", gross)
        .credit("421", gross);
    simulation.books.post(document);
    let document = note(&mut simulation.books, day, "Rețineri din salarii")
        .debit("421", cas + cass + tax)
        .credit("4315", cas)
        .credit("4316", cass)
        .credit("444", tax);
    simulation.books.post(document);
    let cam = share(gross, CAM);
    let document = note(
        &mut simulation.books,
        day,
        "Contribuția asiguratorie pentru muncă",
    )
    .debit("646", cam)
    .credit("436", cam);
    simulation.books.post(document);
}

/// Pays last month's wages.
pub(super) fn pay_wages(simulation: &mut Simulation, day: Date, month: &Month) {
    if month.index > 0 {
        money::pay_off(simulation, day, "421", "Plată salarii");
    }
}
