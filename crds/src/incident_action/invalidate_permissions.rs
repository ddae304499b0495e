//! `invalidatePermissions`: what processes remember of what people may do is read anew.

use std::fmt;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::Everybody;

/// Whose permissions are read anew: exactly one of `all`, `role` and `user`. Nobody is signed out.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.all), has(self.role), has(self.user)].filter(x, x).size() == 1").message("invalidatePermissions needs exactly one of all, role and user"))]
pub struct InvalidatePermissions {
    /// Everybody's: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Everybody>,

    /// Those of the holders of a role: its id, or its name in any case. A name that several tenants gave
    /// to roles of theirs means all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub role: Option<String>,

    /// Those of one user: the name the user signs in with, in any case, or the user's id. An id goes
    /// before a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub user: Option<String>,
}

/// The one field of an [`InvalidatePermissions`] that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holders {
    /// `all`.
    All,
    /// `role`, an id or a name.
    Role(String),
    /// `user`, a name or an id.
    User(String),
}

impl InvalidatePermissions {
    /// The one field that is set; `None` of a union that the API server would refuse.
    pub fn holders(&self) -> Option<Holders> {
        match (&self.all, &self.role, &self.user) {
            (Some(Everybody {}), None, None) => Some(Holders::All),
            (None, Some(role), None) => Some(Holders::Role(role.clone())),
            (None, None, Some(user)) => Some(Holders::User(user.clone())),
            _ => None,
        }
    }
}

impl fmt::Display for Holders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("everybody"),
            Self::Role(role) => write!(formatter, "role {role}"),
            Self::User(user) => write!(formatter, "user {user}"),
        }
    }
}
