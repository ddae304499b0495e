//! Loads a ledger of one's own from a CSV file.
//!
//! The whole file is read and checked before anything is written; every problem is reported with
//! its line, up to [`PROBLEMS_MAX`], and a file with a problem loads nothing.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use jiff::civil::Date;
use reportapp_pool::{Pool, PoolError, Transaction, Value};

use crate::load::{LoadError, create_schema, empty, refresh, rows};

mod parse;

pub use parse::{CsvPosting, parse_csv};

/// Problems reported of one file.
pub const PROBLEMS_MAX: usize = 50;

/// The company a file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportTarget {
    /// Id; the company is created if it is new.
    pub company: String,
    /// Name of a new company; the id if absent.
    pub name: Option<String>,
    /// Tax number of a new company.
    pub tax_id: Option<String>,
    /// Currency of a new company.
    pub currency: String,
    /// Whether everything the company has is removed first. Otherwise the file may only continue
    /// the books: its first day comes after the last one there.
    pub replace: bool,
}

impl ImportTarget {
    /// A company in RON whose books the file continues or begins.
    pub fn new(company: impl Into<String>) -> Self {
        Self {
            company: company.into(),
            name: None,
            tax_id: None,
            currency: "RON".to_owned(),
            replace: false,
        }
    }
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, from 1; absent when the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "line {line}: {}", self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

impl Problem {
    pub(crate) fn list(problems: &[Self]) -> String {
        problems
            .iter()
            .map(|problem| format!("  {problem}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn of_file(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }
}

/// What was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Lines of the file that became postings.
    pub postings: usize,
    /// First and last day.
    pub days: (Date, Date),
}

/// Reads, checks and loads a file. The reader is read to its end before the first await.
///
/// # Errors
/// [`LoadError::Refused`] with every problem, [`LoadError::Database`]; nothing was written then.
pub async fn load_csv(
    pool: &Pool,
    target: &ImportTarget,
    reader: impl Read,
) -> Result<Imported, LoadError> {
    let target_problems = check_target(target);
    let postings = match (parse_csv(reader), target_problems) {
        (Ok(postings), problems) if problems.is_empty() => postings,
        (Ok(_), problems) => return Err(LoadError::Refused(problems)),
        (Err(more), mut problems) => {
            problems.extend(more);
            return Err(LoadError::Refused(problems));
        }
    };
    create_schema(pool).await?;
    let mut transaction = pool.begin().await.map_err(LoadError::database("begin"))?;
    let first = postings.iter().map(|posting| posting.date).min();
    let last = postings.iter().map(|posting| posting.date).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Err(LoadError::Refused(vec![Problem::of_file(
            "the file has no postings",
        )]));
    };
    if !target.replace {
        refuse_overlap(&mut transaction, target, first).await?;
    }
    let count = postings.len();
    let outcome = async {
        if target.replace {
            empty(&mut transaction, &target.company).await?;
        }
        write(&mut transaction, target, postings).await?;
        refresh(&mut transaction, pool.engine(), &target.company).await?;
        transaction.commit().await
    };
    outcome
        .await
        .map_err(LoadError::database("load the file"))?;
    Ok(Imported {
        postings: count,
        days: (first, last),
    })
}

fn check_target(target: &ImportTarget) -> Vec<Problem> {
    let mut problems = Vec::new();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if target.company.is_empty() || target.company.len() > 40 || !target.company.chars().all(plain)
    {
        problems.push(Problem::of_file(
            "the company id must be 1 to 40 letters, digits, - or _",
        ));
    }
    if target.currency.len() != 3
        || !target
            .currency
            .chars()
            .all(|letter| letter.is_ascii_uppercase())
    {
        problems.push(Problem::of_file(
            "the currency must be a code of three capital letters like RON",
        ));
    }
    problems
}

/// Loading a file twice would double its amounts.
async fn refuse_overlap(
    transaction: &mut Transaction,
    target: &ImportTarget,
    first: Date,
) -> Result<(), LoadError> {
    let sql = "SELECT max(posted_on) AS last FROM postings WHERE company = $1";
    let last = async {
        let row = transaction
            .query_opt(sql, &[Value::from(&target.company)])
            .await?;
        row.map_or(Ok(None), |row| row.get::<Option<Date>>("last"))
    };
    match last
        .await
        .map_err(LoadError::database("look for existing postings"))?
    {
        Some(last) if last >= first => Err(LoadError::Refused(vec![Problem::of_file(format!(
            "company {} has postings up to {last} and the file begins on {first}; \
             replace its books or choose another company id",
            target.company
        ))])),
        _ => Ok(()),
    }
}

async fn write(
    transaction: &mut Transaction,
    target: &ImportTarget,
    postings: Vec<CsvPosting>,
) -> Result<(), PoolError> {
    let name = target.name.as_ref().unwrap_or(&target.company);
    let company = [
        Value::from(&target.company),
        name.into(),
        target.tax_id.as_deref().unwrap_or_default().into(),
        (&target.currency).into(),
    ];
    transaction
        .execute(
            "INSERT INTO companies (id, name, tax_id, currency) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &company,
        )
        .await?;
    for (cont, name) in parse::account_names(&postings) {
        let account = [Value::from(&target.company), cont.into(), name.into()];
        transaction
            .execute(
                "INSERT INTO accounts (company, cont, denumire) VALUES ($1, $2, $3) \
                 ON CONFLICT (company, cont) DO UPDATE SET denumire = coalesce(excluded.denumire, accounts.denumire)",
                &account,
            )
            .await?;
    }
    let first_id = rows::next_posting_id(transaction).await?;
    let id: Arc<str> = target.company.as_str().into();
    let numbered = postings.into_iter().zip(first_id..);
    let values = numbered
        .map(move |(posting, number)| rows::posting_values(number, &posting.into_posting(&id)));
    transaction
        .bulk_insert("postings", rows::POSTING_COLUMNS, values)
        .await
        .map(drop)
}
