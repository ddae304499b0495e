//! Keys that may be lost at any time, and how they go: found by scanning in batches, never by a flush.
//!
//! Only keys of the application under one of [`NAMESPACES`] are ever removed. Sessions, locks, rate
//! limits and counters of failed sign-ins are not among them, whatever somebody asks for.

use ::redis::{ToRedisArgs, pipe};

use super::Wakes;
use crate::SessionError;

/// The namespaces of caches: a key is `<app>:<namespace>:…`.
pub const NAMESPACES: [&str; 5] = ["perm", "dash", "report", "party", "meta"];

/// How many keys the server looks at for one answer; it serves nobody else meanwhile.
const BATCH: usize = 500;

/// Keys to remove, all of them in one of the namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caches {
    /// Everything.
    All,
    /// These keys, without the name of the application.
    Keys(Vec<String>),
    /// Those that match a pattern as Redis understands it, without the name of the application.
    Pattern(String),
}

/// The part of a name after the application's; `None` if it is in no namespace.
pub fn cache_name<'a>(app: &str, name: &'a str) -> Option<&'a str> {
    let own = name
        .strip_prefix(app)
        .and_then(|rest| rest.strip_prefix(':'));
    let name = own.unwrap_or(name);
    let (namespace, _) = name.split_once(':')?;
    NAMESPACES.contains(&namespace).then_some(name)
}

impl Wakes {
    /// Removes keys and says how many there were.
    ///
    /// # Errors
    /// When Redis does not answer; what was removed until then stays so.
    pub async fn forget(&self, caches: &Caches) -> Result<u64, SessionError> {
        match caches {
            Caches::Keys(names) => {
                let names = names.iter().filter_map(|name| cache_name(&self.app, name));
                let keys: Vec<String> = names.map(|name| self.key(name)).collect();
                self.unlink(&keys).await
            }
            Caches::Pattern(pattern) => match cache_name(&self.app, pattern) {
                Some(pattern) => self.sweep(&self.key(pattern)).await,
                None => Ok(0),
            },
            Caches::All => {
                let mut removed = 0;
                for namespace in NAMESPACES {
                    removed += self.sweep(&self.key(&format!("{namespace}:*"))).await?;
                }
                Ok(removed)
            }
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.app)
    }

    async fn sweep(&self, pattern: &str) -> Result<u64, SessionError> {
        let (mut cursor, mut removed) = (0_u64, 0);
        loop {
            let mut scan = pipe();
            let command = scan.cmd("SCAN").arg(cursor);
            command.arg("MATCH").arg(pattern).arg("COUNT").arg(BATCH);
            let ((next, keys),): ((u64, Vec<Vec<u8>>),) = self.link.ask(&scan).await?;
            removed += self.unlink(&keys).await?;
            if next == 0 {
                return Ok(removed);
            }
            cursor = next;
        }
    }

    async fn unlink(&self, keys: &[impl ToRedisArgs]) -> Result<u64, SessionError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let (removed,): (u64,) = self.link.ask(pipe().cmd("UNLINK").arg(keys)).await?;
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_a_namespace_of_caches_may_be_removed() {
        for (given, name) in [
            ("dash:core:1", Some("dash:core:1")),
            ("shop:dash:core:1", Some("dash:core:1")),
            ("perm:*", Some("perm:*")),
            ("*", None),
            ("shop:*", None),
            ("shop:session:1", None),
            ("session:1", None),
            ("lock:task:1", None),
            ("bank:dash:core:1", None),
            ("dash", None),
            ("d*:x", None),
            ("shop:shop:dash:1", None),
        ] {
            assert_eq!(cache_name("shop", given), name, "{given}");
        }
    }
}
