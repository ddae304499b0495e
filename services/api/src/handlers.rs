//! One file per endpoint, grouped by noun: `handlers/<noun>/<verb>.rs`.
//!
//! Each file holds the handler with its OpenAPI description and `route`, which binds it to method
//! and path. Handlers return data or an [`ApiError`](crate::error::ApiError); only
//! [`endpoint::endpoint`] turns either into a response.

pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod cache;
pub(crate) mod calendar;
pub(crate) mod companies;
pub(crate) mod dashboard;
pub(crate) mod endpoint;
pub(crate) mod internal;
pub(crate) mod invoices;
pub(crate) mod permissions;
pub(crate) mod reports;
pub(crate) mod roles;
pub(crate) mod rules;
pub(crate) mod security;
pub(crate) mod system;
pub(crate) mod telegram;
pub(crate) mod tenants;
pub(crate) mod treasury;
pub(crate) mod trial_balance;
pub(crate) mod users;
