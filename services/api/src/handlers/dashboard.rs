//! How a company stands.

pub(crate) mod show;
