//! Sorting, filtering, searching, paging and totals in memory, beside what the engines do.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::date;
use reportapp_pool::Value;
use rust_decimal::Decimal;

use super::super::file::Kind;
use super::super::page::{Comparison, Filter, Test, View, fold};
use super::super::{Ask, Cell, Order, Report, run};
use super::{Sample, arguments, month, range};
use crate::model::Amount;

/// Sees no two rows equal in the columns that a report names as its key.
pub(super) fn key_holds(report: &Report, rows: &[Vec<Cell>]) {
    let key: Vec<usize> = { report.definition.key.iter() }
        .map(|name| report.column(name).unwrap())
        .collect();
    let values = rows.iter().map(|row| {
        let cells = key.iter().map(|column| format!("{:?}", row[*column]));
        cells.collect::<Vec<_>>()
    });
    let different: BTreeSet<_> = values.collect();
    let id = &report.definition.id;
    assert!(!key.is_empty(), "{id} has no key");
    assert_eq!(different.len(), rows.len(), "{key:?} is no key of {id}");
}

/// Sorts rows; nothing comes before everything.
pub(super) fn sort(rows: &mut [Vec<Cell>], order: &[Order]) {
    rows.sort_by(|a, b| {
        let by = order.iter().map(|order| {
            let ordering = compare(&a[order.column], &b[order.column]);
            if order.is_descending {
                ordering.reverse()
            } else {
                ordering
            }
        });
        by.fold(Ordering::Equal, Ordering::then)
    });
}

fn compare(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Nothing, Cell::Nothing) => Ordering::Equal,
        (Cell::Nothing, _) => Ordering::Less,
        (_, Cell::Nothing) => Ordering::Greater,
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Integer(a), Cell::Integer(b)) => a.cmp(b),
        (Cell::Amount(a), Cell::Amount(b)) => a.0.cmp(&b.0),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(b),
        (Cell::Boolean(a), Cell::Boolean(b)) => a.cmp(b),
        _ => panic!("{a:?} and {b:?} are of different kinds"),
    }
}

/// The sums of the columns that have one.
pub(super) fn totals(report: &Report, rows: &[Vec<Cell>]) -> BTreeMap<String, Cell> {
    let columns = report.definition.columns.iter().enumerate();
    let summed = columns.filter(|(_, column)| column.total);
    let totals = summed.map(|(index, column)| {
        let cells = rows.iter().map(|row| &row[index]);
        let total = match column.kind {
            Kind::Integer => Cell::Integer(cells.map(integer).sum()),
            _ => Cell::Amount(Amount(cells.map(amount).sum())),
        };
        (column.name.clone(), total)
    });
    totals.collect()
}

fn integer(cell: &Cell) -> i64 {
    match cell {
        Cell::Integer(number) => *number,
        _ => 0,
    }
}

fn amount(cell: &Cell) -> Decimal {
    match cell {
        Cell::Amount(amount) => amount.0,
        _ => Decimal::ZERO,
    }
}

fn holds(cell: &Cell, test: &Test) -> bool {
    match test {
        Test::Empty => matches!(cell, Cell::Nothing) || *cell == Cell::Text(String::new()),
        Test::NotEmpty => !holds(cell, &Test::Empty),
        Test::Contains(needle) => contains(cell, needle),
        Test::Is(Comparison::Ne, _) if *cell == Cell::Nothing => true,
        Test::Is(_, _) if *cell == Cell::Nothing => false,
        Test::Is(comparison, value) => {
            let ordering = compare(cell, &as_cell(value));
            match comparison {
                Comparison::Eq => ordering.is_eq(),
                Comparison::Ne => ordering.is_ne(),
                Comparison::Lt => ordering.is_lt(),
                Comparison::Le => ordering.is_le(),
                Comparison::Gt => ordering.is_gt(),
                Comparison::Ge => ordering.is_ge(),
            }
        }
    }
}

fn contains(cell: &Cell, needle: &str) -> bool {
    match cell {
        Cell::Text(text) => fold(text).contains(&fold(needle)),
        _ => false,
    }
}

fn as_cell(value: &Value) -> Cell {
    match value {
        Value::Text(text) => Cell::Text(text.clone()),
        Value::Int(number) => Cell::Integer(*number),
        Value::Decimal(amount) => Cell::Amount(Amount(*amount)),
        Value::Date(day) => Cell::Date(*day),
        other => panic!("{other:?} is no cell"),
    }
}

fn as_value(cell: &Cell) -> Option<Value> {
    Some(match cell {
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Integer(number) => Value::Int(*number),
        Cell::Amount(amount) => Value::Decimal(amount.0),
        Cell::Date(day) => Value::Date(*day),
        Cell::Boolean(_) | Cell::Nothing => return None,
    })
}

/// The rows of a view over all rows of a report, and what it says about them.
fn view_of(
    report: &Report,
    all: &[Vec<Cell>],
    view: &View,
) -> (Vec<Vec<Cell>>, usize, BTreeMap<String, Cell>) {
    let passes = |row: &&Vec<Cell>| {
        view.filters
            .iter()
            .all(|filter| holds(&row[filter.column], &filter.test))
            && view
                .search
                .as_ref()
                .is_none_or(|needle| row.iter().any(|cell| contains(cell, needle)))
    };
    let mut rows: Vec<Vec<Cell>> = all.iter().filter(passes).cloned().collect();
    sort(&mut rows, &view.order);
    let (count, totals) = (rows.len(), totals(report, &rows));
    let start = usize::try_from(view.offset()).unwrap();
    let page = rows
        .into_iter()
        .skip(start)
        .take(view.page_size as usize)
        .collect();
    (page, count, totals)
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn view(&mut self, report: &Report, all: &[Vec<Cell>]) -> View {
        let columns = &report.definition.columns;
        let names: Vec<String> = (0..self.below(3))
            .map(|_| {
                let sign = if self.below(2) == 0 { "-" } else { "" };
                format!("{sign}{}", columns[self.below(columns.len())].name)
            })
            .collect();
        let mut view = View::all(report);
        view.order = report.order_by(names.iter().map(String::as_str)).unwrap();
        view.filters = (0..self.below(3))
            .filter_map(|_| self.filter(report, all))
            .collect();
        if self.below(3) == 0 {
            view.search = self.needle(report, all);
        }
        if self.below(2) == 0 {
            view.page_size = u32::try_from(1 + self.below(40)).unwrap();
            view.page = u32::try_from(1 + self.below(4)).unwrap();
        }
        view
    }

    /// A test that some cell of the report passes or just fails.
    fn filter(&mut self, report: &Report, all: &[Vec<Cell>]) -> Option<Filter> {
        let column = self.below(report.definition.columns.len());
        let cell = &all[self.below(all.len())][column];
        let comparisons = [
            Comparison::Eq,
            Comparison::Ne,
            Comparison::Lt,
            Comparison::Le,
            Comparison::Gt,
            Comparison::Ge,
        ];
        let test = match (self.below(5), cell) {
            (0, _) => Test::Empty,
            (1, _) => Test::NotEmpty,
            (2, Cell::Text(text)) => Test::Contains(self.part(text)),
            _ => Test::Is(comparisons[self.below(6)], as_value(cell)?),
        };
        Some(Filter { column, test })
    }

    fn needle(&mut self, report: &Report, all: &[Vec<Cell>]) -> Option<String> {
        let column = self.below(report.definition.columns.len());
        match &all[self.below(all.len())][column] {
            Cell::Text(text) => Some(self.part(text)),
            _ => None,
        }
    }

    /// Some letters of a text, in capitals and without its diacritics.
    fn part(&mut self, text: &str) -> String {
        let folded = fold(text).to_uppercase();
        let start = self.below(folded.chars().count().max(1));
        folded.chars().skip(start).take(4).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_of_a_report_equals_the_same_view_in_memory_on_both_engines() {
    let sample = Sample::load().await;
    let quarter = (date(2026, 8, 1), date(2026, 10, 31));
    let all_invoices = [("direction", "all"), ("status", "all")];
    let questions = [
        (
            "invoices",
            range("carpati", quarter.0, quarter.1, &all_invoices),
        ),
        ("journal", range("delta", quarter.0, quarter.1, &[])),
        (
            "ledger-card",
            range("stejarul", quarter.0, quarter.1, &[("account", "4111")]),
        ),
        ("client-balances", month("carpati", 2026, 10)),
        ("trial-balance", month("delta", 2026, 10)),
        (
            "invoices-summary",
            range("carpati", date(2023, 1, 1), quarter.1, &[]),
        ),
    ];
    let mut dice = Dice(2026);
    let mut found = 0;
    for (id, question) in &questions {
        let report = sample.report(id);
        let mut ask = Ask {
            view: View::all(&report),
            arguments: arguments(&report, question),
            report: Arc::clone(&report),
        };
        let all = run::one(&sample.servers[1], &ask).await.unwrap().rows;
        assert!(all.len() > 30, "{id}: {}", all.len());
        for _ in 0..60 {
            ask.view = dice.view(&report, &all);
            let (rows, count, totals) = view_of(&report, &all, &ask.view);
            found += usize::from(!rows.is_empty());
            for server in &sample.servers {
                let table = run::one(server, &ask).await.unwrap();
                let place = format!("{id} {:?} on {}", ask.view, server.name);
                assert_eq!(*table.rows, *rows, "{place}");
                assert_eq!(table.total_rows, i64::try_from(count).unwrap(), "{place}");
                assert_eq!(table.totals, totals, "{place}");
            }
        }
    }
    assert!(found > 150, "{found} views had rows");
}
