//! Keys of an application that may be lost at any time: looked through in batches (`SCAN`) and removed
//! without holding the server up (`UNLINK`). Never `KEYS`, never a flush: other keys share the server.
//!
//! Keys are octets of whoever wrote them, and no error names one.

use ::redis::{FromRedisValue as _, Value, cmd};

use super::connection::{Address, Dialer, Node};
use super::nodes;
use crate::backend::{Admin, BackendError, Endpoint};

/// How many keys one look takes, roughly.
const BATCH: usize = 1_000;

/// What one look at some keys showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where to go on; 0 at the end of a round.
    pub cursor: u64,
    /// Keys that were looked at.
    pub scanned: i64,
    /// Those of them that were to go.
    pub found: i64,
    /// Those that were there and are not.
    pub removed: i64,
}

/// The Redis of one application, and who may remove its keys.
#[derive(Debug)]
pub struct Caches {
    dialer: Dialer,
    home: Address,
    admin: Admin,
}

/// A session with the primary.
pub struct CacheSession {
    primary: Node,
    login: String,
    prefixes: Vec<String>,
}

impl Caches {
    /// Nothing is dialled.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when the authority is no PEM certificate.
    pub fn new(endpoint: Endpoint, admin: Admin) -> Result<Self, BackendError> {
        let home = Address {
            host: endpoint.host.clone(),
            port: endpoint.port,
        };
        Ok(Self {
            dialer: Dialer::new(endpoint)?,
            home,
            admin,
        })
    }

    /// Host and port.
    pub fn place(&self) -> String {
        self.home.to_string()
    }

    /// Logs in, to remove keys that begin with one of `prefixes`.
    ///
    /// # Errors
    /// When the server does not answer, refuses the login, or is no primary.
    pub async fn enter(&self, prefixes: Vec<String>) -> Result<CacheSession, BackendError> {
        Ok(CacheSession {
            primary: nodes::primary(&self.dialer, &self.home, &self.admin).await?,
            login: self.admin.username.clone(),
            prefixes,
        })
    }
}

impl CacheSession {
    /// Uses each right once on nothing.
    ///
    /// # Errors
    /// The right that is missing, with the command that gives it.
    pub async fn preflight(&mut self) -> Result<(), BackendError> {
        self.scan(0, 1).await?;
        for prefix in self.prefixes.clone() {
            // Nobody writes a key that is a prefix and nothing else.
            self.unlink(&[prefix.into_bytes()]).await?;
        }
        Ok(())
    }

    /// Looks at some keys, from `cursor` on, and removes those that are to go.
    ///
    /// # Errors
    /// When the server does not answer or refuses; some keys may be gone.
    pub async fn step(&mut self, cursor: u64) -> Result<Step, BackendError> {
        let (cursor, keys) = self.scan(cursor, BATCH).await?;
        let scanned = keys.len();
        let prefixes = &self.prefixes;
        let goes = |key: &Vec<u8>| { prefixes.iter() }.any(|p| key.starts_with(p.as_bytes()));
        let found: Vec<_> = keys.into_iter().filter(goes).collect();
        let removed = match found.is_empty() {
            true => 0,
            false => self.unlink(&found).await?,
        };
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(Step {
            cursor,
            scanned: number(scanned),
            found: number(found.len()),
            removed,
        })
    }

    async fn scan(
        &mut self,
        cursor: u64,
        count: usize,
    ) -> Result<(u64, Vec<Vec<u8>>), BackendError> {
        let mut command = cmd("SCAN");
        command.arg(cursor).arg("COUNT").arg(count);
        let reply = self.send(&command, "SCAN").await?;
        <(u64, Vec<Vec<u8>>)>::from_redis_value(reply).map_err(|_| self.primary.odd("SCAN"))
    }

    async fn unlink(&mut self, keys: &[Vec<u8>]) -> Result<i64, BackendError> {
        let mut command = cmd("UNLINK");
        command.arg(keys);
        let reply = self.send(&command, "UNLINK").await?;
        i64::from_redis_value(reply).map_err(|_| self.primary.odd("UNLINK"))
    }

    async fn send(&mut self, command: &::redis::Cmd, label: &str) -> Result<Value, BackendError> {
        let sent = self.primary.send(command, label).await;
        sent.map_err(|error| match error {
            BackendError::RightMissing(_) => self.right_missing(label),
            other => other,
        })
    }

    fn right_missing(&self, label: &str) -> BackendError {
        let keys: Vec<_> = self.prefixes.iter().map(|p| format!("~{p}*")).collect();
        let (login, address) = (&self.login, self.primary.address());
        BackendError::RightMissing(format!(
            "the Redis user {login} may not run {label} on these keys at {address}: let it (ACL SETUSER \
             {login} {} +scan +unlink)",
            keys.join(" ")
        ))
    }
}
