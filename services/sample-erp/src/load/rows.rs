//! Ledger entries as table rows, written table by table.

use std::sync::Arc;

use reportapp_pool::{PoolError, Transaction, Value};

use crate::ledger::{Account, Company, Invoice, InvoiceLine, Ledger, Partner, Payment, Posting};

/// Something that is one row of one table.
trait TableRow: Sized {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// The entries of this kind.
    fn all(ledger: &Ledger) -> &[Self];

    fn values(&self) -> Vec<Value>;
}

/// Writes all tables that are not derived.
pub(super) async fn write(
    transaction: &mut Transaction,
    ledger: &Arc<Ledger>,
) -> Result<(), PoolError> {
    write_table::<Company>(transaction, ledger).await?;
    write_table::<Account>(transaction, ledger).await?;
    write_table::<Partner>(transaction, ledger).await?;
    write_table::<Invoice>(transaction, ledger).await?;
    write_table::<InvoiceLine>(transaction, ledger).await?;
    write_table::<Payment>(transaction, ledger).await?;
    write_postings(transaction, ledger).await
}

async fn write_table<R: TableRow>(
    transaction: &mut Transaction,
    ledger: &Arc<Ledger>,
) -> Result<(), PoolError> {
    let ledger = ledger.clone();
    let rows = (0..R::all(&ledger).len()).map(move |index| R::all(&ledger)[index].values());
    transaction
        .bulk_insert(R::TABLE, R::COLUMNS, rows)
        .await
        .map(drop)
}

/// Postings get the next free numbers, because other companies may have some already.
async fn write_postings(
    transaction: &mut Transaction,
    ledger: &Arc<Ledger>,
) -> Result<(), PoolError> {
    let first = next_posting_id(transaction).await?;
    let ledger = ledger.clone();
    let rows = (0..ledger.postings.len())
        .zip(first..)
        .map(move |(index, id)| posting_values(id, &ledger.postings[index]));
    transaction
        .bulk_insert("postings", POSTING_COLUMNS, rows)
        .await
        .map(drop)
}

/// Columns of [`posting_values`].
pub(crate) const POSTING_COLUMNS: &[&str] = &[
    "id",
    "company",
    "document",
    "posted_on",
    "cont",
    "debit",
    "credit",
    "text",
];

/// One posting as a row.
pub(crate) fn posting_values(id: i64, posting: &Posting) -> Vec<Value> {
    vec![
        id.into(),
        text(&posting.company),
        text(&posting.document),
        posting.posted_on.into(),
        text(&posting.cont),
        posting.debit.into(),
        posting.credit.into(),
        text(&posting.text),
    ]
}

/// The first number above those in use.
pub(crate) async fn next_posting_id(transaction: &mut Transaction) -> Result<i64, PoolError> {
    let row = transaction
        .query_opt("SELECT max(id) AS last FROM postings", &[])
        .await?;
    let last = row.map_or(Ok(None), |row| row.get::<Option<i64>>("last"))?;
    Ok(last.unwrap_or(0) + 1)
}

fn text(shared: &Arc<str>) -> Value {
    Value::from(&**shared)
}

impl TableRow for Company {
    const TABLE: &'static str = "companies";
    const COLUMNS: &'static [&'static str] = &["id", "name", "tax_id", "currency"];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.companies
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.id),
            (&self.name).into(),
            (&self.tax_id).into(),
            (&self.currency).into(),
        ]
    }
}

impl TableRow for Account {
    const TABLE: &'static str = "accounts";
    const COLUMNS: &'static [&'static str] = &["company", "cont", "denumire"];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.accounts
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.company),
            text(&self.cont),
            self.denumire.as_ref().into(),
        ]
    }
}

impl TableRow for Partner {
    const TABLE: &'static str = "partners";
    const COLUMNS: &'static [&'static str] = &["company", "cont", "name", "tax_id"];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.partners
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.company),
            text(&self.cont),
            (&self.name).into(),
            (&self.tax_id).into(),
        ]
    }
}

impl TableRow for Invoice {
    const TABLE: &'static str = "invoices";
    const COLUMNS: &'static [&'static str] = &[
        "company",
        "number",
        "direction",
        "partner",
        "issued_on",
        "due_on",
        "net",
        "vat",
    ];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.invoices
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.company),
            text(&self.number),
            self.direction.as_str().into(),
            text(&self.partner),
            self.issued_on.into(),
            self.due_on.into(),
            self.net.into(),
            self.vat.into(),
        ]
    }
}

impl TableRow for InvoiceLine {
    const TABLE: &'static str = "invoice_lines";
    const COLUMNS: &'static [&'static str] = &[
        "company",
        "invoice",
        "line",
        "description",
        "quantity",
        "unit_price",
        "vat_rate",
        "net",
        "vat",
    ];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.invoice_lines
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.company),
            text(&self.invoice),
            self.line.into(),
            text(&self.description),
            self.quantity.into(),
            self.unit_price.into(),
            self.vat_rate.into(),
            self.net.into(),
            self.vat.into(),
        ]
    }
}

impl TableRow for Payment {
    const TABLE: &'static str = "payments";
    const COLUMNS: &'static [&'static str] = &[
        "company",
        "document",
        "invoice",
        "direction",
        "paid_on",
        "cont",
        "amount",
    ];

    fn all(ledger: &Ledger) -> &[Self] {
        &ledger.payments
    }

    fn values(&self) -> Vec<Value> {
        vec![
            text(&self.company),
            text(&self.document),
            text(&self.invoice),
            self.direction.as_str().into(),
            self.paid_on.into(),
            text(&self.cont),
            self.amount.into(),
        ]
    }
}
