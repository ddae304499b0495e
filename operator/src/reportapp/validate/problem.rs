//! How problems read: their reasons as words, one alone and many in a condition.

use std::fmt;

use super::super::model::{Problem, ProblemReason, Problems};

/// Problems a condition lists before it only counts the rest.
const MOST_LISTED: usize = 20;

impl ProblemReason {
    /// The word used in conditions, events and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotImplemented => "NotImplemented",
            Self::InvalidValue => "InvalidValue",
            Self::DuplicateName => "DuplicateName",
            Self::UnknownCredential => "UnknownCredential",
            Self::CredentialMismatch => "CredentialMismatch",
            Self::UnusableKey => "UnusableKey",
            Self::InvalidSchedule => "InvalidSchedule",
            Self::HostTaken => "HostTaken",
            Self::KnownHostsInvalid => "KnownHostsInvalid",
            Self::ImageInvalid => "ImageInvalid",
            Self::CertificateUnusable => "CertificateUnusable",
            Self::SecretMissing => "SecretMissing",
            Self::SecretNotAllowed => "SecretNotAllowed",
            Self::ConfigMapMissing => "ConfigMapMissing",
            Self::ConfigMapNotAllowed => "ConfigMapNotAllowed",
            Self::WorkloadMissing => "WorkloadMissing",
            Self::WorkloadNotAllowed => "WorkloadNotAllowed",
            Self::SecretKeyMissing => "SecretKeyMissing",
            Self::SecretUnreadable => "SecretUnreadable",
            Self::StoreUnavailable => "StoreUnavailable",
            Self::StoreDenied => "StoreDenied",
            Self::StoreValueMissing => "StoreValueMissing",
            Self::Forbidden => "Forbidden",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

impl Problems {
    /// The reason they share, or `InvalidSpec`.
    pub fn reason(&self) -> &'static str {
        let mut reasons = self.0.iter().map(|problem| problem.reason);
        match reasons.next() {
            Some(first) if reasons.all(|reason| reason == first) => first.as_str(),
            _ => "InvalidSpec",
        }
    }

    /// What is only not known now, a line each. While there is any, the spec is not judged: the
    /// other problems may follow from it.
    pub fn unread(&self) -> Option<String> {
        let problems = self.0.iter();
        let unread: Vec<_> = problems
            .filter(|problem| problem.reason == ProblemReason::SecretUnreadable)
            .map(Problem::to_string)
            .collect();
        (!unread.is_empty()).then(|| unread.join("\n"))
    }
}

impl fmt::Display for Problems {
    /// The first problems, one a line, and the number of the others.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(MOST_LISTED).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        match self.0.len().checked_sub(MOST_LISTED) {
            Some(more) if more > 0 => write!(formatter, "\nand {more} more"),
            _ => Ok(()),
        }
    }
}
