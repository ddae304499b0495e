//! The cluster's addresses, and the node's own network inside its namespace.
//!
//! The node's address sits on one end of a virtual cable whose other end hangs loose: nothing
//! leaves the machine, and addresses that are nobody's are refused at once.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::cluster::command;

/// The node.
pub(crate) const NODE: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 2);
/// The API server, on the node.
pub(crate) const API_PORT: u16 = 6443;
/// Services.
pub(crate) const SERVICES: &str = "10.96.0.0/16";
/// The API server's own Service.
pub(crate) const API_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// DNS.
pub(crate) const DNS_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
/// Pods.
pub(crate) const PODS: &str = "10.244.0.0/16";

/// Brings the node's network up.
pub(super) async fn prepare() -> Result<()> {
    // The route for Services is never taken: their addresses are rewritten on the way out,
    // but the kernel looks for a route before.
    let batch = format!(
        "link set lo up\n\
         link add eth0 type veth peer name eth0-end\n\
         address add {NODE}/24 dev eth0\n\
         link set eth0 up\n\
         link set eth0-end up\n\
         route add {SERVICES} dev eth0\n\
         route add unreachable default\n"
    );
    let mut ip = Command::new("ip");
    command::run_with_input(ip.args(["-batch", "-"]), &batch).await?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("failed to switch forwarding on")
}
