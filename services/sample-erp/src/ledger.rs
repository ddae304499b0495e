//! The books of the sample companies in memory: what the generator makes and the loader writes.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

/// Everything there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Companies, in the order of their ids.
    pub companies: Vec<Company>,
    /// Accounts in use, with names.
    pub accounts: Vec<Account>,
    /// Clients and suppliers.
    pub partners: Vec<Partner>,
    /// Issued and received invoices.
    pub invoices: Vec<Invoice>,
    /// Their lines.
    pub invoice_lines: Vec<InvoiceLine>,
    /// Receipts from clients and payments to suppliers.
    pub payments: Vec<Payment>,
    /// The journal: every document's lines, by company and date.
    pub postings: Vec<Posting>,
}

/// A company with books of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Short stable id.
    pub id: Arc<str>,
    /// Name as registered.
    pub name: String,
    /// Tax number (CUI).
    pub tax_id: String,
    /// ISO 4217 code of the books.
    pub currency: String,
}

/// An account of one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id of the company.
    pub company: Arc<str>,
    /// Account number, synthetic (`371`) or with an analytic part (`4111.0012`).
    pub cont: Arc<str>,
    /// Name in Romanian; some analytic accounts have none.
    pub denumire: Option<String>,
}

/// Who an invoice goes to or comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To a client; money comes in.
    Issued,
    /// From a supplier; money goes out.
    Received,
}

impl Direction {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Received => "received",
        }
    }
}

/// A client or a supplier of one company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Id of the company.
    pub company: Arc<str>,
    /// Analytic account, which identifies the partner.
    pub cont: Arc<str>,
    /// Name as registered.
    pub name: String,
    /// Tax number (CUI).
    pub tax_id: String,
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Id of the company.
    pub company: Arc<str>,
    /// Number, unique within the company; also the document of its postings.
    pub number: Arc<str>,
    /// Issued or received.
    pub direction: Direction,
    /// Analytic account of the partner.
    pub partner: Arc<str>,
    /// Day of issue.
    pub issued_on: Date,
    /// Day it is due.
    pub due_on: Date,
    /// Amount before VAT.
    pub net: Decimal,
    /// VAT.
    pub vat: Decimal,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Id of the company.
    pub company: Arc<str>,
    /// Number of the invoice.
    pub invoice: Arc<str>,
    /// Position from 1.
    pub line: i32,
    /// Goods or service.
    pub description: Arc<str>,
    /// Pieces or hours.
    pub quantity: i32,
    /// Price of one, before VAT.
    pub unit_price: Decimal,
    /// VAT rate in percent.
    pub vat_rate: i32,
    /// Amount before VAT.
    pub net: Decimal,
    /// VAT.
    pub vat: Decimal,
}

/// Money received for or paid on an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Id of the company.
    pub company: Arc<str>,
    /// Document, unique within the company.
    pub document: Arc<str>,
    /// Number of the invoice.
    pub invoice: Arc<str>,
    /// Direction of the invoice.
    pub direction: Direction,
    /// Day of the money.
    pub paid_on: Date,
    /// Account of the money: a bank account or the cash desk.
    pub cont: Arc<str>,
    /// Amount.
    pub amount: Decimal,
}

/// One line of a document in the journal; exactly one of the amounts is not zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Id of the company.
    pub company: Arc<str>,
    /// Document; the lines of one document balance.
    pub document: Arc<str>,
    /// Accounting day.
    pub posted_on: Date,
    /// Account number.
    pub cont: Arc<str>,
    /// Amount on the debit side.
    pub debit: Decimal,
    /// Amount on the credit side.
    pub credit: Decimal,
    /// Explanation.
    pub text: Arc<str>,
}
