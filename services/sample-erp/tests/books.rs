//! The loaded books against an independent computation, on both engines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reportapp_pool::testing::{TestPostgres, TestSqlite};
use reportapp_pool::{Pool, PoolError, Row, Value};
use reportapp_sample_erp::ledger::Posting;
use reportapp_sample_erp::{
    DEFAULT_SEED, ImportTarget, Ledger, LoadError, TrialBalanceRow, generate, is_loaded, load,
    load_csv, trial_balance,
};
use rust_decimal::Decimal;

/// Both engines with fresh databases, and what keeps them alive.
async fn pools() -> ([Pool; 2], TestPostgres, TestSqlite) {
    let (postgres, sqlite) = (TestPostgres::start().await, TestSqlite::new());
    let open = async |config| {
        Pool::open("erp", &config)
            .await
            .expect("a good configuration opens")
    };
    (
        [open(postgres.config()).await, open(sqlite.config()).await],
        postgres,
        sqlite,
    )
}

async fn view(
    pool: &Pool,
    company: &str,
    year: i16,
    month: i8,
) -> Result<Vec<TrialBalanceRow>, PoolError> {
    let sql = "SELECT cont, denumire, precdeb, preccred, ruldeb, rulcred, solddeb, soldcred FROM vbal \
               WHERE company = $1 AND an = $2 AND luna = $3 ORDER BY cont";
    let rows = pool
        .query(sql, &[company.into(), year.into(), i16::from(month).into()])
        .await?;
    rows.iter().map(balance_row).collect()
}

fn balance_row(row: &Row) -> Result<TrialBalanceRow, PoolError> {
    let amount = |column: &str| row.get_minor_units(column, 2);
    Ok(TrialBalanceRow {
        cont: row.get("cont")?,
        precdeb: amount("precdeb")?,
        preccred: amount("preccred")?,
        ruldeb: amount("ruldeb")?,
        rulcred: amount("rulcred")?,
        solddeb: amount("solddeb")?,
        soldcred: amount("soldcred")?,
    })
}

/// Compares the view with the raw postings for every period the database knows.
async fn compare(pool: &Pool, postings: &[Posting]) -> usize {
    let mut by_company: BTreeMap<&str, Vec<Posting>> = BTreeMap::new();
    for posting in postings {
        by_company
            .entry(&posting.company)
            .or_default()
            .push(posting.clone());
    }
    let periods = pool
        .query(
            "SELECT company, year, month FROM periods ORDER BY company, period",
            &[],
        )
        .await
        .expect("periods");
    for period in &periods {
        let company: String = period.get("company").expect("company");
        let (year, month): (i16, i16) = (
            period.get("year").expect("year"),
            period.get("month").expect("month"),
        );
        let month = i8::try_from(month).expect("a month");
        let mut expected = trial_balance(&by_company[company.as_str()], &company, year, month);
        expected.sort_by(|a, b| a.cont.cmp(&b.cont));
        let mut found = view(pool, &company, year, month).await.expect("vbal");
        found.sort_by(|a, b| a.cont.cmp(&b.cont));
        assert_eq!(
            found,
            expected,
            "{company} {year}-{month} on {:?}",
            pool.engine()
        );
        let sum = |pick: fn(&TrialBalanceRow) -> Decimal| found.iter().map(pick).sum::<Decimal>();
        assert_eq!(sum(|row| row.precdeb), sum(|row| row.preccred));
        assert_eq!(sum(|row| row.ruldeb), sum(|row| row.rulcred));
        assert_eq!(sum(|row| row.solddeb), sum(|row| row.soldcred));
    }
    periods.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_company_and_month_equals_the_raw_postings_to_the_cent() {
    let ledger = Arc::new(generate(DEFAULT_SEED));
    let (pools, _postgres, _sqlite) = pools().await;
    for pool in pools {
        assert!(!is_loaded(&pool).await.expect("empty"));
        for _ in 0..2 {
            let began = Instant::now();
            load(&pool, &ledger).await.expect("loaded");
            let took = began.elapsed();
            eprintln!(
                "{:?}: {} postings loaded in {took:.2?}",
                pool.engine(),
                ledger.postings.len()
            );
            assert!(took < Duration::from_secs(60), "{took:?}");
        }
        assert!(is_loaded(&pool).await.expect("full"));
        let began = Instant::now();
        let slowest = view(&pool, "carpati", 2026, 10).await.expect("vbal");
        eprintln!(
            "{:?}: {} rows of one month in {:.1?}",
            pool.engine(),
            slowest.len(),
            began.elapsed()
        );
        assert_eq!(compare(&pool, &ledger.postings).await, 3 * 36);
        let count = pool
            .query("SELECT count(*) AS n FROM postings", &[])
            .await
            .expect("count");
        assert_eq!(
            count[0].get::<i64>("n").expect("n"),
            i64::try_from(ledger.postings.len()).expect("fits")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_ones_own_becomes_a_company() {
    let (pools, _postgres, _sqlite) = pools().await;
    for pool in pools {
        let small = Arc::new(small_ledger());
        load(&pool, &small).await.expect("loaded");
        let file = "date,account,name,debit,credit,text\n\
                    2026-01-05,5121,Bancă,1000.10,,Aport\n2026-01-05,1012,Capital,,1000.10,Aport\n\
                    2026-04-01,605,,0.07,,Energie\n2026-04-01,5121,,,0.07,Energie\n";
        let target = ImportTarget {
            name: Some("Firma mea SRL".to_owned()),
            ..ImportTarget::new("mea")
        };
        let imported = load_csv(&pool, &target, file.as_bytes())
            .await
            .expect("loaded");
        assert_eq!(imported.postings, 4);

        let march = view(&pool, "mea", 2026, 3)
            .await
            .expect("a month without postings has balances");
        assert_eq!(march.len(), 2);
        let april = view(&pool, "mea", 2026, 4).await.expect("vbal");
        let bank = april
            .iter()
            .find(|row| row.cont == "5121")
            .expect("the bank");
        assert_eq!(
            (bank.precdeb, bank.solddeb),
            (Decimal::new(100_010, 2), Decimal::new(100_003, 2))
        );

        let again = load_csv(&pool, &target, file.as_bytes())
            .await
            .expect_err("twice would double it");
        assert!(
            again.to_string().contains("has postings up to 2026-04-01"),
            "{again}"
        );
        let more = "date,account,debit,credit\n2026-05-01,605,1,\n2026-05-01,5121,,1\n";
        load_csv(&pool, &target, more.as_bytes())
            .await
            .expect("continues the books");
        let replace = ImportTarget {
            replace: true,
            ..target.clone()
        };
        load_csv(&pool, &replace, file.as_bytes())
            .await
            .expect("replaces the books");
        assert_eq!(compare_company(&pool, "mea").await, 4);
        assert_eq!(compare_company(&pool, "alta").await, 1);
    }
}

async fn compare_company(pool: &Pool, company: &str) -> usize {
    let rows = pool
        .query(
            "SELECT year FROM periods WHERE company = $1",
            &[company.into()],
        )
        .await;
    rows.expect("periods").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_names_line_and_reason_and_changes_nothing() {
    let (pools, _postgres, _sqlite) = pools().await;
    for pool in pools {
        load(&pool, &Arc::new(small_ledger()))
            .await
            .expect("loaded");
        let everything = async || {
            let mut all = Vec::new();
            for table in [
                "companies",
                "accounts",
                "postings",
                "periods",
                "monthly_turnover",
            ] {
                let sql = format!("SELECT count(*) AS n FROM {table}");
                all.push(
                    pool.query(&sql, &[]).await.expect("count")[0]
                        .get::<i64>("n")
                        .expect("n"),
                );
            }
            all
        };
        let before = everything().await;
        let file = "date,account,debit,credit\n2026-01-05,5121,1,\n2026-01-05,707,,2\n";
        let refused = load_csv(&pool, &ImportTarget::new("noua"), file.as_bytes())
            .await
            .expect_err("unbalanced");
        let LoadError::Refused(problems) = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!(problems[0].line, Some(3));
        assert!(refused.to_string().contains("do not balance"), "{refused}");
        let id = load_csv(&pool, &ImportTarget::new("a/b"), file.as_bytes())
            .await
            .expect_err("a bad id");
        assert!(
            matches!(&id, LoadError::Refused(problems) if problems.len() == 2),
            "{id:?}"
        );
        assert_eq!(everything().await, before);
    }
}

/// One company with one document.
fn small_ledger() -> Ledger {
    let mut ledger = generate(DEFAULT_SEED);
    let company: Arc<str> = "alta".into();
    ledger.companies.truncate(1);
    ledger.companies[0].id = company.clone();
    let document = ledger.postings[0].document.clone();
    let first_company = ledger.postings[0].company.clone();
    ledger
        .postings
        .retain(|posting| posting.company == first_company && posting.document == document);
    for posting in &mut ledger.postings {
        posting.company = company.clone();
    }
    ledger.accounts.clear();
    ledger.partners.clear();
    ledger.invoices.clear();
    ledger.invoice_lines.clear();
    ledger.payments.clear();
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_in_the_documentation_rebuild_what_is_derived() {
    let documentation = include_str!("../SCHEMA.md");
    let (pools, _postgres, _sqlite) = pools().await;
    for pool in pools {
        load(&pool, &Arc::new(small_ledger()))
            .await
            .expect("loaded");
        let derived = async || {
            let turnover =
                "SELECT cont, period, debit, credit FROM monthly_turnover ORDER BY cont, period";
            let rows = pool.query(turnover, &[]).await.expect("turnover");
            rows.into_iter()
                .map(Row::into_values)
                .collect::<Vec<Vec<Value>>>()
        };
        let before = derived().await;
        pool.batch("DELETE FROM monthly_turnover; DELETE FROM periods")
            .await
            .expect("emptied");
        let marker = format!("```sql {}\n", pool.engine().as_str());
        let statements = documentation
            .split(&marker)
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        pool.batch(statements.expect("the documentation has the statements"))
            .await
            .expect("they run");
        assert_eq!(derived().await, before);
        assert_eq!(compare_company(&pool, "alta").await, 1);
    }
}
