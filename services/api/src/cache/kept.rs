//! An answer as it is kept: what, read when, knowing of what.

use std::mem::size_of;
use std::time::Duration;

use jiff::Timestamp;
use reportapp_session::epochs::Revision;

use super::{Found, Origin};
use crate::model::{Company, Period};
use crate::reports::{Cell, Table};

/// Clocks of processes that share a Redis differ by less.
const SKEW: Duration = Duration::from_secs(5);

/// An answer that may be given again.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What was answered.
    pub(super) what: What,
    /// When the question was sent.
    pub(super) read_at: Timestamp,
    /// What the process knew of before it asked.
    pub(super) loaded: Revision,
    /// How long it may be given.
    pub(super) life: Duration,
    /// Memory it takes, roughly.
    pub(super) bytes: u64,
}

/// What can be kept.
#[derive(Debug)]
pub(super) enum What {
    /// Tables, read from one state of the database.
    Tables(Vec<Table>),
    /// A company and the months it has postings in.
    Books(Company, Vec<Period>),
}

impl Kept {
    pub(super) fn new(what: What, read_at: Timestamp, loaded: Revision, life: Duration) -> Self {
        let bytes = size(&what) as u64;
        Self {
            what,
            read_at,
            loaded,
            life,
            bytes,
        }
    }

    /// Whether it is young enough, whatever it says itself not older than `longest`. One from the future is
    /// of a clock that was put back, and of no known age.
    pub(super) fn is_alive(&self, now: Timestamp, longest: Duration) -> bool {
        let age = now.duration_since(self.read_at);
        match Duration::try_from(age) {
            Ok(age) => age < self.life.min(longest),
            Err(_) => age.unsigned_abs() < SKEW,
        }
    }

    /// The tables, each saying where this one was found.
    pub(crate) fn tables(&self, origin: Origin) -> Vec<Table> {
        let copy = |table: &Table| Table {
            found: Found {
                origin,
                ..table.found
            },
            ..table.clone()
        };
        match &self.what {
            What::Tables(tables) => tables.iter().map(copy).collect(),
            What::Books(..) => Vec::new(),
        }
    }

    /// The company and its months.
    pub(crate) fn books(&self) -> Option<(&Company, &[Period])> {
        match &self.what {
            What::Books(company, periods) => Some((company, periods)),
            What::Tables(_) => None,
        }
    }
}

fn size(what: &What) -> usize {
    let inside = match what {
        What::Tables(tables) => tables.iter().map(table).sum(),
        What::Books(company, periods) => {
            let texts = [
                &company.server,
                &company.id,
                &company.name,
                &company.tax_id,
                &company.currency,
            ];
            let texts: usize = texts.map(String::len).iter().sum();
            texts + periods.len() * size_of::<Period>()
        }
    };
    size_of::<Kept>() + inside
}

fn table(table: &Table) -> usize {
    let cell = |cell: &Cell| {
        size_of::<Cell>()
            + match cell {
                Cell::Text(text) => text.len(),
                _ => 0,
            }
    };
    let row = |row: &Vec<Cell>| size_of::<Vec<Cell>>() + row.iter().map(cell).sum::<usize>();
    let totals = table.totals.iter();
    let totals: usize = totals.map(|(name, total)| name.len() + cell(total)).sum();
    size_of::<Table>() + table.rows.iter().map(row).sum::<usize>() + totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lives_as_long_as_it_says_and_no_longer_than_this_process_allows() {
        const SECOND: Duration = Duration::from_secs(1);
        let read = Timestamp::UNIX_EPOCH;
        let kept = Kept::new(What::Tables(Vec::new()), read, Revision(1), 10 * SECOND);
        for (age, longest, is_alive) in [
            (0, 60, true),
            (9, 60, true),
            (10, 60, false),
            // Another process, with a longer limit, has put it into Redis.
            (4, 5, true),
            (5, 5, false),
            (0, 0, false),
            // Read by a clock that is ahead, or was put back.
            (-4, 60, true),
            (-5, 60, false),
        ] {
            let now = read + jiff::SignedDuration::from_secs(age);
            let found = kept.is_alive(now, longest * SECOND);
            assert_eq!(found, is_alive, "{age} s old, {longest} s allowed");
        }
    }
}
