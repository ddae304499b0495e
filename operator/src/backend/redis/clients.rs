//! Connections, as `CLIENT LIST` shows them.

use std::collections::BTreeMap;

use ::redis::{Value, from_redis_value_ref};

use super::connection::Node;
use crate::backend::{BackendError, Session};

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// The name it gave itself, else the address it comes from.
    pub(super) who: String,
    /// Seconds since it was made.
    pub(super) age_s: u64,
}

/// Connections of a user on one node.
pub(super) async fn of(node: &mut Node, username: &str) -> Result<Vec<Client>, BackendError> {
    let reply = node.ask(&["CLIENT", "LIST"]).await?;
    let text: String = from_redis_value_ref(&reply).map_err(|_| node.odd("CLIENT LIST"))?;
    Ok(text
        .lines()
        .filter_map(|line| parse(line, username))
        .collect())
}

/// Ends the connections of a user on one node; gives how many there were.
pub(super) async fn kill(node: &mut Node, username: &str) -> Result<u32, BackendError> {
    match node.answer(&["CLIENT", "KILL", "USER", username]).await? {
        Ok(Value::Int(count)) => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
        Ok(_) => Err(node.odd("CLIENT KILL")),
        Err(answer) if answer.text.starts_with("No such user") => Ok(0),
        Err(answer) => Err(BackendError::Refused(format!(
            "Redis at {} refuses CLIENT KILL USER {username}: {}",
            node.address(),
            answer.code
        ))),
    }
}

/// Counts connections by who made them.
pub(super) fn group(clients: &[Client]) -> Vec<Session> {
    let mut counts = BTreeMap::<&str, u32>::new();
    for client in clients {
        *counts.entry(&client.who).or_default() += 1;
    }
    let session = |(client, count): (&str, u32)| Session {
        client: client.to_owned(),
        count,
    };
    counts.into_iter().map(session).collect()
}

/// A line about a connection of `username`; the values hold no spaces.
fn parse(line: &str, username: &str) -> Option<Client> {
    let field = |wanted: &str| {
        let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
        fields.find_map(|(name, value)| (name == wanted).then_some(value))
    };
    if field("user")? != username {
        return None;
    }
    let host = field("addr").map_or("unknown", |address| {
        address.rsplit_once(':').map_or(address, |(host, _)| host)
    });
    let name = field("name").filter(|name| !name.is_empty());
    Some(Client {
        who: name.unwrap_or(host).to_owned(),
        age_s: field("age").and_then(|age| age.parse().ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [&str; 4] = [
        "id=3 addr=10.0.0.7:4711 laddr=10.0.0.2:6379 fd=8 name= age=41 idle=0 flags=N user=shop_a",
        "id=4 addr=10.0.0.7:4712 laddr=10.0.0.2:6379 fd=9 name= age=2 idle=0 flags=N user=shop_a",
        "id=5 addr=[::1]:4713 laddr=[::1]:6379 fd=10 name=worker age=7 idle=0 flags=N user=shop_a",
        "id=6 addr=10.0.0.9:4714 laddr=10.0.0.2:6379 fd=11 name= age=7 idle=0 flags=N user=shop_b",
    ];

    #[test]
    fn connections_of_one_user_are_counted_by_name_or_address() {
        let clients: Vec<_> = LIST
            .iter()
            .filter_map(|line| parse(line, "shop_a"))
            .collect();
        assert_eq!(clients[0].age_s, 41);
        let counted: Vec<_> = group(&clients)
            .into_iter()
            .map(|session| (session.client, session.count))
            .collect();
        assert_eq!(
            counted,
            [("10.0.0.7".to_owned(), 2), ("worker".to_owned(), 1)]
        );
    }

    #[test]
    fn a_user_is_not_another_whose_name_begins_alike() {
        assert_eq!(parse(LIST[0], "shop"), None);
    }
}
