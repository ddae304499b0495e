//! What can go wrong with a request to the API server, told so that a person can act on it and so
//! that no value of a Secret shows: the API server repeats values in its complaints, therefore its
//! words about Secrets are dropped.

use std::borrow::Cow;

use kube::{Resource, core::Status};

/// Most characters of an answer of the API server that are passed on.
const MAX_ANSWER: usize = 512;

/// Result of a request to the API server.
pub type ApiResult<T> = Result<T, ApiError>;

/// A request to the API server failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// RBAC does not let the operator do it.
    #[error("the operator may not {verb} {resource}")]
    Forbidden {
        /// Verb, such as `patch`.
        verb: &'static str,
        /// Resource, such as `deployments.apps`.
        resource: String,
    },
    /// The object changed since it was read.
    #[error("{resource} {name} was changed by somebody else at the same time")]
    Conflict {
        /// Resource, such as `deployments.apps`.
        resource: String,
        /// Name of the object.
        name: String,
    },
    /// The API server refuses for another reason, such as a quota or an admission policy.
    #[error("the API server refuses to {verb} {resource} {name}: {answer}")]
    Refused {
        /// Verb, such as `patch`.
        verb: &'static str,
        /// Resource, such as `deployments.apps`.
        resource: String,
        /// Name of the object.
        name: String,
        /// HTTP status.
        code: u16,
        /// Its words, shortened; for Secrets only the code.
        answer: String,
    },
    /// The API server could not be reached or gave an answer that cannot be read.
    #[error("failed to {verb} {resource} {name}: {kind}")]
    Call {
        /// Verb, such as `patch`.
        verb: &'static str,
        /// Resource, such as `deployments.apps`.
        resource: String,
        /// Name of the object.
        name: String,
        /// What kind of failure it was.
        kind: &'static str,
    },
    /// An object of this name exists and belongs to somebody else.
    #[error(
        "{resource} {name} exists already and does not belong to this ReportApp; delete it, or give the ReportApp another name"
    )]
    NotOurs {
        /// Resource, such as `services`.
        resource: String,
        /// Name of the object.
        name: String,
    },
    /// Generated material in the ledger cannot be used.
    #[error("the ledger Secret {name} cannot be used: {problem}")]
    Ledger {
        /// Name of the Secret.
        name: String,
        /// What is wrong with it; never a value.
        problem: String,
    },
}

impl ApiError {
    /// Tells what a request for an object of kind `K` failed with.
    pub fn new<K: Resource<DynamicType = ()>>(
        verb: &'static str,
        name: &str,
        error: &kube::Error,
    ) -> Self {
        let resource = resource::<K>();
        let name = name.to_owned();
        let kube::Error::Api(status) = error else {
            return Self::Call {
                verb,
                resource,
                name,
                kind: kind(error),
            };
        };
        match status.code {
            403 if is_rbac(status) => Self::Forbidden { verb, resource },
            409 => Self::Conflict { resource, name },
            _ => {
                let answer = if K::kind(&()) == "Secret" {
                    format!("{} {}", status.code, status.reason)
                } else {
                    shortened(&status.message, MAX_ANSWER).into_owned()
                };
                Self::Refused {
                    verb,
                    resource,
                    name,
                    code: status.code,
                    answer,
                }
            }
        }
    }
}

impl ApiError {
    /// The same about a subresource.
    #[must_use]
    pub fn on(self, subresource: &str) -> Self {
        match self {
            Self::Forbidden { verb, resource } => Self::Forbidden {
                verb,
                resource: match resource.split_once('.') {
                    Some((plural, group)) => format!("{plural}/{subresource}.{group}"),
                    None => format!("{resource}/{subresource}"),
                },
            },
            other => other,
        }
    }

    /// Whether it may pass by itself: the API server was away or overloaded.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Call { .. } => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            _ => false,
        }
    }
}

/// Plural and group, as RBAC and `kubectl` write it: `deployments.apps`, `services`.
pub fn resource<K: Resource<DynamicType = ()>>() -> String {
    let (plural, group) = (K::plural(&()), K::group(&()));
    if group.is_empty() {
        return plural.into_owned();
    }
    format!("{plural}.{group}")
}

/// A quota or an admission policy answers 403 too; only RBAC speaks of what a user cannot do.
fn is_rbac(status: &Status) -> bool {
    status.message.contains("User \"") && status.message.contains(" cannot ")
}

/// The first `max` characters.
pub fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The kind of a failure that is no answer. The error's own text may repeat what was sent.
fn kind(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::HttpError(_) => {
            "the API server cannot be reached"
        }
        kube::Error::SerdeError(_) => "the answer of the API server cannot be read",
        kube::Error::Auth(_) => "the operator cannot authenticate to the API server",
        _ => "the request could not be made",
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::Secret;

    use super::*;

    fn answer(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, reason).with_code(code).boxed())
    }

    #[test]
    fn a_missing_right_names_verb_and_resource() {
        let error = answer(
            403,
            "Forbidden",
            r#"deployments.apps "x" is forbidden: User "system:serviceaccount:ops:op" cannot patch resource "deployments""#,
        );
        let told = ApiError::new::<Deployment>("patch", "x", &error).to_string();
        assert_eq!(told, "the operator may not patch deployments.apps");
    }

    #[test]
    fn a_quota_is_no_missing_right() {
        let error = answer(
            403,
            "Forbidden",
            r#"pods "x" is forbidden: exceeded quota: small"#,
        );
        let told = ApiError::new::<Deployment>("patch", "x", &error).to_string();
        assert!(told.contains("exceeded quota"), "{told}");
    }

    #[test]
    fn words_about_secrets_are_dropped_because_they_may_repeat_values() {
        let error = answer(
            422,
            "Invalid",
            r#"Secret "x" is invalid: data[password]: Invalid value: "CANARY""#,
        );
        let told = ApiError::new::<Secret>("patch", "x", &error);
        assert_eq!(
            told.to_string(),
            "the API server refuses to patch secrets x: 422 Invalid"
        );
        assert!(!format!("{told:?}").contains("CANARY"));
    }
}
