//! A strict Bot API server for tests and the demo: what Telegram would accept it accepts, and what
//! Telegram would refuse it refuses with Telegram's own words and codes.
//!
//! It has two sides with a port each. The bot calls `/bot<token>/<method>`, as with the real
//! server. Whoever plays the people calls `/control/…` ([`control`]), or the same operations in
//! process on [`FakeTelegram`]. Everything is kept in memory.
//!
//! Only the methods our bot uses exist; another one is answered with Telegram's 404, so that a
//! new use is noticed.

pub mod control;
mod error;
mod html;
mod http_server;
mod keyboard;
mod methods;
pub mod state;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::http_server::Side;

pub use state::{Button, FakeTelegram, Fault, Sent};

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    bot: TcpListener,
    control: Option<TcpListener>,
    telegram: FakeTelegram,
}

impl Server {
    /// Binds `listen` for bots, which must present `token`.
    ///
    /// # Errors
    /// Whatever the system says about the address.
    pub async fn bind(listen: SocketAddr, token: &str) -> io::Result<Self> {
        let bot = TcpListener::bind(listen).await?;
        Ok(Self {
            bot,
            control: None,
            telegram: FakeTelegram::new(token),
        })
    }

    /// Binds `listen` for the people's side as well.
    ///
    /// # Errors
    /// Whatever the system says about the address.
    pub async fn with_control(self, listen: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            control: Some(TcpListener::bind(listen).await?),
            ..self
        })
    }

    /// The bots' address, for a port chosen by the system.
    ///
    /// # Errors
    /// Whatever the system says about the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.bot.local_addr()
    }

    /// The people's side, in process.
    pub fn telegram(&self) -> FakeTelegram {
        self.telegram.clone()
    }

    /// Serves until the task is dropped or aborted.
    pub async fn run(self) {
        let bot = http_server::run(self.bot, self.telegram.clone(), Side::Bot);
        match self.control {
            None => bot.await,
            Some(control) => {
                tokio::join!(bot, http_server::run(control, self.telegram, Side::Control));
            }
        }
    }
}

/// Binds `listen` for bots and `control` for the people, and serves until the task is dropped.
///
/// # Errors
/// Whatever the system says about the addresses.
pub async fn serve(listen: SocketAddr, control: SocketAddr, token: &str) -> io::Result<()> {
    Server::bind(listen, token)
        .await?
        .with_control(control)
        .await?
        .run()
        .await;
    Ok(())
}
