//! What someone wants, read from an update. Pure.

use teloxide::types::{CallbackQuery, Message, Update, UpdateKind, User};

/// Callback data of the button for a company: this and the company's key.
pub const CHOOSE_PREFIX: &str = "c:";
/// Callback data of the button for another page of companies: this and the page's number.
pub const PAGE_PREFIX: &str = "p:";

/// The language to answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// For people whose Telegram client speaks Romanian.
    Romanian,
    /// For everybody else.
    English,
}

impl Language {
    /// The language for an IETF tag such as `ro` or `ro-RO`.
    pub fn from_tag(tag: Option<&str>) -> Self {
        let tag = tag.unwrap_or_default().to_ascii_lowercase();
        if tag == "ro" || tag.starts_with("ro-") {
            Self::Romanian
        } else {
            Self::English
        }
    }
}

/// What someone wants, and where and how to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Chat to answer in.
    pub chat: i64,
    /// Title of the chat or name of the person.
    pub chat_name: String,
    /// Language to answer in.
    pub language: Language,
    /// What is wanted.
    pub wish: Wish,
}

/// What someone wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `/start CODE`: link this chat to a user.
    Link {
        /// As typed.
        code: String,
        /// The message with the code.
        message_id: i32,
    },
    /// `/start` alone: how do I begin?
    Begin,
    /// `/companies`.
    Companies,
    /// `/balance`.
    Balance,
    /// `/help`.
    Help,
    /// `/unlink`.
    Unlink,
    /// `/password`: a one-time code for a new password.
    Password,
    /// Text that is no command we know.
    Unclear,
    /// A command in a group, where everybody would read the answer.
    NotPrivate,
    /// A pressed button.
    Press {
        /// Number of the callback query.
        callback: String,
        /// The message with the button.
        message_id: i32,
        /// Which button.
        button: Button,
    },
}

/// A button of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// Choose the company with this key.
    Company(String),
    /// Show this page of the companies, counted from 0.
    Page(usize),
    /// A button of an earlier version.
    Unknown,
}

impl Wish {
    /// A short name for metrics; never what someone typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link",
            Self::Begin => "begin",
            Self::Companies => "companies",
            Self::Balance => "balance",
            Self::Help => "help",
            Self::Unlink => "unlink",
            Self::Password => "password",
            Self::Unclear => "unclear",
            Self::NotPrivate => "not_private",
            Self::Press { .. } => "press",
        }
    }
}

/// Reads an update; none when nobody waits for an answer. `bot_name` is our own user name.
pub fn read(update: &Update, bot_name: &str) -> Option<Request> {
    match &update.kind {
        UpdateKind::Message(message) => read_message(message, bot_name),
        UpdateKind::CallbackQuery(query) => read_press(query),
        _ => None,
    }
}

fn read_message(message: &Message, bot_name: &str) -> Option<Request> {
    let sender = message.from.as_ref().filter(|user| !user.is_bot)?;
    let text = message.text().unwrap_or_default().trim();
    let mut words = text.split_whitespace();
    let command = words.next().and_then(|word| parse_command(word, bot_name));
    let argument = words.next();
    let wish = if !message.chat.is_private() {
        // In a group only what is clearly meant for us is answered.
        command.map(|_| Wish::NotPrivate)?
    } else {
        match (command.as_deref(), argument) {
            (Some("start"), Some(code)) => Wish::Link {
                code: code.to_owned(),
                message_id: message.id.0,
            },
            (Some("start"), None) => Wish::Begin,
            (Some("companies"), _) => Wish::Companies,
            (Some("balance"), _) => Wish::Balance,
            (Some("help"), _) => Wish::Help,
            (Some("unlink"), _) => Wish::Unlink,
            (Some("password"), _) => Wish::Password,
            _ => Wish::Unclear,
        }
    };
    Some(Request {
        chat: message.chat.id.0,
        chat_name: message
            .chat
            .title()
            .map_or_else(|| sender.full_name(), str::to_owned),
        language: language(sender),
        wish,
    })
}

/// `/command` or `/command@our_name`, in lower case and without the rest.
fn parse_command(word: &str, bot_name: &str) -> Option<String> {
    let command = word.strip_prefix('/')?;
    let (command, addressee) = command.split_once('@').unwrap_or((command, bot_name));
    addressee
        .eq_ignore_ascii_case(bot_name)
        .then(|| command.to_ascii_lowercase())
}

fn read_press(query: &CallbackQuery) -> Option<Request> {
    let message = query.message.as_ref()?;
    let data = query.data.as_deref().unwrap_or_default();
    let button = if let Some(key) = data.strip_prefix(CHOOSE_PREFIX) {
        Button::Company(key.to_owned())
    } else {
        let page = data
            .strip_prefix(PAGE_PREFIX)
            .and_then(|page| page.parse().ok());
        page.map_or(Button::Unknown, Button::Page)
    };
    Some(Request {
        chat: message.chat().id.0,
        chat_name: query.from.full_name(),
        language: language(&query.from),
        wish: Wish::Press {
            callback: query.id.0.clone(),
            message_id: message.id().0,
            button,
        },
    })
}

fn language(user: &User) -> Language {
    Language::from_tag(user.language_code.as_deref())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Through text, as from the wire: the library cannot read updates from a `Value`.
    fn parse(update: &Value) -> Update {
        let update: Update = serde_json::from_str(&update.to_string()).unwrap();
        assert!(!matches!(update.kind, UpdateKind::Error(_)), "{update:?}");
        update
    }

    fn message(text: &str, chat: Value) -> Update {
        parse(&json!({"update_id": 1, "message": {
            "message_id": 5, "date": 1, "text": text, "chat": chat,
            "from": {"id": 9, "is_bot": false, "first_name": "Ana", "language_code": "ro"},
        }}))
    }

    fn private(text: &str) -> Option<Wish> {
        let update = message(
            text,
            json!({"id": 9, "type": "private", "first_name": "Ana"}),
        );
        read(&update, "our_bot").map(|request| request.wish)
    }

    fn group(text: &str) -> Option<Wish> {
        let update = message(text, json!({"id": -9, "type": "group", "title": "Office"}));
        read(&update, "our_bot").map(|request| request.wish)
    }

    #[test]
    fn commands_are_read_with_and_without_our_name_in_any_case() {
        assert_eq!(private("/balance"), Some(Wish::Balance));
        assert_eq!(private("/Balance@Our_Bot please"), Some(Wish::Balance));
        assert_eq!(private("/start"), Some(Wish::Begin));
        assert_eq!(private("/password"), Some(Wish::Password));
        let link = Wish::Link {
            code: "AB12CD34".to_owned(),
            message_id: 5,
        };
        assert_eq!(private(" /start  AB12CD34 "), Some(link));
    }

    #[test]
    fn anything_else_in_private_gets_an_answer_too() {
        for text in ["hello", "/nonsense", "/balance@other_bot", "/"] {
            assert_eq!(private(text), Some(Wish::Unclear), "{text}");
        }
    }

    #[test]
    fn a_group_is_answered_only_when_it_calls_us_and_never_with_figures() {
        assert_eq!(group("/balance"), Some(Wish::NotPrivate));
        assert_eq!(group("/balance@our_bot"), Some(Wish::NotPrivate));
        assert_eq!(group("/password"), Some(Wish::NotPrivate));
        assert_eq!(group("/balance@other_bot"), None);
        assert_eq!(group("hello"), None);
    }

    #[test]
    fn other_bots_and_other_kinds_of_updates_are_ignored() {
        let mut update = json!({"update_id": 1, "message": {
            "message_id": 5, "date": 1, "text": "/help",
            "chat": {"id": 9, "type": "private", "first_name": "Bot"},
            "from": {"id": 9, "is_bot": true, "first_name": "Bot"},
        }});
        assert_eq!(read(&parse(&update), "our_bot"), None);
        update["message"]["from"]["is_bot"] = json!(false);
        assert!(read(&parse(&update), "our_bot").is_some());
        let edited = json!({"update_id": 1, "edited_message": update["message"]});
        assert_eq!(read(&parse(&edited), "our_bot"), None);
    }

    #[test]
    fn buttons_are_told_apart_by_their_data() {
        for (data, expected) in [
            ("c:0123", Button::Company("0123".to_owned())),
            ("p:2", Button::Page(2)),
            ("p:x", Button::Unknown),
            ("old", Button::Unknown),
        ] {
            let update = parse(&json!({"update_id": 1, "callback_query": {
                "id": "q1", "chat_instance": "1", "data": data,
                "from": {"id": 9, "is_bot": false, "first_name": "Ana"},
                "message": {"message_id": 6, "date": 1, "text": "x",
                    "chat": {"id": 9, "type": "private", "first_name": "Ana"}},
            }}));
            let request = read(&update, "our_bot").unwrap();
            assert_eq!(request.language, Language::English);
            let Wish::Press {
                button,
                message_id: 6,
                ..
            } = request.wish
            else {
                panic!("{data}")
            };
            assert_eq!(button, expected, "{data}");
        }
    }

    #[test]
    fn romanian_is_for_romanian_clients_alone() {
        assert_eq!(Language::from_tag(Some("ro-RO")), Language::Romanian);
        assert_eq!(Language::from_tag(Some("rom")), Language::English);
        assert_eq!(Language::from_tag(None), Language::English);
    }
}
