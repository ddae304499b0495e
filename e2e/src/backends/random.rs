//! Passwords nobody chose.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use reportapp_config::Secret;

/// Sixty-four characters that need no quoting in URLs, SQL and shells: six bits each.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A password of 144 bits.
pub(crate) fn password() -> Secret {
    Secret::from(text::<24>())
}

/// A Telegram token: the number of the bot, a colon and 35 characters.
pub(super) fn telegram_token() -> Secret {
    Secret::from(format!("5550001234:{}", text::<35>()))
}

fn text<const LENGTH: usize>() -> String {
    let mut bytes = [0; LENGTH];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random numbers");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_never_the_same() {
        let (one, other) = (password(), password());
        assert_eq!(one.expose().len(), 24);
        assert_ne!(one.expose(), other.expose());
    }
}
