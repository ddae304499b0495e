//! The reports that come with the product: files like any other, compiled in.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::{Report, read};

/// Reports by id.
pub(super) type Reports = BTreeMap<String, Arc<Report>>;

macro_rules! files {
    ($($id:literal),+ $(,)?) => {
        &[$((concat!($id, ".yaml"), include_str!(concat!("../../reports/", $id, ".yaml")))),+]
    };
}

/// Name and text of every file.
const FILES: &[(&str, &str)] = files![
    "ageing-clients",
    "ageing-suppliers",
    "client-balances",
    "invoices",
    "invoices-summary",
    "journal",
    "ledger-card",
    "monthly-figures",
    "overdue-clients",
    "receipts",
    "supplier-balances",
    "treasury",
    "treasury-movements",
    "trial-balance",
    "trial-balance-synthetic",
];

static REPORTS: LazyLock<Reports> = LazyLock::new(|| {
    let reports = FILES.iter().map(|(file, text)| {
        let report = read(file, text).unwrap_or_else(|refused| {
            let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
            // Compiled in, and read by every test of the catalogue.
            panic!("a built-in report is refused: {}", refused.join("; "))
        });
        (report.definition.id.clone(), Arc::new(report))
    });
    reports.collect()
});

/// All of them.
pub(super) fn all() -> &'static Reports {
    &REPORTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_named_like_its_report() {
        assert_eq!(all().len(), FILES.len());
        for (file, _) in FILES {
            let id = file.trim_end_matches(".yaml");
            assert_eq!(all()[id].definition.id, id);
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/reports");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len());
    }

    #[test]
    fn every_link_leads_to_a_parameter_of_a_report() {
        for report in all().values() {
            for column in &report.definition.columns {
                let Some(link) = &column.link else { continue };
                let target = &all()[&link.report].definition;
                for parameter in link.parameters.keys() {
                    let known = target.parameters.iter();
                    let names: Vec<&String> = known.map(|known| &known.name).collect();
                    assert!(
                        names.contains(&parameter),
                        "{}: {link:?}",
                        report.definition.id
                    );
                }
            }
        }
    }
}
