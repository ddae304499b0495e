//! A kept answer as octets: a version, whether it is compressed, and JSON.
//!
//! The cells carry no kind. The report says it when they are read back, and its definition is a part of the
//! key; what does not fit all the same was written by somebody else and counts as missing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use reportapp_session::epochs::Revision;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept::{Kept, What};
use super::{Found, Origin, Question};
use crate::model::Amount;
use crate::reports::{Ask, Cell, Column, Kind, Table};

const PLAIN: u8 = b'1';
const COMPRESSED: u8 = b'2';
/// Shorter ones are not worth it.
const COMPRESS_FROM: usize = 1024;
/// Larger ones were not written by us.
const LARGEST: u64 = 256 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    read_at: Timestamp,
    loaded: Revision,
    life_ms: u64,
    tables: Vec<WrittenTable<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenTable<'a> {
    rows: &'a [Vec<Cell>],
    total_rows: i64,
    totals: &'a BTreeMap<String, Cell>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadBack {
    read_at: Timestamp,
    loaded: Revision,
    life_ms: u64,
    tables: Vec<ReadTable>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadTable {
    rows: Vec<Vec<Value>>,
    total_rows: i64,
    totals: BTreeMap<String, Value>,
}

/// An answer for Redis; `None` for one that is not sent there.
pub(super) fn encode(kept: &Kept) -> Option<Vec<u8>> {
    let What::Tables(tables) = &kept.what else {
        return None;
    };
    let tables = tables.iter().map(|table| WrittenTable {
        rows: &table.rows,
        total_rows: table.total_rows,
        totals: &table.totals,
    });
    let written = Written {
        read_at: kept.read_at,
        loaded: kept.loaded,
        life_ms: u64::try_from(kept.life.as_millis()).ok()?,
        tables: tables.collect(),
    };
    let json = serde_json::to_vec(&written).ok()?;
    if json.len() < COMPRESS_FROM {
        return Some([&[PLAIN], json.as_slice()].concat());
    }
    let mut encoder = GzEncoder::new(vec![COMPRESSED], Compression::fast());
    encoder.write_all(&json).ok()?;
    encoder.finish().ok()
}

/// The answer to `question` that was written; `None` for what is no such answer.
pub(super) fn decode(bytes: &[u8], question: &Question) -> Option<Kept> {
    let (&format, content) = bytes.split_first()?;
    let read: ReadBack = match format {
        PLAIN => serde_json::from_slice(content).ok()?,
        COMPRESSED => {
            let mut json = Vec::new();
            let mut limited = GzDecoder::new(content).take(LARGEST);
            limited.read_to_end(&mut json).ok()?;
            serde_json::from_slice(&json).ok()?
        }
        _ => return None,
    };
    let asks = question.asks();
    if asks.len() != read.tables.len() {
        return None;
    }
    let tables = asks.iter().zip(read.tables);
    let tables = tables.map(|(ask, read_table)| table(ask, read_table, read.read_at));
    let what = What::Tables(tables.collect::<Option<_>>()?);
    let life = Duration::from_millis(read.life_ms);
    Some(Kept::new(what, read.read_at, read.loaded, life))
}

fn table(ask: &Ask, read: ReadTable, read_at: Timestamp) -> Option<Table> {
    let columns = &ask.report.definition.columns;
    let row = |row: Vec<Value>| {
        let cells = columns.iter().zip(&row);
        let cells = cells.map(|(column, value)| cell(column, value));
        let cells = cells.collect::<Option<Vec<Cell>>>()?;
        (cells.len() == row.len() && cells.len() == columns.len()).then_some(cells)
    };
    let totals = read.totals.into_iter().map(|(name, value)| {
        let column = &columns[ask.report.column(&name)?];
        Some((name, total(column, &value)?))
    });
    Some(Table {
        totals: totals.collect::<Option<_>>()?,
        rows: read.rows.into_iter().map(row).collect::<Option<_>>()?,
        total_rows: read.total_rows,
        report: Arc::clone(&ask.report),
        found: Found {
            read_at,
            origin: Origin::Redis,
        },
    })
}

fn cell(column: &Column, value: &Value) -> Option<Cell> {
    if value.is_null() {
        return column.optional.then_some(Cell::Nothing);
    }
    Some(match column.kind {
        Kind::Text => Cell::Text(value.as_str()?.to_owned()),
        Kind::Integer => Cell::Integer(value.as_i64()?),
        Kind::Amount => Cell::Amount(amount(value)?),
        Kind::Date => Cell::Date(value.as_str()?.parse().ok()?),
        Kind::Boolean => Cell::Boolean(value.as_bool()?),
    })
}

fn total(column: &Column, value: &Value) -> Option<Cell> {
    Some(match column.kind {
        Kind::Integer => Cell::Integer(value.as_i64()?),
        _ => Cell::Amount(amount(value)?),
    })
}

fn amount(value: &Value) -> Option<Amount> {
    value.as_str()?.parse::<Decimal>().ok().map(Amount)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use reportapp_pool::Pool;
    use reportapp_pool::testing::TestSqlite;

    use super::*;
    use crate::cache::Whose;
    use crate::erp::Server;
    use crate::reports::page::View;
    use crate::reports::read;

    const FILE: &str = "id: x
title: {ro: X, en: X}
period: none
columns:
- {name: t, title: {ro: T, en: T}, kind: text, optional: true}
- {name: n, title: {ro: N, en: N}, kind: integer, total: true}
- {name: a, title: {ro: A, en: A}, kind: amount, total: true}
- {name: d, title: {ro: D, en: D}, kind: date}
- {name: b, title: {ro: B, en: B}, kind: boolean}
queries:
  sqlite: SELECT t, n, a, d, b FROM facts WHERE 'a' = :company
";

    #[tokio::test]
    async fn what_is_written_is_read_back_as_it_was_short_or_long() {
        let report = Arc::new(read("x.yaml", FILE).unwrap());
        let database = TestSqlite::new();
        let pool = Pool::open("erp", &database.config()).await.unwrap();
        let ask = Ask {
            view: View::all(&report),
            arguments: BTreeMap::new(),
            report: Arc::clone(&report),
        };
        let server = Server::new("main", pool);
        let whose = Whose::test(None, None);
        let question = Question::tables("x", &whose, &server, vec![ask]);
        for rows in [0, 1, 2_000] {
            let row = |number: i64| {
                vec![
                    match number % 2 {
                        0 => Cell::Text(format!("Conturi la bănci {number}\n")),
                        _ => Cell::Nothing,
                    },
                    Cell::Integer(number - 7),
                    Cell::Amount(Amount(Decimal::new(number - 7, 2))),
                    Cell::Date(date(2026, 2, 28)),
                    Cell::Boolean(number % 3 == 0),
                ]
            };
            let table = Table {
                report: Arc::clone(&report),
                rows: (0..rows).map(row).collect(),
                total_rows: rows,
                totals: [
                    ("n".to_owned(), Cell::Integer(rows)),
                    ("a".to_owned(), Cell::Amount(Amount(Decimal::new(-5, 2)))),
                ]
                .into(),
                found: Found {
                    read_at: Timestamp::now(),
                    origin: Origin::Database,
                },
            };
            let (read_at, life) = (table.found.read_at, Duration::from_secs(600));
            let what = What::Tables(vec![table.clone()]);
            let kept = Kept::new(what, read_at, Revision(7), life);
            let bytes = encode(&kept).unwrap();
            assert_eq!(bytes[0], if rows == 2_000 { COMPRESSED } else { PLAIN });
            let back = decode(&bytes, &question).unwrap();
            assert_eq!(
                (back.read_at, back.loaded, back.life),
                (read_at, Revision(7), life)
            );
            let [found] = <[Table; 1]>::try_from(back.tables(Origin::Redis)).unwrap();
            assert_eq!((&found.rows, &found.totals), (&table.rows, &table.totals));
            assert_eq!(found.total_rows, rows);
            let cut = &bytes[..bytes.len() - 1];
            assert!(decode(cut, &question).is_none(), "{rows}");
        }
    }
}
