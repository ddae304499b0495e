//! All nodes of a server: the named primary, its replicas, and theirs.

use ::redis::from_redis_value_ref;

use super::connection::{Address, Dialer, Node};
use super::info::Info;
use crate::backend::{Admin, BackendError};

/// More replicas than anybody has; a bound for a list that comes from outside.
const MOST: usize = 64;

/// Logs in to every node; the primary comes first.
pub(super) async fn all(
    dialer: &Dialer,
    home: &Address,
    admin: &Admin,
) -> Result<Vec<Node>, BackendError> {
    let mut known = vec![home.clone()];
    let mut nodes = Vec::new();
    while let Some(address) = known.get(nodes.len()).cloned() {
        let mut node = dialer.administer(&address, admin).await?;
        let info = info(&mut node).await?;
        if nodes.is_empty() {
            check(home, &info)?;
        }
        for replica in info.replicas {
            if !known.contains(&replica) && known.len() < MOST {
                known.push(replica);
            }
        }
        nodes.push(node);
    }
    Ok(nodes)
}

/// Logs in to the primary alone.
pub(super) async fn primary(
    dialer: &Dialer,
    home: &Address,
    admin: &Admin,
) -> Result<Node, BackendError> {
    let mut node = dialer.administer(home, admin).await?;
    let info = info(&mut node).await?;
    check(home, &info)?;
    Ok(node)
}

/// What a node tells about itself.
pub(super) async fn info(node: &mut Node) -> Result<Info, BackendError> {
    let reply = node.ask(&["INFO"]).await?;
    let text: String = from_redis_value_ref(&reply).map_err(|_| node.odd("INFO"))?;
    Ok(Info::parse(&text))
}

fn check(home: &Address, info: &Info) -> Result<(), BackendError> {
    if info.is_cluster {
        return Err(BackendError::Refused(format!(
            "Redis at {home} is part of a Redis Cluster, whose nodes the application cannot use \
             either: name a server that is no cluster"
        )));
    }
    if !info.is_primary {
        return Err(BackendError::Refused(format!(
            "Redis at {home} is a replica: name the primary, from which the replicas are found"
        )));
    }
    Ok(())
}
