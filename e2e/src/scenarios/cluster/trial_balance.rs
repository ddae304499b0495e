//! Every figure the API shows, against a computation from the raw postings of the sample.

use anyhow::{Context as _, Result, ensure};
use reportapp_sample_erp as sample;
use rust_decimal::Decimal;
use serde_json::Value;

use super::subject::Subject;
use crate::scenarios::world::World;

const COLUMNS: [&str; 6] = [
    "precdeb", "preccred", "ruldeb", "rulcred", "solddeb", "soldcred",
];

pub(super) async fn equals_postings(world: &World) -> Result<()> {
    let api = Subject::of(world).await?.session().await?;
    let ledger = sample::generate(sample::DEFAULT_SEED);
    let companies = api.get("/api/companies").await?;
    let companies = companies.as_array().context("companies is no list")?;
    ensure!(
        companies.len() == ledger.companies.len(),
        "the API lists {} companies",
        companies.len()
    );
    let mut compared = 0;
    for company in companies {
        let id = company["id"].as_str().context("a company has no id")?;
        let calendar = api.get(&format!("/api/calendar?company={id}")).await?;
        let periods = calendar["periods"]
            .as_array()
            .context("periods is no list")?;
        ensure!(periods.len() >= 36, "{id}: only {} months", periods.len());
        for period in periods {
            let (year, month) = (&period["year"], &period["month"]);
            let shown = api
                .get(&format!(
                    "/api/trial-balance?company={id}&year={year}&month={month}"
                ))
                .await?;
            compared += compare(&ledger, id, year, month, &shown)
                .with_context(|| format!("{id} {year}-{month}"))?;
        }
    }
    world
        .progress()
        .note(&format!("{compared} amounts compared"));
    Ok(())
}

fn compare(
    ledger: &sample::Ledger,
    company: &str,
    year: &Value,
    month: &Value,
    shown: &Value,
) -> Result<usize> {
    let year = i16::try_from(year.as_i64().context("year is no number")?)?;
    let month = i8::try_from(month.as_i64().context("month is no number")?)?;
    let expected = sample::trial_balance(&ledger.postings, company, year, month);
    let rows = shown["rows"].as_array().context("rows is no list")?;
    ensure!(
        rows.len() == expected.len(),
        "{} rows shown, {} expected",
        rows.len(),
        expected.len()
    );
    let mut totals = [Decimal::ZERO; 6];
    for (row, wanted) in rows.iter().zip(&expected) {
        ensure!(
            row["cont"] == wanted.cont.as_str(),
            "account {} shown, {} expected",
            row["cont"],
            wanted.cont
        );
        for (index, (column, wanted)) in COLUMNS.iter().zip(amounts(wanted)).enumerate() {
            let amount = amount(&row[column])?;
            ensure!(
                amount == wanted,
                "{} {column}: {amount} shown, {wanted} expected",
                row["cont"]
            );
            totals[index] += amount;
        }
    }
    for (column, total) in COLUMNS.iter().zip(totals) {
        ensure!(
            amount(&shown["totals"][column])? == total,
            "total of {column}"
        );
    }
    for pair in totals.chunks(2) {
        ensure!(
            pair[0] == pair[1],
            "a pair of columns does not balance: {} and {}",
            pair[0],
            pair[1]
        );
    }
    Ok(rows.len() * COLUMNS.len())
}

fn amounts(row: &sample::TrialBalanceRow) -> [Decimal; 6] {
    [
        row.precdeb,
        row.preccred,
        row.ruldeb,
        row.rulcred,
        row.solddeb,
        row.soldcred,
    ]
}

fn amount(value: &Value) -> Result<Decimal> {
    let text = value.as_str().context("an amount is no text")?;
    text.parse()
        .with_context(|| format!("{text:?} is no amount"))
}
