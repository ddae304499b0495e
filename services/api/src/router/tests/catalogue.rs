//! The catalogue and the figures made of it, through HTTP.

use std::sync::Arc;

use http::StatusCode;
use reportapp_sample_erp::{DEFAULT_SEED, Ledger, generate};
use reportapp_session::access::UserKind;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::reports::Folder;
use crate::test_support::{TestApp, small_ledger};

fn amount(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// The row of an array of objects that has this value.
fn row<'a>(rows: &'a Value, field: &str, value: &str) -> &'a Value {
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row[field] == value).unwrap()
}

#[tokio::test]
async fn the_list_says_what_each_report_asks_for_and_answers() {
    let test = TestApp::start().await;
    let list = test.get(&test.token().await, "/api/reports").await.json();
    let card = row(&list["reports"], "id", "ledger-card");
    assert_eq!(
        card["title"],
        json!({"ro": "Fișă de cont", "en": "Ledger card"})
    );
    assert_eq!(
        (&card["period"], &card["group"]),
        (&json!("range"), &json!("accounting"))
    );
    let account = json!({
        "name": "account", "title": {"ro": "Cont", "en": "Account"}, "kind": "text",
        "required": true, "default": null, "choices": [],
    });
    assert_eq!(card["parameters"], json!([account]));
    let document = json!({
        "name": "document", "title": {"ro": "Document", "en": "Document"}, "group": null, "kind": "text",
        "optional": true, "total": false, "hidden": false,
        "link": {"report": "journal", "parameters": {"document": "document"}},
    });
    assert_eq!(card["columns"][1], document);
    assert_eq!(card["sort"], json!(["line"]));
    assert_eq!(card["cache"], 600);
    assert!(card.get("queries").is_none() && card.get("roles").is_none());
    assert_eq!(list["refused"], json!([]));
    assert_eq!(list["reports"].as_array().unwrap().len(), 15);
}

#[tokio::test]
async fn a_report_answers_a_page_with_the_totals_of_everything() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let path = "/api/reports/journal?company=alfa&from=2025-01-01&to=2025-03-31&sort=-debit&pageSize=1&page=1";
    let mut answer = test.get(&token, path).await.json();
    assert!(answer["generatedAt"].take().is_string());
    let expected = json!({
        "report": "journal", "server": "demo",
        "company": {"id": "alfa", "name": "Alfa SRL", "taxId": "RO123", "currency": "RON"},
        "period": {"from": "2025-01-01", "to": "2025-03-31"},
        "parameters": {"document": null},
        "generatedAt": null,
        "columns": ["postedOn", "document", "cont", "denumire", "text", "debit", "credit", "line"],
        "rows": [["2025-01-10", "D1", "5121", "Conturi la bănci în lei", "sale", "1000.50", "0.00", 1]],
        "page": 1, "pageSize": 1, "totalRows": 4,
        "totals": {"debit": "1000.51", "credit": "1000.51"},
    });
    assert_eq!(answer, expected);
    let filtered = "/api/reports/journal?company=alfa&from=2025-01-01&to=2025-03-31\
        &q=BANCI&filter=debit:lt:1&filter=document:eq:D2";
    let answer = test.get(&token, filtered).await.json();
    assert_eq!(
        (&answer["totalRows"], &answer["rows"][0][5]),
        (&json!(1), &json!("0.01"))
    );
    let beyond = test.get(&token, &format!("{path}0")).await.json();
    assert_eq!(
        (&beyond["rows"], &beyond["totalRows"]),
        (&json!([]), &json!(4))
    );
}

/// A question, and how it is refused.
const WRONG: &[(&str, u16, &str, &str)] = &[
    (
        "/api/reports/nothing?company=alfa",
        404,
        "ReportUnknown",
        "reportId",
    ),
    ("/api/reports/journal", 400, "CompanyMissing", "company"),
    (
        "/api/reports/journal?company=nope",
        404,
        "CompanyUnknown",
        "company",
    ),
    (
        "/api/reports/journal?company=alfa&server=x",
        404,
        "ServerUnknown",
        "server",
    ),
    (
        "/api/reports/treasury?company=beta&year=2025&month=1",
        404,
        "CompanyEmpty",
        "company",
    ),
    (
        "/api/reports/treasury?company=alfa&year=2030&month=1",
        404,
        "PeriodUnknown",
        "month",
    ),
    (
        "/api/reports/treasury?company=alfa&year=2025",
        400,
        "InvalidPeriod",
        "month",
    ),
    (
        "/api/reports/journal?company=alfa&from=x&to=2025-03-31",
        400,
        "InvalidPeriod",
        "from",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31",
        400,
        "ParameterMissing",
        "account",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31&account=1&konto=2",
        400,
        "ParameterInvalid",
        "konto",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31&account=1&sort=x",
        400,
        "SortUnknown",
        "sort",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31&account=1&filter=debit:gt:x",
        400,
        "FilterInvalid",
        "filter",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31&account=1&page=0",
        400,
        "PageInvalid",
        "page",
    ),
    (
        "/api/reports/ledger-card?company=alfa&from=2025-01-01&to=2025-03-31&account=1&pageSize=1000000",
        400,
        "PageInvalid",
        "pageSize",
    ),
    (
        "/api/invoices?company=alfa&from=2025-01-01&to=2025-12-31&status=lost",
        400,
        "ParameterInvalid",
        "status",
    ),
    (
        "/api/invoices/summary?company=alfa&from=2025-01-01",
        400,
        "InvalidPeriod",
        "to",
    ),
    (
        "/api/dashboard?company=alfa&year=2025&month=13",
        400,
        "InvalidPeriod",
        "month",
    ),
    (
        "/api/dashboard?company=alfa&year=2024&month=12",
        404,
        "PeriodUnknown",
        "month",
    ),
    (
        "/api/treasury?year=2025&month=1",
        400,
        "CompanyMissing",
        "company",
    ),
    (
        "/api/trial-balance?company=alfa&year=2025&month=1&level=x",
        400,
        "ParameterInvalid",
        "level",
    ),
];

#[tokio::test]
async fn every_wrong_question_is_refused_by_code_status_and_field() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for (path, status, code, field) in WRONG.iter().copied() {
        let answer = test.get(&token, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        assert_eq!(answer.code(), code, "{path}: {}", answer.text);
        assert_eq!(answer.json()["field"], field, "{path}");
    }
}

#[tokio::test]
async fn a_report_of_a_folder_is_run_by_its_roles_and_refusals_are_for_editors() {
    let folder = tempfile::tempdir().unwrap();
    let file = "
id: documents
title: {ro: Documente, en: Documents}
group: other
period: range
columns:
- {name: document, title: {ro: Document, en: Document}, kind: text}
- {name: lines, title: {ro: Rânduri, en: Lines}, kind: integer, total: true}
roles: [accountant]
queries:
  sqlite: |
    SELECT document, count(*) AS lines FROM postings
     WHERE company = :company AND posted_on BETWEEN :from AND :to GROUP BY document
";
    std::fs::write(folder.path().join("documents.yaml"), file).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), "id: bad\n").unwrap();
    let test = TestApp::start().await;
    let watch = Folder::new(folder.path()).watch(
        Arc::clone(&test.app.catalogue),
        test.health.advice("reports"),
    );
    let watch = tokio::spawn(watch);
    while test.health.advice("reports").status().reason.is_none() {
        tokio::task::yield_now().await;
    }
    let path = "/api/reports/documents?company=alfa&from=2025-01-01&to=2025-12-31";

    let reader = test.token().await;
    assert_eq!(test.get(&reader, path).await.code(), "ReportUnknown");
    let list = test.get(&reader, "/api/reports").await.json();
    assert_eq!(list["refused"], json!([]));
    assert!(!list.to_string().contains("documents"));

    test.by_hand(
        "INSERT INTO rbac_roles (id, tenant_id, name, level, created_at)
         VALUES ('r-17', NULL, 'accountant', 10, '2026-01-01T00:00:00.000000Z');
         INSERT INTO rbac_permissions (role_id, route, action) VALUES ('r-17', 'reports', 'view')",
    )
    .await;
    let accountant = test
        .join("accountant", UserKind::User, None, Some("r-17"))
        .await;
    let accountant = test.token_of(&accountant).await;
    let answer = test.get(&accountant, path).await.json();
    assert_eq!(answer["rows"], json!([["D1", 2], ["D2", 2]]));
    assert_eq!(answer["totals"], json!({"lines": 4}));

    let admin = test
        .join("root", UserKind::EnterpriseAdmin, None, None)
        .await;
    let admin = test.token_of(&admin).await;
    assert_eq!(test.get(&admin, path).await.status, StatusCode::OK);
    let list = test.get(&admin, "/api/reports").await.json();
    assert_eq!(list["refused"][0]["file"], "bad.yaml");
    assert!(
        list["refused"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("missing field")
    );
    watch.abort();
}

/// The sample books of one company.
fn sample_of(company: &str) -> Ledger {
    let mut ledger = generate(DEFAULT_SEED);
    ledger.companies.retain(|row| &*row.id == company);
    ledger.accounts.retain(|row| &*row.company == company);
    ledger.partners.retain(|row| &*row.company == company);
    ledger.invoices.retain(|row| &*row.company == company);
    ledger.invoice_lines.retain(|row| &*row.company == company);
    ledger.payments.retain(|row| &*row.company == company);
    ledger.postings.retain(|row| &*row.company == company);
    ledger
}

#[tokio::test]
async fn the_dashboard_is_what_its_reports_say() {
    let test = TestApp::with(sample_of("carpati"), |_| {}).await;
    let token = test.token().await;
    let month = "company=carpati&year=2026&month=10";
    let get = async |path: String| test.get(&token, &path).await.json();
    let dashboard = get(format!("/api/dashboard?{month}")).await;
    let figure = |id: &str| row(&dashboard["figures"], "id", id).clone();
    let months = get(format!(
        "/api/reports/monthly-figures?{month}&sort=year,month"
    ))
    .await;
    let rows = months["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 24);
    let columns = months["columns"].as_array().unwrap();
    for (index, id) in columns.iter().enumerate().skip(2) {
        let found = figure(id.as_str().unwrap());
        assert_eq!(found["current"], rows[23][index], "{id}");
        assert_eq!(found["previousYear"], rows[11][index], "{id}");
        let sum = |range: std::ops::Range<usize>| -> Decimal {
            rows[range].iter().map(|row| amount(&row[index])).sum()
        };
        if index < 7 {
            assert_eq!(amount(&found["yearToDate"]), sum(14..24), "{id}");
            assert_eq!(amount(&found["previousYearToDate"]), sum(2..12), "{id}");
        } else {
            assert_eq!(found["yearToDate"], Value::Null, "{id}");
        }
    }
    assert_eq!(dashboard["months"].as_array().unwrap().len(), 12);
    assert_eq!(
        dashboard["months"][11]["income"],
        figure("income")["current"]
    );
    for (direction, report) in [
        ("clients", "ageing-clients"),
        ("suppliers", "ageing-suppliers"),
    ] {
        let ageing = get(format!("/api/reports/{report}?{month}")).await;
        let (sides, totals) = (&dashboard["ageing"][direction], &ageing["totals"]);
        for bucket in ["current", "days30", "days60", "days90"] {
            assert_eq!(sides[bucket], totals[bucket]);
        }
        let older = amount(&totals["days120"]) + amount(&totals["older"]);
        assert_eq!(amount(&sides["older"]), older);
    }
    for (id, report) in [
        ("clients", "client-balances"),
        ("suppliers", "supplier-balances"),
    ] {
        let balances = get(format!("/api/reports/{report}?{month}")).await;
        assert_eq!(figure(id)["current"], balances["totals"]["closing"], "{id}");
    }
    let overdue = get(format!("/api/reports/overdue-clients?{month}&pageSize=10")).await;
    let shown = dashboard["overdue"].as_array().unwrap();
    assert!(!shown.is_empty() && shown.len() <= 10);
    for (shown, row) in shown.iter().zip(overdue["rows"].as_array().unwrap()) {
        assert_eq!(
            json!([
                shown["partner"],
                shown["name"],
                shown["amount"],
                shown["oldestDays"]
            ]),
            *row
        );
    }
    let treasury = get(format!("/api/treasury?{month}")).await;
    assert_eq!(treasury["cash"]["total"], figure("cash")["current"]);
    assert_eq!(treasury["bank"]["total"], figure("bank")["current"]);
    let total = amount(&treasury["cash"]["total"]) + amount(&treasury["bank"]["total"]);
    assert_eq!(amount(&treasury["total"]), total);
    assert_eq!(treasury["cash"]["accounts"][0]["cont"], "5311");
}

#[tokio::test]
async fn invoices_are_the_rows_of_their_reports_as_objects() {
    let test = TestApp::with(sample_of("stejarul"), |_| {}).await;
    let token = test.token().await;
    let days = "company=stejarul&from=2026-01-01&to=2026-06-30";
    for (path, report, query) in [
        (
            "/api/invoices",
            "invoices",
            "&status=overdue&direction=issued&sort=-rest&pageSize=7&page=2",
        ),
        ("/api/invoices/summary", "invoices-summary", ""),
    ] {
        let objects = test
            .get(&token, &format!("{path}?{days}{query}"))
            .await
            .json();
        let arrays = test
            .get(&token, &format!("/api/reports/{report}?{days}{query}"))
            .await
            .json();
        let columns = arrays["columns"].as_array().unwrap();
        let rows = arrays["rows"].as_array().unwrap();
        assert!(!rows.is_empty(), "{path}");
        assert_eq!(rows.len(), objects["rows"].as_array().unwrap().len());
        for (object, row) in objects["rows"].as_array().unwrap().iter().zip(rows) {
            assert_eq!(object.as_object().unwrap().len(), columns.len());
            for (column, cell) in columns.iter().zip(row.as_array().unwrap()) {
                assert_eq!(object[column.as_str().unwrap()], *cell, "{path} {column}");
            }
        }
        for field in [
            "totals",
            "totalRows",
            "period",
            "parameters",
            "page",
            "pageSize",
        ] {
            assert_eq!(objects[field], arrays[field], "{path} {field}");
        }
    }
}

#[tokio::test]
async fn the_synthetic_trial_balance_adds_up_the_analytic_one() {
    let mut ledger = small_ledger();
    for posting in &mut ledger.postings {
        if &*posting.cont == "5121" {
            posting.cont = format!("5121.{}", posting.document).into();
        }
    }
    let test = TestApp::with(ledger, |_| {}).await;
    let token = test.token().await;
    let path = "/api/trial-balance?company=alfa&year=2025&month=3";
    let analytic = test.get(&token, path).await.json();
    assert_eq!(analytic["rows"].as_array().unwrap().len(), 3);
    let synthetic = test
        .get(&token, &format!("{path}&level=synthetic"))
        .await
        .json();
    assert_eq!(synthetic["rows"].as_array().unwrap().len(), 2);
    let bank = &synthetic["rows"][0];
    assert_eq!(
        (&bank["cont"], &bank["denumire"]),
        (&json!("5121"), &json!("Conturi la bănci în lei"))
    );
    assert_eq!(
        (&bank["precdeb"], &bank["solddeb"]),
        (&json!("1000.50"), &json!("1000.51"))
    );
    assert_eq!(synthetic["totals"], analytic["totals"]);
}
