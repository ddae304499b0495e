//! Reports as files, through HTTP.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use http_body_util::BodyExt;
use jiff::Span;
use jiff::civil::date;
use prometheus::TextEncoder;
use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_sample_erp::{DEFAULT_SEED, generate, load};
use serde_json::Value;

use crate::erp::{Server, Servers};
use crate::reports::Folder;
use crate::test_support::{Answer, TestApp, request, small_ledger};

const CSV_BEGIN: &str = "\u{feff}";

async fn accepting(test: &TestApp, token: &str, path: &str, accept: &str) -> Answer {
    let mut request = request("GET", path, None);
    let headers = request.headers_mut();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers.insert("accept", accept.parse().unwrap());
    test.call(request).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

/// The records of a CSV file behind its headings.
fn records(answer: &Answer) -> Vec<Vec<String>> {
    let text = answer.text.strip_prefix(CSV_BEGIN).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records();
    let fields = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    records.map(|record| fields(record.unwrap())).collect()
}

/// A cell of a page as CSV writes it.
fn as_csv(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const JOURNAL: &str = "/api/reports/journal?company=alfa&from=2025-01-01&to=2025-03-31";

#[tokio::test]
async fn the_same_address_gives_a_page_or_a_file_as_it_is_asked() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let (json, csv) = (
        "application/json",
        "text/csv; charset=utf-8; header=present",
    );
    let excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    for (query, accept, media_type) in [
        ("", "*/*", json),
        ("", "text/csv;q=0.9, application/pdf;q=0.8", csv),
        ("", excel, excel),
        ("", "application/x-ndjson", "application/x-ndjson"),
        ("&format=pdf", "text/csv", "application/pdf"),
        ("&format=json&lang=en", "text/csv", json),
        ("&format=ndjson", "text/html", "application/x-ndjson"),
    ] {
        let answer = accepting(&test, &token, &format!("{JOURNAL}{query}"), accept).await;
        assert_eq!(answer.status, 200, "{query} {accept}: {}", answer.text);
        assert_eq!(
            header(&answer, "content-type"),
            media_type,
            "{query} {accept}"
        );
        let is_file = answer.headers.contains_key("content-disposition");
        assert_eq!(is_file, media_type != json, "{query} {accept}");
        // A page is asked for again by its tag; a file is nothing a browser keeps.
        let kept = if is_file {
            "no-store"
        } else {
            "private, no-cache"
        };
        assert_eq!(header(&answer, "cache-control"), kept, "{query} {accept}");
    }
    let refused = accepting(&test, &token, JOURNAL, "text/html").await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (406, "NotAcceptable".to_owned())
    );
}

#[tokio::test]
async fn a_file_has_all_rows_that_pass_in_the_order_asked_for_and_speaks_both_languages() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let path = format!("{JOURNAL}&format=csv&q=BANCI&sort=-postedOn&page=7&pageSize=1");
    let romanian = test.get(&token, &path).await;
    let lines: Vec<&str> = romanian
        .text
        .trim_start_matches(CSV_BEGIN)
        .split("\r\n")
        .collect();
    let expected = [
        "Data,Document,Cont,Denumire,Explicație,Debit,Credit,Rând",
        "2025-03-10,D2,5121,Conturi la bănci în lei,sale,0.01,0.00,1",
        "2025-01-10,D1,5121,Conturi la bănci în lei,sale,1000.50,0.00,1",
        "",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    assert_eq!(lines[0], expected[0]);
    for (line, expected) in lines.iter().zip(expected).skip(1) {
        let cut = |line: &str| line.rsplit_once(',').map(|(cells, _)| cells.to_owned());
        assert_eq!(cut(line), cut(expected));
    }
    let english = test.get(&token, &format!("{path}&lang=en")).await;
    assert!(
        english.text.contains("Date,Document,Account,"),
        "{}",
        english.text
    );
    assert_eq!(
        header(&romanian, "content-disposition"),
        "attachment; filename=\"registru-jurnal_RO123_2025-01-01_2025-03-31.csv\"; \
         filename*=UTF-8''registru-jurnal_RO123_2025-01-01_2025-03-31.csv"
    );
    let month = "/api/reports/trial-balance?company=alfa&year=2025&month=3&format=xlsx";
    assert_eq!(
        header(&test.get(&token, month).await, "content-disposition"),
        "attachment; filename=\"balanta-de-verificare_RO123_2025-03.xlsx\"; \
         filename*=UTF-8''balan%C8%9B%C4%83-de-verificare_RO123_2025-03.xlsx"
    );
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_document_and_never_a_file() {
    let test = TestApp::start().await;
    let token = test.token().await;
    for (path, status, code) in [
        (format!("{JOURNAL}&format=doc"), 400, "ParameterInvalid"),
        (
            format!("{JOURNAL}&format=csv&lang=fr"),
            400,
            "ParameterInvalid",
        ),
        (
            format!("{JOURNAL}&format=csv&sort=nope"),
            400,
            "SortUnknown",
        ),
        (
            format!("{JOURNAL}&format=csv&filter=debit:lt:x"),
            400,
            "FilterInvalid",
        ),
        (
            JOURNAL.replace("journal", "nope") + "&format=csv",
            404,
            "ReportUnknown",
        ),
        (
            JOURNAL.replace("alfa", "nope") + "&format=xlsx",
            404,
            "CompanyUnknown",
        ),
        // Only what the catalogue answers can be exported.
        (
            "/api/invoices?company=alfa&from=2025-01-01&to=2025-03-31&format=csv".to_owned(),
            400,
            "ParameterInvalid",
        ),
    ] {
        let answer = test.get(&token, &path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code.to_owned()),
            "{path}"
        );
        assert!(
            !answer.headers.contains_key("content-disposition"),
            "{path}"
        );
    }
    let stranger = test
        .call(request("GET", &format!("{JOURNAL}&format=csv"), None))
        .await;
    assert_eq!(stranger.code(), "NotSignedIn");
}

#[tokio::test]
async fn exports_are_counted_written_down_and_limited() {
    let test = TestApp::start().await;
    let token = test.token().await;
    let path = format!("{JOURNAL}&format=csv");
    assert_eq!(records(&test.get(&token, &path).await).len(), 4);
    let events = "SELECT request_path AS x FROM security_events WHERE event_type = 'report_exported' \
                  AND user_id IS NOT NULL AND severity = 'info'";
    assert_eq!(test.look(events).await, ["/api/reports/journal"]);

    let server = &test.app.servers.all()[0];
    let mut held = Vec::new();
    while let Ok(permit) = server.export_permit() {
        held.push(permit);
    }
    assert!(!held.is_empty());
    let refused = test.get(&token, &path).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (503, "TooManyExports".to_owned())
    );
    assert_eq!(header(&refused, "retry-after"), "30");
    assert_eq!(test.get(&token, JOURNAL).await.status, 200, "pages go on");
    drop(held);
    assert_eq!(test.get(&token, &path).await.status, 200);

    let metrics = TextEncoder::new()
        .encode_to_string(&test.health.registry().gather())
        .unwrap();
    for line in [
        "reportapp_api_exports_total{format=\"csv\",result=\"complete\"} 2",
        "reportapp_api_export_rows_total{format=\"csv\"} 8",
        "reportapp_api_exports_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
}

/// The rows of a workbook between its headings and its totals, and the totals.
fn sheet(answer: &Answer) -> (Vec<Vec<Data>>, Vec<Data>) {
    let mut workbook: Xlsx<_> = open_workbook_from_rs(Cursor::new(answer.bytes.to_vec())).unwrap();
    let range = workbook.worksheet_range_at(0).unwrap().unwrap();
    let rows: Vec<Vec<Data>> = range.rows().map(<[Data]>::to_vec).collect();
    let is_blank = |row: &&Vec<Data>| row.iter().all(|cell| *cell == Data::Empty);
    let above = rows.iter().take_while(|row| !is_blank(row)).count();
    let mut rows = rows[above + 2..].to_vec();
    let has_totals = rows
        .last()
        .is_some_and(|row| row[0] == Data::String("Total".to_owned()));
    let totals = if has_totals { rows.pop() } else { None };
    (rows, totals.unwrap_or_default())
}

/// Whether a cell of a workbook says what a cell of a page says, in a column of this kind.
fn agrees(kind: &str, cell: &Value, found: &Data) -> bool {
    match (kind, cell, found) {
        (_, Value::Null, Data::Empty) => true,
        ("amount", Value::String(text), Data::Float(number)) => *text == format!("{number:.2}"),
        ("integer", Value::Number(number), Data::Float(found)) => number.as_f64() == Some(*found),
        ("date", Value::String(day), Data::DateTime(found)) => {
            let days = Span::new().days(found.as_f64() as i64);
            *day == (date(1899, 12, 30) + days).to_string()
        }
        ("boolean", Value::Bool(truth), Data::Bool(found)) => truth == found,
        // A choice is shown by its title.
        ("text", Value::String(_), Data::String(_)) => true,
        ("text", Value::String(text), Data::Empty) => text.is_empty(),
        _ => false,
    }
}

/// The sample books, written in one statement per table on a machine that may be busy.
async fn sample() -> (TestSqlite, Server) {
    let file = TestSqlite::new();
    let mut config = file.config();
    if let DatabaseConfig::Sqlite { pool, .. } = &mut config {
        pool.statement_timeout_ms = 600_000;
    }
    let pool = Pool::open("demo", &config).await.unwrap();
    load(&pool, &Arc::new(generate(DEFAULT_SEED)))
        .await
        .unwrap();
    (file, Server::new("demo", pool))
}

#[tokio::test]
async fn every_built_in_report_exports_the_rows_of_its_pages_in_every_format() {
    let (_file, server) = sample().await;
    let test = TestApp::with(small_ledger(), |app| {
        app.servers = Servers::new(vec![server]);
    })
    .await;
    let token = test.token().await;
    let list = test.get(&token, "/api/reports").await.json();
    let company = test.get(&token, "/api/companies").await.json()[0]["id"].clone();
    let company = company.as_str().unwrap();
    let mut seen = BTreeMap::new();
    for report in list["reports"].as_array().unwrap() {
        let id = report["id"].as_str().unwrap();
        let period = match report["period"].as_str().unwrap() {
            "month" => "year=2026&month=5",
            _ => "from=2026-05-01&to=2026-06-30",
        };
        let account = if id == "ledger-card" {
            "&account=4111"
        } else {
            ""
        };
        let path = format!("/api/reports/{id}?company={company}&{period}{account}");
        let page = test
            .get(&token, &format!("{path}&pageSize=100000"))
            .await
            .json();
        let rows: Vec<&Vec<Value>> = page["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap())
            .collect();
        seen.insert(id.to_owned(), rows.len());

        let csv = records(&test.get(&token, &format!("{path}&format=csv")).await);
        let expected: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(as_csv).collect())
            .collect();
        assert!(csv == expected, "{id} as CSV");

        let ndjson = test.get(&token, &format!("{path}&format=ndjson")).await;
        let names = page["columns"].as_array().unwrap();
        let lines: Vec<Value> = ndjson
            .text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let expected: Vec<Value> = rows
            .iter()
            .map(|row| {
                let cells = names.iter().zip(row.iter());
                cells
                    .map(|(name, cell)| (name.as_str().unwrap().to_owned(), cell.clone()))
                    .collect()
            })
            .collect();
        assert!(lines == expected, "{id} as NDJSON");

        let (found, totals) = sheet(&test.get(&token, &format!("{path}&format=xlsx")).await);
        assert_eq!(found.len(), rows.len(), "{id} as XLSX");
        let columns = report["columns"].as_array().unwrap();
        for (found, row) in found.iter().zip(&rows) {
            for (index, column) in columns.iter().enumerate() {
                let kind = column["kind"].as_str().unwrap();
                let cell = found.get(index).unwrap_or(&Data::Empty);
                assert!(
                    agrees(kind, &row[index], cell),
                    "{id}: {} is {cell:?}",
                    row[index]
                );
            }
        }
        for (index, column) in columns.iter().enumerate() {
            let total = &page["totals"][column["name"].as_str().unwrap()];
            if !total.is_null() {
                let kind = column["kind"].as_str().unwrap();
                assert!(agrees(kind, total, &totals[index]), "{id}: total {total}");
            }
        }

        let pdf = test.get(&token, &format!("{path}&format=pdf")).await;
        match rows.len() {
            0..=5_000 => assert!(pdf.bytes.starts_with(b"%PDF-"), "{id}: {}", pdf.text),
            _ => assert_eq!(pdf.code(), "ExportTooLarge", "{id}"),
        }
    }
    assert_eq!(seen.len(), 15);
    assert!(seen.values().all(|rows| *rows > 0), "{seen:?}");
    let large = format!("/api/reports/journal?company={company}&from=2023-01-01&to=2026-10-31");
    let refused = test.get(&token, &format!("{large}&format=pdf")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (400, "ExportTooLarge".to_owned())
    );
}

/// 16384 rows of two kilobytes from the four postings of the small ledger.
fn large_report() -> String {
    let filler = "x".repeat(2_000);
    let tables: Vec<String> = (1..=7)
        .map(|number| format!("postings p{number}"))
        .collect();
    let places: Vec<String> = (1..=7).map(|number| format!("p{number}.id")).collect();
    format!(
        "id: large\ntitle: {{ro: Mare, en: Large}}\nperiod: none\ncolumns:\n\
         - {{name: place, title: {{ro: Loc, en: Place}}, kind: text}}\n\
         - {{name: filler, title: {{ro: Umplutură, en: Filler}}, kind: text}}\n\
         queries:\n  postgres: |\n    SELECT {} AS place, '{filler}' AS filler\n      FROM {}\n     \
         WHERE p1.company = :company\n",
        places.join(" || '.' || "),
        tables.join(" CROSS JOIN "),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_first_ends_the_export_for_both() {
    let postgres = TestPostgres::start().await;
    let pool = Pool::open("main", &postgres.config()).await.unwrap();
    load(&pool, &Arc::new(small_ledger())).await.unwrap();
    let watcher = pool.clone();
    let test = TestApp::with(small_ledger(), |app| {
        app.servers = Servers::new(vec![Server::new("main", pool)]);
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large.yaml"), large_report()).unwrap();
    let advice = test.health.advice("reports");
    let watch = Folder::new(folder.path()).watch(Arc::clone(&test.app.catalogue), advice);
    let watch = tokio::spawn(watch);
    let token = test.token().await;
    let path = "/api/reports/large?company=alfa&format=csv";
    while test
        .get(&token, "/api/reports/large?company=alfa&pageSize=1")
        .await
        .status
        != 200
    {
        tokio::task::yield_now().await;
    }
    let whole = test.get(&token, path).await;
    assert_eq!(records(&whole).len(), 16_384);

    let running = async || {
        let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' \
                   AND pid <> pg_backend_pid() AND query LIKE '%\"filler\"%'";
        watcher.query(sql, &[]).await.unwrap()[0]
            .get::<i64>("n")
            .unwrap()
    };
    let mut answer = test.begin(&token, path).await;
    answer.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(running().await, 1, "the server waits for the client");
    drop(answer);
    let ended = async { while running().await > 0 {} };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    ended.expect("the query ends");

    let mut answer = test.begin(&token, path).await;
    answer.body_mut().frame().await.unwrap().unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' \
                AND pid <> pg_backend_pid() AND query LIKE '%\"filler\"%'";
    watcher.query(kill, &[]).await.unwrap();
    let rest = answer.into_body().collect().await;
    assert!(rest.is_err(), "what broke off must not look complete");
    watch.abort();
}
