//! What programs ask about the API itself.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod openapi;
