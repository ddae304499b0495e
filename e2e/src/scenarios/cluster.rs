//! Tier `cluster`: the demo application with real pods, databases, Redis and bastion.

pub mod actions;
mod certificate;
pub mod charts;
pub mod conversation;
pub mod credentials;
mod demo_command;
pub mod draining;
pub mod faults;
pub mod hygiene;
pub mod leftovers;
pub mod load;
mod migrator;
pub mod network;
pub mod own_ledger;
pub mod pods;
pub mod quiet;
mod reports;
pub mod restarts;
pub mod rotation;
pub mod subject;
pub mod trial_balance;

use super::{Scenario, scenario};

/// The scenarios of this tier.
pub fn scenarios() -> Vec<Scenario> {
    [
        before(),
        rotation::scenarios(),
        actions::scenarios(),
        after(),
    ]
    .concat()
}

/// What an application does that has never been disturbed.
fn before() -> Vec<Scenario> {
    vec![
        scenario!(
            Cluster,
            "a cluster leaves nothing behind, however it ends",
            leftovers::none
        ),
        scenario!(
            Cluster,
            "the local network enforces NetworkPolicies as Kubernetes defines them",
            network::policies_are_enforced
        ),
        scenario!(
            Cluster,
            "the trial balance of every company and month equals the postings, to the cent",
            trial_balance::equals_postings
        ),
        scenario!(
            Cluster,
            "the ERP's database is reached through the tunnel alone",
            faults::only_through_the_tunnel
        ),
        scenario!(
            Cluster,
            "pods of others reach neither the application's tunnel nor its internal port",
            faults::others_are_kept_out
        ),
        scenario!(
            Cluster,
            "a ledger of one's own is loaded whole or not at all",
            own_ledger::loads
        ),
        scenario!(
            Cluster,
            "a linked chat is told the balance",
            conversation::balance
        ),
        scenario!(
            Cluster,
            "a rolling restart loses no request",
            draining::loses_nothing
        ),
        scenario!(
            Cluster,
            "a renewed certificate is served by running pods without one failed request",
            certificate::renewed
        ),
    ]
}

/// What it does with logins that were rotated. The search for values comes last, for it then finds
/// the traces of everything else.
fn after() -> Vec<Scenario> {
    vec![
        scenario!(
            Cluster,
            "a store whose tables get an owner of their own is migrated by a Job before pods rely on it",
            migrator::comes_first
        ),
        scenario!(
            Cluster,
            "a report is added by a ConfigMap without a restart",
            reports::added_without_a_restart
        ),
        scenario!(
            Cluster,
            "an unchanged object causes no write",
            quiet::no_writes
        ),
        scenario!(
            Cluster,
            "20 operator restarts restart no pod",
            restarts::of_the_operator
        ),
        scenario!(
            Cluster,
            "a new operator waits with its templates: UpgradePending",
            restarts::upgrade_pending
        ),
        scenario!(
            Cluster,
            "a refused database login has its own reason and recovers",
            faults::database_login
        ),
        scenario!(
            Cluster,
            "a wrong host key has its own reason and recovers",
            faults::host_key
        ),
        scenario!(
            Cluster,
            "a bastion that is down has its own reason and recovers",
            faults::bastion_down
        ),
        scenario!(
            Cluster,
            "a database that is down has its own reason and recovers",
            faults::database_down
        ),
        scenario!(
            Cluster,
            "charts removed and installed again keep every ReportApp",
            charts::keep_report_apps
        ),
        scenario!(
            Cluster,
            "the demo tells a user, a password and commands that work",
            demo_command::prints_what_works
        ),
        scenario!(
            Cluster,
            "no Secret's value appears in any output",
            hygiene::canaries
        ),
    ]
}
