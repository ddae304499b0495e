//! Cash and bank.

pub(crate) mod show;
