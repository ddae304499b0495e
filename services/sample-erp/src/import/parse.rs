//! Reads and checks a CSV file of postings: pure, and complete before anything is written.
//!
//! Columns by name, in any order: `date` (2026-10-31), `account`, `debit`, `credit` (1234.50; one
//! of the two), and optionally `name` (of the account) and `text`. UTF-8, commas between fields,
//! a byte-order mark is ignored. Each day must balance, else no month of it could.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{PROBLEMS_MAX, Problem};
use crate::ledger::Posting;

mod amount;
mod columns;

use columns::Columns;

/// Larger files are refused; they are read into memory.
const BYTES_MAX: u64 = 256 << 20;
/// Longest account number and longest text, in characters.
const ACCOUNT_MAX: usize = 40;
const TEXT_MAX: usize = 500;
/// Days outside of these years are typing errors.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;

/// A valid line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvPosting {
    /// Line in the file, from 1.
    pub line: u64,
    /// Accounting day.
    pub date: Date,
    /// Account number.
    pub account: String,
    /// Name of the account, if the line gives one.
    pub name: Option<String>,
    /// Amount on the debit side.
    pub debit: Decimal,
    /// Amount on the credit side.
    pub credit: Decimal,
    /// Explanation, may be empty.
    pub text: String,
}

impl CsvPosting {
    /// The lines of one day are one document, because the file does not say more.
    pub(super) fn into_posting(self, company: &Arc<str>) -> Posting {
        Posting {
            company: company.clone(),
            document: format!("CSV-{}", self.date).into(),
            posted_on: self.date,
            cont: self.account.into(),
            debit: self.debit,
            credit: self.credit,
            text: self.text.into(),
        }
    }
}

/// The accounts of a file with the first name given to each.
pub(super) fn account_names(postings: &[CsvPosting]) -> BTreeMap<&str, Option<&str>> {
    let mut names: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for posting in postings {
        let name = names.entry(&posting.account).or_default();
        *name = name.or(posting.name.as_deref());
    }
    names
}

/// Reads a whole file.
///
/// # Errors
/// Every problem found, up to [`PROBLEMS_MAX`].
pub fn parse_csv(reader: impl Read) -> Result<Vec<CsvPosting>, Vec<Problem>> {
    let bytes = read_bounded(reader)?;
    let mut file = ReaderBuilder::new().flexible(true).from_reader(&bytes[..]);
    let header = match file.byte_headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(vec![unreadable(&error)]),
    };
    let columns = Columns::find(&header)?;
    let mut problems = Vec::new();
    let mut postings = Vec::new();
    let mut record = ByteRecord::new();
    while file
        .read_byte_record(&mut record)
        .map_err(|error| vec![unreadable(&error)])?
    {
        let line = line_of(&record, file.position());
        match posting(&columns, &record, line) {
            Ok(posting) => postings.push(posting),
            Err(reasons) => {
                problems.extend(reasons.into_iter().map(|reason| Problem {
                    line: Some(line),
                    reason,
                }));
            }
        }
        if problems.len() >= PROBLEMS_MAX {
            problems.truncate(PROBLEMS_MAX);
            problems.push(Problem::of_file(format!(
                "only the first {PROBLEMS_MAX} problems are listed"
            )));
            return Err(problems);
        }
    }
    if problems.is_empty() {
        problems = check_balance(&postings);
    }
    if problems.is_empty() {
        Ok(postings)
    } else {
        Err(problems)
    }
}

/// Reads everything, with plain line ends and one at the very end, so that lines can be counted.
fn read_bounded(reader: impl Read) -> Result<Vec<u8>, Vec<Problem>> {
    let refuse = |reason: String| vec![Problem::of_file(reason)];
    let mut bytes = Vec::new();
    let read = reader.take(BYTES_MAX + 1).read_to_end(&mut bytes);
    let size = read.map_err(|error| refuse(format!("the file cannot be read: {error}")))?;
    if size as u64 > BYTES_MAX {
        return Err(refuse(format!(
            "the file is larger than {} MiB; split it",
            BYTES_MAX >> 20
        )));
    }
    let mut previous = 0;
    let mut plain = Vec::with_capacity(bytes.len() + 1);
    for byte in bytes {
        if byte == b'\n' && previous == b'\r' {
            plain.pop();
        }
        plain.push(byte);
        previous = byte;
    }
    plain.push(b'\n');
    Ok(plain)
}

/// The line a record begins on. The reader stands behind its end; the position a record carries
/// does not count empty lines before it.
fn line_of(record: &ByteRecord, after: &csv::Position) -> u64 {
    let inside = record
        .as_slice()
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    after.line().saturating_sub(1 + inside as u64)
}

/// Reads one line, collecting everything that is wrong with it.
fn posting(columns: &Columns, record: &ByteRecord, line: u64) -> Result<CsvPosting, Vec<String>> {
    let Ok(fields) = columns.fields(record) else {
        return Err(vec!["it is not UTF-8; save the file as UTF-8".to_owned()]);
    };
    let mut reasons = Vec::new();
    if record.len() != columns.count() {
        reasons.push(format!(
            "it has {} fields, the header has {}; put \" around fields that contain a comma",
            record.len(),
            columns.count()
        ));
        return Err(reasons);
    }
    let mut keep = |outcome: Result<(), String>| reasons.extend(outcome.err());
    let date = fields
        .date
        .parse::<Date>()
        .ok()
        .filter(|date| is_iso(fields.date) && YEARS.contains(&date.year()));
    keep(
        date.map(drop)
            .ok_or_else(|| format!("the date {:?} is not a day like 2026-10-31", fields.date)),
    );
    keep(check_account(fields.account));
    let debit = amount::parse("debit", fields.debit);
    let credit = amount::parse("credit", fields.credit);
    keep(debit.clone().map(drop));
    keep(credit.clone().map(drop));
    let sides = (debit.unwrap_or_default(), credit.unwrap_or_default());
    if reasons.is_empty() {
        match (sides.0.is_zero(), sides.1.is_zero()) {
            (false, false) => {
                reasons.push("it has both a debit and a credit; use one line for each".to_owned())
            }
            (true, true) => reasons.push("it has neither a debit nor a credit".to_owned()),
            _ => {}
        }
    }
    if fields.text.chars().count() > TEXT_MAX || fields.name.chars().count() > TEXT_MAX {
        reasons.push(format!("name or text is longer than {TEXT_MAX} characters"));
    }
    match date {
        Some(date) if reasons.is_empty() => Ok(CsvPosting {
            line,
            date,
            account: fields.account.to_owned(),
            name: (!fields.name.is_empty()).then(|| fields.name.to_owned()),
            debit: sides.0,
            credit: sides.1,
            text: fields.text.to_owned(),
        }),
        _ => Err(reasons),
    }
}

/// Other spellings that the parser of dates would take, such as a week or a time.
fn is_iso(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn check_account(account: &str) -> Result<(), String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    if account.is_empty() {
        return Err("the account is empty".to_owned());
    }
    if account.len() > ACCOUNT_MAX
        || !account.starts_with(|first: char| first.is_ascii_digit())
        || !account.chars().all(plain)
    {
        return Err(format!(
            "the account {account:?} is not a number like 371 or 4111.0012"
        ));
    }
    Ok(())
}

/// Days that do not balance, each named with its last line.
fn check_balance(postings: &[CsvPosting]) -> Vec<Problem> {
    let mut days: BTreeMap<Date, (Decimal, Decimal, u64)> = BTreeMap::new();
    let mut total = Decimal::ZERO;
    for posting in postings {
        let (debit, credit, line) = days.entry(posting.date).or_default();
        *debit += posting.debit;
        *credit += posting.credit;
        *line = posting.line;
        total += posting.debit;
    }
    if postings.is_empty() {
        return vec![Problem::of_file("the file has no postings")];
    }
    if total > amount::TOTAL_MAX {
        return vec![Problem::of_file(format!(
            "the debits add up to more than {}",
            amount::TOTAL_MAX
        ))];
    }
    let unbalanced = days
        .iter()
        .filter(|(_, (debit, credit, _))| debit != credit);
    let describe = |(day, (debit, credit, line)): (&Date, &(Decimal, Decimal, u64))| Problem {
        line: Some(*line),
        reason: format!(
            "the postings of {day}, of which this is the last, do not balance: debit {debit:.2}, credit {credit:.2}, difference {:.2}",
            debit - credit
        ),
    };
    unbalanced.take(PROBLEMS_MAX).map(describe).collect()
}

fn unreadable(error: &csv::Error) -> Problem {
    Problem {
        line: error.position().map(csv::Position::line),
        reason: format!("the file cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests;
