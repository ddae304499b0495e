//! Tier `api`: the operator as a process, with the rights its chart grants, against a real API
//! server. No pod of an application runs here: images do not exist, so what is tested is what the
//! operator decides, writes and reports.

pub mod actions;
mod approvals;
mod autoscaling;
pub mod bad_input;
mod crashes;
pub mod deletion;
pub mod edits;
pub mod faulty_way;
mod foreign;
pub mod leader;
mod migration;
pub mod operator;
mod reports;
pub mod rights;
pub mod rotations;
pub mod sample;
mod schedule;
pub mod snapshot;
pub mod stage;
pub mod withheld;

use super::{Scenario, scenario};

/// The scenarios of this tier.
pub fn scenarios() -> Vec<Scenario> {
    let mut all = of_applications();
    all.extend(of_what_is_carried_out_once());
    all
}

fn of_applications() -> Vec<Scenario> {
    vec![
        scenario!(
            Api,
            "bad input is refused in one list, naming field and remedy",
            bad_input::refused
        ),
        scenario!(
            Api,
            "a Secret without the mark is refused",
            bad_input::unmarked_secret
        ),
        scenario!(
            Api,
            "a workload or a published Secret without the mark is refused, and the application goes on",
            withheld::by_their_owner
        ),
        scenario!(
            Api,
            "a Secret that cannot be read for a while changes nothing",
            withheld::for_a_while
        ),
        scenario!(
            Api,
            "report files that are missing or not lent are refused, and noticed when they come",
            reports::noticed
        ),
        scenario!(
            Api,
            "pods of the API come after the migration of their store",
            migration::comes_first
        ),
        scenario!(
            Api,
            "a host belongs to the older ReportApp",
            bad_input::host_taken
        ),
        scenario!(
            Api,
            "edits there and back end in the same objects",
            edits::there_and_back
        ),
        scenario!(
            Api,
            "an autoscaler takes the number of pods over and gives it back without one being dropped",
            autoscaling::takes_over
        ),
        scenario!(
            Api,
            "each right of the chart is needed",
            rights::each_is_needed
        ),
        scenario!(
            Api,
            "one of two operators leads and hands over",
            leader::hands_over
        ),
        scenario!(
            Api,
            "deleting leaves only what is retained, and says so",
            deletion::leaves_only_retained
        ),
        scenario!(
            Api,
            "deleting ends while databases and Vault are gone, and names the ledgers there",
            deletion::ends_without_backends
        ),
        scenario!(
            Api,
            "a foreign cluster is tested by the same command through KUBECONFIG",
            foreign::runs_the_same
        ),
        scenario!(
            Api,
            "a foreign cluster is left as it was",
            foreign::is_left_as_it_was
        ),
    ]
}

fn of_what_is_carried_out_once() -> Vec<Scenario> {
    vec![
        scenario!(
            Api,
            "a rotation goes on through every fault of the API server",
            rotations::through_faults
        ),
        scenario!(
            Api,
            "an operator that dies around any change of a rotation is followed by one that ends it",
            crashes::of_a_rotation
        ),
        scenario!(
            Api,
            "an operator that dies around any change of an action is followed by one that ends it",
            crashes::of_an_action
        ),
        scenario!(
            Api,
            "a rotation ends with its ReportApp and loses no value",
            rotations::end_with_their_app
        ),
        scenario!(
            Api,
            "a rotation never changes, and a senseless one is refused by name",
            rotations::never_change
        ),
        scenario!(
            Api,
            "finished rotations go but for as many as a credential keeps",
            rotations::are_kept_by_count
        ),
        scenario!(
            Api,
            "a schedule is followed, and tells when it comes next",
            schedule::is_followed
        ),
        scenario!(
            Api,
            "an action that cannot work is refused by name",
            actions::bad_input
        ),
        scenario!(
            Api,
            "only a second person who may approve does",
            approvals::by_a_second_person
        ),
        scenario!(
            Api,
            "the mark of a restart survives whoever applies the Deployment, and a second one waits",
            actions::marks_survive
        ),
        scenario!(
            Api,
            "an action rotates once through every fault of the API server",
            actions::rotate_through_faults
        ),
    ]
}
