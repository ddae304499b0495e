//! Why a call to the Bot API failed, in words made of causes without addresses: an address holds
//! the token.

use std::time::Duration;

use reportapp_config::status::Reason;
use teloxide::{ApiError, RequestError};

use crate::api::client::describe;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The token is not, or no longer, a bot's.
    #[error("the Bot API refuses the bot token; put the bot's present token into the credential")]
    TokenRefused,
    /// Somebody else fetches this bot's updates.
    #[error(
        "another process fetches the updates of this bot, or a webhook is set for it; stop it, \
         or give this bot a token of its own"
    )]
    Conflict,
    /// Too many calls.
    #[error("the Bot API asks to wait {} s", .0.as_secs())]
    Wait(Duration),
    /// The server cannot be reached or does not work.
    #[error("the Bot API cannot be reached: {0}")]
    Unreachable(String),
    /// The server understood and says no; another attempt ends the same way.
    #[error("the Bot API refuses: {0}")]
    Refused(String),
}

impl Trouble {
    /// The reason to report, none when the server itself works.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::TokenRefused => Some(Reason::TelegramTokenRefused),
            Self::Conflict => Some(Reason::TelegramConflict),
            Self::Unreachable(_) => Some(Reason::TelegramUnreachable),
            Self::Wait(_) | Self::Refused(_) => None,
        }
    }

    /// A short name for metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::TokenRefused => "TokenRefused",
            Self::Conflict => "Conflict",
            Self::Wait(_) => "Wait",
            Self::Unreachable(_) => "Unreachable",
            Self::Refused(_) => "Refused",
        }
    }
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::RetryAfter(seconds) => Self::Wait(seconds.duration()),
            RequestError::Network(error) => Self::Unreachable(describe(&error)),
            RequestError::InvalidJson { .. } => {
                Self::Unreachable("the answer is not one of a Bot API server".to_owned())
            }
            RequestError::Io(error) => Self::Unreachable(error.kind().to_string()),
            RequestError::MigrateToChatId(_) => {
                Self::Refused("the group became a supergroup".to_owned())
            }
            RequestError::Api(error) => from_api(&error),
        }
    }
}

fn from_api(error: &ApiError) -> Trouble {
    match error {
        ApiError::InvalidToken => Trouble::TokenRefused,
        ApiError::TerminatedByOtherGetUpdates | ApiError::CantGetUpdates => Trouble::Conflict,
        ApiError::Unknown(text) if text.starts_with("Conflict") => Trouble::Conflict,
        // The library does not tell the status of an error it does not know.
        ApiError::Unknown(text) if !is_refusal(text) => Trouble::Unreachable(text.clone()),
        error => Trouble::Refused(error.to_string()),
    }
}

fn is_refusal(description: &str) -> bool {
    ["Bad Request", "Forbidden", "Not Found"]
        .iter()
        .any(|start| description.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_can_be_done_about_them() {
        let unknown = |text: &str| from_api(&ApiError::Unknown(text.to_owned()));
        assert_eq!(from_api(&ApiError::InvalidToken), Trouble::TokenRefused);
        assert_eq!(
            from_api(&ApiError::TerminatedByOtherGetUpdates),
            Trouble::Conflict
        );
        let webhook = "Conflict: can't use getUpdates method while webhook is active; use \
                       deleteWebhook to delete the webhook first";
        assert_eq!(unknown(webhook), Trouble::Conflict);
        assert!(matches!(
            unknown("Internal Server Error"),
            Trouble::Unreachable(_)
        ));
        assert!(matches!(
            unknown("Bad Request: BUTTON_DATA_INVALID"),
            Trouble::Refused(_)
        ));
        assert!(matches!(
            from_api(&ApiError::BotBlocked),
            Trouble::Refused(_)
        ));
    }
}
