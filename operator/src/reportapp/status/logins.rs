//! Whether the backends accept the logins in use, as one condition. It stands apart from `Ready`: pods
//! with open connections serve on, and say themselves when they cannot.

use reportapp_crds::report_app::{CanaryStatus, CredentialStatus};

use super::conditions::{Verdict, no, unknown, yes};
use super::{Finding, StatusInput};
use crate::canary::verdict::{LACKING, REJECTED};

/// The condition that follows from what each credential's line says.
pub(super) fn accepted(input: &StatusInput<'_>, credentials: &[CredentialStatus]) -> Verdict {
    let canary = |name: &str| -> Option<&CanaryStatus> {
        let mut lines = credentials.iter();
        lines.find(|line| line.name == name)?.canary.as_ref()
    };
    let spec = input.app.spec.credentials.iter();
    let logins: Vec<_> = spec
        .filter(|credential| credential.opens.login().is_some())
        .map(|credential| (credential.name.as_str(), canary(&credential.name)))
        .collect();
    let bad: Vec<&CanaryStatus> = logins
        .iter()
        .filter_map(|(_, canary)| canary.filter(|canary| !canary.ok))
        .collect();
    if !bad.is_empty() {
        let rejected = bad.iter().any(|c| c.reason.as_deref() == Some(REJECTED));
        let reason = if rejected { REJECTED } else { LACKING };
        let messages: Vec<_> = bad.iter().filter_map(|c| c.message.as_deref()).collect();
        return no(Finding::new(reason, messages.join("; ")));
    }
    let untried: Vec<_> = logins
        .iter()
        .filter(|(_, canary)| canary.is_none())
        .map(|(name, _)| *name)
        .collect();
    if untried.is_empty() {
        return yes("Accepted", "the backends accept every login in use");
    }
    unknown(
        "NotTried",
        format!(
            "not tried yet, or not to be reached: {}",
            untried.join(", ")
        ),
    )
}
