//! Chats, updates and messages, and everything the people can do.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::error::ApiError;

/// The bot's own account number.
pub(crate) const BOT_ID: i64 = 7_000_000_001;
/// The bot's own name.
pub(crate) const BOT_NAME: &str = "reportapp_demo_bot";
/// Messages remembered; the oldest are forgotten first.
const MAX_MESSAGES: usize = 10_000;
/// Updates kept for a bot that does not fetch them.
const MAX_UPDATES: usize = 10_000;

/// The fake Telegram; clones share one state.
#[derive(Clone, Debug)]
pub struct FakeTelegram {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What a person reads.
    pub text: String,
    /// What the bot receives.
    pub data: String,
}

/// A message the bot sent, as it stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Chat it stands in.
    pub chat: i64,
    /// Its number.
    pub message_id: i32,
    /// What a person reads.
    pub text: String,
    /// What the bot sent.
    pub markup: String,
    /// Rows of buttons.
    pub keyboard: Vec<Vec<Button>>,
    /// How often it was edited.
    pub edits: u32,
}

/// A failure to be played for the next calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Method it is for; absent: any.
    #[serde(default)]
    pub method: Option<String>,
    /// HTTP status; 429 uses `retry_after`.
    pub code: u16,
    /// Seconds a 429 asks to wait.
    #[serde(default)]
    pub retry_after: u64,
    /// How many calls fail.
    pub times: u32,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) token: String,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) sent: Vec<Sent>,
    /// Messages of people that were not deleted, by chat and number.
    pub(crate) said: HashSet<(i64, i32)>,
    pub(crate) open_callbacks: HashSet<String>,
    pub(crate) answers: Vec<Value>,
    pub(crate) commands: BTreeMap<String, Value>,
    updates: VecDeque<Value>,
    faults: Vec<Fault>,
    /// Number of the newest getUpdates call; an older one that still waits is terminated.
    poll: u64,
    next_update: i64,
    next_message: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Chat {
    name: String,
    language: String,
    pub(crate) has_blocked_bot: bool,
}

impl FakeTelegram {
    /// A Telegram without chats that knows one bot, by `token`.
    pub fn new(token: &str) -> Self {
        let state = State {
            token: token.to_owned(),
            chats: BTreeMap::new(),
            sent: Vec::new(),
            said: HashSet::new(),
            open_callbacks: HashSet::new(),
            answers: Vec::new(),
            commands: BTreeMap::new(),
            updates: VecDeque::new(),
            faults: Vec::new(),
            poll: 0,
            next_update: 1000,
            next_message: 1,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            changed: Arc::default(),
        }
    }

    /// Someone whose client speaks `language` writes `text` in `chat` (negative: a group). Returns
    /// the number of the message.
    pub fn say(&self, chat: i64, text: &str, language: &str) -> i32 {
        let mut state = self.lock();
        let name = format!("Person {chat}");
        let known = Chat {
            name,
            language: language.to_owned(),
            has_blocked_bot: false,
        };
        let entry = state.chats.entry(chat).or_insert(known);
        entry.language = language.to_owned();
        let message_id = state.number_message();
        state.said.insert((chat, message_id));
        let mut message = json!({
            "message_id": message_id,
            "from": state.person(chat),
            "chat": state.chat(chat),
            "date": unix_seconds(),
            "text": text,
        });
        if text.starts_with('/') {
            let length = text
                .split_whitespace()
                .next()
                .map_or(0, |word| word.encode_utf16().count());
            message["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
        }
        state.push_update("message", message);
        drop(state);
        self.changed.notify_waiters();
        message_id
    }

    /// Someone presses the button labelled `label` of the newest message in `chat` that has one.
    /// Returns the number of the callback query, none when there is no such button.
    pub fn press(&self, chat: i64, label: &str) -> Option<String> {
        let mut state = self.lock();
        let (message, data) = state
            .sent
            .iter()
            .rev()
            .filter(|sent| sent.chat == chat)
            .find_map(|sent| {
                let button = sent
                    .keyboard
                    .iter()
                    .flatten()
                    .find(|button| button.text == label)?;
                Some((sent.clone(), button.data.clone()))
            })?;
        let id = format!("cb{}", state.next_update);
        let query = json!({
            "id": id,
            "from": state.person(chat),
            "message": state.message(&message),
            "chat_instance": chat.to_string(),
            "data": data,
        });
        state.open_callbacks.insert(id.clone());
        state.push_update("callback_query", query);
        drop(state);
        self.changed.notify_waiters();
        Some(id)
    }

    /// Messages of the bot in `chat`, oldest first, without deleted ones.
    pub fn outbox(&self, chat: i64) -> Vec<Sent> {
        self.lock()
            .sent
            .iter()
            .filter(|sent| sent.chat == chat)
            .cloned()
            .collect()
    }

    /// The outbox of `chat` as soon as `is_enough` says so; at the latest after `within`.
    pub async fn wait_for_outbox(
        &self,
        chat: i64,
        within: Duration,
        is_enough: impl Fn(&[Sent]) -> bool,
    ) -> Vec<Sent> {
        let _enough_or_time_up =
            timeout(within, self.wait_until(|| is_enough(&self.outbox(chat)))).await;
        self.outbox(chat)
    }

    /// Returns once `is_so` holds; it is asked after each change.
    pub async fn wait_until(&self, is_so: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_so() {
                return;
            }
            changed.await;
        }
    }

    /// Whether the message a person wrote is still there.
    pub fn has_said(&self, chat: i64, message_id: i32) -> bool {
        self.lock().said.contains(&(chat, message_id))
    }

    /// Whether the bot answered the callback query.
    pub fn is_answered(&self, callback: &str) -> bool {
        !self.lock().open_callbacks.contains(callback)
    }

    /// Updates the bot has not confirmed yet.
    pub fn pending_updates(&self) -> usize {
        self.lock().updates.len()
    }

    /// Whether a bot has fetched updates at least once.
    pub fn was_polled(&self) -> bool {
        self.lock().poll > 0
    }

    /// Commands the bot announced for a language (`""` for all others), as the Bot API shows them.
    pub fn commands(&self, language: &str) -> Option<Value> {
        self.lock().commands.get(language).cloned()
    }

    /// Plays a failure for the next calls.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Someone blocks or unblocks the bot.
    pub fn set_blocked(&self, chat: i64, blocked: bool) {
        if let Some(chat) = self.lock().chats.get_mut(&chat) {
            chat.has_blocked_bot = blocked;
        }
    }

    /// The token is revoked and replaced.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.lock().token);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }

    pub(crate) fn announce_change(&self) {
        self.changed.notify_waiters();
    }

    /// Waits up to `seconds` for updates, as getUpdates does.
    pub(crate) async fn poll(
        &self,
        offset: i64,
        limit: usize,
        seconds: u64,
    ) -> Result<Vec<Value>, ApiError> {
        let number = {
            let mut state = self.lock();
            state.confirm(offset);
            state.poll += 1;
            state.poll
        };
        self.changed.notify_waiters();
        let is_over = || {
            let state = self.lock();
            state.poll != number || !state.updates.is_empty()
        };
        let _over_or_time_up =
            timeout(Duration::from_secs(seconds), self.wait_until(is_over)).await;
        let state = self.lock();
        if state.poll != number {
            return Err(ApiError::new(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot \
                 instance is running",
            ));
        }
        Ok(state.updates.iter().take(limit).cloned().collect())
    }
}

impl State {
    /// The failure to play for this call, if any.
    pub(crate) fn take_fault(&mut self, method: &str) -> Option<ApiError> {
        let is_for = |fault: &Fault| {
            fault
                .method
                .as_deref()
                .is_none_or(|name| name.eq_ignore_ascii_case(method))
        };
        let position = self.faults.iter().position(is_for)?;
        let fault = &mut self.faults[position];
        fault.times = fault.times.saturating_sub(1);
        let error = match fault.code {
            429 => ApiError::too_many_requests(fault.retry_after),
            code => ApiError::new(code, "Internal Server Error"),
        };
        if fault.times == 0 {
            self.faults.remove(position);
        }
        Some(error)
    }

    /// Stores a message of the bot and returns it as the Bot API shows it.
    pub(crate) fn send(
        &mut self,
        chat: i64,
        text: String,
        markup: String,
        keyboard: Vec<Vec<Button>>,
    ) -> Value {
        let message_id = self.number_message();
        let sent = Sent {
            chat,
            message_id,
            text,
            markup,
            keyboard,
            edits: 0,
        };
        let message = self.message(&sent);
        if self.sent.len() >= MAX_MESSAGES {
            self.sent.remove(0);
        }
        self.sent.push(sent);
        message
    }

    /// A message of the bot as the Bot API shows it.
    pub(crate) fn message(&self, sent: &Sent) -> Value {
        let mut message = json!({
            "message_id": sent.message_id,
            "from": bot_user(),
            "chat": self.chat(sent.chat),
            "date": unix_seconds(),
            "text": sent.text,
        });
        if !sent.keyboard.is_empty() {
            let rows: Vec<Vec<Value>> = sent
                .keyboard
                .iter()
                .map(|row| {
                    row.iter()
                        .map(|b| json!({"text": b.text, "callback_data": b.data}))
                        .collect()
                })
                .collect();
            message["reply_markup"] = json!({"inline_keyboard": rows});
        }
        message
    }

    fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            while self.updates.len() > keep {
                self.updates.pop_front();
            }
        }
        let is_confirmed =
            |update: &Value| update["update_id"].as_i64().is_some_and(|id| id < offset);
        while self.updates.front().is_some_and(is_confirmed) {
            self.updates.pop_front();
        }
    }

    fn push_update(&mut self, kind: &str, content: Value) {
        if self.updates.len() >= MAX_UPDATES {
            self.updates.pop_front();
        }
        self.updates
            .push_back(json!({"update_id": self.next_update, kind: content}));
        self.next_update += 1;
    }

    fn number_message(&mut self) -> i32 {
        let number = self.next_message;
        self.next_message += 1;
        number
    }

    fn person(&self, chat: i64) -> Value {
        let known = &self.chats[&chat];
        json!({
            "id": chat.unsigned_abs(),
            "is_bot": false,
            "first_name": known.name,
            "language_code": known.language,
        })
    }

    fn chat(&self, id: i64) -> Value {
        let name = self.chats.get(&id).map_or("", |chat| chat.name.as_str());
        if id < 0 {
            json!({"id": id, "type": "group", "title": name})
        } else {
            json!({"id": id, "type": "private", "first_name": name})
        }
    }
}

/// The bot's own account.
pub(crate) fn bot_user() -> Value {
    json!({"id": BOT_ID, "is_bot": true, "first_name": "ReportApp", "username": BOT_NAME})
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
