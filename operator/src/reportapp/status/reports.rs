//! Whether the API answers every report file, as far as its pods say. It stands apart from `Ready`: a file
//! that is refused takes nothing from what was read of it before, nor from other files.

use reportapp_config::status::{DependencyState, Reason};

use super::conditions::{Verdict, no, unknown, yes};
use super::dependencies::{MESSAGE_BYTES, dependencies};
use super::{Finding, StatusInput, bounded};

/// What the API calls its report files.
const NAME: &str = "reports";

/// The condition `ReportsReady`.
pub(super) fn ready(input: &StatusInput<'_>) -> Verdict {
    let about = || dependencies(input).filter(|(_, dependency)| dependency.name == NAME);
    let refused = about().find(|(_, dependency)| dependency.state == DependencyState::Failing);
    if let Some((_, dependency)) = refused {
        let reason = dependency.reason.unwrap_or(Reason::ReportRefused);
        let message = bounded(&dependency.message, MESSAGE_BYTES);
        return no(Finding::new(reason.as_str(), message));
    }
    if about().any(|(_, dependency)| dependency.state == DependencyState::Ok) {
        return yes("ReportsLoaded", "the API answers the report of every file");
    }
    unknown("NotReported", "no pod of the API has read the files yet")
}
