//! CSV: UTF-8 with a byte order mark, so that Excel knows its letters; commas, CRLF and quotes as in RFC 4180;
//! one line of headings. Numbers have a point and no groups, days are written 2026-10-31.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection);
//! a text that is a plain number is none and stays as it is.

use std::io::{self, Write};

use csv::{ByteRecord, Terminator, Writer, WriterBuilder};

use super::cover::Cover;
use super::encoder::{Encoder, Out};
use crate::reports::Cell;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Writes CSV.
pub(super) struct Csv {
    titles: Vec<String>,
    writer: Writer<Out>,
    /// Kept, so that a row costs no allocation.
    record: ByteRecord,
}

impl Csv {
    pub(super) fn new(cover: &Cover, mut out: Out) -> Self {
        // Into memory, which does not fail.
        let _written = out.write_all(BYTE_ORDER_MARK);
        let mut builder = WriterBuilder::new();
        builder.terminator(Terminator::CRLF);
        let columns = cover.columns.iter();
        Self {
            titles: columns.map(|column| harmless(&column.title)).collect(),
            writer: builder.from_writer(out),
            record: ByteRecord::new(),
        }
    }
}

impl Encoder for Csv {
    fn begin(&mut self, _: &[Vec<Cell>]) -> io::Result<()> {
        Ok(self.writer.write_record(&self.titles)?)
    }

    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.record.clear();
        for cell in cells {
            match cell {
                Cell::Nothing => self.record.push_field(b""),
                Cell::Text(text) => self.record.push_field(harmless(text).as_bytes()),
                Cell::Integer(number) => self.record.push_field(number.to_string().as_bytes()),
                Cell::Amount(amount) => {
                    self.record
                        .push_field(format!("{:.2}", amount.0).as_bytes());
                }
                Cell::Date(date) => self.record.push_field(date.to_string().as_bytes()),
                Cell::Boolean(truth) => self.record.push_field(truth.to_string().as_bytes()),
            }
        }
        Ok(self.writer.write_byte_record(&self.record)?)
    }

    fn finish(mut self: Box<Self>, _: &[Cell]) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Whether a spreadsheet might run this text.
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text)
}

/// "-12.50", "+3".
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let are_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction)
}

fn harmless(text: &str) -> String {
    let guard = if is_formula(text) { "'" } else { "" };
    format!("{guard}{text}")
}

#[cfg(test)]
mod tests {
    use ::csv::ReaderBuilder;
    use proptest::prelude::*;

    use super::*;

    fn written(rows: &[Vec<String>]) -> Vec<u8> {
        let out = Out::default();
        let mut csv = Csv {
            writer: WriterBuilder::new()
                .terminator(Terminator::CRLF)
                .from_writer(out.clone()),
            titles: Vec::new(),
            record: ByteRecord::new(),
        };
        for row in rows {
            let cells: Vec<Cell> = row.iter().cloned().map(Cell::Text).collect();
            csv.row(&cells).unwrap();
        }
        Box::new(csv).finish(&[]).unwrap();
        out.take().to_vec()
    }

    #[test]
    fn what_a_spreadsheet_would_run_gets_an_apostrophe_and_numbers_do_not() {
        for formula in [
            "=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "-", "+40 721", "-1.2.3", "-1,", "=5",
        ] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for plain in [
            "-12.50",
            "+3",
            "-1234567,89",
            "x=1",
            "",
            "1-2",
            "'=1",
            "ăîș",
        ] {
            assert_eq!(harmless(plain), plain);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_in_a_cell_comes_back(rows in proptest::collection::vec(
            proptest::collection::vec("[a-zăș\"',;=+@\\-\\r\\n\\t 0-9.]{0,8}", 3), 1..6,
        )) {
            let bytes = written(&rows);
            let text = std::str::from_utf8(&bytes).unwrap();
            prop_assert!(text.ends_with("\r\n"));
            let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let read: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .collect();
            let expected: Vec<Vec<String>> = rows
                .iter()
                .map(|row| row.iter().map(|text| harmless(text)).collect())
                .collect();
            prop_assert_eq!(&read, &expected);
            prop_assert!(read.iter().flatten().all(|cell| !is_formula(cell)));
        }
    }
}
