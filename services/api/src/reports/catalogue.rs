//! The reports there are at this moment, and who may run them.
//!
//! Readers take a snapshot, so that a request sees one catalogue from its beginning to its end while a
//! folder is read anew.

use std::sync::Arc;

use arc_swap::ArcSwap;
use reportapp_session::access::{Access, Permission};

use super::answer::ReportList;
use super::built_in::{self, Reports};
use super::file::Definition;
use super::{Refusal, Report};
use crate::erp::shorten;
use crate::error::ApiError;

/// See which report files are refused, and why.
const REPORTS_EDIT: Permission = Permission::of("reports", "edit");

/// The reports at this moment.
#[derive(Debug)]
pub struct Catalogue {
    current: ArcSwap<Snapshot>,
}

/// The reports at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// By id.
    pub(super) reports: Reports,
    /// Files that are not used.
    pub(super) refused: Vec<Refusal>,
}

impl Catalogue {
    /// The built-in reports.
    pub fn built_in() -> Self {
        Self {
            current: ArcSwap::from_pointee(Snapshot {
                reports: built_in::all().clone(),
                refused: Vec::new(),
            }),
        }
    }

    /// Uses other reports from here on.
    pub(super) fn replace(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
    }

    /// A report that `reader` may run. For others it does not exist.
    ///
    /// # Errors
    /// `ReportUnknown`.
    pub fn find(&self, id: &str, reader: &Access) -> Result<Arc<Report>, ApiError> {
        let snapshot = self.current.load();
        let report = snapshot.reports.get(id);
        let report = report.filter(|report| report.is_open_to(reader));
        report.map(Arc::clone).ok_or_else(|| {
            let message = format!(
                "There is no report `{}` for you; choose one from the list of reports.",
                shorten(id)
            );
            ApiError::not_found("ReportUnknown", "reportId", message)
        })
    }

    /// What `reader` may run, and for an editor what is refused.
    pub fn list(&self, reader: &Access) -> ReportList {
        let snapshot = self.current.load();
        let open = snapshot.reports.values();
        let open = open.filter(|report| report.is_open_to(reader));
        let refused = match reader.allows(&REPORTS_EDIT) {
            true => snapshot.refused.clone(),
            false => Vec::new(),
        };
        ReportList {
            reports: open
                .map(|report| shown(report, &snapshot.reports, reader))
                .collect(),
            refused,
        }
    }
}

/// A report without the links that would lead this reader nowhere.
fn shown(report: &Report, reports: &Reports, reader: &Access) -> Definition {
    let mut definition = report.definition.clone();
    for column in &mut definition.columns {
        column.link = column.link.take().filter(|link| {
            let target = reports.get(&link.report);
            target.is_some_and(|target| target.is_open_to(reader))
        });
    }
    definition
}
