//! Actions that somebody deletes: at every point, what was changed is whole or untouched, nothing follows
//! it, and the same action under another name finds the way free.

use reportapp_crds::one_shot::Phase;
use reportapp_operator::action::runner::{State, pass};
use reportapp_session::directory::Kind;

use crate::cluster::{Cluster, Person, UNTOUCHED};
use crate::crash_points::{Case, every_type};
use crate::crashing::{ended, run, run_until};

/// Ticks after which a workload that still moves never settles.
const MOST_TICKS: usize = 50;

/// What somebody who was changed looks like.
fn changed(kind: Kind) -> Person {
    Person {
        active: kind != Kind::Disable,
        must_reset: kind == Kind::ForceReset,
        sessions: 0,
    }
}

/// Whether nothing is halfway: Ana as she was, as one whole change leaves her, or put back without her
/// sessions of before.
fn is_whole(ana: Person) -> bool {
    let put_back = Person {
        sessions: 0,
        ..UNTOUCHED
    };
    [
        UNTOUCHED,
        put_back,
        changed(Kind::Disable),
        changed(Kind::ForceReset),
    ]
    .contains(&ana)
}

/// Lets time go by until no pod is on its way.
fn settle(cluster: &Cluster) {
    for _ in 0..MOST_TICKS {
        if !cluster.is_moving() {
            return;
        }
        cluster.tick();
    }
    panic!("pods are on their way for ever");
}

/// Deletes the action when so many effects have happened; `false`: it ends before.
async fn cancel(case: &Case, number: usize) -> bool {
    let cluster = Cluster::new();
    let order = case.create(&cluster, "cancelled").await;
    let earlier = cluster.revocations().len();
    if !run_until(&cluster, "cancelled", &order, number).await {
        return false;
    }
    let what = format!("{case:?} deleted after effect {number}");
    let (restarts, revoked, ana) = (
        cluster.restarts(),
        cluster.revocations(),
        cluster.person("ana"),
    );
    cluster.delete("cancelled");
    settle(&cluster);
    assert!(is_whole(ana), "{what}: {ana:?}");
    assert_eq!(cluster.person("ana"), ana, "{what}");
    assert_eq!(cluster.person("bob"), UNTOUCHED, "{what}");
    assert!(revoked.len() <= earlier + 1, "{what}: {revoked:?}");
    assert_eq!(cluster.revocations(), revoked, "{what}");
    assert_eq!(cluster.rotations().0, 0, "{what}: its rotation is left");
    assert_eq!(cluster.restarts(), restarts, "{what}: another was marked");
    for foreign in ["lock:task:1", "perm:user:1"] {
        assert!(cluster.keys().contains(&foreign.to_owned()), "{what}");
    }

    let next = cluster.create("next", case.spec.clone());
    let first = pass(&cluster.hand("next"), &next, cluster.now()).await;
    assert!(
        !matches!(first.state, State::Queued(_)),
        "{what}: {first:?}"
    );
    let (found, _) = run(&cluster, "next", &next, None).await;
    assert_eq!(ended(&found), Some(Phase::Succeeded), "{what}: {found:?}");
    true
}

#[tokio::test]
async fn an_action_that_is_deleted_leaves_a_whole_state_and_holds_nobody_up() {
    for case in every_type() {
        let mut number = 0;
        while cancel(&case, number).await {
            number += 1;
        }
        assert!(number > 1, "{case:?} has {number} effects");
    }
}
