//! Random identifiers and codes from the one crypto provider.

use aws_lc_rs::rand;

/// Letters and digits that cannot be mistaken for one another when read aloud or copied by hand:
/// no `0`/`O`, no `1`/`I`/`L`, no `U`/`V` pair.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Fills a buffer with random bytes.
fn fill<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    rand::fill(&mut bytes).expect("the operating system provides randomness");
    bytes
}

/// A new identifier: 128 random bits as 32 hexadecimal digits.
pub fn id() -> String {
    hex::encode(fill::<16>())
}

/// A secret for programs: 256 random bits as 64 hexadecimal digits.
pub fn secret() -> String {
    hex::encode(fill::<32>())
}

/// A random password of `length` characters from the unambiguous alphabet, in lower case.
pub fn password(length: usize) -> String {
    code(length).to_ascii_lowercase()
}

/// A code for people: `length` characters from an unambiguous alphabet, uniformly distributed.
pub fn code(length: usize) -> String {
    // The largest multiple of the alphabet's size below 256: bytes above it would favour the
    // first letters.
    let fair = 256 - 256 % CODE_ALPHABET.len();
    let mut code = String::with_capacity(length);
    while code.len() < length {
        let accepted = fill::<16>()
            .into_iter()
            .map(usize::from)
            .filter(|byte| *byte < fair);
        for byte in accepted.take(length - code.len()) {
            code.push(char::from(CODE_ALPHABET[byte % CODE_ALPHABET.len()]));
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_32_hexadecimal_digits_and_differ() {
        let (one, other) = (id(), id());
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
        assert_eq!(secret().len(), 64);
        assert_ne!(secret(), secret());
    }

    #[test]
    fn codes_have_the_asked_length_and_only_unambiguous_characters() {
        for length in [1, 8, 40] {
            let code = code(length);
            assert_eq!(code.len(), length);
            assert!(code.bytes().all(|byte| CODE_ALPHABET.contains(&byte)));
        }
    }
}
