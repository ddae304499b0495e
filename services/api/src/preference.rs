//! What clients prefer, from headers that list choices with weights (RFC 9110, section 12.4.2).

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

/// A choice of a client with its weight in thousandths; weight 0: not this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    pub(crate) name: &'a str,
    pub(crate) weight: u16,
}

/// The choices in all lines of a header. One that cannot be read is left out.
pub(crate) fn choices<'a>(
    headers: &'a HeaderMap<HeaderValue>,
    header: impl AsHeaderName,
) -> impl Iterator<Item = Choice<'a>> {
    let lines = headers.get_all(header).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .filter_map(Choice::read)
}

impl<'a> Choice<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
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
    use http::header::ACCEPT_ENCODING;

    use super::*;

    #[test]
    fn choices_of_all_lines_are_read_with_their_weights() {
        let mut headers = HeaderMap::new();
        for line in [
            "gzip;q=0.8, br",
            " identity ; Q=0 ,, *;q=1.000",
            "x;q=2, y;q=0.1234, z;q=",
        ] {
            headers.append(ACCEPT_ENCODING, line.parse().unwrap());
        }
        let found: Vec<_> = choices(&headers, ACCEPT_ENCODING)
            .map(|Choice { name, weight }| (name, weight))
            .collect();
        assert_eq!(
            found,
            [("gzip", 800), ("br", 1_000), ("identity", 0), ("*", 1_000)]
        );
    }
}
