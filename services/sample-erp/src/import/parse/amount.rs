//! Amounts in a file: digits, perhaps a dot and up to two more digits. Nothing else is guessed at,
//! because `1.234` is a thousand in one country and about one in another.

use rust_decimal::Decimal;

/// One amount fits `numeric(15,2)`.
const DIGITS_MAX: usize = 13;
/// All debits of a file together; SQLite adds up in 64 bits.
pub(super) const TOTAL_MAX: Decimal = Decimal::from_parts(1_316_134_912, 2_328, 0, false, 0);

/// Reads an amount; an empty field is zero.
pub(super) fn parse(column: &str, text: &str) -> Result<Decimal, String> {
    if text.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let refuse = |why: &str| Err(format!("the {column} {text:?} {why}"));
    if text.contains(',') {
        return refuse(
            "has a comma; write the decimals after a dot and no thousands separator: 1234.50",
        );
    }
    if text.starts_with('-') {
        return refuse("is negative; put the amount on the other side");
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || text.ends_with('.') {
        return refuse("is not a number like 1234.50");
    }
    if decimals.len() > 2 {
        return refuse("has more than two decimals");
    }
    if whole.len() > DIGITS_MAX {
        return refuse("is too large; at most 13 digits before the dot");
    }
    text.parse()
        .or_else(|_| refuse("is not a number like 1234.50"))
}
