//! Whatever an answer depends on makes another key, and nothing else does.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::reports::page::{Comparison, Filter, Test};

/// All that an answer depends on, each part one of a few so that two often agree in most.
#[derive(Clone, Debug, PartialEq)]
struct Parts {
    name: usize,
    tenant: Option<usize>,
    account_of: Option<usize>,
    server: usize,
    report: usize,
    company: usize,
    arguments: Vec<(usize, usize)>,
    page: u32,
    page_size: u32,
    search: Option<usize>,
    descends: bool,
    filters: Vec<(bool, usize)>,
    twice: bool,
}

/// Words that would run into each other if they were only joined.
const WORDS: [&str; 4] = ["a", "b", "a\0b", "ab"];

fn parts() -> impl Strategy<Value = Parts> {
    let word = || 0..WORDS.len();
    let opt = || proptest::option::of(word());
    (
        (0..2_usize, opt(), opt(), word(), 0..3_usize, word()),
        proptest::collection::vec((word(), word()), 0..2),
        (1..3_u32, 1..3_u32, opt(), any::<bool>()),
        proptest::collection::vec((any::<bool>(), word()), 0..2),
        any::<bool>(),
    )
        .prop_map(|(whose, arguments, view, filters, twice)| Parts {
            name: whose.0,
            tenant: whose.1,
            account_of: whose.2,
            server: whose.3,
            report: whose.4,
            company: whose.5,
            arguments,
            page: view.0,
            page_size: view.1,
            search: view.2,
            descends: view.3,
            filters,
            twice,
        })
}

/// One part changed, or none.
fn pair() -> impl Strategy<Value = (Parts, Parts)> {
    (parts(), parts(), 0..14_usize).prop_map(|(one, other, which)| {
        let mut two = one.clone();
        match which {
            0 => two.name = other.name,
            1 => two.tenant = other.tenant,
            2 => two.account_of = other.account_of,
            3 => two.server = other.server,
            4 => two.report = other.report,
            5 => two.company = other.company,
            6 => two.arguments = other.arguments,
            7 => two.page = other.page,
            8 => two.page_size = other.page_size,
            9 => two.search = other.search,
            10 => two.descends = other.descends,
            11 => two.filters = other.filters,
            12 => two.twice = other.twice,
            _ => two = other,
        }
        (one, two)
    })
}

fn key(parts: &Parts, pool: &Pool, reports: &[Arc<Report>; 3]) -> Key {
    let word = |index: &usize| WORDS[*index];
    let report = &reports[parts.report];
    let mut ask = ask(report);
    ask.arguments
        .insert("company".to_owned(), Value::from(word(&parts.company)));
    for (name, value) in &parts.arguments {
        ask.arguments
            .insert(format!("p{name}"), Value::from(word(value)));
    }
    ask.view.page = parts.page;
    ask.view.page_size = parts.page_size;
    ask.view.search = parts.search.as_ref().map(|search| word(search).to_owned());
    ask.view.order[0].is_descending = parts.descends;
    let filters = parts.filters.iter().map(|(contains, text)| Filter {
        column: 0,
        test: match contains {
            true => Test::Contains(word(text).to_owned()),
            false => Test::Is(Comparison::Eq, Value::from(word(text))),
        },
    });
    ask.view.filters = filters.collect();
    let whose = Whose::test(
        parts.tenant.as_ref().map(word),
        parts.account_of.as_ref().map(word),
    );
    let server = Server::new(word(&parts.server), pool.clone());
    let asks = vec![ask; if parts.twice { 2 } else { 1 }];
    let name = ["facts", DASHBOARD][parts.name];
    Key::of_tables(name, &whose, &server, &asks)
}

#[tokio::test]
async fn two_answers_share_a_key_exactly_if_they_depend_on_the_same() {
    let erp = Erp::start().await;
    let reports = [
        report("facts", "cache: 600"),
        // The same in another file, and another one.
        report("facts", "cache: 601"),
        report("others", "cache: 600"),
    ];
    let mut runner = TestRunner::new(Config::with_cases(2_000));
    let proven = runner.run(&pair(), |(one, two)| {
        let [first, second] = [&one, &two].map(|parts| key(parts, &erp.pool, &reports));
        prop_assert_eq!(first == second, one == two);
        Ok(())
    });
    proven.unwrap();
}

#[tokio::test]
async fn a_key_is_found_by_whoever_empties_caches() {
    let erp = Erp::start().await;
    let (server, whose) = (erp.server(), Whose::test(None, None));
    let asks = [ask(&report("facts", ""))];
    for (key, name, start) in [
        (
            Key::of_tables("facts", &whose, &server, &asks),
            "facts",
            "report:facts:v1:",
        ),
        (
            Key::of_tables(DASHBOARD, &whose, &server, &asks),
            DASHBOARD,
            "dash:dashboard:v1:",
        ),
        (Key::of_books(&whose, &server, "a"), BOOKS, "meta:books:v1:"),
    ] {
        assert_eq!(key.name(), name);
        assert!(key.as_str().starts_with(start), "{}", key.as_str());
        let found = key::patterns(Some(name)).into_iter();
        let starts: Vec<String> = found.map(|pattern| pattern.replace('*', "")).collect();
        assert!(starts.contains(&start.to_owned()), "{starts:?}");
    }
}
