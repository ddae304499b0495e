//! What must be true before a rotation begins. Each right is proven by using it on nothing: a
//! change without a rule, a connection that does not exist, a field nobody wrote.

use super::connection::{Address, Node};
use super::nodes::info;
use super::save::{Saved, save};
use super::{DEFAULT_USER, Redis, change, takes_any_password};
use crate::backend::{BackendError, identities};

/// What the administrator of a server must have, in the words of `ACL SETUSER`.
pub(super) const RIGHTS: &str = "~reportapp:fence:* +info +acl|getuser +acl|setuser +acl|save \
     +config|rewrite +client|list +client|kill +watch +multi +exec +hget +hset +hdel";

/// An id no connection reaches.
const NO_CONNECTION: &str = "9223372036854775807";

pub(super) async fn run(redis: &Redis) -> Result<Vec<String>, BackendError> {
    let admin = &redis.admin()?.username;
    if identities(&redis.user).contains(admin) {
        return Err(BackendError::Refused(format!(
            "the administrator {admin} is the user that rotates, or one of its twins: name another \
             administrator, which the rotation cannot lock out"
        )));
    }
    let mut nodes = redis.nodes().await?;
    let mut notes = Vec::new();
    let (primary, replicas) = nodes.split_first_mut().expect("there is a primary");
    notes.push(check_node(redis, primary, "primary").await?);
    check_user(redis, primary).await?;
    notes.extend(weak_default(redis, primary).await?);
    for replica in replicas {
        notes.push(check_node(redis, replica, "replica").await?);
    }
    if redis.user == DEFAULT_USER {
        notes.push(
            "the Redis user default can only be rotated with two passwords: it has no twins"
                .to_owned(),
        );
    }
    Ok(notes)
}

async fn check_node(redis: &Redis, node: &mut Node, role: &str) -> Result<String, BackendError> {
    let address = node.address().clone();
    let info = info(node).await?;
    if info.is_old() {
        return Err(BackendError::Refused(format!(
            "Redis at {address} is version {}: rotation needs 6.2 or later",
            info.version
        )));
    }
    // Of a user that exists, or it would be created.
    node.ask(&["ACL", "SETUSER", &redis.admin()?.username])
        .await?;
    node.ask(&["CLIENT", "LIST"]).await?;
    node.ask(&["CLIENT", "KILL", "ID", NO_CONNECTION]).await?;
    let key = change::key(&redis.key);
    if info.is_primary {
        node.ask(&["WATCH", &key]).await?;
        node.ask(&["HGET", &key, "fence"]).await?;
        // Fields and values do not pair, so nothing is written where it is allowed.
        let _unpaired = node.answer(&["HSET", &key, "a", "b", "c"]).await?;
        node.ask(&["MULTI"]).await?;
        node.ask(&["HDEL", &key, "none"]).await?;
        node.ask(&["EXEC"]).await?;
    }
    let saved = save(node).await?;
    Ok(describe(&address, role, &info.version, saved))
}

fn describe(address: &Address, role: &str, version: &str, saved: Saved) -> String {
    let place = match saved {
        Saved::AclFile => "its ACL file",
        Saved::ConfigurationFile => "its configuration file",
    };
    format!("Redis {version} at {address} ({role}) is changed and saves its users in {place}")
}

async fn check_user(redis: &Redis, primary: &mut Node) -> Result<(), BackendError> {
    let user = &redis.user;
    match primary.user(user).await? {
        None => Err(redis.base_is_gone()),
        Some(found) if found.nopass => Err(takes_any_password(user)),
        Some(_) => Ok(()),
    }
}

/// A rotation is of little use where one may come in without a password.
async fn weak_default(redis: &Redis, primary: &mut Node) -> Result<Option<String>, BackendError> {
    let found = primary.user(DEFAULT_USER).await?;
    let open = found.is_some_and(|user| user.enabled && user.nopass);
    Ok(open.then(|| {
        format!(
            "Redis at {} lets anybody in as the user default, without a password: switch it off \
             (ACL SETUSER default off)",
            redis.home
        )
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rights_asked_for_are_the_documented_ones() {
        let documentation = include_str!("../../../../docs/reference/redis-acl.md");
        assert!(documentation.contains(super::RIGHTS));
    }
}
