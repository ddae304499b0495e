//! Every way an address can be wrong, by code and field.

use http_body_util::BodyExt;
use reportapp_pool::Pool;
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::*;
use crate::model::Company;
use crate::reports::read;
use crate::test_support::open;

const FILE: &str = "\
id: x
title: {ro: X, en: X}
period: range
parameters:
- {name: account, title: {ro: Cont, en: Account}, kind: text, required: true}
- {name: least, title: {ro: Minim, en: At least}, kind: amount, default: 10}
- {name: side, title: {ro: Parte, en: Side}, kind: choice, choices: [{value: a, title: {ro: A, en: A}}]}
columns:
- {name: cont, title: {ro: Cont, en: Account}, kind: text}
- {name: sold, title: {ro: Sold, en: Balance}, kind: amount}
- {name: zi, title: {ro: Zi, en: Day}, kind: date}
- {name: da, title: {ro: Da, en: Yes}, kind: boolean}
sort: [-sold]
queries:
  sqlite: SELECT cont, sold, zi, da FROM t WHERE a = :company AND b = :from AND c = :account AND d = :least AND e = :side
";

async fn books() -> (tempfile::TempDir, Books) {
    let folder = tempfile::tempdir().unwrap();
    let pool: Pool = open(&folder.path().join("erp.sqlite"), false).await;
    let company = Company {
        server: "main".to_owned(),
        id: "alfa".to_owned(),
        name: "Alfa".to_owned(),
        tax_id: String::new(),
        currency: "RON".to_owned(),
    };
    let books = Books {
        server: crate::erp::Server::new("main", pool),
        company,
        periods: vec![Period {
            year: 2025,
            month: 3,
        }],
    };
    (folder, books)
}

fn asked(query: &str) -> Asked {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    Asked::new(pairs.collect())
}

const GOOD: &str = "server=main&company=alfa&from=2025-01-01&to=2025-03-31&account=4111";

#[tokio::test]
async fn a_good_address_becomes_arguments_and_a_view() {
    let (_folder, books) = books().await;
    let report = Arc::new(read("x.yaml", FILE).unwrap());
    let query = format!(
        "{GOOD}&sort=cont&q=Șerb&filter=sold:gt:0&filter=cont:empty&page=2&pageSize=5&side="
    );
    let ask = asked(&query).of(&report, &books).unwrap();
    assert_eq!(ask.arguments["company"], Value::from("alfa"));
    assert_eq!(
        ask.arguments["to"],
        Value::Date(jiff::civil::date(2025, 3, 31))
    );
    assert_eq!(ask.arguments["least"], Value::Decimal(Decimal::TEN));
    assert_eq!(ask.arguments.get("side"), None, "an empty one is not there");
    let order: Vec<(usize, bool)> = ask
        .view
        .order
        .iter()
        .map(|o| (o.column, o.is_descending))
        .collect();
    assert_eq!(order, [(0, false), (1, true), (2, false), (3, false)]);
    assert_eq!((ask.view.page, ask.view.page_size), (2, 5));
    assert_eq!(ask.view.search.as_deref(), Some("Șerb"));
    assert_eq!(
        ask.view.filters[0].test,
        Test::Is(Comparison::Gt, Value::Decimal(Decimal::ZERO))
    );
    assert_eq!(ask.view.filters[1].test, Test::Empty);
    let plain = asked(GOOD).of(&report, &books).unwrap();
    assert_eq!((plain.view.page, plain.view.page_size), (1, 100));
}

/// A part of a good address, what stands there instead, and how that is refused.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("&account=4111", "", "ParameterMissing", "account"),
    ("&account=4111", "&account=", "ParameterMissing", "account"),
    (
        "&account=4111",
        "&account=1&least=x",
        "ParameterInvalid",
        "least",
    ),
    (
        "&account=4111",
        "&account=1&side=b",
        "ParameterInvalid",
        "side",
    ),
    (
        "&account=4111",
        "&account=1&acount=2",
        "ParameterInvalid",
        "acount",
    ),
    (
        "&account=4111",
        "&account=1&account=2",
        "ParameterInvalid",
        "account",
    ),
    (
        "&account=4111",
        "&account=1&year=2025",
        "ParameterInvalid",
        "year",
    ),
    ("&from=2025-01-01", "", "InvalidPeriod", "from"),
    ("&from=2025-01-01", "&from=soon", "InvalidPeriod", "from"),
    (
        "&from=2025-01-01",
        "&from=2025-04-01",
        "InvalidPeriod",
        "to",
    ),
    (
        "&from=2025-01-01",
        "&from=1066-10-14",
        "InvalidPeriod",
        "from",
    ),
    ("&to=2025-03-31", "&to=2025-03-32", "InvalidPeriod", "to"),
    ("&account", "&sort=sum&account", "SortUnknown", "sort"),
    ("&account", "&sort=-,cont&account", "SortUnknown", "sort"),
    (
        "&account",
        "&filter=sum:eq:1&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=sold&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=sold:is:1&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=sold:eq:x&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=sold:eq:1.234&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=sold:contains:1&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=zi:eq:31.12.2025&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=da:gt:true&account",
        "FilterInvalid",
        "filter",
    ),
    (
        "&account",
        "&filter=da:eq:yes&account",
        "FilterInvalid",
        "filter",
    ),
    ("&account", "&page=0&account", "PageInvalid", "page"),
    ("&account", "&page=x&account", "PageInvalid", "page"),
    (
        "&account",
        "&pageSize=100001&account",
        "PageInvalid",
        "pageSize",
    ),
];

#[tokio::test]
async fn every_wrong_address_is_refused_by_code_and_field() {
    let (_folder, books) = books().await;
    let report = Arc::new(read("x.yaml", FILE).unwrap());
    for (part, other, code, field) in WRONG.iter().copied() {
        assert!(GOOD.contains(part));
        let error = asked(&GOOD.replace(part, other))
            .of(&report, &books)
            .unwrap_err();
        assert_eq!(error.code(), code, "{other}: {error}");
        let response = error.into_response();
        assert_eq!(response.status(), 400, "{other}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["field"], field, "{other}: {problem}");
    }
    let long = format!("{GOOD}&q={}", "x".repeat(201));
    assert_eq!(
        asked(&long).of(&report, &books).unwrap_err().code(),
        "FilterInvalid"
    );
    let many = format!("{GOOD}{}", "&filter=cont:empty".repeat(21));
    assert_eq!(
        asked(&many).of(&report, &books).unwrap_err().code(),
        "FilterInvalid"
    );
}

#[tokio::test]
async fn a_month_outside_of_the_books_is_refused() {
    let (_folder, books) = books().await;
    let monthly = FILE.replace("period: range", "period: month");
    let report = Arc::new(read("x.yaml", &monthly).unwrap());
    let at = |month: &str| asked(&format!("company=alfa&account=1&{month}")).of(&report, &books);
    assert!(at("year=2025&month=3").is_ok());
    assert_eq!(at("year=2025&month=4").unwrap_err().code(), "PeriodUnknown");
    for bad in [
        "year=2025&month=13",
        "year=x&month=3",
        "month=3",
        "year=2025",
    ] {
        assert_eq!(at(bad).unwrap_err().code(), "InvalidPeriod", "{bad}");
    }
    assert_eq!(
        at("from=2025-03-01").unwrap_err().code(),
        "ParameterInvalid"
    );
}
