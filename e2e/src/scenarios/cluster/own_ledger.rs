//! `cargo e2e load`: a person's own postings appear in the reports; a file with a mistake is
//! refused with line and reason and loads nothing.

use anyhow::{Context as _, Result, ensure};

use super::subject::Subject;
use crate::backends::Database;
use crate::scenarios::world::World;

const COMPANY: &str = "Probă SRL";

const GOOD: &str = "date,account,name,debit,credit,text
2026-09-30,5121,Conturi la bănci în lei,1000.00,,Aport
2026-09-30,1012,Capital subscris vărsat,,1000.00,Aport
2026-10-15,5311,Casa în lei,250.10,,Ridicare
2026-10-15,5121,Conturi la bănci în lei,,250.10,Ridicare
";

pub(super) async fn loads(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("postings.csv");
    let backends = subject.backends();

    let bad = GOOD
        .replace("250.10,,", "250.107,,")
        .replace("2026-09-30,1012", "2026-13-30,1012");
    std::fs::write(&file, bad)?;
    let refused = backends.load_csv(&file, COMPANY, true).await;
    let refused = refused.err().context("a file with mistakes was loaded")?;
    let refused = format!("{refused:#}");
    for word in ["line 3", "2026-13-30", "line 4", "250.107"] {
        ensure!(
            refused.contains(word),
            "the refusal does not say {word:?}: {refused}"
        );
    }
    let session = subject.session().await?;
    let companies = session.get("/api/companies").await?.to_string();
    ensure!(
        !companies.contains(COMPANY),
        "a refused file left its company behind"
    );

    std::fs::write(&file, GOOD)?;
    backends.load_csv(&file, COMPANY, true).await?;
    let companies = session.get("/api/companies").await?;
    let ours = companies
        .as_array()
        .into_iter()
        .flatten()
        .find(|company| company["name"] == COMPANY);
    let id = ours
        .and_then(|company| company["id"].as_str())
        .context("the company is not listed")?;
    let balance = session
        .get(&format!(
            "/api/trial-balance?company={id}&year=2026&month=10"
        ))
        .await?;
    let bank = balance["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["cont"] == "5121");
    let bank = bank.context("account 5121 is not shown")?;
    ensure!(
        bank["precdeb"] == "1000.00" && bank["rulcred"] == "250.10" && bank["solddeb"] == "749.90",
        "{bank}"
    );
    let tables = ["postings", "monthly_turnover", "periods", "accounts"];
    let rows = tables.map(|table| format!("DELETE FROM {table} WHERE company = '{id}';"));
    let remove = format!(
        "{} DELETE FROM companies WHERE id = '{id}';",
        rows.join(" ")
    );
    backends.psql(Database::Erp, &remove).await.map(drop)
}
