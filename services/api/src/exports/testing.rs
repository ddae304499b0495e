//! Files made in tests, without a database.

use jiff::civil::date;

use super::cover::{Cover, Heading};
use super::words::Lang;
use crate::model::Company;
use crate::reports::answer::Days;
use crate::reports::file::Kind;

/// The cover of "Balanță clienți" in October 2026 with these columns.
pub(super) fn cover(columns: &[(&str, Kind)]) -> Cover {
    let columns = columns.iter();
    Cover {
        lang: Lang::Ro,
        title: "Balanță clienți".to_owned(),
        company: Company {
            server: "demo".to_owned(),
            id: "alfa".to_owned(),
            name: "Țesătoria Șoimul SRL".to_owned(),
            tax_id: "RO123".to_owned(),
            currency: "RON".to_owned(),
        },
        days: Some(Days {
            from: date(2026, 10, 1),
            to: date(2026, 10, 31),
        }),
        chosen: vec!["Cont: 4111".to_owned()],
        read_at: "2026-11-02T08:05:00Z".parse().unwrap(),
        columns: columns
            .map(|(title, kind)| Heading::plain(title, *kind))
            .collect(),
    }
}
