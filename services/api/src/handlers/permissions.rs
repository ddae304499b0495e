//! What one may do.

pub(crate) mod list;
