//! Amounts as Romanian books write them: `1.234.567,50 RON`.

use rust_decimal::{Decimal, RoundingStrategy};

/// `amount` with two decimals, a comma before them and a point after each three digits.
pub fn format(amount: Decimal, currency: &str) -> String {
    let rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let digits = format!("{:.2}", rounded.abs());
    let (whole, cents) = digits.split_once('.').unwrap_or((&digits, "00"));
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() {
        "-"
    } else {
        ""
    };
    format!("{sign}{},{cents} {currency}", group(whole))
}

fn group(digits: &str) -> String {
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
    use super::*;

    #[test]
    fn amounts_are_written_the_romanian_way() {
        for (amount, expected) in [
            ("0", "0,00 RON"),
            ("0.5", "0,50 RON"),
            ("999.99", "999,99 RON"),
            ("1000", "1.000,00 RON"),
            ("1234567.50", "1.234.567,50 RON"),
            ("-1234567.5", "-1.234.567,50 RON"),
            ("-0.00", "0,00 RON"),
            ("123456789012345678.91", "123.456.789.012.345.678,91 RON"),
        ] {
            assert_eq!(format(amount.parse().unwrap(), "RON"), expected);
        }
    }
}
