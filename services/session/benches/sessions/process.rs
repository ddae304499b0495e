//! One of the eight: keeps its epochs current as an API process does, tries the token it is given a
//! thousand times a second, and says when that was refused.

use std::sync::Arc;
use std::time::Duration;

use reportapp_config::DatabaseConfig;
use reportapp_config::api::RedisConfig;
use reportapp_pool::Pool;
use reportapp_session::Wakes;
use reportapp_session::epochs::{
    Bearer, BootClock, Clock as _, Keeper, Revision, SqlEpochStore, Standing, Terms, Verdict,
};
use reportapp_session::wake::Heard;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// What a process is told as its argument.
#[derive(Deserialize, Serialize)]
pub(crate) struct Settings {
    pub(crate) number: usize,
    pub(crate) store: DatabaseConfig,
    pub(crate) redis: RedisConfig,
}

pub(crate) fn bearer(issued: Revision) -> Bearer<'static> {
    Bearer {
        tenant: Some("5b1f3c80-7f0e-4f6e-9b53-1c1a0a0b7f10"),
        user: "6f1d2c34-4c0e-4d8e-9a53-0f3b8f7f2a10",
        session: "b5a2f9d07c114f0d8e0f6f2f4f2b9a55",
        issued,
    }
}

/// Takes a revision per line, prints `accepted` once a token of it was let in, and the moment it no
/// longer was.
pub(crate) async fn run(settings: &str) {
    let settings: Settings = serde_json::from_str(settings).unwrap();
    let pool = Pool::open("store", &settings.store).await.unwrap();
    let name = format!("bench-{}", settings.number);
    let store = Arc::new(SqlEpochStore::new(pool));
    let keeper = Arc::new(Keeper::start(store, BootClock, name, Terms::default()));
    let wakes = Wakes::new("shop", &settings.redis).unwrap();
    let waker = keeper.waker();
    tokio::spawn(async move {
        loop {
            wakes
                .listen(|heard| {
                    if let Heard::News(revision) = heard {
                        waker(revision);
                    }
                })
                .await;
        }
    });
    while !matches!(keeper.standing(), Standing::Leased(_)) {
        tokio::task::yield_now().await;
    }
    println!("ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let token = bearer(Revision(line.parse().unwrap()));
        while keeper.check(&token).await != Verdict::Accept {}
        println!("accepted");
        while keeper.check(&token).await == Verdict::Accept {
            // Eight that never pause would measure how two processors are shared.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!("{}", BootClock.now().nanos());
    }
}
