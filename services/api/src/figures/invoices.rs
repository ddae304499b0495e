//! Rows of the reports about invoices as objects.

use crate::model::figures::{Invoice, InvoiceMonth};
use crate::reports::Table;

/// The rows of `invoices`.
pub(crate) fn list(table: &Table) -> Vec<Invoice> {
    let invoices = table.records().map(|record| Invoice {
        number: record.text("number"),
        direction: record.text("direction"),
        partner: record.text("partner"),
        partner_name: record.opt_text("partnerName"),
        issued_on: record.date("issuedOn"),
        due_on: record.date("dueOn"),
        net: record.amount("net"),
        vat: record.amount("vat"),
        total: record.amount("total"),
        paid: record.amount("paid"),
        rest: record.amount("rest"),
        status: record.text("status"),
        days_overdue: record.integer("daysOverdue"),
    });
    invoices.collect()
}

/// The rows of `invoices-summary`.
pub(crate) fn months(table: &Table) -> Vec<InvoiceMonth> {
    let months = table.records().map(|record| InvoiceMonth {
        year: record.integer("year"),
        month: record.integer("month"),
        direction: record.text("direction"),
        invoices: record.integer("invoices"),
        net: record.amount("net"),
        vat: record.amount("vat"),
        total: record.amount("total"),
        paid: record.amount("paid"),
        rest: record.amount("rest"),
    });
    months.collect()
}
