//! Companies of the ERP servers.

pub(crate) mod list;
