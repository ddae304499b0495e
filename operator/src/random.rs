//! Random values: bytes, and texts that people and URLs take as they are.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// Characters of a text: all unreserved in URLs (RFC 3986), none that look alike. About 5.7 bits each.
const ALPHABET: &[u8; 54] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ234567";

/// The system gave no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandom;

/// Random bytes.
///
/// # Errors
/// [`NoRandom`].
pub fn bytes(length: usize) -> Result<Vec<u8>, NoRandom> {
    let mut value = vec![0; length];
    SystemRandom::new().fill(&mut value).map_err(|_| NoRandom)?;
    Ok(value)
}

/// A random text of `length` characters.
///
/// # Errors
/// [`NoRandom`].
pub fn text(length: usize) -> Result<String, NoRandom> {
    // The largest multiple of the alphabet below 256: bytes above it would favour some letters.
    let fair = 256 - 256 % ALPHABET.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let letters = bytes(length)?.into_iter().map(usize::from);
        let fair_ones = letters.filter(|byte| *byte < fair);
        text.extend(fair_ones.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])));
    }
    text.truncate(length);
    Ok(text)
}
