//! The people's side over HTTP, as JSON:
//!
//! | call | does |
//! |---|---|
//! | `POST /control/say {chat, text, language}` | someone writes; answers `{messageId}` |
//! | `POST /control/press {chat, button}` | someone presses a button by its label; `{callback}` |
//! | `GET /control/outbox?chat=1&atLeast=1&seconds=10` | messages of the bot, waiting for them |
//! | `GET /control/state` | pending updates, whether a bot polls, answers to pressed buttons |
//! | `POST /control/fault {method, code, retryAfter, times}` | the next calls fail |
//! | `POST /control/block {chat, blocked}` | someone blocks or unblocks the bot |
//! | `POST /control/token {token}` | the token is replaced |

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::state::{FakeTelegram, Fault};

/// Longest wait of the outbox, in seconds.
const MAX_WAIT: u64 = 60;

#[derive(Deserialize)]
struct Say {
    chat: i64,
    text: String,
    #[serde(default = "english")]
    language: String,
}

#[derive(Deserialize)]
struct Press {
    chat: i64,
    button: String,
}

#[derive(Deserialize)]
struct Block {
    chat: i64,
    blocked: bool,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

fn english() -> String {
    "en".to_owned()
}

/// Why a control call failed: an HTTP status and a sentence.
pub(crate) type Refusal = (u16, String);

/// Does what `path` (without `/control/`) says.
pub(crate) async fn call(
    telegram: &FakeTelegram,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    match path {
        "say" => {
            let Say {
                chat,
                text,
                language,
            } = parse(body)?;
            Ok(json!({"messageId": telegram.say(chat, &text, &language)}))
        }
        "press" => {
            let Press { chat, button } = parse(body)?;
            match telegram.press(chat, &button) {
                Some(callback) => Ok(json!({"callback": callback})),
                None => Err((404, format!("chat {chat} has no button `{button}`"))),
            }
        }
        "outbox" => outbox(telegram, query).await,
        "state" => Ok(state(telegram)),
        "fault" => {
            telegram.inject(parse::<Fault>(body)?);
            Ok(json!({}))
        }
        "block" => {
            let Block { chat, blocked } = parse(body)?;
            telegram.set_blocked(chat, blocked);
            Ok(json!({}))
        }
        "token" => {
            telegram.set_token(&parse::<Token>(body)?.token);
            Ok(json!({}))
        }
        _ => Err((404, format!("there is no /control/{path}"))),
    }
}

async fn outbox(telegram: &FakeTelegram, query: &str) -> Result<Value, Refusal> {
    let number = |name: &str| -> Option<i64> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(key, _)| *key == name)?
            .1
            .parse()
            .ok()
    };
    let Some(chat) = number("chat") else {
        return Err((400, "chat is missing".to_owned()));
    };
    let at_least = number("atLeast")
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(0);
    let seconds = number("seconds")
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(0)
        .min(MAX_WAIT);
    let within = Duration::from_secs(seconds);
    let sent = telegram
        .wait_for_outbox(chat, within, |sent| sent.len() >= at_least)
        .await;
    Ok(json!(sent))
}

fn state(telegram: &FakeTelegram) -> Value {
    let (pending, polled) = (telegram.pending_updates(), telegram.was_polled());
    let state = telegram.lock();
    json!({
        "pendingUpdates": pending,
        "wasPolled": polled,
        "answers": state.answers,
        "commands": state.commands,
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| (400, error.to_string()))
}
