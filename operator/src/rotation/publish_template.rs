//! Templates of `publish[].template`: the text that appears where else a value must appear. Pure.
//!
//! A template is text with placeholders: `postgresql://{{ username }}:{{ password | urlencode }}@…`.
//! [`Template::parse`] reads it when a `ReportApp` is validated and when a value is published; there
//! are six names and one filter, so a template engine would bring more ways to go wrong than it
//! saves.
//!
//! Whether a published target carries the user name decides between strategies: two users in turn
//! need every consumer to learn the new name ([`target_without_username`]).

#[cfg(test)]
mod tests;

use std::fmt;

use reportapp_crds::report_app::credential::Publish;

use super::ledger::SecretText;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Login name.
    Username,
    /// The password or key itself, written `password` or `value`.
    Secret,
    /// Host of the server the credential opens.
    Host,
    /// Its TCP port.
    Port,
    /// Its database.
    Database,
}

/// Names of placeholders.
const NAMES: [(&str, Field); 6] = [
    ("username", Field::Username),
    ("password", Field::Secret),
    ("value", Field::Secret),
    ("host", Field::Host),
    ("port", Field::Port),
    ("database", Field::Database),
];
/// The one filter.
const URLENCODE: &str = "urlencode";

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, field)| field == self);
        formatter.write_str(name.map_or("", |(name, _)| name))
    }
}

/// A template that cannot be used. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// `{{` without `}}`.
    #[error("character {at}: {{{{ is not closed; write }}}} after the name")]
    Unclosed {
        /// Where the placeholder begins.
        at: usize,
    },
    /// A name that is none.
    #[error(
        "character {at}: {name:?} is no placeholder; write one of username, password, value, host, port \
         and database"
    )]
    UnknownName {
        /// Where the placeholder begins.
        at: usize,
        /// What stands there.
        name: String,
    },
    /// A filter that is none.
    #[error("character {at}: {filter:?} is no filter; write urlencode, or nothing after the name")]
    UnknownFilter {
        /// Where the placeholder begins.
        at: usize,
        /// What stands there.
        filter: String,
    },
    /// A placeholder for something this credential has not got.
    #[error(
        "{{{{ {0} }}}} stands for nothing here: the credential has no {0}; remove it or write the text itself"
    )]
    NoValue(Field),
}

/// What placeholders are replaced by; `None` where the credential has no such thing.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// Login name.
    pub username: Option<&'a str>,
    /// The password or key.
    pub secret: &'a SecretText,
    /// Host of the server.
    pub host: Option<&'a str>,
    /// Its TCP port.
    pub port: Option<u16>,
    /// Its database.
    pub database: Option<&'a str>,
}

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder { field: Field, urlencode: bool },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The first mistake, with its position and the remedy.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once("{{") {
            let begin = text.len() - opened.len() - 2;
            let at = text[..begin].chars().count() + 1;
            let (inside, after) = opened
                .split_once("}}")
                .ok_or(InvalidTemplate::Unclosed { at })?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(placeholder(inside, at)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The template of a target that has none: the password or key alone.
    pub fn secret_alone() -> Self {
        Self {
            parts: vec![Part::Placeholder {
                field: Field::Secret,
                urlencode: false,
            }],
        }
    }

    /// The template of a published target.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn of(publish: &Publish) -> Result<Self, InvalidTemplate> {
        publish
            .template
            .as_deref()
            .map_or_else(|| Ok(Self::secret_alone()), Self::parse)
    }

    /// The text with every placeholder replaced.
    ///
    /// # Errors
    /// [`InvalidTemplate::NoValue`] for the first placeholder without a value; validation renders
    /// with an empty secret to learn it early.
    pub fn render(&self, values: &Values<'_>) -> Result<SecretText, InvalidTemplate> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Placeholder { field, urlencode } => {
                    let value = values.get(*field).ok_or(InvalidTemplate::NoValue(*field))?;
                    if *urlencode {
                        text.push_str(&self::urlencode(&value));
                    } else {
                        text.push_str(&value);
                    }
                }
            }
        }
        Ok(SecretText::new(text))
    }

    /// Whether the placeholder of `field` occurs.
    pub fn has(&self, field: Field) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Placeholder { field: found, .. } if *found == field))
    }
}

impl Values<'_> {
    fn get(&self, field: Field) -> Option<String> {
        match field {
            Field::Username => self.username.map(str::to_owned),
            Field::Secret => Some(self.secret.expose().to_owned()),
            Field::Host => self.host.map(str::to_owned),
            Field::Port => self.port.map(|port| port.to_string()),
            Field::Database => self.database.map(str::to_owned),
        }
    }
}

/// Whether a target with this template (`None`: the default) tells its reader the user name. One
/// that cannot be read does not.
pub fn carries_username(template: Option<&str>) -> bool {
    template
        .and_then(|text| Template::parse(text).ok())
        .is_some_and(|template| template.has(Field::Username))
}

/// The first published target, with its position, that does not tell its reader the user name: neither
/// in its own text, nor under another key of the same place that holds the user name and not the
/// secret (`username` beside `password`).
pub fn target_without_username(targets: &[Publish]) -> Option<(usize, &Publish)> {
    targets.iter().enumerate().find(|(_, target)| {
        let is_partner = |other: &Publish| {
            place(other) == place(target)
                && Template::of(other)
                    .is_ok_and(|found| found.has(Field::Username) && !found.has(Field::Secret))
        };
        !carries_username(target.template.as_deref()) && !targets.iter().any(is_partner)
    })
}

/// The place a target lies in, without its key.
fn place(target: &Publish) -> [Option<&str>; 3] {
    [
        &target.vault_path,
        &target.aws_secret,
        &target.kubernetes_secret,
    ]
    .map(Option::as_deref)
}

/// The place and key of a target, for people.
pub fn place_in_words(target: &Publish) -> String {
    let kinds = ["Vault path", "AWS secret", "Secret"];
    let found = kinds.iter().zip(place(target));
    let named = found
        .into_iter()
        .find_map(|(kind, name)| name.map(|name| format!("{kind} {name}, ")));
    format!("{}key {}", named.unwrap_or_default(), target.key)
}

/// Escapes everything but the unreserved characters of RFC 3986, byte by byte.
pub fn urlencode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                encoded.push('%');
                encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
                encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    encoded
}

/// What stands between `{{` and `}}`.
fn placeholder(inside: &str, at: usize) -> Result<Part, InvalidTemplate> {
    let (name, filter) = match inside.split_once('|') {
        Some((name, filter)) => (name.trim(), Some(filter.trim())),
        None => (inside.trim(), None),
    };
    let known = NAMES.iter().find(|(known, _)| *known == name);
    let (_, field) = known.ok_or_else(|| InvalidTemplate::UnknownName {
        at,
        name: name.to_owned(),
    })?;
    match filter {
        Some(filter) if filter != URLENCODE => Err(InvalidTemplate::UnknownFilter {
            at,
            filter: filter.to_owned(),
        }),
        filter => Ok(Part::Placeholder {
            field: *field,
            urlencode: filter.is_some(),
        }),
    }
}
