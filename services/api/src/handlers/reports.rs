//! The catalogue of reports.

pub(crate) mod list;
pub(crate) mod show;
