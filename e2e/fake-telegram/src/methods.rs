//! The Bot API methods: parameters in, result or Telegram's error out.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::{FakeTelegram, bot_user};
use crate::{html, keyboard};

/// Most characters of a message, after its markup is parsed.
const MAX_TEXT: usize = 4096;
/// Most characters of the answer to a pressed button.
const MAX_ANSWER: usize = 200;
/// Longest wait of getUpdates, in seconds.
const MAX_WAIT: u64 = 50;

/// Calls `method` with its JSON parameters.
pub(crate) async fn call(
    telegram: &FakeTelegram,
    method: &str,
    parameters: &Value,
) -> Result<Value, ApiError> {
    // Method names are not case-sensitive.
    let method = method.to_ascii_lowercase();
    if let Some(fault) = telegram.lock().take_fault(&method) {
        return Err(fault);
    }
    let result = match method.as_str() {
        "getme" => Ok(me()),
        "getupdates" => return get_updates(telegram, parameters).await,
        "sendmessage" => send_message(telegram, parameters),
        "editmessagetext" => edit_message_text(telegram, parameters),
        "deletemessage" => delete_message(telegram, parameters),
        "answercallbackquery" => answer_callback_query(telegram, parameters),
        "setmycommands" => set_my_commands(telegram, parameters),
        _ => Err(ApiError::new(404, "Not Found: method not found")),
    };
    telegram.announce_change();
    result
}

fn me() -> Value {
    let mut me = bot_user();
    me["can_join_groups"] = json!(true);
    me["can_read_all_group_messages"] = json!(false);
    me["supports_inline_queries"] = json!(false);
    me["can_connect_to_business"] = json!(false);
    me["has_main_web_app"] = json!(false);
    me
}

async fn get_updates(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let offset = parameters["offset"].as_i64().unwrap_or(0);
    let limit = parameters["limit"].as_u64().unwrap_or(100).clamp(1, 100);
    let seconds = parameters["timeout"].as_u64().unwrap_or(0).min(MAX_WAIT);
    let limit = usize::try_from(limit).expect("at most 100");
    telegram.poll(offset, limit, seconds).await.map(Value::from)
}

fn send_message(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let chat = chat_id(parameters)?;
    let (text, markup) = text(parameters)?;
    let buttons = keyboard::parse(parameters.get("reply_markup"))?;
    let mut state = telegram.lock();
    match state.chats.get(&chat) {
        None => Err(ApiError::bad_request("chat not found")),
        Some(chat) if chat.has_blocked_bot => {
            Err(ApiError::new(403, "Forbidden: bot was blocked by the user"))
        }
        Some(_) => Ok(state.send(chat, text, markup, buttons)),
    }
}

fn edit_message_text(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let (chat, message_id) = (chat_id(parameters)?, message_id(parameters)?);
    let (text, markup) = text(parameters)?;
    let keyboard = keyboard::parse(parameters.get("reply_markup"))?;
    let mut state = telegram.lock();
    if state.said.contains(&(chat, message_id)) {
        return Err(ApiError::bad_request("message can't be edited"));
    }
    let is_it = |sent: &&mut crate::Sent| sent.chat == chat && sent.message_id == message_id;
    let Some(sent) = state.sent.iter_mut().find(is_it) else {
        return Err(ApiError::bad_request("message to edit not found"));
    };
    if sent.markup == markup && sent.keyboard == keyboard {
        return Err(ApiError::bad_request(
            "message is not modified: specified new message content and reply markup are exactly \
             the same as a current content and reply markup of the message",
        ));
    }
    sent.text = text;
    sent.markup = markup;
    sent.keyboard = keyboard;
    sent.edits += 1;
    let sent = sent.clone();
    Ok(state.message(&sent))
}

fn delete_message(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let (chat, message_id) = (chat_id(parameters)?, message_id(parameters)?);
    let mut state = telegram.lock();
    let before = state.sent.len();
    state
        .sent
        .retain(|sent| sent.chat != chat || sent.message_id != message_id);
    // A bot may delete what people wrote to it in a private chat, not in a group.
    let deleted = before > state.sent.len() || (chat > 0 && state.said.remove(&(chat, message_id)));
    if deleted {
        Ok(json!(true))
    } else {
        Err(ApiError::bad_request("message to delete not found"))
    }
}

fn answer_callback_query(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let id = parameters["callback_query_id"].as_str().unwrap_or_default();
    let text = parameters["text"].as_str().unwrap_or_default();
    if text.chars().count() > MAX_ANSWER {
        return Err(ApiError::bad_request("MESSAGE_TOO_LONG"));
    }
    let mut state = telegram.lock();
    if !state.open_callbacks.remove(id) {
        return Err(ApiError::bad_request(
            "query is too old and response timeout expired or query ID is invalid",
        ));
    }
    state.answers.push(json!({"callback": id, "text": text}));
    Ok(json!(true))
}

fn set_my_commands(telegram: &FakeTelegram, parameters: &Value) -> Result<Value, ApiError> {
    let commands = parameters["commands"]
        .as_array()
        .filter(|commands| commands.len() <= 100)
        .ok_or_else(|| ApiError::bad_request("can't parse BotCommands"))?;
    for command in commands {
        let name = command["command"].as_str().unwrap_or_default();
        let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 32 || !name.chars().all(is_valid) {
            return Err(ApiError::bad_request("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default();
        if description.is_empty() || description.chars().count() > 256 {
            return Err(ApiError::bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    let language = parameters["language_code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if !language.is_empty() && language.len() != 2 {
        return Err(ApiError::bad_request("language code is invalid"));
    }
    telegram.lock().commands.insert(language, json!(commands));
    Ok(json!(true))
}

fn chat_id(parameters: &Value) -> Result<i64, ApiError> {
    match &parameters["chat_id"] {
        Value::Null => Err(ApiError::bad_request("chat_id is empty")),
        id => id
            .as_i64()
            .ok_or_else(|| ApiError::bad_request("chat not found")),
    }
}

fn message_id(parameters: &Value) -> Result<i32, ApiError> {
    let id = parameters["message_id"]
        .as_i64()
        .and_then(|id| i32::try_from(id).ok());
    id.ok_or_else(|| ApiError::bad_request("message identifier is not specified"))
}

/// The text a person sees and the text as sent.
fn text(parameters: &Value) -> Result<(String, String), ApiError> {
    let markup = parameters["text"].as_str().unwrap_or_default();
    let text = match parameters["parse_mode"].as_str() {
        None | Some("") => markup.to_owned(),
        Some(mode) if mode.eq_ignore_ascii_case("html") => {
            html::plain_text(markup).map_err(|complaint| {
                ApiError::bad_request(&format!("can't parse entities: {complaint}"))
            })?
        }
        Some(_) => return Err(ApiError::bad_request("unsupported parse_mode")),
    };
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("message text is empty"));
    }
    if text.encode_utf16().count() > MAX_TEXT {
        return Err(ApiError::bad_request("message is too long"));
    }
    Ok((text, markup.to_owned()))
}
