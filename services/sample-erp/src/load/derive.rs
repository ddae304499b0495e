//! Derives `periods` and `monthly_turnover` from the postings of a company. The loader does so in
//! the transaction that changes the postings; whoever changes them by hand runs the same
//! statements (they are in `SCHEMA.md`).

use reportapp_pool::{Engine, PoolError, Transaction, Value};

/// Replaces the derived rows of one company.
pub(crate) async fn refresh(
    transaction: &mut Transaction,
    engine: Engine,
    company: &str,
) -> Result<(), PoolError> {
    let id = [Value::from(company)];
    for statement in statements(engine) {
        transaction.execute(&statement, &id).await?;
    }
    Ok(())
}

fn statements(engine: Engine) -> [String; 4] {
    // Dates are ISO text on SQLite.
    let period = match engine {
        Engine::Postgres => {
            "CAST(extract(year FROM posted_on) * 100 + extract(month FROM posted_on) AS integer)"
        }
        Engine::Sqlite => "CAST(substr(posted_on, 1, 4) || substr(posted_on, 6, 2) AS integer)",
    };
    [
        "DELETE FROM monthly_turnover WHERE company = $1".to_owned(),
        "DELETE FROM periods WHERE company = $1".to_owned(),
        format!(
            "INSERT INTO monthly_turnover (company, cont, period, debit, credit) \
             SELECT company, cont, {period}, SUM(debit), SUM(credit) FROM postings \
              WHERE company = $1 GROUP BY company, cont, {period}"
        ),
        "INSERT INTO periods (company, period, year, month) \
         WITH RECURSIVE bounds AS (SELECT min(period) AS low, max(period) AS high \
                                     FROM monthly_turnover WHERE company = $1), \
              months (period) AS (SELECT low FROM bounds WHERE low IS NOT NULL \
                UNION ALL SELECT CASE WHEN period % 100 = 12 THEN period + 89 ELSE period + 1 END \
                            FROM months WHERE period < (SELECT high FROM bounds)) \
         SELECT $1::text, period, period / 100, period % 100 FROM months"
            .to_owned(),
    ]
}
