//! Rotations on the running application: no request fails, whatever is in the way, and the old login
//! is dead afterwards, which its backend says and not the operator.
//!
//! ```text
//! held = the login in use ─┐
//! traffic ─────────────────┼─ SecretRotation ── watched to its end ── held is refused ── 0 failed
//! something in the way ────┘
//! ```

mod canary;
pub mod dry_run;
mod emergency;
mod every_credential;
pub mod held;
mod in_place;
mod killed;
mod ledger;
mod midway;
mod obstacle;
mod obstacles;
pub mod order;
mod runbook;
mod stopped;
mod token;
mod vault;

use crate::scenarios::{Scenario, scenario};

/// The scenarios of rotations. The dry run comes first, as it must not even make a ledger.
pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario!(
            Cluster,
            "a dry run shows the plan and changes nothing",
            dry_run::changes_nothing
        ),
        scenario!(
            Cluster,
            "nobody asks for a rotation in the name of somebody else",
            order::in_ones_own_name
        ),
        scenario!(
            Cluster,
            "every credential rotates without one failed request",
            every_credential::rotates
        ),
        scenario!(
            Cluster,
            "an operator killed at every step goes on",
            killed::goes_on
        ),
        scenario!(
            Cluster,
            "an emergency blocks the leaked login within five seconds",
            emergency::blocks
        ),
        scenario!(
            Cluster,
            "a password that changes in place says for how long it opened nothing, and the old one is dead",
            in_place::measures_its_outage
        ),
        scenario!(
            Cluster,
            "an emergency ends every token of the leaked signing key before its time",
            emergency::ends_tokens
        ),
        scenario!(
            Cluster,
            "a quota that admits no pod ends a rotation without harm",
            obstacles::pods_do_not_start
        ),
        scenario!(
            Cluster,
            "an image that does not exist stalls a rotation until it is mended",
            midway::image_does_not_exist
        ),
        scenario!(
            Cluster,
            "pods that crash stall a rotation until they are mended",
            midway::pods_crash
        ),
        scenario!(
            Cluster,
            "edits, an upgrade and a budget do not disturb a rotation",
            midway::edits_and_upgrades
        ),
        scenario!(
            Cluster,
            "a database that refuses stalls a rotation with the statement to run",
            obstacles::database_refuses
        ),
        scenario!(
            Cluster,
            "a rotation that was deleted stops at a safe place",
            stopped::at_a_safe_place
        ),
        scenario!(
            Cluster,
            "the canary finds a login that was changed by hand",
            canary::is_rejected
        ),
        scenario!(
            Cluster,
            "the canary has a refused login replaced if the spec says so",
            canary::is_repaired
        ),
        scenario!(
            Cluster,
            "the four roles of the runbook rotate together, and each workload starts once",
            runbook::rotates
        ),
        scenario!(
            Cluster,
            "Vault: rotations wait while it is sealed and log in again, and others are given the value",
            vault::waits::for_vault
        ),
        scenario!(
            Cluster,
            "Vault: an emergency blocks the leaked login while it is sealed",
            vault::blocked::without_ledger
        ),
    ]
}
