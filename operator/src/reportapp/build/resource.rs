//! One builder per kind of object.

pub mod autoscaler;
pub mod config_map;
pub mod deployment;
pub mod disruption_budget;
pub mod ingress;
pub mod job;
pub mod network_policy;
pub mod secret;
pub mod service;
pub mod service_account;
pub mod volume_claim;
