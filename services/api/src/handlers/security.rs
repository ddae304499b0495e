//! `/api/security/*`: how what protects the application is doing.

pub(crate) mod cache;
