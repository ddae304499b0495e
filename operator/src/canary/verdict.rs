//! What a try says about a login, and the words for it.

use crate::api_error::shortened;
use crate::backend::Login;
use crate::rotation::trouble::Trouble;

/// Reason of a refused login, in status, condition and event.
pub const REJECTED: &str = "CredentialRejected";
/// Reason of a login that opens less than it should.
pub const LACKING: &str = "PrivilegesLacking";
/// Most characters of a message; the schema allows 1024.
const MAX_MESSAGE: usize = 1_000;

/// What a try says about a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is accepted, with the privileges of the application.
    Accepted,
    /// It is accepted, but something differs from the application's role; a sentence.
    Lacking(String),
    /// It is refused; a sentence with the remedy.
    Refused(String),
}

impl Verdict {
    /// Reason and message, of a verdict that is not good.
    pub fn told(&self) -> (Option<String>, Option<String>) {
        let (reason, message) = match self {
            Self::Accepted => return (None, None),
            Self::Lacking(message) => (LACKING, message),
            Self::Refused(message) => (REJECTED, message),
        };
        let message = shortened(message, MAX_MESSAGE).into_owned();
        (Some(reason.to_owned()), Some(message))
    }
}

/// Sorts the outcome of a login; `remedy` gives the sentence for a refusal. A backend that could not be
/// asked gives no verdict, and neither does one that nobody can log in to.
///
/// # Errors
/// Why nothing was learnt.
pub fn judge(
    credential: &str,
    outcome: Result<Option<Login>, Trouble>,
    remedy: impl FnOnce() -> String,
) -> Result<Verdict, String> {
    match outcome {
        Ok(Some(Login::Accepted)) => Ok(Verdict::Accepted),
        Ok(Some(Login::Lacking(what))) => Ok(Verdict::Lacking(format!(
            "the login in use of credential {credential} is accepted, but: {what}"
        ))),
        Ok(Some(Login::Refused)) => Ok(Verdict::Refused(remedy())),
        Ok(None) => Err(format!("credential {credential} opens no login")),
        Err(trouble) => Err(trouble.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::trouble::Reason;

    fn judged(outcome: Result<Option<Login>, Trouble>) -> Result<Verdict, String> {
        judge("erp", outcome, || "put it back".to_owned())
    }

    #[test]
    fn only_a_refusal_is_a_rejection() {
        assert_eq!(judged(Ok(Some(Login::Accepted))), Ok(Verdict::Accepted));
        let refused = judged(Ok(Some(Login::Refused))).expect("a verdict");
        assert_eq!(refused, Verdict::Refused("put it back".to_owned()));
        assert_eq!(refused.told().0.as_deref(), Some(REJECTED));
        let lacking = judged(Ok(Some(Login::Lacking("no schema".to_owned()))));
        let lacking = lacking.expect("a verdict");
        assert_eq!(lacking.told().0.as_deref(), Some(LACKING));
        for reason in [Reason::BackendUnreachable, Reason::BackendRefused] {
            let silent = Trouble::new(reason, "it is away");
            assert_eq!(judged(Err(silent)), Err("it is away".to_owned()));
        }
        assert!(judged(Ok(None)).is_err());
    }
}
