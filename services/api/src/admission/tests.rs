//! Admission as requests meet it.

use futures::FutureExt;
use reportapp_telemetry::Health;

use super::*;

fn admission() -> Arc<Admission> {
    Arc::new(Admission::register(Health::new("test", "0").registry()).unwrap())
}

async fn fill(admission: &Arc<Admission>) -> Vec<Permit> {
    let mut permits = Vec::new();
    while let Some(permit) = admission.enter(Class::Interactive).now_or_never() {
        permits.push(permit.ok().unwrap());
    }
    permits
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_goes_on_when_somebody_leaves_and_is_turned_away_when_nobody_does() {
    let admission = admission();
    let mut permits = fill(&admission).await;
    assert!(permits.len() >= 10);
    let turn = admission.enter(Class::Interactive);
    let (turn, ()) = tokio::join!(turn, async { drop(permits.pop()) });
    permits.push(turn.ok().unwrap());

    let refused = admission.enter(Class::Export).await.err().unwrap();
    assert_eq!(
        (refused.status(), refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "Overloaded")
    );
    assert_eq!(
        admission.lock().counts(Class::Export),
        (0, 0),
        "nothing is left of it"
    );
    assert!(admission.enter(Class::Essential).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_place_given_to_somebody_who_has_gone_goes_to_the_next() {
    let admission = admission();
    let mut permits = fill(&admission).await;
    let mut gone = Box::pin(admission.enter(Class::Interactive));
    let mut next = Box::pin(admission.enter(Class::Interactive));
    assert!(gone.as_mut().now_or_never().is_none());
    assert!(next.as_mut().now_or_never().is_none());
    // It has the place now, and goes without looking.
    permits.pop();
    drop(gone);
    assert!(next.now_or_never().unwrap().is_ok());
    let (in_hand, waiting) = admission.lock().counts(Class::Interactive);
    assert_eq!((in_hand, waiting), (permits.len(), 0));
}
