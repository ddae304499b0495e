//! Where in Vault a secret is. Pure.

use std::fmt;

use super::StoreError;

/// What the operator needs to be allowed where it writes: `update` for the second version on.
pub(super) const READ_AND_WRITE: &[&str] = &["create", "read", "update"];

/// A secret of a KV engine.
///
/// Paths of others are given below the mount (`bisman/production`) or with it, as `vault kv get`
/// takes them (`secret/bisman/production`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Mount of the engine.
    pub mount: String,
    /// Path below it.
    pub path: String,
    /// What a policy for it names: the folder of ledgers, or the secret alone.
    granted: String,
}

impl Place {
    /// A secret that somebody else keeps.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it is no path.
    pub fn of_others(mount: &str, path: &str) -> Result<Self, StoreError> {
        let path = path.trim_matches('/');
        let below = path.strip_prefix(mount).and_then(|p| p.strip_prefix('/'));
        let path = checked(below.unwrap_or(path))?;
        Ok(Self {
            mount: mount.to_owned(),
            granted: path.clone(),
            path,
        })
    }

    /// The secret `name` of a folder of ours.
    ///
    /// # Errors
    /// As [`Self::of_others`].
    pub fn in_folder(mount: &str, folder: &str, name: &str) -> Result<Self, StoreError> {
        Ok(Self {
            mount: mount.to_owned(),
            path: checked(&format!("{folder}/{name}"))?,
            granted: format!("{folder}/*"),
        })
    }

    /// The lines of a policy that allow `capabilities` here.
    pub fn policy(&self, capabilities: &[&str]) -> String {
        format!(
            "path \"{}/data/{}\" {{ capabilities = {capabilities:?} }}",
            self.mount, self.granted
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.mount, self.path)
    }
}

/// Path and key of a reference such as `erp/login#password`; `default` when it names no key.
pub fn path_and_key<'a>(reference: &'a str, default: &'a str) -> (&'a str, &'a str) {
    match reference.rsplit_once('#') {
        Some((path, key)) if !key.is_empty() => (path, key),
        Some((path, _)) => (path, default),
        None => (reference, default),
    }
}

/// What a reference is called among the values of a spec; no Secret has such a name.
pub fn lookup_name(reference: &str, default: &str) -> String {
    let (path, key) = path_and_key(reference, default);
    format!("vault:{path}#{key}")
}

/// The path without slashes around it, if none of its segments means another one.
pub(super) fn checked(path: &str) -> Result<String, StoreError> {
    let trimmed = path.trim_matches('/');
    let allowed = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.chars().all(|c| {
                c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%' | '*' | '+' | '"' | '\\')
            })
    };
    if trimmed.split('/').all(allowed) {
        return Ok(trimmed.to_owned());
    }
    Err(StoreError::Unusable(format!(
        "{path:?} is no path of a secret in Vault; write names separated by single slashes, such as bisman/production"
    )))
}
