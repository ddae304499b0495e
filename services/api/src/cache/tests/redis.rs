//! The second level: shared by processes, worth nothing once emptied, and missed by nobody when it is away.

use super::*;

/// Redis has so many keys of ours; they come a moment after the answer.
async fn until_kept(redis: &TestRedis, keys: usize) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let found: Vec<String> = redis.admin(&["KEYS", "shop:*"]).await;
        if found.len() == keys {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{found:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_one_process_asked_another_is_given_until_it_is_emptied() {
    let (erp, redis) = (Erp::start().await, TestRedis::start());
    redis.admin_connection().await;
    let [one, two] = [
        erp.process(Some(&redis)).await,
        erp.process(Some(&redis)).await,
    ];
    let server = erp.server();
    numbers(&one, question(&server), Wish::Any).await;
    let keys = until_kept(&redis, 1).await;
    assert!(keys[0].starts_with("shop:report:facts:v1:"), "{keys:?}");
    let life: i64 = redis.admin(&["PTTL", &keys[0]]).await;
    assert!((1..=600_000).contains(&life), "{life}");
    erp.write("UPDATE facts SET n = 2").await;
    let shared = numbers(&two, question(&server), Wish::Any).await;
    assert_eq!(shared, (vec![1], Origin::Redis));
    let own = numbers(&two, question(&server), Wish::Any).await;
    assert_eq!(own, (vec![1], Origin::Memory));

    // The key is still there, and counts for nothing.
    one.revoke(None).await;
    for cache in [&one, &two] {
        let (answer, _) = numbers(cache, question(&server), Wish::Any).await;
        assert_eq!(answer, [2]);
    }
    assert_eq!(one.counts().of(Count::RedisOutdated), 1);
    assert_eq!(one.sweep(Some("others")).await, Some(0));
    assert_eq!(one.sweep(None).await, Some(1));
    until_kept(&redis, 0).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_costs_no_answer_and_is_not_asked_again_and_again() {
    let (erp, mut redis) = (Erp::start().await, TestRedis::start());
    redis.admin_connection().await;
    let (cache, server) = (erp.process(Some(&redis)).await, erp.server());
    numbers(&cache, question(&server), Wish::Any).await;
    until_kept(&redis, 1).await;
    redis.stop();
    for number in 2..12 {
        // Nothing of it is in memory.
        let whose = Whose::test(Some(&number.to_string()), None);
        erp.write(&format!("UPDATE facts SET n = {number}")).await;
        let answer = numbers(&cache, asked_by(&whose, &server), Wish::Any).await;
        assert_eq!(answer, (vec![number], Origin::Database));
    }
    assert_eq!(cache.redis_answers(), Some(false));
    let [asked, spared] =
        [Count::RedisError, Count::RedisResting].map(|count| cache.counts().of(count));
    assert_eq!(asked + spared, 10);
    assert!(
        asked < 5,
        "{asked}: a machine that pauses for seconds makes it more than one"
    );
    assert_eq!(cache.sweep(None).await, None);
}

#[tokio::test]
async fn what_somebody_else_wrote_under_a_key_is_no_answer() {
    let (erp, redis) = (Erp::start().await, TestRedis::start());
    redis.admin_connection().await;
    let server = erp.server();
    let first = erp.process(Some(&redis)).await;
    numbers(&first, question(&server), Wish::Any).await;
    let key = until_kept(&redis, 1).await.remove(0);
    for foreign in [
        "",
        "x",
        "1{}",
        "2no gzip",
        "1{\"readAt\":\"2100-01-01T00:00:00Z\",\"loaded\":0,\"lifeMs\":9,\"tables\":[]}",
    ] {
        let () = redis.admin(&["SET", &key, foreign]).await;
        let cache = erp.process(Some(&redis)).await;
        let answer = numbers(&cache, question(&server), Wish::Any).await;
        assert_eq!(answer, (vec![1], Origin::Database), "{foreign}");
        assert_eq!(cache.counts().of(Count::RedisOutdated), 1, "{foreign}");
        // It puts the right one in its place, before the next is put there by hand.
        let begin = Instant::now();
        while redis.admin::<Vec<u8>>(&["GET", &key]).await == foreign.as_bytes() {
            assert!(begin.elapsed() < PATIENCE);
            tokio::task::yield_now().await;
        }
    }
}
