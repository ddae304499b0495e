//! A user as `ACL GETUSER` shows it, and the rules that make another one like it. Redis 6.2 lists
//! patterns without their mark and knows no selectors; since 7.0 a list is one text with marks.

use ::redis::{Value, from_redis_value_ref};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AclUser {
    pub(super) enabled: bool,
    /// Takes any password.
    pub(super) nopass: bool,
    /// SHA-256 of each password, in hexadecimal.
    pub(super) passwords: Vec<String>,
    pub(super) rules: Rules,
}

/// What a user may do, whoever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    skips_sanitizing: bool,
    root: Selector,
    more: Vec<Selector>,
}

/// One set of permissions; each in the words of `ACL SETUSER`, separated by spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector {
    commands: String,
    keys: String,
    channels: String,
}

impl AclUser {
    /// Reads the reply; `None` when it has another shape.
    pub(super) fn parse(reply: &Value) -> Option<Self> {
        let fields = reply.as_map_iter()?.collect::<Vec<_>>();
        let flags = strings(&fields, "flags")?;
        let has = |flag: &str| flags.iter().any(|found| found == flag);
        let more = match field(&fields, "selectors") {
            Some(Value::Array(selectors)) => selectors
                .iter()
                .map(|selector| Selector::parse(&selector.as_map_iter()?.collect::<Vec<_>>()))
                .collect::<Option<_>>()?,
            _ => Vec::new(),
        };
        Some(Self {
            enabled: has("on"),
            nopass: has("nopass"),
            passwords: strings(&fields, "passwords")?,
            rules: Rules {
                skips_sanitizing: has("skip-sanitize-payload"),
                root: Selector::parse(&fields)?,
                more,
            },
        })
    }
}

impl Rules {
    /// The command that gives `username` these rules and one password, and switches it on. One
    /// command, so that a user in use is never without its rules in between.
    pub(super) fn twin(&self, username: &str, hash: &str) -> Vec<String> {
        // `reset` leaves all channels allowed where acl-pubsub-default says so.
        let mut words: Vec<String> = ["reset", "resetkeys", "resetchannels"]
            .map(str::to_owned)
            .into();
        if self.skips_sanitizing {
            words.push("skip-sanitize-payload".to_owned());
        }
        words.extend(self.root.words().map(str::to_owned));
        words.extend(self.more.iter().map(|selector| {
            let words: Vec<&str> = selector.words().collect();
            format!("(resetchannels {})", words.join(" "))
        }));
        words.extend([format!("#{hash}"), "on".to_owned()]);
        set(username, words)
    }

    /// What is different in `other`, in words; `None` when nothing is.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let parts = [
            ("commands", &self.root.commands, &other.root.commands),
            ("keys", &self.root.keys, &other.root.keys),
            ("channels", &self.root.channels, &other.root.channels),
        ];
        let mut found: Vec<String> = parts
            .iter()
            .filter(|(_, own, others)| ordered(own) != ordered(others))
            .map(|(what, own, others)| format!("{what} \"{others}\" instead of \"{own}\""))
            .collect();
        let more = |rules: &Self| -> Vec<_> {
            let of = |selector: &Selector| {
                [&selector.commands, &selector.keys, &selector.channels].map(|words| ordered(words))
            };
            rules.more.iter().map(of).collect()
        };
        if more(self) != more(other) {
            found.push("other selectors".to_owned());
        }
        if self.skips_sanitizing != other.skips_sanitizing {
            found.push("another setting of sanitize-payload".to_owned());
        }
        (!found.is_empty()).then(|| found.join(", "))
    }
}

impl Selector {
    fn parse(fields: &[(&Value, &Value)]) -> Option<Self> {
        Some(Self {
            commands: strings(fields, "commands")?.join(" "),
            keys: patterns(field(fields, "keys")?, '~')?,
            channels: patterns(field(fields, "channels")?, '&')?,
        })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        [&self.keys, &self.channels, &self.commands]
            .into_iter()
            .flat_map(|words| words.split_ascii_whitespace())
    }
}

/// `ACL SETUSER` with rules.
pub(super) fn set<W: Into<String>>(
    username: &str,
    rules: impl IntoIterator<Item = W>,
) -> Vec<String> {
    ["ACL", "SETUSER", username]
        .map(str::to_owned)
        .into_iter()
        .chain(rules.into_iter().map(Into::into))
        .collect()
}

/// Rules in an order that can be compared. Redis 7.0 lists single commands in an order that differs
/// between two processes. They may be sorted as long as none crosses a category, since a rule for
/// each is there only once, and by name, so that a command stays before its subcommands.
fn ordered(rules: &str) -> String {
    let mut words: Vec<&str> = rules.split_ascii_whitespace().collect();
    let single = |word: &&str| word.starts_with(['+', '-']) && !word.contains('@');
    for run in words.chunk_by_mut(|a, b| single(a) && single(b)) {
        run.sort_unstable_by_key(|word| &word[1..]);
    }
    words.join(" ")
}

fn field<'a>(fields: &[(&'a Value, &'a Value)], wanted: &str) -> Option<&'a Value> {
    fields.iter().find_map(|(name, value)| {
        let name: String = from_redis_value_ref(name).ok()?;
        (name == wanted).then_some(*value)
    })
}

/// One text, or a list or set of them.
fn strings(fields: &[(&Value, &Value)], wanted: &str) -> Option<Vec<String>> {
    from_redis_value_ref(field(fields, wanted)?).ok()
}

fn patterns(value: &Value, mark: char) -> Option<String> {
    let found: Vec<String> = from_redis_value_ref(value).ok()?;
    if matches!(value, Value::Array(_) | Value::Set(_)) {
        let marked: Vec<String> = found.iter().map(|found| format!("{mark}{found}")).collect();
        return Some(marked.join(" "));
    }
    Some(found.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn list(texts: &[&str]) -> Value {
        Value::Array(texts.iter().map(|found| text(found)).collect())
    }

    fn reply(fields: Vec<(&str, Value)>) -> Value {
        Value::Array(
            fields
                .into_iter()
                .flat_map(|(name, value)| [text(name), value])
                .collect(),
        )
    }

    #[test]
    fn a_twin_gets_every_rule_and_no_password_of_its_base() {
        let selector = reply(vec![
            ("commands", text("-@all +get")),
            ("keys", text("%R~ro:*")),
            ("channels", text("")),
        ]);
        let base = AclUser::parse(&reply(vec![
            ("flags", list(&["off", "skip-sanitize-payload"])),
            ("passwords", list(&["aa"])),
            ("commands", text("-@all +@read")),
            ("keys", text("~shop:* %W~log:*")),
            ("channels", text("&news")),
            ("selectors", Value::Array(vec![selector])),
        ]))
        .unwrap();
        assert!(!base.enabled);
        assert_eq!(
            base.rules.twin("shop_a", "bb").join(" "),
            "ACL SETUSER shop_a reset resetkeys resetchannels skip-sanitize-payload ~shop:* \
             %W~log:* &news -@all +@read (resetchannels %R~ro:* -@all +get) #bb on"
        );
    }

    #[test]
    fn redis_6_lists_patterns_without_their_marks() {
        let base = AclUser::parse(&reply(vec![
            ("flags", list(&["on", "allchannels"])),
            ("passwords", list(&[])),
            ("commands", text("+@all -@admin")),
            ("keys", list(&["shop:*", "log:*"])),
            ("channels", list(&["*"])),
        ]))
        .unwrap();
        assert_eq!(
            base.rules.twin("shop_b", "bb").join(" "),
            "ACL SETUSER shop_b reset resetkeys resetchannels ~shop:* ~log:* &* +@all -@admin #bb on"
        );
    }

    #[test]
    fn rules_are_compared_without_regard_to_the_order_redis_lists_them_in() {
        let rules = "-@all +@read -keys +ping +client -client|kill ";
        assert_eq!(
            ordered(rules),
            ordered("-@all +@read +client -client|kill +ping -keys")
        );
        assert_ne!(ordered(rules), ordered("-@all -keys +@read +ping +client"));
        assert_ne!(ordered("~a ~b"), ordered("~a"));
    }

    #[test]
    fn a_difference_is_told_in_words() {
        let user = |keys: &str| {
            AclUser::parse(&reply(vec![
                ("flags", list(&["on"])),
                ("passwords", list(&[])),
                ("commands", text("+@all")),
                ("keys", text(keys)),
                ("channels", text("")),
            ]))
            .unwrap()
            .rules
        };
        assert_eq!(user("~a").difference(&user("~a")), None);
        assert_eq!(
            user("~a").difference(&user("~b")).as_deref(),
            Some("keys \"~b\" instead of \"~a\"")
        );
    }
}
