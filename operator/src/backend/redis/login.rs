//! What a login gives: tried on every node, then compared with the base user.
//!
//! Half a change is neither accepted nor refused: as long as the nodes disagree, or one has not
//! saved its users, the answer is "lacking", so that whoever prepares repeats it, and whoever wants
//! proof of a refusal does not get it.

use super::acl::AclUser;
use super::connection::Node;
use super::{Redis, change, find, hash};
use crate::backend::{BackendError, Login, twins};

pub(super) async fn check(
    redis: &Redis,
    username: &str,
    password: &str,
) -> Result<Login, BackendError> {
    let mut nodes = redis.nodes().await?;
    let is_twin = twins(&redis.user).iter().any(|twin| twin == username);
    let mut accepting = Vec::new();
    let mut refusing = Vec::new();
    for node in &nodes {
        let address = node.address();
        match redis.dialer.enter(address, username, password).await? {
            Some(_) => accepting.push(address.clone()),
            None => refusing.push(address.clone()),
        }
    }
    if change::is_unfinished(&mut nodes[0], &redis.key, username).await? {
        return Ok(Login::Lacking(format!(
            "the last change of the Redis user {username} is not finished on every node"
        )));
    }
    let accepted = accepting.first() == Some(&redis.home);
    match (accepting.first(), refusing.first()) {
        (None, _) => Ok(Login::Refused),
        (Some(replica), _) if !accepted => Ok(Login::Lacking(format!(
            "the replica {replica} still accepts the Redis user {username}"
        ))),
        (_, Some(replica)) if is_twin => Ok(Login::Lacking(format!(
            "the replica {replica} refuses the Redis user {username}"
        ))),
        // The base user is not compared with itself, and its replicas are as they were adopted.
        _ if !is_twin => Ok(Login::Accepted),
        _ => compare(redis, &mut nodes, username, &hash(password)).await,
    }
}

async fn compare(
    redis: &Redis,
    nodes: &mut [Node],
    username: &str,
    hash: &str,
) -> Result<Login, BackendError> {
    let Some(base) = find(nodes, &redis.user).await? else {
        let gone = redis.base_is_gone().to_string();
        return Ok(Login::Lacking(gone));
    };
    for node in nodes {
        let twin = node.user(username).await?;
        let problem = match &twin {
            Some(twin) => difference(&base, twin, hash),
            None => Some("it is gone".to_owned()),
        };
        if let Some(problem) = problem {
            let (base, address) = (&redis.user, node.address());
            return Ok(Login::Lacking(format!(
                "the Redis user {username} differs from {base} at {address}: {problem}"
            )));
        }
    }
    Ok(Login::Accepted)
}

fn difference(base: &AclUser, twin: &AclUser, hash: &str) -> Option<String> {
    if twin.nopass {
        return Some("it takes any password".to_owned());
    }
    if twin.passwords != [hash] {
        return Some("it has another password".to_owned());
    }
    base.rules.difference(&twin.rules)
}
