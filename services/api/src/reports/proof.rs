//! Every built-in report on the sample books: PostgreSQL = SQLite = plain loops over the raw entries, row by
//! row; and every way of sorting, filtering, searching and paging = the same done in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, date};
use reportapp_config::DatabaseConfig;
use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Pool, Value};
use reportapp_sample_erp::{DEFAULT_SEED, Ledger, generate, load};
use reportapp_session::access::{Access, Permissions, UserKind};

use super::asked::{month_arguments, range_arguments};
use super::page::View;
use super::{Ask, Catalogue, Report, run};
use crate::erp::Server;
use crate::model::Period;

mod reference;
mod views;

use reference::Question;

/// The sample on both engines.
struct Sample {
    ledger: Arc<Ledger>,
    servers: [Server; 2],
    catalogue: Catalogue,
    _postgres: TestPostgres,
    _sqlite: TestSqlite,
}

impl Sample {
    async fn load() -> Self {
        let (postgres, sqlite) = (TestPostgres::start().await, TestSqlite::new());
        let ledger = Arc::new(generate(DEFAULT_SEED));
        let mut servers = Vec::new();
        for (name, mut config) in [("postgres", postgres.config()), ("sqlite", sqlite.config())] {
            // The books are written in one statement per table, on a machine that may be busy.
            match &mut config {
                DatabaseConfig::Postgres { pool, .. } | DatabaseConfig::Sqlite { pool, .. } => {
                    pool.statement_timeout_ms = 600_000;
                }
            }
            let pool = Pool::open(name, &config).await.unwrap();
            load(&pool, &ledger).await.unwrap();
            servers.push(Server::new(name, pool));
        }
        Self {
            ledger,
            servers: servers.try_into().unwrap(),
            catalogue: Catalogue::built_in(),
            _postgres: postgres,
            _sqlite: sqlite,
        }
    }

    fn report(&self, id: &str) -> Arc<Report> {
        let admin = Access {
            kind: UserKind::EnterpriseAdmin,
            tenant: None,
            owned: Vec::new(),
            roles: Vec::new(),
            platform_roles: Vec::new(),
            role_level: 0,
            permissions: Permissions::default(),
        };
        self.catalogue.find(id, &admin).unwrap()
    }
}

/// The parameters of a question, as the report is given them.
fn arguments(report: &Report, question: &Question<'_>) -> BTreeMap<String, Value> {
    let mut arguments = match question.month {
        Some((year, month)) => month_arguments(Period { year, month }),
        None => range_arguments(question.from, question.to),
    };
    arguments.insert("company".to_owned(), Value::from(question.company));
    arguments.extend(report.defaults());
    for parameter in &report.definition.parameters {
        if let Some(text) = question.parameters.get(&*parameter.name) {
            arguments.insert(parameter.name.clone(), parameter.value(text).unwrap());
        }
    }
    arguments
}

fn month(company: &str, year: i16, month: i8) -> Question<'_> {
    let from = date(year, month, 1);
    Question {
        company,
        from,
        to: from.last_of_month(),
        month: Some((year, month)),
        parameters: BTreeMap::new(),
    }
}

fn range<'a>(
    company: &'a str,
    from: Date,
    to: Date,
    parameters: &[(&'a str, &'a str)],
) -> Question<'a> {
    Question {
        company,
        from,
        to,
        month: None,
        parameters: parameters.iter().copied().collect(),
    }
}

const MONTHS: [(i16, i8); 5] = [(2023, 11), (2024, 2), (2025, 1), (2025, 12), (2026, 10)];

fn ranges() -> [(Date, Date); 4] {
    [
        (date(2023, 11, 1), date(2026, 10, 31)),
        (date(2024, 2, 28), date(2024, 5, 15)),
        (date(2026, 10, 31), date(2026, 10, 31)),
        (date(2020, 1, 1), date(2020, 12, 31)),
    ]
}

/// What each report is asked, about one company.
fn questions<'a>(company: &'a str, document: &'a str) -> Vec<(&'static str, Question<'a>)> {
    let mut questions = Vec::new();
    for (year, number) in MONTHS {
        for report in [
            "trial-balance",
            "trial-balance-synthetic",
            "client-balances",
            "supplier-balances",
            "ageing-clients",
            "ageing-suppliers",
            "overdue-clients",
            "treasury",
            "monthly-figures",
        ] {
            questions.push((report, month(company, year, number)));
        }
    }
    for report in ["ageing-clients", "ageing-suppliers"] {
        for bounds in [["7", "14", "28", "45"], ["60", "15", "90", "30"]] {
            let names = ["bound1", "bound2", "bound3", "bound4"];
            let parameters = names.into_iter().zip(bounds).collect();
            let asked = Question {
                parameters,
                ..month(company, 2025, 12)
            };
            questions.push((report, asked));
        }
    }
    for (from, to) in ranges() {
        for account in ["4111", "5121.01", "401.0003", "607", "121", "41", "999"] {
            questions.push((
                "ledger-card",
                range(company, from, to, &[("account", account)]),
            ));
        }
        for direction in ["all", "issued", "received"] {
            for status in ["all", "open", "overdue", "paid"] {
                let parameters = [("direction", direction), ("status", status)];
                questions.push(("invoices", range(company, from, to, &parameters)));
            }
        }
        questions.push(("invoices-summary", range(company, from, to, &[])));
        questions.push(("receipts", range(company, from, to, &[])));
        for parameters in [
            &[][..],
            &[("account", "5121")],
            &[("account", "5311")],
            &[("account", "607")],
        ] {
            questions.push(("treasury-movements", range(company, from, to, parameters)));
        }
        questions.push((
            "journal",
            range(company, from, to, &[("document", document)]),
        ));
    }
    let (from, to) = (date(2025, 6, 15), date(2025, 9, 1));
    questions.push(("journal", range(company, from, to, &[])));
    questions
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_equals_plain_loops_over_the_raw_entries_on_both_engines() {
    let sample = Sample::load().await;
    let (mut compared, mut filled) = (0, BTreeMap::<&str, usize>::new());
    for company in &sample.ledger.companies {
        let issued = sample.ledger.invoices.iter();
        let document = issued
            .filter(|invoice| invoice.company == company.id)
            .nth(100)
            .unwrap();
        for (id, question) in questions(&company.id, &document.number) {
            let report = sample.report(id);
            let ask = Ask {
                view: View::all(&report),
                arguments: arguments(&report, &question),
                report: Arc::clone(&report),
            };
            let mut expected = reference::rows(id, &sample.ledger, &question);
            views::sort(&mut expected, &report.order);
            views::key_holds(&report, &expected);
            for server in &sample.servers {
                let table = run::one(server, &ask)
                    .await
                    .unwrap_or_else(|error| panic!("{id}: {error:?}"));
                let place = format!("{id} {question:?} on {}", server.name);
                assert_eq!(table.rows.len(), expected.len(), "{place}");
                for (found, expected) in table.rows.iter().zip(&expected) {
                    assert_eq!(found, expected, "{place}");
                }
                assert_eq!(
                    table.total_rows,
                    i64::try_from(expected.len()).unwrap(),
                    "{place}"
                );
                assert_eq!(table.totals, views::totals(&report, &expected), "{place}");
            }
            compared += 1;
            *filled.entry(id).or_default() += usize::from(!expected.is_empty());
        }
    }
    assert!(compared > 300, "{compared}");
    let ids: Vec<&&str> = filled
        .iter()
        .filter(|(_, filled)| **filled > 0)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(ids.len(), super::built_in::all().len(), "{filled:?}");
}
