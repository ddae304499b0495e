//! From the text of a file to a report, or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use reportapp_pool::{Engine, Value};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::Report;
use super::file::{Definition, Kind, Link, Parameter, ParameterKind, PeriodKind, Words};
use super::lines::{Lines, Step};
use super::sql::{Query, Type};

/// A report is a page or two of text.
const LARGEST_FILE: usize = 256 * 1024;
const MOST_PARAMETERS: usize = 20;
const MOST_COLUMNS: usize = 60;
const LONGEST_WORDS: usize = 200;
/// What a text parameter may hold.
pub(super) const LONGEST_TEXT: usize = 200;

/// Names that addresses or queries have a meaning for already.
const RESERVED: [&str; 13] = [
    "server", "company", "year", "month", "from", "to", "sort", "q", "filter", "page", "pageSize",
    "format", "lang",
];

/// Why a file is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportRefusal)]
pub struct Refusal {
    /// Name of the file.
    pub file: String,
    /// Line in it.
    pub line: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines. A file that is no YAML of the right shape
/// gives the first thing alone.
pub fn read(file: &str, text: &str) -> Result<Report, Vec<Refusal>> {
    let refuse = |line: usize, reason: String| {
        let file = file.to_owned();
        Refusal { file, line, reason }
    };
    if text.len() > LARGEST_FILE {
        let reason = format!(
            "the file has {} KiB; a report has at most {}",
            text.len() / 1024,
            LARGEST_FILE / 1024
        );
        return Err(vec![refuse(1, reason)]);
    }
    let definition: Definition = serde_yaml_ng::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        vec![refuse(line, without_place(&error.to_string()))]
    })?;
    let mut check = Check {
        definition: &definition,
        lines: Lines::new(text),
        problems: Vec::new(),
    };
    check.identity();
    check.parameters();
    check.columns();
    let queries = check.queries();
    let mut problems = check.problems;
    if problems.is_empty() {
        let mut report = Report {
            definition,
            order: Vec::new(),
            digest: hex::encode(digest(&SHA256, text.as_bytes())),
            postgres: queries.0,
            sqlite: queries.1,
        };
        let sort = report.definition.sort.iter().map(String::as_str);
        // Names that are no columns are among the problems.
        report.order = report.order_by(sort).unwrap_or_default();
        return Ok(report);
    }
    problems.sort();
    Err(problems
        .into_iter()
        .map(|(line, reason)| refuse(line, reason))
        .collect())
}

/// The parser says the line; it is said apart.
fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

struct Check<'a> {
    definition: &'a Definition,
    lines: Lines<'a>,
    problems: Vec<(usize, String)>,
}

impl Check<'_> {
    fn object(&mut self, path: &[Step<'_>], reason: impl Into<String>) {
        self.problems.push((self.lines.of(path), reason.into()));
    }

    fn identity(&mut self) {
        let definition = self.definition;
        if !is_id(&definition.id) {
            let reason = format!(
                "id `{}` is not possible; use 1 to 40 of a-z, 0-9 and `-`, beginning with a letter",
                definition.id
            );
            self.object(&[Step::Key("id")], reason);
        }
        self.words(&[Step::Key("title")], Some(&definition.title));
        self.words(&[Step::Key("description")], definition.description.as_ref());
        for role in &definition.roles {
            if role.trim().is_empty() {
                self.object(
                    &[Step::Key("roles")],
                    "a role is empty; name one or remove it",
                );
            }
        }
    }

    fn words(&mut self, path: &[Step<'_>], words: Option<&Words>) {
        let Some(words) = words else { return };
        for (language, text) in [("ro", &words.ro), ("en", &words.en)] {
            let length = text.chars().count();
            if text.trim().is_empty() || length > LONGEST_WORDS {
                let path = [path, &[Step::Key(language)]].concat();
                let reason =
                    format!("`{language}` has {length} characters; write 1 to {LONGEST_WORDS}");
                self.object(&path, reason);
            }
        }
    }

    fn parameters(&mut self) {
        let parameters = &self.definition.parameters;
        if parameters.len() > MOST_PARAMETERS {
            let reason = format!(
                "there are {} parameters; at most {MOST_PARAMETERS} are possible",
                parameters.len()
            );
            self.object(&[Step::Key("parameters")], reason);
        }
        let mut seen = BTreeSet::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let path = [Step::Key("parameters"), Step::Item(index)];
            let at = |key: &'static str| [path[0], path[1], Step::Key(key)];
            let name = &parameter.name;
            if !is_name(name) {
                let reason = bad_name("the parameter", name);
                self.object(&at("name"), reason);
            } else if RESERVED.contains(&name.as_str()) {
                let reason =
                    format!("the parameter `{name}` has a meaning already; choose another name");
                self.object(&at("name"), reason);
            }
            if !seen.insert(name.to_lowercase()) {
                let reason = format!("the parameter `{name}` is there twice; remove one");
                self.object(&at("name"), reason);
            }
            self.words(&at("title"), Some(&parameter.title));
            self.choices(&path, parameter);
            self.default(&at("default"), parameter);
        }
    }

    fn choices(&mut self, path: &[Step<'_>], parameter: &Parameter) {
        let (name, choices) = (&parameter.name, &parameter.choices);
        let at = [path, &[Step::Key("choices")]].concat();
        let is_choice = parameter.kind == ParameterKind::Choice;
        if is_choice == choices.is_empty() {
            let reason = match is_choice {
                true => format!("the choice `{name}` has no `choices`; add them"),
                false => format!("`{name}` has `choices` and is no choice; make its kind `choice`"),
            };
            self.object(&at, reason);
        }
        let mut seen = BTreeSet::new();
        for (index, choice) in choices.iter().enumerate() {
            let path = [&at[..], &[Step::Item(index)]].concat();
            let value = &choice.value;
            if value.is_empty() || value.chars().count() > LONGEST_TEXT || !seen.insert(value) {
                let reason = format!(
                    "the value `{value}` of `{name}` is empty, too long or there twice; correct it"
                );
                self.object(&path, reason);
            }
            let title = [&path[..], &[Step::Key("title")]].concat();
            self.words(&title, Some(&choice.title));
            let one = [&path[..], &[Step::Key("one")]].concat();
            self.words(&one, choice.one.as_ref());
        }
    }

    fn default(&mut self, path: &[Step<'_>], parameter: &Parameter) {
        let Some(default) = &parameter.default else {
            return;
        };
        if parameter.required {
            let reason = format!(
                "`{}` is required and has a default; remove one of them",
                parameter.name
            );
            self.object(path, reason);
        }
        if let Err(wanted) = parameter.value(default) {
            let reason = format!(
                "the default `{default}` of `{}` is not possible; give {wanted}",
                parameter.name
            );
            self.object(path, reason);
        }
    }

    fn columns(&mut self) {
        let definition = self.definition;
        let count = definition.columns.len();
        if count == 0 || count > MOST_COLUMNS {
            let reason = format!("there are {count} columns; 1 to {MOST_COLUMNS} are possible");
            self.object(&[Step::Key("columns")], reason);
        }
        let mut seen = BTreeSet::new();
        for (index, column) in definition.columns.iter().enumerate() {
            let path = [Step::Key("columns"), Step::Item(index)];
            let at = |key: &'static str| [path[0], path[1], Step::Key(key)];
            let name = &column.name;
            if !is_name(name) {
                let reason = bad_name("the column", name);
                self.object(&at("name"), reason);
            }
            if !seen.insert(name.to_lowercase()) {
                let reason = format!("the column `{name}` is there twice; remove one");
                self.object(&at("name"), reason);
            }
            self.words(&at("title"), Some(&column.title));
            self.values_in(&at("title"), &column.title);
            self.words(&at("group"), column.group.as_ref());
            if column.total && !matches!(column.kind, Kind::Amount | Kind::Integer) {
                let reason = format!(
                    "`{name}` is of kind {} and has no total; remove `total`",
                    column.kind.as_str()
                );
                self.object(&at("total"), reason);
            }
            if let Some(link) = &column.link {
                self.link(&at("link"), link);
            }
        }
        let definition = self.definition;
        self.named("sort", &definition.sort);
        self.named("key", &definition.key);
        self.named("fold", &definition.fold);
    }

    /// A heading may name what was asked for: `{bound}`, or `{bound+1}` where the next column begins.
    fn values_in(&mut self, path: &[Step<'_>], title: &Words) {
        for (language, text) in [("ro", &title.ro), ("en", &title.en)] {
            for named in braced(text) {
                let name = named.strip_suffix("+1").unwrap_or(named);
                let known = self.definition.parameters.iter().any(|parameter| {
                    parameter.name == name && parameter.kind == ParameterKind::Integer
                });
                if !known {
                    let path = [path, &[Step::Key(language)]].concat();
                    let reason = format!(
                        "`{{{named}}}` names no parameter of kind integer; add one, or write the title without braces"
                    );
                    self.object(&path, reason);
                }
            }
        }
    }

    fn link(&mut self, path: &[Step<'_>], link: &Link) {
        for (parameter, column) in &link.parameters {
            if self
                .definition
                .columns
                .iter()
                .all(|known| known.name != *column)
            {
                let reason = format!(
                    "the link gives `{parameter}` the value of `{column}`, which is no column; {}",
                    self.column_names()
                );
                self.object(path, reason);
            }
        }
    }

    /// Names of columns in a field, each once.
    fn named<'a>(&mut self, field: &'static str, names: impl IntoIterator<Item = &'a String>) {
        let mut seen = BTreeSet::new();
        for written in names {
            let name = match field {
                "sort" => written.strip_prefix('-').unwrap_or(written),
                _ => written,
            };
            let mut known = self.definition.columns.iter();
            if known.all(|column| column.name != name) {
                let reason = format!("{field}: `{written}` is no column; {}", self.column_names());
                self.object(&[Step::Key(field)], reason);
            }
            if !seen.insert(name) {
                let reason = format!("{field}: `{name}` is there twice; remove one");
                self.object(&[Step::Key(field)], reason);
            }
        }
    }

    fn column_names(&self) -> String {
        let columns = self.definition.columns.iter();
        let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        format!("the columns are {}", names.join(", "))
    }

    fn queries(&mut self) -> (Option<Query>, Option<Query>) {
        let queries = &self.definition.queries;
        if queries.postgres.is_none() && queries.sqlite.is_none() {
            let reason = "there is no query; add one under `postgres` or `sqlite`";
            self.object(&[Step::Key("queries")], reason);
        }
        let begin = self.problems.len();
        let postgres = self.query(Engine::Postgres, queries.postgres.as_deref());
        let middle = self.problems.len();
        let sqlite = self.query(Engine::Sqlite, queries.sqlite.as_deref());
        if queries.postgres == queries.sqlite {
            // One text under two names: what both refuse is said once, where it is written.
            let again = self.problems.split_off(middle);
            let first = &self.problems[begin..];
            let own = again
                .into_iter()
                .filter(|(_, reason)| first.iter().all(|(_, said)| said != reason));
            let own: Vec<(usize, String)> = own.collect();
            self.problems.extend(own);
        }
        (postgres, sqlite)
    }

    fn query(&mut self, engine: Engine, text: Option<&str>) -> Option<Query> {
        let text = text?;
        let path = [Step::Key("queries"), Step::Key(engine.as_str())];
        match Query::compile(engine, text, &types(self.definition)) {
            Ok(query) => {
                self.unused(&path, &query);
                Some(query)
            }
            Err(mistakes) => {
                for mistake in mistakes {
                    let line = self.lines.within(&path, mistake.line);
                    self.problems.push((line, mistake.reason));
                }
                None
            }
        }
    }

    /// What is asked for and changes nothing would mislead.
    fn unused(&mut self, path: &[Step<'_>], query: &Query) {
        let uses = |name: &str| query.arguments.iter().any(|used| used == name);
        if !uses("company") {
            let reason = "the query does not use `:company`, so it would show the books of all \
                          companies; add `WHERE company = :company`";
            self.object(path, reason);
        }
        let period = period_names(self.definition.period);
        if !period.is_empty() && !period.iter().any(|name| uses(name)) {
            let names: Vec<String> = period.iter().map(|name| format!(":{name}")).collect();
            let reason = format!(
                "the query does not use the period ({}); use it, or make it `none`",
                names.join(", ")
            );
            self.object(path, reason);
        }
        for parameter in &self.definition.parameters {
            if !uses(&parameter.name) {
                let name = &parameter.name;
                let reason =
                    format!("the query does not use `:{name}`; use it, or remove the parameter");
                self.object(path, reason);
            }
        }
    }
}

impl Parameter {
    /// Reads a value.
    ///
    /// # Errors
    /// What would be possible instead.
    pub(crate) fn value(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            ParameterKind::Text if text.chars().count() > LONGEST_TEXT => {
                Err(format!("at most {LONGEST_TEXT} characters"))
            }
            ParameterKind::Text if text.contains('\0') => Err("text without U+0000".to_owned()),
            ParameterKind::Text => Ok(Value::from(text)),
            ParameterKind::Integer => integer(text).map(Value::Int),
            ParameterKind::Date => date(text).map(Value::Date),
            ParameterKind::Amount => amount(text).map(Value::Decimal),
            ParameterKind::Choice => {
                let known = self.choices.iter().map(|choice| choice.value.as_str());
                let known: Vec<&str> = known.collect();
                match known.contains(&text) {
                    true => Ok(Value::from(text)),
                    false => Err(format!("one of {}", known.join(", "))),
                }
            }
        }
    }
}

/// What stands between braces in a title.
fn braced(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split('{').skip(1);
    parts.map(|part| part.split_once('}').map_or(part, |(named, _)| named))
}

/// A whole number.
///
/// # Errors
/// What would be possible instead.
pub(super) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "a whole number".to_owned())
}

/// A day.
///
/// # Errors
/// What would be possible instead.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date = text.parse().ok().filter(|_| is_plain);
    date.ok_or_else(|| "a day such as 2026-10-31".to_owned())
}

/// An amount.
///
/// # Errors
/// What would be possible instead.
pub(super) fn amount(text: &str) -> Result<Decimal, String> {
    // What both engines can hold; one of them counts hundredths in 64 bits.
    let most = Decimal::from(1_000_000_000_000_000_i64);
    let amount = text.parse::<Decimal>().ok();
    amount
        .filter(|amount| amount.normalize().scale() <= 2 && amount.abs() < most)
        .ok_or_else(|| "an amount with at most two decimals, such as 1234.50".to_owned())
}

/// The names a period has in queries.
pub(super) fn period_names(period: PeriodKind) -> &'static [&'static str] {
    match period {
        PeriodKind::None => &[],
        PeriodKind::Month => &["year", "month", "from", "to"],
        PeriodKind::Range => &["from", "to"],
    }
}

/// What a query may name.
fn types(definition: &Definition) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::from([("company".to_owned(), Type::Text)]);
    for name in period_names(definition.period) {
        let of = match *name {
            "from" | "to" => Type::Date,
            _ => Type::Integer,
        };
        types.insert((*name).to_owned(), of);
    }
    for parameter in &definition.parameters {
        let of = match parameter.kind {
            ParameterKind::Text | ParameterKind::Choice => Type::Text,
            ParameterKind::Integer => Type::Integer,
            ParameterKind::Date => Type::Date,
            ParameterKind::Amount => Type::Amount,
        };
        types.insert(parameter.name.clone(), of);
    }
    types
}

fn is_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    id.len() <= 40 && id.starts_with(|c: char| c.is_ascii_lowercase()) && id.bytes().all(allowed)
}

fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(allowed)
}

fn bad_name(what: &str, name: &str) -> String {
    format!(
        "{what} `{name}` is not possible; use 1 to 40 of a-z, A-Z, 0-9 and `_`, beginning with a small letter"
    )
}

#[cfg(test)]
mod tests;
