//! What the check costs each request: CPU time of one thread that does nothing else.

use std::time::Duration;

use reportapp_session::epochs::{BootClock, Keeper, Scope, Standing, Terms, Verdict};
use rustix::time::{ClockId, clock_gettime};

use crate::crowd::Crowd;
use crate::process::bearer;
use reportapp_session::epochs::EpochStore as _;

const CHECKS: u32 = 1_000_000;
const REVOKED_USERS: u32 = 10_000;

pub(crate) async fn print(crowd: &Crowd) {
    let users = (0..REVOKED_USERS).map(|number| Scope::User(format!("user-{number}")));
    let users: Vec<Scope> = users.collect();
    crowd
        .store
        .raise("the cost of a check", &users)
        .await
        .unwrap();
    let store = std::sync::Arc::clone(&crowd.store);
    let keeper = Keeper::start(store, BootClock, "bench-check", Terms::default());
    while !matches!(keeper.standing(), Standing::Leased(_)) {
        tokio::task::yield_now().await;
    }
    let issued = keeper.stamp().await.unwrap();
    let token = bearer(issued);
    let begun = cpu();
    let mut accepted = 0_u32;
    for _ in 0..CHECKS {
        accepted += u32::from(keeper.check(&token).await == Verdict::Accept);
    }
    let each = (cpu() - begun) / CHECKS;
    println!(
        "\nThe check of a request, with {REVOKED_USERS} users revoked: {} ns CPU; {accepted} of {CHECKS} were \
         answered from the view of this process",
        each.as_nanos()
    );
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap();
    Duration::new(u64::try_from(time.tv_sec).unwrap(), nanos)
}
