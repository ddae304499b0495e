//! `route:action`: what may be done, as requests ask for it, roles hold it and people write it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Stands for every route, or every action.
const ANY: &str = "*";

/// One permission: an action in a module of the API, each of which may be `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    route: Cow<'static, str>,
    action: Cow<'static, str>,
}

/// Not of the form `route:action`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form `route:action`, such as `users:view`, `users:*` or `*:*`")]
pub struct MalformedPermission(String);

impl Permission {
    /// The permission our own code asks for.
    pub const fn of(route: &'static str, action: &'static str) -> Self {
        Self {
            route: Cow::Borrowed(route),
            action: Cow::Borrowed(action),
        }
    }

    /// The permission a store holds.
    pub fn stored(route: String, action: String) -> Self {
        Self {
            route: Cow::Owned(route),
            action: Cow::Owned(action),
        }
    }

    /// The module.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// What is done in it.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Whether whoever holds this may do `needed`, all of it if that is a wildcard itself.
    pub fn covers(&self, needed: &Self) -> bool {
        let part = |held: &str, needed: &str| held == ANY || held == needed;
        part(&self.route, &needed.route) && part(&self.action, &needed.action)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.route, self.action)
    }
}

impl FromStr for Permission {
    type Err = MalformedPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            word == ANY
                || !word.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        match text.split_once(':') {
            Some((route, action)) if is_word(route) && is_word(action) => {
                Ok(Self::stored(route.to_owned(), action.to_owned()))
            }
            _ => Err(MalformedPermission(text.to_owned())),
        }
    }
}

/// What somebody, or a role, may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// Whether one of them covers `needed`.
    pub fn allow(&self, needed: &Permission) -> bool {
        // The exact one is the usual case, and found without looking at all of them.
        self.0.contains(needed) || self.0.iter().any(|held| held.covers(needed))
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Permission> {
        self.0.iter()
    }

    /// Adds one.
    pub fn insert(&mut self, permission: Permission) {
        self.0.insert(permission);
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}
