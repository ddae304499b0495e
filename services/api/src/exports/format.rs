//! Which file somebody wants: what the address says, else what `Accept` prefers (RFC 9110, section 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

use super::Lang;
use crate::erp::shorten;
use crate::error::ApiError;
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
        Some("json") => None,
        Some("csv") => Some(Format::Csv),
        Some("xlsx") => Some(Format::Xlsx),
        Some("pdf") => Some(Format::Pdf),
        Some("ndjson") => Some(Format::Ndjson),
        Some(other) => {
            let formats = "`json`, `ndjson`, `csv`, `xlsx` or `pdf`";
            return Err(impossible("format", other, formats));
        }
    };
    Ok((format, lang))
}

fn impossible(name: &str, value: &str, formats: &str) -> ApiError {
    let shown = shorten(value);
    let message = format!("`{name}` = `{shown}` is not possible; give {formats}.");
    ApiError::parameter("ParameterInvalid", name, message)
}

/// What the client prefers of what there is. Nothing readable in `Accept` means anything will do.
fn accepted(headers: &HeaderMap) -> Result<Option<Format>, ApiError> {
    let values = headers.get_all(ACCEPT).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range<'_>> = texts
        .flat_map(|text| text.split(','))
        .filter_map(Range::read)
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
fn weight(ranges: &[Range<'_>], essence: &str) -> u16 {
    let covering = ranges.iter().filter_map(|range| {
        let specificity = range.covers(essence)?;
        Some((specificity, range.weight))
    });
    covering.max().map_or(0, |(_, weight)| weight)
}

/// A media range with its weight in thousandths.
#[derive(Debug, PartialEq, Eq)]
struct Range<'a> {
    name: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| name.contains('/'))?;
        let mut weight = 1_000;
        for part in parts {
            if let Some((key, value)) = part.split_once('=')
                && key.trim().eq_ignore_ascii_case("q")
            {
                weight = thousandths(value.trim())?;
            }
        }
        Some(Self { name, weight })
    }

    /// How specifically it names this media type, if it does.
    fn covers(&self, essence: &str) -> Option<u8> {
        if self.name == "*/*" {
            return Some(0);
        }
        let group = essence.split('/').next().unwrap_or_default();
        match self.name.split_once('/') {
            Some((found, "*")) if found.eq_ignore_ascii_case(group) => Some(1),
            _ if self.name.eq_ignore_ascii_case(essence) => Some(2),
            _ => None,
        }
    }
}

/// "0.8" as 800: at most one digit before and three behind the point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match whole {
        "0" if is_number => 0,
        "1" if is_number && fraction.bytes().all(|byte| byte == b'0') => 1_000,
        _ => return None,
    };
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole + fraction)
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
