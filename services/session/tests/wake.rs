//! Wake-ups and requests over a real Redis: heard, named once, and back after every fault.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use reportapp_session::epochs::Revision;
use reportapp_session::testing::{TestLink, TestRedis, USERNAME};
use reportapp_session::wake::caches::Caches;
use reportapp_session::wake::{Channel, Heard};
use reportapp_session::{SessionError, Wakes};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PATIENCE: Duration = Duration::from_secs(30);

/// Listens in the background, again and again, and hands over what is heard.
fn listening(wakes: &Arc<Wakes>) -> UnboundedReceiver<Result<Heard, SessionError>> {
    let (tell, heard) = unbounded_channel();
    let wakes = Arc::clone(wakes);
    tokio::spawn(async move {
        loop {
            let error = wakes.listen(|heard| drop(tell.send(Ok(heard)))).await;
            if tell.send(Err(error)).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    heard
}

/// The next thing heard that is not about the connection.
async fn next(heard: &mut UnboundedReceiver<Result<Heard, SessionError>>) -> Heard {
    let wanted = async {
        loop {
            match heard.recv().await.unwrap() {
                Ok(Heard::Listening { .. }) | Err(_) => {}
                Ok(other) => return other,
            }
        }
    };
    tokio::time::timeout(PATIENCE, wanted).await.unwrap()
}

async fn until_listening(heard: &mut UnboundedReceiver<Result<Heard, SessionError>>) -> Heard {
    let wanted = async {
        loop {
            if let Ok(listening @ Heard::Listening { .. }) = heard.recv().await.unwrap() {
                return listening;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wanted).await.unwrap()
}

fn wakes(server: &TestRedis) -> Arc<Wakes> {
    Arc::new(Wakes::new("shop", &server.config()).unwrap())
}

#[tokio::test]
async fn what_one_process_tells_and_what_somebody_types_is_heard_by_another() {
    let server = TestRedis::start();
    let (one, other) = (wakes(&server), wakes(&server));
    let mut heard = listening(&one);
    let all = Heard::Listening { requests: Ok(()) };
    assert_eq!(until_listening(&mut heard).await, all);
    other.tell(Revision(7)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::News(Revision(7)));
    // Nobody else's words are news.
    let () = server.admin(&["PUBLISH", "shop:epochs", "later"]).await;
    for channel in Channel::ALL {
        let () = server.admin(&["PUBLISH", channel.as_str(), "words"]).await;
        let payload = b"words".to_vec();
        assert_eq!(next(&mut heard).await, Heard::Request { channel, payload });
    }
}

#[tokio::test]
async fn a_login_without_the_channels_of_the_original_still_hears_our_own() {
    let rules = "~shop:* &shop:* +@read +@write +subscribe +publish";
    let server = TestRedis::start_with(rules);
    let wakes = wakes(&server);
    let mut heard = listening(&wakes);
    let Heard::Listening {
        requests: Err(refused),
    } = until_listening(&mut heard).await
    else {
        panic!("the other channels are not allowed");
    };
    assert!(
        matches!(refused, SessionError::LoginRefused { .. }),
        "{refused}"
    );
    wakes.tell(Revision(1)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::News(Revision(1)));
}

#[tokio::test]
async fn a_login_without_any_channel_is_told_so() {
    let server = TestRedis::start_with("~shop:* +@read +@write");
    let wakes = wakes(&server);
    let _answers = server.admin_connection().await;
    let error = wakes.listen(|heard| panic!("{heard:?}")).await;
    assert!(
        matches!(error, SessionError::LoginRefused { .. }),
        "{error}"
    );
    let error = wakes.tell(Revision(1)).await.unwrap_err();
    assert!(
        matches!(error, SessionError::LoginRefused { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn listening_goes_on_after_a_cut_a_restart_and_a_stall() {
    let mut server = TestRedis::start();
    let link = TestLink::to(server.port()).await;
    let config = server.config_through(link.port());
    let listener = Arc::new(Wakes::new("shop", &config).unwrap());
    let mut heard = listening(&listener);
    until_listening(&mut heard).await;

    link.cut();
    while heard.recv().await.unwrap().is_ok() {}
    link.mend();
    until_listening(&mut heard).await;
    wakes(&server).tell(Revision(1)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::News(Revision(1)));

    server.stop();
    server.restart();
    until_listening(&mut heard).await;
    wakes(&server).tell(Revision(2)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::News(Revision(2)));

    // Nothing arrives and nothing breaks: the silence is noticed, and what waited is not relied upon.
    link.stall();
    let silence = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap();
    assert!(matches!(silence, Some(Err(_))), "{silence:?}");
    link.mend();
    until_listening(&mut heard).await;
    wakes(&server).tell(Revision(3)).await.unwrap();
    assert_eq!(next(&mut heard).await, Heard::News(Revision(3)));
}

#[tokio::test]
async fn whoever_listens_dials_with_the_credential_as_it_is_then() {
    let server = TestRedis::start();
    let listener = wakes(&server);
    let mut heard = listening(&listener);
    until_listening(&mut heard).await;
    let rules = ["~shop:*", "&*", "+@read", "+subscribe", "+publish"];
    let user = [
        &["ACL", "SETUSER", "reportapp_b", "on", ">other"],
        &rules[..],
    ]
    .concat();
    let () = server.admin(&user).await;
    std::fs::write(server.folder().join("username"), "reportapp_b").unwrap();
    std::fs::write(server.folder().join("password"), "other").unwrap();
    let () = server.admin(&["ACL", "SETUSER", USERNAME, "off"]).await;
    let () = server.admin(&["CLIENT", "KILL", "USER", USERNAME]).await;
    until_listening(&mut heard).await;
    let clients: String = server.admin(&["CLIENT", "LIST"]).await;
    assert!(clients.contains("user=reportapp_b"), "{clients}");
    assert!(!clients.contains("user=reportapp_a"), "{clients}");
}

#[tokio::test]
async fn everybody_who_hears_a_request_gives_it_the_same_name_and_one_of_them_gave_it() {
    let server = TestRedis::start();
    let processes: Vec<_> = (0..8).map(|_| wakes(&server)).collect();
    let _answers = server.admin_connection().await;
    let mut names = Vec::new();
    for process in &processes {
        names.push(process.name("d1").await.unwrap());
    }
    assert!(
        names.iter().all(|name| name.text == names[0].text),
        "{names:?}"
    );
    assert_eq!(names.iter().filter(|name| name.is_ours).count(), 1);
    let another = processes[0].name("d2").await.unwrap();
    assert_ne!(another.text, names[0].text);
    // Typed again later, it is another request.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while processes[0].name("d1").await.unwrap().text == names[0].text {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn caches_go_and_everything_else_stays() {
    let server = TestRedis::start();
    let wakes = wakes(&server);
    let mut admin = server.admin_connection().await;
    let stays = [
        "shop:session:1",
        "shop:lock:1",
        "shop:rate:1",
        "bank:dash:1",
        "dash:core:1",
    ];
    let goes: Vec<String> = (0..2_500).map(|n| format!("shop:dash:core:{n}")).collect();
    let mut fill = redis::pipe();
    for key in stays.iter().copied().chain(goes.iter().map(String::as_str)) {
        fill.set(key, "1").ignore();
    }
    fill.set("shop:perm:user:1", "1").ignore();
    let () = fill.query_async(&mut admin).await.unwrap();

    let pattern = Caches::Pattern("dash:core:1*".to_owned());
    let with_one = goes.iter().filter(|key| key.contains("core:1")).count();
    assert_eq!(wakes.forget(&pattern).await.unwrap(), with_one as u64);
    let keys = Caches::Keys(vec![
        "dash:core:2".to_owned(),
        "shop:dash:core:3".to_owned(),
    ]);
    assert_eq!(wakes.forget(&keys).await.unwrap(), 2);
    let rest = goes.len() - with_one - 2 + 1;
    assert_eq!(wakes.forget(&Caches::All).await.unwrap(), rest as u64);
    for refused in ["*", "session:*", "shop:*"] {
        let pattern = Caches::Pattern(refused.to_owned());
        assert_eq!(wakes.forget(&pattern).await.unwrap(), 0, "{refused}");
    }
    let mut left: Vec<String> = server.admin(&["KEYS", "*"]).await;
    left.sort_unstable();
    let mut stays = stays.map(str::to_owned);
    stays.sort_unstable();
    assert_eq!(left, stays);
}
