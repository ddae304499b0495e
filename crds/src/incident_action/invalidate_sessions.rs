//! `invalidateSessions`: tokens that were issued before are accepted by no process any more.

use std::fmt;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose sessions end: exactly one of `all`, `tenant`, `user` and `session`. Who is concerned signs in
/// again; nothing keeps them from that.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.all), has(self.tenant), has(self.user), has(self.session)].filter(x, x).size() == 1").message("invalidateSessions needs exactly one of all, tenant, user and session"))]
pub struct InvalidateSessions {
    /// Everybody's, administrators' too: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Everybody>,

    /// Those of one tenant, by its id or, in any case, its name. An id goes before a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tenant: Option<String>,

    /// Those of one user: the name the user signs in with, in any case, or the user's id. An id goes
    /// before a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub user: Option<String>,

    /// A single one, by its id, as the list of sessions shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub session: Option<String>,
}

/// Everybody. It has no fields.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
pub struct Everybody {}

/// The one field of an [`InvalidateSessions`] that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// `all`.
    All,
    /// `tenant`, an id or a name.
    Tenant(String),
    /// `user`, a name or an id.
    User(String),
    /// `session`, an id.
    Session(String),
}

impl InvalidateSessions {
    /// The one field that is set; `None` of a union that the API server would refuse.
    pub fn whose(&self) -> Option<Whose> {
        match (&self.all, &self.tenant, &self.user, &self.session) {
            (Some(Everybody {}), None, None, None) => Some(Whose::All),
            (None, Some(id), None, None) => Some(Whose::Tenant(id.clone())),
            (None, None, Some(user), None) => Some(Whose::User(user.clone())),
            (None, None, None, Some(id)) => Some(Whose::Session(id.clone())),
            _ => None,
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("everybody"),
            Self::Tenant(id) => write!(formatter, "tenant {id}"),
            Self::User(user) => write!(formatter, "user {user}"),
            Self::Session(id) => write!(formatter, "session {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_field_says_whose() {
        let read = |text| {
            serde_json::from_str::<InvalidateSessions>(text)
                .unwrap()
                .whose()
        };
        for (text, whose) in [
            (r#"{"all":{}}"#, "everybody"),
            (r#"{"tenant":"acme"}"#, "tenant acme"),
            (r#"{"user":"ana"}"#, "user ana"),
            (r#"{"session":"s1"}"#, "session s1"),
        ] {
            assert_eq!(read(text).map(|w| w.to_string()).as_deref(), Some(whose));
        }
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"all":{},"user":"ana"}"#), None);
    }
}
