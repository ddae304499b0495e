//! The Bot API: fetching updates and carrying out effects.
//!
//! The token is part of every address, and the library's errors print addresses. Errors leave
//! this module only as a [`Trouble`].

mod trouble;

use std::time::Duration;

use reportapp_config::bot::Telegram as TelegramConfig;
use reportapp_config::credential::{CredentialError, Secret, TOKEN};
use reportapp_telemetry::Backoff;
use reqwest012::Client;
use reqwest012::redirect::Policy;
use teloxide::payloads::{
    AnswerCallbackQuerySetters, EditMessageTextSetters, GetUpdatesSetters, SendMessageSetters,
    SetMyCommandsSetters,
};
use teloxide::requests::Requester;
use teloxide::types::{
    AllowedUpdate, BotCommand, CallbackQueryId, ChatId, InlineKeyboardButton, InlineKeyboardMarkup,
    MessageId, ParseMode, Update,
};
use teloxide::{ApiError, Bot, RequestError};
use tokio::time::sleep;
use url::Url;

use crate::metrics::Metrics;
use crate::reply::{Content, Effect};
use crate::request::Language;
use crate::text;

pub use trouble::Trouble;

/// How long one poll waits for updates.
const POLL_SECONDS: u32 = 25;
/// Longest wait for the answer to a poll; must be longer than the poll itself.
const POLL_TIMEOUT: Duration = Duration::from_secs(POLL_SECONDS as u64 + 10);
/// Longest wait for the answer to any other call.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts at one effect before it is given up.
const ATTEMPTS: u32 = 5;
/// Pauses between attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The Bot API cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token cannot be read.
    #[error("failed to read the bot token")]
    Token(#[source] CredentialError),
    /// The address is none.
    #[error("`{url}` is not an address of a Bot API server")]
    Url {
        /// What was configured.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The address cannot have a path.
    #[error("`{url}` is not an http or https address")]
    Scheme {
        /// What was configured.
        url: String,
    },
    /// The TLS library refuses the settings.
    #[error("failed to set up TLS for the Bot API")]
    Tls(#[source] reqwest012::Error),
}

/// The Bot API with our token.
#[derive(Clone)]
pub struct Telegram {
    polls: Bot,
    calls: Bot,
    metrics: Metrics,
}

impl Telegram {
    /// Reads the token.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(config: &TelegramConfig, metrics: Metrics) -> Result<Self, SetupError> {
        let token = Secret::read_file(&config.credential, TOKEN).map_err(SetupError::Token)?;
        let bot = |timeout| -> Result<Bot, SetupError> {
            let client = Client::builder()
                .use_rustls_tls()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(timeout)
                .tcp_nodelay(true)
                .redirect(Policy::none())
                .build()
                .map_err(SetupError::Tls)?;
            let bot = Bot::with_client(token.expose(), client);
            match &config.api_url {
                None => Ok(bot),
                Some(url) => Ok(bot.set_api_url(api_url(url)?)),
            }
        };
        Ok(Self {
            polls: bot(POLL_TIMEOUT)?,
            calls: bot(CALL_TIMEOUT)?,
            metrics,
        })
    }

    /// Our own user name.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn name(&self) -> Result<String, Trouble> {
        let me = self.counted(self.calls.get_me().await)?;
        Ok(me.username().to_owned())
    }

    /// Announces our commands in both languages.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn announce_commands(&self) -> Result<(), Trouble> {
        for (tag, language) in [(None, Language::English), (Some("ro"), Language::Romanian)] {
            let commands = text::commands(language)
                .map(|(name, description)| BotCommand::new(name, description));
            let mut call = self.calls.set_my_commands(commands);
            if let Some(tag) = tag {
                call = call.language_code(tag);
            }
            self.counted(call.await)?;
        }
        Ok(())
    }

    /// Waits for updates from `offset` on, which confirms all earlier ones.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn poll(&self, offset: Option<i32>) -> Result<Vec<Update>, Trouble> {
        let mut call = self
            .polls
            .get_updates()
            .timeout(POLL_SECONDS)
            .allowed_updates([AllowedUpdate::Message, AllowedUpdate::CallbackQuery]);
        if let Some(offset) = offset {
            call = call.offset(offset);
        }
        self.counted(call.await)
    }

    /// Confirms every update before `offset` without waiting for more.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn confirm(&self, offset: i32) -> Result<(), Trouble> {
        let call = self.calls.get_updates().offset(offset).limit(1).timeout(0);
        self.counted(call.await).map(drop)
    }

    /// Carries out one effect, with pauses where Telegram asks for them.
    ///
    /// # Errors
    /// [`Trouble`] when the effect was given up.
    pub async fn perform(&self, chat: i64, effect: &Effect) -> Result<(), Trouble> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut attempt = 1;
        loop {
            let trouble = match self.counted(self.attempt(ChatId(chat), effect).await) {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            let pause = match &trouble {
                Trouble::Wait(pause) => *pause,
                Trouble::Unreachable(_) => backoff.next_pause(),
                _ => return Err(trouble),
            };
            if attempt == ATTEMPTS {
                return Err(trouble);
            }
            attempt += 1;
            sleep(pause).await;
        }
    }

    async fn attempt(&self, chat: ChatId, effect: &Effect) -> Result<(), RequestError> {
        let bot = &self.calls;
        match effect {
            Effect::Send(content) => {
                let call = bot
                    .send_message(chat, &content.html)
                    .parse_mode(ParseMode::Html);
                match keyboard(content) {
                    None => call.await.map(drop),
                    Some(keyboard) => call.reply_markup(keyboard).await.map(drop),
                }
            }
            Effect::Edit {
                message_id,
                content,
            } => {
                let id = MessageId(*message_id);
                let call = bot
                    .edit_message_text(chat, id, &content.html)
                    .parse_mode(ParseMode::Html);
                let edited = match keyboard(content) {
                    None => call.await,
                    Some(keyboard) => call.reply_markup(keyboard).await,
                };
                match edited {
                    // Someone pressed twice: the message says the right thing already.
                    Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Effect::Delete { message_id } => bot
                .delete_message(chat, MessageId(*message_id))
                .await
                .map(drop),
            Effect::Release { callback, notice } => {
                let call = bot.answer_callback_query(CallbackQueryId(callback.clone()));
                match notice {
                    None => call.await.map(drop),
                    Some(notice) => call.text(*notice).await.map(drop),
                }
            }
        }
    }

    fn counted<T>(&self, result: Result<T, RequestError>) -> Result<T, Trouble> {
        result.map_err(|error| {
            let trouble = Trouble::from(error);
            self.metrics
                .telegram_errors
                .with_label_values(&[trouble.name()])
                .inc();
            trouble
        })
    }
}

fn api_url(url: &str) -> Result<Url, SetupError> {
    let parsed = Url::parse(url).map_err(|source| SetupError::Url {
        url: url.to_owned(),
        source,
    })?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(SetupError::Scheme {
            url: url.to_owned(),
        });
    }
    let mut parsed = parsed;
    // The library appends to the path; an empty last segment would become a double slash.
    if let Ok(mut segments) = parsed.path_segments_mut() {
        segments.pop_if_empty();
    }
    Ok(parsed)
}

fn keyboard(content: &Content) -> Option<InlineKeyboardMarkup> {
    if content.keyboard.is_empty() {
        return None;
    }
    let rows = content.keyboard.iter().map(|row| {
        row.iter()
            .map(|(label, data)| InlineKeyboardButton::callback(label, data))
    });
    Some(InlineKeyboardMarkup::new(rows))
}

#[cfg(test)]
mod tests {
    use reportapp_config::status::Reason;

    use super::*;

    #[test]
    fn an_address_may_have_a_path_and_a_trailing_slash() {
        assert_eq!(
            api_url("http://telegram:8081/").unwrap().as_str(),
            "http://telegram:8081/"
        );
        assert_eq!(
            api_url("http://proxy/tg/").unwrap().as_str(),
            "http://proxy/tg"
        );
        assert!(matches!(api_url("telegram"), Err(SetupError::Url { .. })));
        assert!(matches!(
            api_url("ftp://telegram"),
            Err(SetupError::Scheme { .. })
        ));
    }

    #[tokio::test]
    async fn an_error_never_shows_the_token() {
        reportapp_telemetry::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "1:canary").unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let config = TelegramConfig {
            api_url: Some(format!("http://{closed}")),
            credential: folder.path().to_owned(),
        };
        let health = reportapp_telemetry::Health::new("test", "0");
        let telegram = Telegram::new(&config, Metrics::register(&health)).unwrap();
        let trouble = telegram.name().await.unwrap_err();
        assert_eq!(trouble.reason(), Some(Reason::TelegramUnreachable));
        assert!(
            !format!("{trouble} {trouble:?}").contains("canary"),
            "{trouble}"
        );
    }
}
