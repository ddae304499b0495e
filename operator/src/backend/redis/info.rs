//! What `INFO` tells about a node.

use super::connection::Address;

/// The oldest Redis whose users have rules for channels, which a copy needs to be complete.
pub(super) const OLDEST: (u32, u32) = (6, 2);

/// Facts about a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) version: String,
    pub(super) is_primary: bool,
    pub(super) is_cluster: bool,
    pub(super) replicas: Vec<Address>,
}

impl Info {
    pub(super) fn parse(text: &str) -> Self {
        let lines = || text.lines().filter_map(|line| line.trim().split_once(':'));
        let value =
            |wanted: &str| lines().find_map(|(name, value)| (name == wanted).then_some(value));
        Self {
            version: value("redis_version").unwrap_or_default().to_owned(),
            is_primary: value("role") != Some("slave"),
            is_cluster: value("cluster_enabled") == Some("1"),
            replicas: lines()
                .filter(|(name, _)| is_replica(name))
                .filter_map(|(_, value)| address(value))
                .collect(),
        }
    }

    pub(super) fn is_old(&self) -> bool {
        let mut numbers = self.version.split('.').map(|part| part.parse().ok());
        let major: u32 = numbers.next().flatten().unwrap_or(0);
        let minor: u32 = numbers.next().flatten().unwrap_or(0);
        (major, minor) < OLDEST
    }
}

fn is_replica(name: &str) -> bool {
    name.strip_prefix("slave").is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn address(value: &str) -> Option<Address> {
    let field = |wanted: &str| {
        let mut fields = value.split(',').filter_map(|field| field.split_once('='));
        fields.find_map(|(name, value)| (name == wanted).then_some(value))
    };
    Some(Address {
        host: field("ip")?.to_owned(),
        port: field("port")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_names_its_replicas() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\n# Replication\r\nrole:master\r\n\
             connected_slaves:2\r\n\
             slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r\n\
             slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0\r\n\
             slave_read_repl_offset:14\r\n# Cluster\r\ncluster_enabled:0\r\n",
        );
        let named: Vec<_> = info.replicas.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["10.0.0.2:6379", "fd00::3:6380"]);
        assert!(info.is_primary && !info.is_cluster && !info.is_old());
    }

    #[test]
    fn a_replica_a_cluster_and_an_old_server_are_told_apart() {
        assert!(!Info::parse("redis_version:7.2.4\nrole:slave\n").is_primary);
        assert!(Info::parse("redis_version:7.2.4\ncluster_enabled:1\n").is_cluster);
        assert!(Info::parse("redis_version:6.0.16\n").is_old());
        assert!(Info::parse("").is_old());
    }
}
