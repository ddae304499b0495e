//! A change of one user on all nodes that happens only while no newer rotation has begun, and that
//! is known to be unfinished until every node has saved it.
//!
//! The fence is the hash `reportapp:fence:<credential>`: field `fence` holds the largest number
//! that changed anything, field `unsaved:<user>` is there from the change until all nodes saved it.
//! It is read and written in one transaction with the change (WATCH, MULTI, EXEC). Replicas get it
//! by replication, so a change there is fenced by the copy.

use ::redis::{Value, from_redis_value_ref};

use super::connection::Node;
use super::save::save;
use crate::backend::BackendError;

const FENCE: &str = "fence";
/// How often a transaction is tried that another rotation's disturbs; each failure means that
/// another one succeeded.
const ATTEMPTS: u32 = 16;

/// The change of one user by one rotation.
pub(super) struct Change<'a> {
    credential: &'a str,
    key: String,
    fence: u64,
    mark: String,
}

impl<'a> Change<'a> {
    pub(super) fn new(credential: &'a str, fence: u64, username: &str) -> Self {
        Self {
            credential,
            key: key(credential),
            fence,
            mark: mark(username),
        }
    }

    /// Runs the edit of each node, the primary's first; `None` leaves the node as it is.
    pub(super) async fn run(
        &self,
        nodes: &mut [Node],
        edits: Vec<Option<Vec<String>>>,
    ) -> Result<(), BackendError> {
        let (primary, replicas) = nodes.split_first_mut().expect("there is a primary");
        let mut edits = edits.into_iter();
        let begin = [
            "HSET",
            &self.key,
            FENCE,
            &self.fence.to_string(),
            &self.mark,
            "1",
        ];
        let mut commands = vec![owned(&begin)];
        commands.extend(edits.next().flatten());
        self.transact(primary, &commands).await?;
        save(primary).await?;
        for (node, edit) in replicas.iter_mut().zip(edits) {
            if let Some(edit) = edit {
                self.transact(node, &[edit]).await?;
            }
            save(node).await?;
        }
        let end = owned(&["HDEL", &self.key, &self.mark]);
        self.transact(primary, &[end]).await
    }

    async fn transact(
        &self,
        node: &mut Node,
        commands: &[Vec<String>],
    ) -> Result<(), BackendError> {
        for _ in 0..ATTEMPTS {
            node.ask(&["WATCH", &self.key]).await?;
            if self.stored(node).await? > self.fence {
                return Err(BackendError::Fenced(self.credential.to_owned()));
            }
            node.ask(&["MULTI"]).await?;
            for command in commands {
                node.ask(command).await?;
            }
            if node.ask(&["EXEC"]).await? != Value::Nil {
                return Ok(());
            }
        }
        Err(BackendError::Unreachable(format!(
            "Redis at {} is kept busy by another rotation of {}",
            node.address(),
            self.credential
        )))
    }

    async fn stored(&self, node: &mut Node) -> Result<u64, BackendError> {
        let reply = node.ask(&["HGET", &self.key, FENCE]).await?;
        let stored: Option<u64> = from_redis_value_ref(&reply).map_err(|_| {
            BackendError::Refused(format!(
                "the key {} in Redis at {} is not what a rotation wrote: delete it",
                self.key,
                node.address()
            ))
        })?;
        Ok(stored.unwrap_or(0))
    }
}

/// Whether a change of `username` is unfinished on some node.
pub(super) async fn is_unfinished(
    primary: &mut Node,
    credential: &str,
    username: &str,
) -> Result<bool, BackendError> {
    let reply = primary
        .ask(&["HGET", &key(credential), &mark(username)])
        .await?;
    Ok(reply != Value::Nil)
}

/// The key of a credential's fence.
pub(super) fn key(credential: &str) -> String {
    format!("reportapp:fence:{credential}")
}

fn mark(username: &str) -> String {
    format!("unsaved:{username}")
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().copied().map(str::to_owned).collect()
}
