//! Who is asking, and is that still true: tokens, passwords, sessions, throttling.
//!
//! A sign-in flows through [`Throttle`] (may this identity try?), [`Passwords`] (is it right?),
//! [`SessionStore`] (remember it) and [`Tokens`] (prove it). Every later request flows back
//! through the last two: the token says who, the store says whether the session still exists. A
//! store that cannot answer is an error, never a yes.
//!
//! [`access`] says what they may do once they are known, and [`epochs`] is how what was issued ends
//! before its time, in all processes at once; [`directory`] is how somebody from outside changes a user.
//!
//! Nothing here knows HTTP; `reportapp-api` maps the errors to statuses.

pub mod access;
pub mod directory;
pub mod epochs;
pub mod keys;
pub mod password;
pub mod random;
pub mod store;
pub mod throttle;
pub mod token;

pub use keys::{KeyError, KeySet};
pub use password::{PasswordError, Passwords};
pub use store::{MemoryStore, RedisStore, Session, SessionError, SessionStore};
pub use throttle::{Throttle, ThrottleLimits};
pub use token::{AccessToken, Claims, TokenError, Tokens};
