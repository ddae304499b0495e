//! `/api/cache/*`: the console of what is kept of the ERP's answers.

pub(crate) mod clear;
pub(crate) mod stats;
