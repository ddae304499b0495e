//! What is typed on the channels of the original system, and what it means here. Pure.
//!
//! The words are those the original publishes and its runbook sends: a JSON object with `type`, the ids
//! it names, and whatever else explains it (`reason`, `timestamp`, `source`), which is not looked at.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest as hash};
use jiff::Timestamp;
use reportapp_session::epochs::Scope;
use reportapp_session::wake::caches::{Caches, NAMESPACES, cache_name};
use reportapp_session::wake::{Channel, Name};
use serde::Deserialize;

/// Longer words are not read.
const LONGEST: usize = 64 * 1024;
/// More at once are better named by `all`.
const MOST: usize = 1_000;

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To see that somebody listens.
    Nothing,
    /// That these end, or are read anew.
    Revoke(Vec<Scope>),
    /// That these keys go.
    Forget(Caches),
}

/// Why a message is ignored, and what to send instead. Never repeats what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misunderstood(String);

impl fmt::Display for Misunderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An id as the original writes it: its users are numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        match id {
            Id::Number(number) => number.to_string(),
            Id::Text(text) => text,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(alias = "user")]
    user_id: Option<Id>,
    #[serde(alias = "users")]
    user_ids: Option<Vec<Id>>,
    #[serde(alias = "role")]
    role_id: Option<Id>,
    #[serde(alias = "session")]
    session_id: Option<Id>,
    keys: Option<Vec<String>>,
    pattern: Option<String>,
}

/// What a message on `channel` means to the application `app`.
pub(super) fn understand(
    app: &str,
    channel: Channel,
    payload: &[u8],
) -> Result<Request, Misunderstood> {
    if payload.len() > LONGEST {
        return Err(wrong(channel, "it is longer than 64 KiB"));
    }
    let words: Words = serde_json::from_slice(payload).map_err(|_| {
        wrong(
            channel,
            "it is not a JSON object with the fields known here",
        )
    })?;
    match (words.kind.as_deref(), channel) {
        (Some("smoke-test"), _) => Ok(Request::Nothing),
        (_, Channel::Caches) => caches(app, words).map(Request::Forget),
        (Some(kind), _) => scopes(channel, kind.to_owned(), words).map(Request::Revoke),
        (None, _) => Err(wrong(channel, "`type` is missing")),
    }
}

fn scopes(channel: Channel, kind: String, words: Words) -> Result<Vec<Scope>, Misunderstood> {
    let is_session = channel == Channel::Sessions;
    let of_user = if is_session {
        Scope::User
    } else {
        Scope::UserPermissions
    };
    let missing = |field: &str| wrong(channel, &format!("`{field}` is missing or empty"));
    let one = |id: Option<Id>, field: &str| {
        let id = id.map(String::from).filter(|id| !id.is_empty());
        id.ok_or_else(|| missing(field))
    };
    let users = |ids: Vec<Id>| ids.into_iter().map(String::from).map(of_user);
    let scopes = match (kind.as_str(), is_session) {
        ("all", true) => vec![Scope::All],
        ("all", false) => vec![Scope::Permissions],
        ("user", _) => vec![of_user(one(words.user_id, "userId")?)],
        ("users", _) => users(words.user_ids.unwrap_or_default()).collect(),
        ("session", true) => vec![Scope::Session(one(words.session_id, "sessionId")?)],
        ("role", false) => {
            let role = Scope::RolePermissions(one(words.role_id, "roleId")?);
            let holders = users(words.user_ids.unwrap_or_default());
            std::iter::once(role).chain(holders).collect()
        }
        _ => return Err(wrong(channel, "`type` is not one of those known here")),
    };
    match scopes.len() {
        0 => Err(missing("userIds")),
        1..=MOST => Ok(scopes),
        _ => Err(wrong(channel, "it names more than 1000 users")),
    }
}

fn caches(app: &str, words: Words) -> Result<Caches, Misunderstood> {
    let wrong = |what: &str| wrong(Channel::Caches, what);
    let caches = match (words.kind.as_deref(), words.keys, words.pattern) {
        (Some("all"), None, None) => return Ok(Caches::All),
        (_, Some(keys), None) if (1..=MOST).contains(&keys.len()) => Caches::Keys(keys),
        (_, None, Some(pattern)) => Caches::Pattern(pattern),
        _ => return Err(wrong("it names neither `keys` (1 to 1000) nor a `pattern`")),
    };
    let names: &[String] = match &caches {
        Caches::All => &[],
        Caches::Keys(keys) => keys,
        Caches::Pattern(pattern) => std::slice::from_ref(pattern),
    };
    if names.iter().any(|name| cache_name(app, name).is_none()) {
        let known = NAMESPACES.join(":, ");
        let why = format!("only what begins with {known}: may be removed");
        return Err(wrong(&why));
    }
    Ok(caches)
}

fn wrong(channel: Channel, what: &str) -> Misunderstood {
    let remedy = match channel {
        Channel::Sessions => {
            r#"{"type":"all"}, {"type":"user","userId":"…"}, {"type":"users","userIds":["…"]} or {"type":"session","sessionId":"…"}"#
        }
        Channel::Permissions => {
            r#"{"type":"all"}, {"type":"user","userId":"…"}, {"type":"users","userIds":["…"]} or {"type":"role","roleId":"…"}"#
        }
        Channel::Caches => r#"{"type":"all"}, {"keys":["…"]} or {"pattern":"…"}"#,
    };
    Misunderstood(format!("{what}; send {remedy}"))
}

/// The same for the same words on the same channel, and for nothing else.
pub(super) fn digest(channel: Channel, payload: &[u8]) -> String {
    let message = [channel.as_str().as_bytes(), b"\0", payload].concat();
    let digest = hash(&SHA256, &message);
    hex::encode(&digest.as_ref()[..16])
}

/// The name of a request when Redis cannot give it: two seconds are one request.
pub(super) fn name_by_time(digest: &str, now: Timestamp) -> Name {
    Name {
        text: format!("request-{digest}-at-{}", now.as_second() / 2),
        is_ours: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(channel: Channel, payload: &str) -> Result<Request, Misunderstood> {
        understand("shop", channel, payload.as_bytes())
    }

    fn user(id: &str) -> Scope {
        Scope::User(id.to_owned())
    }

    fn may(id: &str) -> Scope {
        Scope::UserPermissions(id.to_owned())
    }

    #[test]
    fn what_the_original_publishes_and_the_runbook_types_is_understood() {
        use Channel::{Permissions, Sessions};
        let role = Scope::RolePermissions("r1".to_owned());
        let session = Scope::Session("s1".to_owned());
        for (channel, payload, scopes) in [
            (
                Sessions,
                r#"{"type":"all","reason":"rotation"}"#,
                vec![Scope::All],
            ),
            (
                Permissions,
                r#"{"type":"all","reason":"emergency"}"#,
                vec![Scope::Permissions],
            ),
            (
                Sessions,
                r#"{"type":"user","userId":"u1","timestamp":1}"#,
                vec![user("u1")],
            ),
            (Sessions, r#"{"type":"user","user":7}"#, vec![user("7")]),
            (
                Sessions,
                r#"{"type":"users","users":["a",8]}"#,
                vec![user("a"), user("8")],
            ),
            (
                Sessions,
                r#"{"type":"session","sessionId":"s1"}"#,
                vec![session.clone()],
            ),
            (
                Sessions,
                r#"{"type":"session","session":"s1"}"#,
                vec![session],
            ),
            (
                Permissions,
                r#"{"type":"user","userId":"u1","source":"x"}"#,
                vec![may("u1")],
            ),
            (
                Permissions,
                r#"{"type":"users","userIds":["u1","u2"]}"#,
                vec![may("u1"), may("u2")],
            ),
            (
                Permissions,
                r#"{"type":"role","roleId":"r1"}"#,
                vec![role.clone()],
            ),
            (
                Permissions,
                r#"{"type":"role","role":"r1","userIds":["u1"]}"#,
                vec![role, may("u1")],
            ),
        ] {
            assert_eq!(
                heard(channel, payload),
                Ok(Request::Revoke(scopes)),
                "{payload}"
            );
        }
        for channel in Channel::ALL {
            let test = heard(channel, r#"{"type":"smoke-test","timestamp":"now"}"#);
            assert_eq!(test, Ok(Request::Nothing));
        }
    }

    #[test]
    fn caches_are_named_by_keys_by_a_pattern_or_all_together() {
        let keys = |names: &[&str]| Caches::Keys(names.iter().map(|n| (*n).to_owned()).collect());
        for (payload, caches) in [
            (r#"{"type":"all","reason":"rotation"}"#, Caches::All),
            (
                r#"{"keys":["dash:core:1","shop:perm:user:2"]}"#,
                keys(&["dash:core:1", "shop:perm:user:2"]),
            ),
            (
                r#"{"type":"pattern","pattern":"dash:*"}"#,
                Caches::Pattern("dash:*".to_owned()),
            ),
        ] {
            assert_eq!(
                heard(Channel::Caches, payload),
                Ok(Request::Forget(caches)),
                "{payload}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_names_a_remedy_and_does_not_repeat_what_was_sent() {
        use Channel::{Caches, Permissions, Sessions};
        for (channel, payload) in [
            (Sessions, ""),
            (Sessions, "canary"),
            (Sessions, r#"["all"]"#),
            (Sessions, r#"{"type":"canary"}"#),
            (Sessions, r#"{"type":["all"]}"#),
            (Sessions, r#"{"reason":"canary"}"#),
            (Sessions, r#"{"type":"user"}"#),
            (Sessions, r#"{"type":"user","userId":""}"#),
            (Sessions, r#"{"type":"user","userId":{"canary":1}}"#),
            (Sessions, r#"{"type":"user","userId":"a","user":"canary"}"#),
            (Sessions, r#"{"type":"users","userIds":[]}"#),
            (Sessions, r#"{"type":"role","roleId":"canary"}"#),
            (Sessions, r#"{"type":"session"}"#),
            (Sessions, r#"{"type":"all","type":"user"}"#),
            (Permissions, r#"{"type":"session","sessionId":"canary"}"#),
            (Permissions, r#"{"type":"role"}"#),
            (Caches, r#"{"type":"canary"}"#),
            (Caches, r#"{"pattern":"*"}"#),
            (Caches, r#"{"pattern":"session:canary*"}"#),
            (Caches, r#"{"keys":["dash:1","lock:canary"]}"#),
            (Caches, r#"{"keys":[],"reason":"canary"}"#),
            (Caches, r#"{"keys":["dash:1"],"pattern":"dash:*"}"#),
        ] {
            let error = heard(channel, payload).unwrap_err().to_string();
            assert!(error.contains("; send {"), "{payload}: {error}");
            assert!(!error.contains("canary"), "{payload}: {error}");
        }
        let many = vec!["\"u\""; MOST + 1].join(",");
        let many = format!(r#"{{"type":"users","userIds":[{many}]}}"#);
        assert!(heard(Sessions, &many).is_err());
        assert!(heard(Sessions, &" ".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn the_same_words_are_the_same_request_only_on_the_same_channel() {
        let all = br#"{"type":"all"}"#;
        let one = digest(Channel::Sessions, all);
        assert_eq!(one, digest(Channel::Sessions, all));
        assert_ne!(one, digest(Channel::Permissions, all));
        assert_ne!(one, digest(Channel::Sessions, br#"{"type":"all" }"#));
    }
}
