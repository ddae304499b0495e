//! What a file says about itself, in one language: title, company, period, what was chosen, headings; and how
//! a cell reads for people.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reportapp_pool::Value;

use super::words::{self, Lang};
use crate::erp::Books;
use crate::model::Company;
use crate::reports::answer::{Days, days};
use crate::reports::file::{Choice, Column, Kind, ParameterKind};
use crate::reports::page::{Filter, Test};
use crate::reports::{Ask, Cell};

/// A file's description of itself.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    pub(super) lang: Lang,
    /// Of the report.
    pub(super) title: String,
    /// Whose books.
    pub(super) company: Company,
    /// The days, for a report that has them.
    pub(super) days: Option<Days>,
    /// Parameters, search and filters in words.
    pub(super) chosen: Vec<String>,
    /// When the rows were read.
    pub(super) read_at: Timestamp,
    pub(super) columns: Vec<Heading>,
}

/// A column as files show it.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    /// Name in queries and JSON.
    pub(super) name: String,
    /// Group and title.
    pub(super) title: String,
    pub(super) kind: Kind,
    /// Whether it is shown only to those who ask for it.
    pub(super) hidden: bool,
    pub(super) has_total: bool,
    /// Titles of values, where the column holds the choices of a parameter.
    choices: BTreeMap<String, String>,
}

impl Cover {
    /// About the answer to `ask` from these books.
    pub(super) fn new(books: &Books, ask: &Ask, lang: Lang) -> Self {
        let definition = &ask.report.definition;
        let columns = definition.columns.iter();
        let columns: Vec<Heading> = columns
            .map(|column| Heading::new(ask, column, lang))
            .collect();
        let mut chosen = parameters(ask, lang);
        let search = ask.view.search.as_deref();
        chosen.extend(search.map(|text| format!("{}: „{text}”", lang.pick("Căutat", "Searched"))));
        let filters = ask.view.filters.iter();
        chosen.extend(filters.map(|filter| filter_words(&columns[filter.column], filter, lang)));
        Self {
            lang,
            title: lang.of(&definition.title).to_owned(),
            company: books.company.clone(),
            days: days(definition.period, &ask.arguments),
            chosen,
            read_at: Timestamp::now(),
            columns,
        }
    }

    /// "Carpați SRL · CUI RO123 · RON".
    pub(super) fn company_line(&self) -> String {
        let Company {
            name,
            tax_id,
            currency,
            ..
        } = &self.company;
        let tax_id = match tax_id.is_empty() {
            true => String::new(),
            false => format!(" · {} {tax_id}", self.lang.pick("CUI", "Tax ID")),
        };
        format!("{name}{tax_id} · {currency}")
    }

    /// The days in words; empty for a report without a period.
    pub(super) fn period_line(&self) -> String {
        let days = self.days.as_ref();
        days.map_or_else(String::new, |days| self.lang.period(days.from, days.to))
    }

    /// "Citit la 31.10.2026 14:05 UTC".
    pub(super) fn read_line(&self) -> String {
        let at = TimeZone::UTC.to_datetime(self.read_at);
        let word = self.lang.pick("Citit la", "Read at");
        let (day, hour, minute) = (words::day(at.date()), at.hour(), at.minute());
        format!("{word} {day} {hour:02}:{minute:02} UTC")
    }
}

impl Heading {
    fn new(ask: &Ask, column: &Column, lang: Lang) -> Self {
        let definition = &ask.report.definition;
        let title = filled(lang.of(&column.title), &ask.arguments);
        let group = column.group.as_ref().map(|group| lang.of(group));
        let like_it = definition.parameters.iter().find(|parameter| {
            parameter.name == column.name && parameter.kind == ParameterKind::Choice
        });
        let choices = like_it.map_or(&[][..], |parameter| &parameter.choices);
        Self {
            name: column.name.clone(),
            title: group.map_or_else(|| title.clone(), |group| format!("{group} {title}")),
            kind: column.kind,
            hidden: column.hidden,
            has_total: column.total,
            choices: choices
                .iter()
                .map(|choice| {
                    let title = choice.one.as_ref().unwrap_or(&choice.title);
                    (choice.value.clone(), lang.of(title).to_owned())
                })
                .collect(),
        }
    }

    /// A column of a test; amounts have a total.
    #[cfg(test)]
    pub(super) fn plain(title: &str, kind: Kind) -> Self {
        Self {
            name: title.to_lowercase(),
            title: title.to_owned(),
            kind,
            hidden: false,
            has_total: kind == Kind::Amount,
            choices: BTreeMap::new(),
        }
    }

    /// A text of this column as people read it.
    pub(super) fn text<'a>(&'a self, text: &'a str) -> &'a str {
        self.choices.get(text).map_or(text, String::as_str)
    }

    /// A cell of this column as people read it; empty for nothing.
    pub(super) fn show(&self, cell: &Cell, lang: Lang) -> String {
        match cell {
            Cell::Nothing => String::new(),
            Cell::Text(text) => self.text(text).to_owned(),
            Cell::Integer(number) => words::integer(*number),
            Cell::Amount(amount) => words::amount(amount.0),
            Cell::Date(date) => words::day(*date),
            Cell::Boolean(truth) => lang.truth(*truth).to_owned(),
        }
    }
}

/// A heading with what was asked for in its braces: the value of `{bound}`, or one more as `{bound+1}`.
fn filled(heading: &str, arguments: &BTreeMap<String, Value>) -> String {
    let mut parts = heading.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (named, rest) = part.split_once('}').unwrap_or((part, ""));
        let (name, more) = named
            .strip_suffix("+1")
            .map_or((named, 0), |name| (name, 1));
        if let Some(Value::Int(value)) = arguments.get(name) {
            text += &(value + more).to_string();
        }
        text += rest;
    }
    text
}

/// "Cont: 4111", without those that have no value.
fn parameters(ask: &Ask, lang: Lang) -> Vec<String> {
    let parameters = ask.report.definition.parameters.iter();
    let words = parameters.filter_map(|parameter| {
        let value = show(ask.arguments.get(&parameter.name)?, lang);
        let titled = |choice: &&Choice| choice.value == value;
        let choice = parameter.choices.iter().find(titled);
        let value = choice.map_or(value.as_str(), |choice| lang.of(&choice.title));
        Some(format!("{}: {value}", lang.of(&parameter.title)))
    });
    words.collect()
}

/// "Sold final Debit ≥ 100,00".
fn filter_words(column: &Heading, filter: &Filter, lang: Lang) -> String {
    let title = &column.title;
    match &filter.test {
        Test::Is(comparison, value) => {
            let value = show(value, lang);
            format!(
                "{title} {} {}",
                words::comparison(*comparison),
                column.text(&value)
            )
        }
        Test::Contains(text) => format!("{title} {} „{text}”", lang.pick("conține", "contains")),
        Test::Empty => format!("{title}: {}", lang.pick("gol", "empty")),
        Test::NotEmpty => format!("{title}: {}", lang.pick("completat", "filled in")),
    }
}

fn show(value: &Value, lang: Lang) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(amount) => words::amount(*amount),
        Value::Date(day) => words::day(*day),
        Value::Bool(truth) => lang.truth(*truth).to_owned(),
        Value::Null | Value::Bytes(_) | Value::Timestamp(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_says_what_was_asked_for() {
        let bounds = [("bound1", 30), ("bound2", 45)];
        let arguments = bounds.map(|(name, value)| (name.to_owned(), Value::Int(value)));
        let arguments = BTreeMap::from(arguments);
        assert_eq!(filled("{bound1+1}–{bound2} zile", &arguments), "31–45 zile");
        assert_eq!(filled("Sold", &arguments), "Sold");
    }
}
