//! The reports that come with the product.

use super::{Column, Kind, Report};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// All companies, ascending by name. No parameters.
pub const COMPANIES: Report = Report {
    name: "companies",
    postgres: include_str!("../../reports/companies.postgres.sql"),
    sqlite: include_str!("../../reports/companies.sqlite.sql"),
    columns: &[
        column("id", Kind::Text),
        column("name", Kind::Text),
        column("tax_id", Kind::Text),
        column("currency", Kind::Text),
    ],
};

/// Months with postings, ascending. `$1` is the company's id.
pub const CALENDAR: Report = Report {
    name: "calendar",
    postgres: include_str!("../../reports/calendar.postgres.sql"),
    sqlite: include_str!("../../reports/calendar.sqlite.sql"),
    columns: &[
        column("year", Kind::Integer),
        column("month", Kind::Integer),
    ],
};

/// Trial balance, ascending by account. `$1` company id, `$2` year, `$3` month.
pub const TRIAL_BALANCE: Report = Report {
    name: "trial-balance",
    postgres: include_str!("../../reports/trial_balance.postgres.sql"),
    sqlite: include_str!("../../reports/trial_balance.sqlite.sql"),
    columns: &[
        column("cont", Kind::Text),
        column("denumire", Kind::OptionalText),
        column("precdeb", Kind::Amount),
        column("preccred", Kind::Amount),
        column("ruldeb", Kind::Amount),
        column("rulcred", Kind::Amount),
        column("solddeb", Kind::Amount),
        column("soldcred", Kind::Amount),
    ],
};
