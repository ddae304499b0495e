//! The words of files in both languages, and how values read for people: amounts and days the Romanian way
//! whatever the language, as on the pages, so that "1.234" never changes its meaning.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::reports::file::Words;
use crate::reports::page::Comparison;

/// The language of headings and words in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    /// Romanian.
    #[default]
    Ro,
    /// English.
    En,
}

const MONTHS: [(&str, &str); 12] = [
    ("ianuarie", "January"),
    ("februarie", "February"),
    ("martie", "March"),
    ("aprilie", "April"),
    ("mai", "May"),
    ("iunie", "June"),
    ("iulie", "July"),
    ("august", "August"),
    ("septembrie", "September"),
    ("octombrie", "October"),
    ("noiembrie", "November"),
    ("decembrie", "December"),
];

impl Lang {
    /// The code in addresses and files.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Ro => "ro",
            Self::En => "en",
        }
    }

    /// Words of a report.
    pub(super) fn of(self, words: &Words) -> &str {
        self.pick(&words.ro, &words.en)
    }

    /// One of two.
    pub(super) fn pick<'a>(self, ro: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Ro => ro,
            Self::En => en,
        }
    }

    /// "octombrie 2026" for a whole month, "15.06.2026 – 01.09.2026" for other days.
    pub(super) fn period(self, from: Date, to: Date) -> String {
        if is_month(from, to) {
            let index = usize::try_from(from.month() - 1).unwrap_or_default();
            let (ro, en) = MONTHS[index];
            return format!("{} {}", self.pick(ro, en), from.year());
        }
        format!("{} – {}", day(from), day(to))
    }

    /// "da", "no".
    pub(super) fn truth(self, truth: bool) -> &'static str {
        match (self, truth) {
            (Self::Ro, true) => "da",
            (Self::Ro, false) => "nu",
            (Self::En, true) => "yes",
            (Self::En, false) => "no",
        }
    }

    /// "Pagina 1 din 3".
    pub(super) fn page(self, number: usize, pages: usize) -> String {
        match self {
            Self::Ro => format!("Pagina {number} din {pages}"),
            Self::En => format!("Page {number} of {pages}"),
        }
    }
}

/// Whether these days are exactly a month.
pub(super) fn is_month(from: Date, to: Date) -> bool {
    from.day() == 1 && to == from.last_of_month()
}

/// "31.10.2026".
pub(super) fn day(day: Date) -> String {
    format!("{:02}.{:02}.{:04}", day.day(), day.month(), day.year())
}

/// "-1.234.567,50".
pub(super) fn amount(amount: Decimal) -> String {
    let plain = format!("{:.2}", amount.abs());
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
    let sign = if amount.is_sign_negative() && !amount.is_zero() {
        "-"
    } else {
        ""
    };
    format!("{sign}{},{fraction}", grouped(whole))
}

/// "-1.234.567".
pub(super) fn integer(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

/// The sign of a comparison.
pub(super) fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "=",
        Comparison::Ne => "≠",
        Comparison::Lt => "<",
        Comparison::Le => "≤",
        Comparison::Gt => ">",
        Comparison::Ge => "≥",
    }
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn amounts_and_days_read_the_romanian_way() {
        for (number, text) in [
            ("0", "0,00"),
            ("-0.00", "0,00"),
            ("999.5", "999,50"),
            ("1000", "1.000,00"),
            ("-1234567.89", "-1.234.567,89"),
        ] {
            assert_eq!(amount(number.parse().unwrap()), text);
        }
        assert_eq!(integer(-1_234), "-1.234");
        assert_eq!(integer(123), "123");
        assert_eq!(day(date(2026, 3, 9)), "09.03.2026");
    }

    #[test]
    fn a_whole_month_has_a_name() {
        let (first, last) = (date(2024, 2, 1), date(2024, 2, 29));
        assert_eq!(Lang::Ro.period(first, last), "februarie 2024");
        assert_eq!(Lang::En.period(first, last), "February 2024");
        let earlier = date(2024, 2, 28);
        assert_eq!(Lang::En.period(first, earlier), "01.02.2024 – 28.02.2024");
    }
}
