//! A real Vault, with TLS.

mod crashes;
mod faults;
mod ledgers;
mod logins;
mod publishing;
mod server;
