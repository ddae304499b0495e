//! The first level: one question for a herd, nothing outdated, nothing of anybody else.

use super::*;

#[tokio::test]
async fn a_herd_is_one_question_even_if_whoever_asked_first_gives_up() {
    let erp = Erp::start().await;
    let cache = erp.process(None).await;
    let (open, server) = erp.slow_server();
    let herd: Vec<_> = (0..20)
        .map(|_| {
            let (cache, question) = (Arc::clone(&cache), question(&server));
            tokio::spawn(async move { numbers(&cache, question, Wish::Any).await })
        })
        .collect();
    cache.until(Count::MemoryMiss, 20).await;
    herd[0].abort();
    open.send(true).unwrap();
    let mut answers = Vec::new();
    for asker in herd {
        answers.extend(asker.await);
    }
    assert_eq!(answers.len(), 19, "nobody else was given up");
    assert!(
        answers
            .iter()
            .all(|answer| *answer == (vec![1], Origin::Database))
    );
    assert_eq!((cache.reads(), cache.counts().joins()), (1, 19));
    let again = numbers(&cache, question(&server), Wish::Any).await;
    assert_eq!(again, (vec![1], Origin::Memory));
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_not_kept() {
    let erp = Erp::start().await;
    let cache = erp.process(None).await;
    erp.write("ALTER TABLE facts RENAME TO hidden").await;
    let (open, server) = erp.slow_server();
    let herd: Vec<_> = (0..3)
        .map(|_| {
            let (cache, question) = (Arc::clone(&cache), question(&server));
            tokio::spawn(async move { cache.ask(question, Wish::Any).await.map(drop) })
        })
        .collect();
    cache.until(Count::MemoryMiss, 3).await;
    open.send(true).unwrap();
    for asker in herd {
        let error = asker.await.unwrap().unwrap_err();
        assert_eq!(error.code(), "ReportFailed");
    }
    assert_eq!(cache.counts().of(Count::DatabaseError), 1);
    erp.write("ALTER TABLE hidden RENAME TO facts").await;
    let answer = numbers(&cache, question(&server), Wish::Any).await;
    assert_eq!(answer, (vec![1], Origin::Database));
}

#[tokio::test]
async fn after_a_refresh_everybody_is_given_the_new_answer() {
    let erp = Erp::start().await;
    let (cache, server) = (erp.process(None).await, erp.server());
    numbers(&cache, question(&server), Wish::Any).await;
    erp.write("UPDATE facts SET n = 2").await;
    let old = numbers(&cache, question(&server), Wish::Any).await;
    assert_eq!(old, (vec![1], Origin::Memory));
    let fresh = numbers(&cache, question(&server), Wish::Fresh).await;
    assert_eq!(fresh, (vec![2], Origin::Database));
    let kept = numbers(&cache, question(&server), Wish::Any).await;
    assert_eq!(kept, (vec![2], Origin::Memory));
}

#[tokio::test]
async fn what_was_emptied_is_given_to_nobody_in_any_process() {
    for (name, is_emptied) in [(None, true), (Some("facts"), true), (Some("others"), false)] {
        let erp = Erp::start().await;
        let processes = [erp.process(None).await, erp.process(None).await];
        let server = erp.server();
        for cache in &processes {
            numbers(cache, question(&server), Wish::Any).await;
        }
        erp.write("UPDATE facts SET n = 2").await;
        processes[0].revoke(name).await;
        for cache in &processes {
            let (answer, _) = numbers(cache, question(&server), Wish::Any).await;
            assert_eq!(answer, [if is_emptied { 2 } else { 1 }], "{name:?}");
        }
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_was_asked_for_before_caches_were_emptied() {
    let erp = Erp::start().await;
    let cache = erp.process(None).await;
    let (open, server) = erp.slow_server();
    let early = tokio::spawn({
        let (cache, question) = (Arc::clone(&cache), question(&server));
        async move { numbers(&cache, question, Wish::Any).await }
    });
    cache.until(Count::MemoryMiss, 1).await;
    cache.revoke(None).await;
    let late = tokio::spawn({
        let (cache, question) = (Arc::clone(&cache), question(&server));
        async move { numbers(&cache, question, Wish::Any).await }
    });
    cache.until(Count::MemoryMiss, 2).await;
    open.send(true).unwrap();
    early.await.unwrap();
    late.await.unwrap();
    assert_eq!((cache.reads(), cache.counts().joins()), (2, 0));
}

#[tokio::test]
async fn people_of_another_tenant_or_of_an_erp_are_given_answers_of_their_own() {
    let erp = Erp::start().await;
    let (cache, server) = (erp.process(None).await, erp.server());
    let everybody = [
        Whose::test(None, None),
        Whose::test(Some("acme"), None),
        Whose::test(Some("main"), None),
        Whose::test(None, Some("main")),
    ];
    for whose in &everybody {
        let (_, origin) = numbers(&cache, asked_by(whose, &server), Wish::Any).await;
        assert_eq!(origin, Origin::Database, "{whose:?}");
    }
    let (_, origin) = numbers(&cache, asked_by(&everybody[1], &server), Wish::Any).await;
    assert_eq!(origin, Origin::Memory);
}

#[tokio::test]
async fn a_report_that_does_not_say_how_long_is_asked_for_each_time() {
    let erp = Erp::start().await;
    let (cache, server) = (erp.process(None).await, erp.server());
    for more in ["", "cache: 0"] {
        for _ in 0..2 {
            let asks = vec![ask(&report("facts", more))];
            let question = Question::tables("facts", &Whose::test(None, None), &server, asks);
            let (_, origin) = numbers(&cache, question, Wish::Any).await;
            assert_eq!(origin, Origin::Database, "{more}");
        }
    }
}

#[tokio::test]
async fn however_much_is_asked_memory_is_bounded_and_what_goes_is_counted() {
    let erp = Erp::start().await;
    let epochs = Arc::clone(&erp.process(None).await.epochs);
    let metrics = CacheMetrics::register(&Registry::new()).unwrap();
    let config = CacheConfig {
        memory_mib: 1,
        ..CacheConfig::default()
    };
    let cache = Arc::new(Cache::new(&config, &epochs, None, metrics));
    let text = "x".repeat(2_000);
    let report = report("facts", "cache: 600");
    for number in 0..2_000_usize {
        let mut ask = ask(&report);
        ask.arguments
            .insert("n".to_owned(), Value::Text(number.to_string()));
        let row = vec![Cell::Text(text.clone())];
        let table = Table {
            report: Arc::clone(&report),
            rows: Arc::from([row]),
            total_rows: 1,
            totals: Default::default(),
            found: Found {
                read_at: Timestamp::now(),
                origin: Origin::Database,
            },
        };
        let what = kept::What::Tables(vec![table]);
        let kept = Kept::new(what, Timestamp::now(), Revision(0), PATIENCE);
        let server = erp.server();
        let key = Key::of_tables("facts", &Whose::test(None, None), &server, &[ask]);
        cache.memory.put(&key, &Arc::new(kept));
        assert!(cache.extent().bytes <= cache.capacity());
    }
    let (extent, evicted) = (cache.extent(), cache.counts().evicted());
    assert_eq!(extent.entries + evicted, 2_000);
    assert!(extent.entries > 100, "{extent:?}");
    cache.sweep(Some("facts")).await;
    assert_eq!(cache.extent(), Extent::default());
}
