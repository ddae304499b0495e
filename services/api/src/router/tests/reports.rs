//! Companies, calendar and trial balance through HTTP.

use std::sync::Arc;

use http::StatusCode;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_sample_erp::{DEFAULT_SEED, generate, load, trial_balance};
use serde_json::{Value, json};

use crate::erp::{Server, Servers};
use crate::test_support::{TestApp, open, small_ledger};

#[tokio::test]
async fn companies_are_listed_with_their_server() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let answer = test.get(&token, "/api/companies").await;
    let alfa = json!({"server": "demo", "id": "alfa", "name": "Alfa SRL", "taxId": "RO123", "currency": "RON"});
    assert_eq!(answer.json()[0], alfa);
    let named = test.get(&token, "/api/companies?server=demo").await;
    assert_eq!(named.json(), answer.json());
}

#[tokio::test]
async fn the_calendar_has_every_month_and_the_latest() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let answer = test.get(&token, "/api/calendar?company=alfa").await;
    let month = |month: i8| json!({"year": 2025, "month": month});
    let expected = json!({
        "company": "alfa",
        "periods": [month(1), month(2), month(3)],
        "latest": month(3),
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn the_trial_balance_has_exact_amounts_as_strings() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let path = "/api/trial-balance?company=alfa&year=2025&month=3";
    let body = test.get(&token, path).await.json();
    assert_eq!(body["company"]["name"], "Alfa SRL");
    assert_eq!((&body["year"], &body["month"]), (&json!(2025), &json!(3)));
    let bank = json!({
        "cont": "5121", "denumire": "Conturi la bănci în lei",
        "precdeb": "1000.50", "preccred": "0.00", "ruldeb": "0.01", "rulcred": "0.00",
        "solddeb": "1000.51", "soldcred": "0.00",
    });
    assert_eq!(body["rows"][0], bank);
    assert_eq!(body["rows"][1]["denumire"], Value::Null);
    let totals = json!({
        "precdeb": "1000.50", "preccred": "1000.50", "ruldeb": "0.01", "rulcred": "0.01",
        "solddeb": "1000.51", "soldcred": "1000.51",
    });
    assert_eq!(body["totals"], totals);
}

#[tokio::test]
async fn a_question_about_nothing_names_field_value_and_remedy() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for (path, status, code, field) in [
        ("/api/companies?server=nope", 404, "ServerUnknown", "server"),
        ("/api/calendar", 400, "CompanyMissing", "company"),
        (
            "/api/calendar?company=nope",
            404,
            "CompanyUnknown",
            "company",
        ),
        ("/api/calendar?company=beta", 404, "CompanyEmpty", "company"),
        (
            "/api/trial-balance?company=alfa&year=2025&month=13",
            400,
            "InvalidPeriod",
            "month",
        ),
        (
            "/api/trial-balance?company=alfa&year=x&month=1",
            400,
            "InvalidPeriod",
            "year",
        ),
        (
            "/api/trial-balance?company=alfa&year=2025",
            400,
            "InvalidPeriod",
            "month",
        ),
        (
            "/api/trial-balance?company=alfa&year=2025&month=4",
            404,
            "PeriodUnknown",
            "month",
        ),
        (
            "/api/trial-balance?company='%20OR%201=1&year=2025&month=1",
            404,
            "CompanyUnknown",
            "company",
        ),
    ] {
        let answer = test.get(&token, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert_eq!(answer.code(), code, "{path}");
        assert_eq!(answer.json()["field"], field, "{path}");
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_named_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let missing = open(&folder.path().join("canary-path.sqlite"), true).await;
    let test = TestApp::with(small_ledger(), |app| {
        app.servers = Servers::new(vec![Server::new("main", missing)]);
    })
    .await;
    let token = test.token().await;
    let answer = test.get(&token, "/api/companies").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "DatabaseUnavailable");
    assert!(answer.text.contains("main"));
    assert!(!answer.text.contains("canary"));
}

#[tokio::test]
async fn postgres_and_sqlite_give_the_same_answers() {
    let postgres = TestPostgres::start().await;
    let pool = Pool::open("main", &postgres.config()).await.unwrap();
    load(&pool, &Arc::new(small_ledger())).await.unwrap();
    let test = TestApp::with(small_ledger(), |app| {
        let sqlite = app.servers.all()[0].clone();
        app.servers = Servers::new(vec![sqlite, Server::new("main", pool)]);
    })
    .await;
    let token = test.token().await;
    for path in [
        "/api/companies?",
        "/api/calendar?company=alfa&",
        "/api/trial-balance?company=alfa&year=2025&month=2&",
        "/api/trial-balance?company=alfa&year=2025&month=3&",
    ] {
        let sqlite = test.get(&token, &format!("{path}server=demo")).await;
        let postgres = test.get(&token, &format!("{path}server=main")).await;
        assert_eq!(sqlite.status, StatusCode::OK, "{}", sqlite.text);
        assert_eq!(
            without_origin(postgres.json()),
            without_origin(sqlite.json())
        );
    }
}

/// The answer without what differs from server to server and from second to second.
fn without_origin(mut answer: Value) -> Value {
    let parts = match &mut answer {
        Value::Array(parts) => parts.iter_mut().collect(),
        one => vec![one],
    };
    for part in parts {
        let part = part.as_object_mut().unwrap();
        part.remove("server");
        part.remove("generatedAt");
    }
    answer
}

#[tokio::test]
async fn every_trial_balance_of_the_sample_equals_the_one_computed_from_its_postings() {
    let ledger = generate(DEFAULT_SEED);
    let (companies, postings) = (ledger.companies.clone(), ledger.postings.clone());
    let test = TestApp::with(ledger, |_| {}).await;
    let token = test.token().await;
    let mut compared = 0;
    for company in &companies {
        let calendar = test
            .get(&token, &format!("/api/calendar?company={}", company.id))
            .await;
        for period in calendar.json()["periods"].as_array().unwrap() {
            let (year, month) = (&period["year"], &period["month"]);
            let path = format!(
                "/api/trial-balance?company={}&year={year}&month={month}",
                company.id
            );
            let body = test.get(&token, &path).await.json();
            let year = i16::try_from(year.as_i64().unwrap()).unwrap();
            let month = i8::try_from(month.as_i64().unwrap()).unwrap();
            let expected: Vec<Value> = trial_balance(&postings, &company.id, year, month)
                .iter()
                .map(|row| {
                    json!([
                        row.cont,
                        format!("{:.2}", row.precdeb),
                        format!("{:.2}", row.preccred),
                        format!("{:.2}", row.ruldeb),
                        format!("{:.2}", row.rulcred),
                        format!("{:.2}", row.solddeb),
                        format!("{:.2}", row.soldcred),
                    ])
                })
                .collect();
            let columns = [
                "cont", "precdeb", "preccred", "ruldeb", "rulcred", "solddeb", "soldcred",
            ];
            let rows = body["rows"].as_array().unwrap();
            let found: Vec<Value> = rows
                .iter()
                .map(|row| columns.iter().map(|column| row[*column].clone()).collect())
                .collect();
            assert_eq!(found, expected, "{path}");
            let totals = &body["totals"];
            for (debit, credit) in [
                ("precdeb", "preccred"),
                ("ruldeb", "rulcred"),
                ("solddeb", "soldcred"),
            ] {
                assert_eq!(totals[debit], totals[credit], "{path}");
            }
            compared += 1;
        }
    }
    assert!(compared >= 3 * 36, "{compared}");
}
