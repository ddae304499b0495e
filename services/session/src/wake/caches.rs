//! Keys that may be lost at any time, and how they go: found by scanning in batches, never by a flush.
//!
//! Only keys of the application under one of [`NAMESPACES`] are ever removed. Sessions, locks, rate
//! limits and counters of failed sign-ins are not among them, whatever somebody asks for.

use ::redis::{ToRedisArgs, pipe};

use super::Wakes;
use crate::SessionError;
use crate::store::redis::link::Link;

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

impl Caches {
    /// Whether answers that processes keep in their own memory may be among them: everything but copies of
    /// permissions.
    pub fn concerns_answers(&self, app: &str) -> bool {
        let is_answer =
            |name: &String| cache_name(app, name).is_some_and(|name| !name.starts_with("perm:"));
        match self {
            Self::All => true,
            Self::Keys(names) => names.iter().any(is_answer),
            Self::Pattern(pattern) => is_answer(pattern),
        }
    }
}

impl Wakes {
    /// Removes keys and says how many there were.
    ///
    /// # Errors
    /// When Redis does not answer; what was removed until then stays so.
    pub async fn forget(&self, caches: &Caches) -> Result<u64, SessionError> {
        forget(&self.link, &self.app, caches).await
    }
}

/// Removes keys of `app` and says how many there were.
pub(crate) async fn forget(link: &Link, app: &str, caches: &Caches) -> Result<u64, SessionError> {
    let key = |name: &str| format!("{app}:{name}");
    match caches {
        Caches::Keys(names) => {
            let names = names.iter().filter_map(|name| cache_name(app, name));
            let keys: Vec<String> = names.map(key).collect();
            unlink(link, &keys).await
        }
        Caches::Pattern(pattern) => match cache_name(app, pattern) {
            Some(pattern) => sweep(link, &key(pattern)).await,
            None => Ok(0),
        },
        Caches::All => {
            let mut removed = 0;
            for namespace in NAMESPACES {
                removed += sweep(link, &key(&format!("{namespace}:*"))).await?;
            }
            Ok(removed)
        }
    }
}

async fn sweep(link: &Link, pattern: &str) -> Result<u64, SessionError> {
    let (mut cursor, mut removed) = (0_u64, 0);
    loop {
        let mut scan = pipe();
        let command = scan.cmd("SCAN").arg(cursor);
        command.arg("MATCH").arg(pattern).arg("COUNT").arg(BATCH);
        let ((next, keys),): ((u64, Vec<Vec<u8>>),) = link.ask(&scan).await?;
        removed += unlink(link, &keys).await?;
        if next == 0 {
            return Ok(removed);
        }
        cursor = next;
    }
}

async fn unlink(link: &Link, keys: &[impl ToRedisArgs]) -> Result<u64, SessionError> {
    if keys.is_empty() {
        return Ok(0);
    }
    let (removed,): (u64,) = link.ask(pipe().cmd("UNLINK").arg(keys)).await?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_copies_of_permissions_empties_no_answers() {
        let keys = |names: &[&str]| Caches::Keys(names.iter().map(|&name| name.into()).collect());
        for (caches, concerns) in [
            (Caches::All, true),
            (keys(&["perm:user:1"]), false),
            (keys(&["perm:user:1", "shop:report:treasury:1"]), true),
            (Caches::Pattern("shop:perm:*".into()), false),
            (Caches::Pattern("dash:*".into()), true),
        ] {
            assert_eq!(caches.concerns_answers("shop"), concerns, "{caches:?}");
        }
    }

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
