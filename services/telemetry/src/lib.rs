//! Logs, metrics, health and draining: set up once, used by every binary.
//!
//! A `main` does, in this order:
//!
//! 1. [`install_crypto_provider`], before anything can touch TLS;
//! 2. parse its arguments, which contain [`LogArgs`], and call [`logs::init`];
//! 3. make one [`Health`], register dependencies and heartbeats with it, and hand clones of the
//!    handles to the code that talks to each dependency;
//! 4. serve it with [`HealthServer`] on the health port;
//! 5. run until [`Shutdown`] says that a signal came, then [`drain`].
//!
//! Nothing in this crate talks to a dependency by itself: the code that uses a dependency reports
//! what it saw, and the probes answer from memory. Metrics live in the registry of the [`Health`]
//! handle rather than in a global one, so that tests run side by side.

pub mod backoff;
mod crypto;
pub mod health;
pub mod logs;
mod process;
pub mod server;
pub mod shutdown;

pub use backoff::Backoff;
pub use crypto::install_crypto_provider;
pub use health::{DependencyHandle, Health, Heartbeat};
pub use logs::{LogArgs, LogFormat};
pub use server::HealthServer;
pub use shutdown::{Drained, Shutdown, drain};
