//! The controllers of ReportApp Operator, as a library so that tests reach every step.
//!
//! `main` parses [`cli`], then [`operator`] builds the clients, serves [`health`] and takes part in
//! the election ([`leader`]). The replica that leads runs [`controller`], which watches the
//! namespaces of [`scope`] ([`watch`]) and sends each ReportApp through the pipeline in
//! [`reportapp`], each SecretRotation through [`rotation`], each IncidentAction through [`action`], and
//! has [`canary`] try the logins in use. What the last two kinds have in common is in [`one_shot`].
//! [`api_error`] is the one place where answers of the API server become text.

pub mod action;
pub mod api_error;
pub mod backend;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod context;
pub mod controller;
pub mod health;
pub mod latest;
pub mod leader;
pub mod login_url;
pub mod metrics;
pub mod one_shot;
pub mod operator;
pub mod random;
pub mod reportapp;
pub mod retries;
pub mod rotation;
pub mod scope;
pub mod secret_store;
pub mod watch;
pub mod workloads;
