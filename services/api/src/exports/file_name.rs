//! The name a browser saves a file under: `balanta-clienti_RO123_2026-10.csv`.
//!
//! RFC 6266: `filename` in plain ASCII for everybody, `filename*` with its Romanian letters for those who
//! understand it.

use http::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::cover::Cover;
use super::format::Format;
use super::words::is_month;
use crate::reports::answer::Days;
use crate::reports::page::fold;

/// What stands for itself in `filename*` (RFC 8187, `attr-char`), as far as our names need it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// Longer titles are cut.
const LONGEST_TITLE: usize = 60;

/// The value of `Content-Disposition`.
pub(super) fn disposition(cover: &Cover, format: Format) -> HeaderValue {
    let name = name(cover, format);
    let plain: String = fold_case(&name);
    let full = utf8_percent_encode(&name, ENCODED);
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

fn name(cover: &Cover, format: Format) -> String {
    let title: String = cover
        .title
        .to_lowercase()
        .chars()
        .take(LONGEST_TITLE)
        .collect();
    let parts = [
        joined(&title),
        joined(&cover.company.tax_id),
        cover.days.as_ref().map_or_else(String::new, period),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("{}.{}", parts.join("_"), format.as_str())
}

/// Letters and digits, with a dash for whatever is in between.
fn joined(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Without its Romanian letters, and without all others that are not ASCII; capitals stay.
fn fold_case(name: &str) -> String {
    let plain = |letter: char| match letter.is_ascii() {
        true => letter.to_string(),
        false => fold(&letter.to_string()),
    };
    let plain: String = name.chars().map(plain).collect();
    plain.chars().filter(char::is_ascii).collect()
}

fn period(days: &Days) -> String {
    if is_month(days.from, days.to) {
        return format!("{:04}-{:02}", days.from.year(), days.from.month());
    }
    format!("{}_{}", days.from, days.to)
}
