//! The Telegram bot: `reportapp-bot`.
//!
//! One long poll brings updates ([`poll`]). An update is read into a [`request::Request`] (pure),
//! answered with the help of the internal API ([`answer`], [`api`]) by a list of
//! [`reply::Effect`]s whose texts are made in [`reply`] and [`text`] (pure), and the effects are
//! carried out by [`telegram`].
//!
//! An update is confirmed only after it was handled: Telegram hands out an unconfirmed one again,
//! so an end in the middle loses nothing and at worst answers twice.
//!
//! Two secrets pass through: the bot token, which is part of every Bot API address and therefore
//! of the library's error texts, and the token of the internal API. [`telegram`] describes errors
//! without their addresses for that reason.

pub mod amount;
pub mod answer;
pub mod api;
pub mod metrics;
pub mod poll;
pub mod reply;
pub mod request;
pub mod run;
pub mod telegram;
pub mod text;

pub use run::{RunError, run};
