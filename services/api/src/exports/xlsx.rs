//! Excel workbooks (ECMA-376, SpreadsheetML), written from the first byte to the last in flat memory.
//!
//! ```text
//! sheet1.xml as the rows come ─ full? ─▶ sheet2.xml … ─▶ the parts that name the sheets
//! ```
//!
//! A package may list its parts in any order, so the sheets come first and the parts that need their number
//! last. Texts are inline strings: a table of shared ones would have to be kept until the end.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::cover::{Cover, Heading};
use super::csv::is_formula;
use super::encoder::{Encoder, Out};
use crate::reports::Cell;
use crate::reports::file::Kind;

mod parts;

use parts::{Style, escaped};

/// Rows of a sheet, of which Excel reads no more.
const MOST_ROWS: u32 = 1_048_576;
/// Deflate level: a third of the time of the usual one for a few percent more bytes.
const LEVEL: i64 = 3;
/// Digits an Excel number keeps.
const EXACT_DIGITS: i128 = 1_000_000_000_000_000;
/// Width of the widest text column, in characters.
const WIDEST: usize = 60;

/// Writes a workbook.
pub(super) struct Xlsx {
    zip: ZipWriter<StreamWriter<Out>>,
    cover: Arc<Cover>,
    /// A, B, … AA.
    letters: Vec<String>,
    widths: Vec<usize>,
    sheets: u32,
    /// Rows of the current sheet so far.
    row: u32,
    /// Rows of a sheet.
    most_rows: u32,
    /// Kept, so that a row costs no allocation.
    line: String,
}

impl Xlsx {
    pub(super) fn new(cover: Cover, out: Out) -> Self {
        Self {
            zip: ZipWriter::new_stream(out),
            letters: (0..cover.columns.len()).map(letters).collect(),
            widths: Vec::new(),
            sheets: 0,
            row: 0,
            most_rows: MOST_ROWS,
            line: String::new(),
            cover: Arc::new(cover),
        }
    }

    /// The rows above the headings: title, company, period, what was chosen, when it was read.
    fn facts(&self) -> Vec<String> {
        let cover = &self.cover;
        let mut facts = vec![cover.title.clone(), cover.company_line()];
        facts.extend(Some(cover.period_line()).filter(|period| !period.is_empty()));
        facts.extend((!cover.chosen.is_empty()).then(|| cover.chosen.join(" · ")));
        facts.push(cover.read_line());
        facts
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        self.row = 0;
        let facts = self.facts();
        // The headings stand below an empty row.
        let heading_row = u32::try_from(facts.len()).unwrap_or(0) + 2;
        self.start(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        let columns = self.cover.columns.iter().zip(&self.widths);
        let columns = columns.map(|(column, width)| (*width, column.hidden));
        let opening = parts::sheet_opening(self.sheets == 1, heading_row, columns);
        self.zip.write_all(opening.as_bytes())?;
        for (index, fact) in facts.iter().enumerate() {
            let style = if index == 0 {
                Style::Title
            } else {
                Style::Plain
            };
            self.open_row();
            self.text(0, fact, style);
            self.close_row()?;
        }
        self.row += 1;
        self.open_row();
        let cover = Arc::clone(&self.cover);
        for (index, column) in cover.columns.iter().enumerate() {
            self.text(index, &column.title, Style::Heading);
        }
        self.close_row()
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.zip.write_all(parts::SHEET_END.as_bytes())
    }

    fn start(&mut self, part: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL));
        Ok(self.zip.start_file(part, options)?)
    }

    fn open_row(&mut self) {
        self.row += 1;
        self.line.clear();
        // Writing to memory does not fail, here and below.
        let _written = write!(self.line, "<row r=\"{}\">", self.row);
    }

    fn close_row(&mut self) -> io::Result<()> {
        self.line.push_str("</row>");
        self.zip.write_all(self.line.as_bytes())
    }

    fn text(&mut self, column: usize, text: &str, style: Style) {
        let (letters, row) = (&self.letters[column], self.row);
        let _written = write!(
            self.line,
            "<c r=\"{letters}{row}\" s=\"{}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
            style.index(),
            escaped(text),
        );
    }

    /// A number, or a truth value with the kind `b`.
    fn value(&mut self, column: usize, kind: &str, value: impl std::fmt::Display, style: Style) {
        let (letters, row) = (&self.letters[column], self.row);
        let _written = write!(
            self.line,
            "<c r=\"{letters}{row}\" s=\"{}\" t=\"{kind}\"><v>{value}</v></c>",
            style.index(),
        );
    }

    fn cell(&mut self, index: usize, column: &Heading, cell: &Cell, is_total: bool) {
        let styled = |plain: Style, total: Style| if is_total { total } else { plain };
        match cell {
            Cell::Nothing => {}
            Cell::Text(text) => {
                let guarded = if is_formula(text) {
                    Style::Guarded
                } else {
                    Style::Plain
                };
                self.text(index, column.text(text), guarded);
            }
            Cell::Integer(number) if i128::from(*number).abs() < EXACT_DIGITS => {
                self.value(
                    index,
                    "n",
                    number,
                    styled(Style::Integer, Style::TotalInteger),
                );
            }
            Cell::Integer(number) => self.text(index, &number.to_string(), Style::Plain),
            Cell::Amount(amount) => {
                let hundredths = amount.0.checked_mul(Decimal::ONE_HUNDRED);
                let exact = hundredths.and_then(|hundredths| hundredths.to_i128());
                let style = styled(Style::Amount, Style::TotalAmount);
                match exact.filter(|hundredths| hundredths.abs() < EXACT_DIGITS) {
                    Some(_) => self.value(index, "n", format_args!("{:.2}", amount.0), style),
                    None => self.text(index, &format!("{:.2}", amount.0), style),
                }
            }
            Cell::Date(day) => match serial(*day) {
                Some(serial) => self.value(index, "n", serial, Style::Date),
                None => self.text(index, &day.to_string(), Style::Plain),
            },
            Cell::Boolean(truth) => self.value(index, "b", u8::from(*truth), Style::Plain),
        }
    }
}

impl Encoder for Xlsx {
    fn begin(&mut self, sample: &[Vec<Cell>]) -> io::Result<()> {
        self.widths = widths(&self.cover, sample);
        self.begin_sheet()
    }

    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        // One is left for the totals.
        if self.row + 1 >= self.most_rows {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.open_row();
        let cover = Arc::clone(&self.cover);
        for (index, (column, cell)) in cover.columns.iter().zip(cells).enumerate() {
            self.cell(index, column, cell, false);
        }
        self.close_row()
    }

    fn finish(mut self: Box<Self>, totals: &[Cell]) -> io::Result<()> {
        let cover = Arc::clone(&self.cover);
        if totals.iter().any(|total| *total != Cell::Nothing) {
            self.open_row();
            for (index, (column, total)) in cover.columns.iter().zip(totals).enumerate() {
                match (index, total) {
                    (0, Cell::Nothing) => self.text(0, "Total", Style::Total),
                    _ => self.cell(index, column, total, true),
                }
            }
            self.close_row()?;
        }
        self.end_sheet()?;
        let heading_row = u32::try_from(self.facts().len()).unwrap_or(0) + 2;
        for (part, text) in parts::package(&cover.title, self.sheets, heading_row) {
            self.start(&part)?;
            self.zip.write_all(text.as_bytes())?;
        }
        self.zip.finish()?;
        Ok(())
    }
}

/// Days since 1899-12-30, which Excel counts by; none before March 1900, where Excel counts a day that never was.
fn serial(day: Date) -> Option<i64> {
    let seconds = |day: Date| {
        day.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp().as_second())
    };
    let days = (seconds(day)? - seconds(date(1899, 12, 30))?) / 86_400;
    (days > 60).then_some(days)
}

/// How wide each column is, in characters, by its heading and the first rows.
fn widths(cover: &Cover, sample: &[Vec<Cell>]) -> Vec<usize> {
    let columns = cover.columns.iter().enumerate();
    let widths = columns.map(|(index, column)| {
        let cells = sample.iter().filter_map(|row| row.get(index));
        let shown = cells.map(|cell| column.show(cell, cover.lang).chars().count());
        // Headings wrap between words. Totals are longer than what they sum up.
        let words = column.title.split(' ').map(|word| word.chars().count());
        let least = match column.kind {
            Kind::Amount => 16,
            Kind::Date => 11,
            Kind::Text | Kind::Integer | Kind::Boolean => 8,
        };
        shown.chain(words).fold(least, usize::max).min(WIDEST) + 2
    });
    widths.collect()
}

/// The name of a column counted from zero: A … Z, AA …
fn letters(index: usize) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let last = char::from(digits[index % 26]);
    match index / 26 {
        0 => last.to_string(),
        rest => format!("{}{last}", letters(rest - 1)),
    }
}

#[cfg(test)]
mod tests;
