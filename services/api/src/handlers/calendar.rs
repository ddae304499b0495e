//! Months with figures.

pub(crate) mod show;
