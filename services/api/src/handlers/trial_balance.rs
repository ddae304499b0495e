//! Trial balance.

pub(crate) mod show;
