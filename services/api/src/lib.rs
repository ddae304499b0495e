//! The HTTP API and web UI.
//!
//! A request flows: [`server`] accepts the connection, [`service`] puts the common things around
//! it, [`router`] finds the handler, [`auth`] says who asks and [`epochs`] whether that still holds,
//! a handler asks [`store`] or, through [`cache`] and [`reports`], [`erp`] for what [`erp_scope`] lets the caller
//! read, as a page or as a file (`exports`), and [`error`] turns any failure into an answer. Beside the
//! requests, [`dependencies`] keeps an eye on everything the API needs and [`tls`] on the certificate.
//!
//! [`audit`] seals and verifies what was written down about changes; [`commands`] are what the program does
//! instead of serving.
//!
//! [`run`] wires it for production, [`demo`] for a look at it on one machine; both make the same
//! [`app::App`].

mod access;
mod admission;
pub mod app;
pub mod args;
pub mod audit;
pub mod auth;
pub mod cache;
pub mod channels;
pub mod commands;
pub mod cookies;
mod credentials;
mod csrf;
mod delivery;
pub mod demo;
pub mod dependencies;
mod eligibility;
pub mod epochs;
pub mod erp;
pub mod erp_scope;
pub mod error;
mod exports;
mod figures;
mod guesses;
mod handlers;
pub mod metrics;
pub mod model;
pub mod openapi;
pub mod peer;
mod preference;
mod reading;
mod refresh;
mod refusals;
mod rehash;
pub mod reports;
pub mod request_id;
mod resets;
pub mod router;
pub mod run;
pub mod server;
pub mod service;
mod sessions;
mod sign_in;
pub mod store;
pub mod tls;
pub mod web;

#[cfg(test)]
mod test_support;
