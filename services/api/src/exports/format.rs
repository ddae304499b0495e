//! Which file somebody wants: what the address says, else what `Accept` prefers (RFC 9110, section 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

use super::Lang;
use crate::erp::shorten;
use crate::error::ApiError;
use crate::preference::{Choice, choices};
use crate::reports::asked::Asked;

/// A file that holds a whole report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For programs and old spreadsheets.
    Csv,
    /// For Excel.
    Xlsx,
    /// For people.
    Pdf,
    /// For programs: a JSON object per line.
    Ndjson,
}

/// What can be had, the page as JSON first: of equal preferences the earliest wins.
const OFFERS: [(Option<Format>, &str); 5] = [
    (None, "application/json"),
    (Some(Format::Csv), Format::Csv.essence()),
    (Some(Format::Xlsx), Format::Xlsx.essence()),
    (Some(Format::Pdf), Format::Pdf.essence()),
    (Some(Format::Ndjson), Format::Ndjson.essence()),
];

impl Format {
    /// The word in addresses and metrics, and the end of file names.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
            Self::Ndjson => "ndjson",
        }
    }

    /// What it is for `Content-Type`.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.essence(),
        }
    }

    const fn essence(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pdf => "application/pdf",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Takes `format` and `lang` out of the address; no format: a page as JSON.
///
/// # Errors
/// `ParameterInvalid`, `NotAcceptable`.
pub(crate) fn wanted(
    asked: &mut Asked,
    headers: &HeaderMap,
) -> Result<(Option<Format>, Lang), ApiError> {
    let lang = match asked.take("lang")?.as_deref() {
        None => Lang::default(),
        Some("ro") => Lang::Ro,
        Some("en") => Lang::En,
        Some(other) => return Err(impossible("lang", other, "`ro` or `en`")),
    };
    let format = match asked.take("format")?.as_deref() {
        None => accepted(headers)?,
        Some(word) => named(word).ok_or_else(|| {
            let formats = "`json`, `ndjson`, `csv`, `xlsx` or `pdf`";
            impossible("format", word, formats)
        })?,
    };
    Ok((format, lang))
}

/// Whether an address and its headers ask for a file, before anything else is known of the request.
pub(crate) fn wants_file(query: &str, headers: &HeaderMap) -> bool {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let word = pairs.find(|(name, _)| *name == "format");
    let format = match word {
        None => accepted(headers).ok(),
        Some((_, word)) => named(word),
    };
    format.flatten().is_some()
}

/// The format that goes by a word; `Some(None)`: a page as JSON.
fn named(word: &str) -> Option<Option<Format>> {
    Some(match word {
        "json" => None,
        "csv" => Some(Format::Csv),
        "xlsx" => Some(Format::Xlsx),
        "pdf" => Some(Format::Pdf),
        "ndjson" => Some(Format::Ndjson),
        _ => return None,
    })
}

fn impossible(name: &str, value: &str, formats: &str) -> ApiError {
    let shown = shorten(value);
    let message = format!("`{name}` = `{shown}` is not possible; give {formats}.");
    ApiError::parameter("ParameterInvalid", name, message)
}

/// What the client prefers of what there is. Nothing readable in `Accept` means anything will do.
fn accepted(headers: &HeaderMap) -> Result<Option<Format>, ApiError> {
    let ranges: Vec<Choice<'_>> = choices(headers, ACCEPT)
        .filter(|range| range.name.contains('/'))
        .collect();
    if ranges.is_empty() {
        return Ok(None);
    }
    let mut best: Option<(Option<Format>, u16)> = None;
    for (format, essence) in OFFERS {
        let weight = weight(&ranges, essence);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((format, weight));
        }
    }
    best.map(|(format, _)| format)
        .ok_or(ApiError::NotAcceptable)
}

/// How much a media type is wanted: by the most specific range that covers it.
fn weight(ranges: &[Choice<'_>], essence: &str) -> u16 {
    let covering = ranges.iter().filter_map(|range| {
        let specificity = specificity(range.name, essence)?;
        Some((specificity, range.weight))
    });
    covering.max().map_or(0, |(_, weight)| weight)
}

/// How specifically a media range names this media type, if it does.
fn specificity(range: &str, essence: &str) -> Option<u8> {
    if range == "*/*" {
        return Some(0);
    }
    let group = essence.split('/').next().unwrap_or_default();
    match range.split_once('/') {
        Some((found, "*")) if found.eq_ignore_ascii_case(group) => Some(1),
        _ if range.eq_ignore_ascii_case(essence) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Result<Option<Format>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        accepted(&headers).map_err(|error| error.code())
    }

    #[test]
    fn accept_chooses_by_weight_then_by_our_order() {
        let excel = Format::Xlsx.essence();
        for (accept, format) in [
            ("*/*", None),
            ("application/*", None),
            ("text/*", Some(Format::Csv)),
            ("TEXT/CSV", Some(Format::Csv)),
            ("text/csv, application/json", None),
            ("text/csv, application/json;q=0.5", Some(Format::Csv)),
            ("application/pdf;q=0.3, text/csv;q=0.2", Some(Format::Pdf)),
            ("*/*, application/json;q=0", Some(Format::Csv)),
            (
                "*/*;q=0.1, application/x-ndjson;q=0.2",
                Some(Format::Ndjson),
            ),
            (excel, Some(Format::Xlsx)),
            ("application/json, application/problem+json", None),
            // A browser that follows a link, and a client that says nothing sensible.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                None,
            ),
            ("", None),
            ("csv", None),
            ("text/csv;q=nope, application/pdf", Some(Format::Pdf)),
        ] {
            assert_eq!(chosen(accept), Ok(format), "{accept}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_not_acceptable() {
        for accept in ["text/html", "image/*", "text/csv;q=0", "*/*;q=0.000"] {
            assert_eq!(chosen(accept), Err("NotAcceptable"), "{accept}");
        }
    }

    #[test]
    fn the_address_wins_and_loses_what_is_not_for_the_report() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, "application/pdf".parse().unwrap());
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            Asked::new(
                pairs
                    .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                    .collect(),
            )
        };
        let mut asked = pairs(&[("company", "x"), ("format", "csv"), ("lang", "en")]);
        let found = wanted(&mut asked, &headers).unwrap();
        assert_eq!(found, (Some(Format::Csv), Lang::En));
        assert_eq!(
            (asked.get("format"), asked.get("company")),
            (None, Some("x"))
        );
        let found = wanted(&mut pairs(&[("format", "json")]), &headers).unwrap();
        assert_eq!(found, (None, Lang::Ro));
        for wrong in [
            &[("format", "doc")][..],
            &[("lang", "fr")],
            &[("format", "csv"), ("format", "csv")],
        ] {
            let error = wanted(&mut pairs(wrong), &headers).unwrap_err();
            assert_eq!(error.code(), "ParameterInvalid", "{wrong:?}");
        }
    }
}
