//! How often a password or a code may be guessed, without anybody being able to lock others out.
//!
//! A browser somebody has signed in from before has a bucket of its own for that name, so guesses from
//! elsewhere do not use up the owner's. Everybody else shares a bucket per name, and one per address.
//! A guess is counted before it is looked at, and given back when it was right.

use std::net::IpAddr;
use std::time::Instant;

use http::HeaderMap;
use jiff::Timestamp;

use crate::app::App;
use crate::cookies::{self, Cookie, DEVICE};
use crate::error::ApiError;
use crate::peer::throttle_key;
use crate::store::devices::{KNOWN, device_hash};
use crate::store::users::username_key;

/// Digits of the cookie that marks a browser.
const DEVICE_LENGTH: usize = 64;

/// One guess that was counted.
pub(crate) struct Guess {
    /// The name it is about.
    identity: String,
    /// The cookie of the browser, if it has one.
    cookie: Option<String>,
    counted: Counted,
}

enum Counted {
    /// In the bucket of a known device.
    Device(String),
    /// In the buckets of the name and of the address.
    Stranger(Option<String>),
}

impl App {
    /// Counts a guess at the password or a code of `username`.
    ///
    /// # Errors
    /// [`ApiError::TooManyAttempts`], or the store that could not answer.
    pub(crate) async fn count_guess(
        &self,
        username: &str,
        address: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<Guess, ApiError> {
        let identity = username_key(username);
        let cookie = device_cookie(headers);
        let device = match &cookie {
            Some(cookie) => {
                let hash = device_hash(cookie, &identity);
                let is_known = self.store.is_known_device(&hash, Timestamp::now()).await?;
                is_known.then_some(hash)
            }
            None => None,
        };
        let (now, throttles) = (Instant::now(), &self.throttles);
        let refused = |retry_after| ApiError::TooManyAttempts { retry_after };
        let counted = match device {
            Some(device) => {
                throttles.device.take(&device, now).map_err(refused)?;
                Counted::Device(device)
            }
            None => {
                let address = address.map(throttle_key);
                if let Some(address) = &address {
                    throttles.address.take(address, now).map_err(refused)?;
                }
                throttles.identity.take(&identity, now).map_err(refused)?;
                Counted::Stranger(address)
            }
        };
        Ok(Guess {
            identity,
            cookie,
            counted,
        })
    }

    /// The guess was right. Guesses of others at the same name stay counted: they prove nothing.
    pub(crate) fn guessed_right(&self, guess: &Guess) {
        match &guess.counted {
            Counted::Device(device) => self.throttles.device.forget(device),
            Counted::Stranger(address) => {
                self.throttles.identity.give_back(&guess.identity);
                if let Some(address) = address {
                    self.throttles.address.give_back(address);
                }
            }
        }
    }

    /// The guess never reached whoever would have looked at it.
    pub(crate) fn take_back(&self, guess: &Guess) {
        match &guess.counted {
            Counted::Device(device) => self.throttles.device.give_back(device),
            Counted::Stranger(_) => self.guessed_right(guess),
        }
    }

    /// Remembers that the user signed in from this browser, and marks the browser.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn remember_device(
        &self,
        guess: &Guess,
        user_id: &str,
        headers: &mut HeaderMap,
    ) -> Result<(), ApiError> {
        let fresh = || reportapp_session::random::secret();
        let cookie = guess.cookie.clone().unwrap_or_else(fresh);
        let hash = device_hash(&cookie, &guess.identity);
        let now = Timestamp::now();
        self.store.remember_device(&hash, user_id, now).await?;
        let mark = Cookie {
            name: DEVICE,
            value: &cookie,
            seconds: KNOWN.as_secs().unsigned_abs(),
        };
        self.set_cookies(headers, &[mark]);
        Ok(())
    }
}

fn device_cookie(headers: &HeaderMap) -> Option<String> {
    let is_ours = |value: &&str| {
        value.len() == DEVICE_LENGTH && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    cookies::read(headers, DEVICE)
        .filter(is_ours)
        .map(str::to_owned)
}
