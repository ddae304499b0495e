//! Who is asking, and is that still true: tokens, passwords, sessions, throttling.
//!
//! A sign-in flows through [`Throttle`] (may this identity try?), [`Passwords`] (is it right?) and
//! [`Tokens`] (prove it). Every later request flows back through the last one: the token says who. It
//! is short-lived; a [`RefreshToken`] gets the next one. [`SessionStore`] remembers sessions near at
//! hand; the truth about them is in the database of whoever uses this.
//!
//! [`access`] says what they may do once they are known, and [`epochs`] is how what was issued ends
//! before its time, in all processes at once; [`wake`] makes that quicker where there is a Redis.
//! [`directory`] is how somebody from outside changes a user, and [`context`] says for whom a
//! transaction on the store acts.
//!
//! Nothing here knows HTTP; `reportapp-api` maps the errors to statuses.

pub mod access;
pub mod context;
pub mod directory;
pub mod epochs;
pub mod keys;
pub mod password;
pub mod random;
pub mod refresh;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod throttle;
pub mod token;
pub mod wake;

pub use context::{Context, Sight};
pub use keys::{KeyError, KeySet};
pub use password::{PasswordError, Passwords};
pub use refresh::RefreshToken;
pub use store::{MemoryStore, RedisStore, RedisValues, Session, SessionError, SessionStore};
pub use throttle::{Throttle, ThrottleLimits};
pub use token::{AccessToken, Claims, Extras, TokenError, Tokens};
pub use wake::Wakes;
