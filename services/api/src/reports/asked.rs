//! From the parameters of an address to what a report is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use reportapp_pool::Value;

use super::check::{amount, date, integer};
use super::file::{Kind, PeriodKind};
use super::page::{Comparison, Filter, MOST_ROWS, Test, View};
use super::{Ask, Report};
use crate::erp::{Books, shorten};
use crate::error::ApiError;
use crate::model::Period;

/// Rows of a page unless another number is asked for.
const PAGE_SIZE: u32 = 100;
const LAST_PAGE: u32 = 10_000_000;
const MOST_FILTERS: usize = 20;
const LONGEST_SEARCH: usize = 200;

/// The parameters of an address, as they were sent.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pairs: Vec<(String, String)>,
}

impl Asked {
    /// Wraps them.
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// A parameter that may be there once; an empty one is not there.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(found, _)| found == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Takes a parameter out that is not for the report; an empty one is not there.
    ///
    /// # Errors
    /// `ParameterInvalid` when it is there twice.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut taken = self.pairs.extract_if(.., |(found, _)| found == name);
        let value = taken.next().map(|(_, value)| value);
        match taken.next() {
            None => Ok(value.filter(|value| !value.is_empty())),
            Some(_) => Err(twice(name)),
        }
    }

    /// The month that is asked for.
    ///
    /// # Errors
    /// `InvalidPeriod`.
    pub fn month(&self) -> Result<Period, ApiError> {
        Ok(Period {
            year: number("year", self.get("year"), 1900, 9999)?,
            month: number("month", self.get("month"), 1, 12)?,
        })
    }

    /// What is asked of a report about these books.
    ///
    /// # Errors
    /// `ParameterMissing`, `ParameterInvalid`, `InvalidPeriod`, `CompanyEmpty`, `PeriodUnknown`,
    /// `SortUnknown`, `FilterInvalid` or `PageInvalid`.
    pub fn of(&self, report: &Arc<Report>, books: &Books) -> Result<Ask, ApiError> {
        self.refuse_unknown(report)?;
        let mut arguments = self.period(report, books)?;
        arguments.insert("company".to_owned(), Value::from(&books.company.id));
        arguments.extend(self.parameters(report)?);
        Ok(Ask {
            report: Arc::clone(report),
            arguments,
            view: self.view(report)?,
        })
    }

    /// What is misspelt would silently be left out otherwise.
    fn refuse_unknown(&self, report: &Report) -> Result<(), ApiError> {
        let period: &[&str] = match report.definition.period {
            PeriodKind::None => &[],
            PeriodKind::Month => &["year", "month"],
            PeriodKind::Range => &["from", "to"],
        };
        let common = [
            "server", "company", "sort", "q", "filter", "page", "pageSize",
        ];
        let own = report
            .definition
            .parameters
            .iter()
            .map(|own| own.name.as_str());
        let known: Vec<&str> = common.iter().chain(period).copied().chain(own).collect();
        let mut seen = BTreeSet::new();
        for (name, _) in &self.pairs {
            if !known.contains(&name.as_str()) {
                let message = format!(
                    "The report has no parameter `{}`; it takes {}.",
                    shorten(name),
                    known.join(", ")
                );
                return Err(ApiError::parameter(
                    "ParameterInvalid",
                    &shorten(name),
                    message,
                ));
            }
            if !seen.insert(name) && name != "filter" {
                return Err(twice(name));
            }
        }
        Ok(())
    }

    fn period(&self, report: &Report, books: &Books) -> Result<BTreeMap<String, Value>, ApiError> {
        match report.definition.period {
            PeriodKind::None => Ok(BTreeMap::new()),
            PeriodKind::Month => {
                let month = self.month()?;
                books.require(month)?;
                Ok(month_arguments(month))
            }
            PeriodKind::Range => {
                let (from, to) = (self.day("from")?, self.day("to")?);
                if from > to {
                    let message =
                        format!("The last day {to} is before the first day {from}; exchange them.");
                    return Err(ApiError::invalid("InvalidPeriod", "to", message));
                }
                Ok(range_arguments(from, to))
            }
        }
    }

    fn day(&self, field: &'static str) -> Result<Date, ApiError> {
        let refuse = |message: String| ApiError::invalid("InvalidPeriod", field, message);
        let text = self.get(field);
        let text =
            text.ok_or_else(|| refuse(format!("Add `{field}`: a day such as 2026-10-31.")))?;
        let day = date(text).map_err(|wanted| {
            let shown = shorten(text);
            refuse(format!(
                "The day `{field}` = `{shown}` is not possible; give {wanted}."
            ))
        })?;
        // Beyond it neither engine has dates that the other understands.
        if day.year() < 1900 {
            return Err(refuse(format!(
                "The day `{field}` = `{day}` is before 1900; give a later one."
            )));
        }
        Ok(day)
    }

    fn parameters(&self, report: &Report) -> Result<Vec<(String, Value)>, ApiError> {
        let mut values = Vec::new();
        for parameter in &report.definition.parameters {
            let name = &parameter.name;
            let given = self.get(name);
            if parameter.required && given.is_none() {
                let message = format!("Add `{name}` ({}).", parameter.title.en);
                return Err(ApiError::parameter("ParameterMissing", name, message));
            }
            let Some(text) = given.or(parameter.default.as_deref()) else {
                continue;
            };
            let value = parameter.value(text).map_err(|wanted| {
                let shown = shorten(text);
                let message = format!("`{name}` = `{shown}` is not possible; give {wanted}.");
                ApiError::parameter("ParameterInvalid", name, message)
            })?;
            values.push((name.clone(), value));
        }
        Ok(values)
    }

    fn view(&self, report: &Report) -> Result<View, ApiError> {
        let sort = self
            .get("sort")
            .map_or(Vec::new(), |sort| sort.split(',').collect());
        let order = report.order_by(sort).map_err(|unknown| {
            let message = format!(
                "There is no column `{}` to sort by; choose from {}, with `-` before one that descends.",
                shorten(unknown),
                column_names(report)
            );
            ApiError::invalid("SortUnknown", "sort", message)
        })?;
        let search = self.get("q");
        if search
            .is_some_and(|search| search.chars().count() > LONGEST_SEARCH || search.contains('\0'))
        {
            let message = format!(
                "What is searched for has at most {LONGEST_SEARCH} characters; give fewer."
            );
            return Err(ApiError::invalid("FilterInvalid", "q", message));
        }
        Ok(View {
            order,
            search: search.map(str::to_owned),
            filters: self.filters(report)?,
            page: page("page", self.get("page"), 1, LAST_PAGE)?,
            page_size: page("pageSize", self.get("pageSize"), PAGE_SIZE, MOST_ROWS)?,
        })
    }

    fn filters(&self, report: &Report) -> Result<Vec<Filter>, ApiError> {
        let given = self.pairs.iter().filter(|(name, _)| name == "filter");
        let filters = given.map(|(_, text)| {
            filter(report, text).map_err(|wanted| {
                let shown = shorten(text);
                let message = format!("The filter `{shown}` is not possible; {wanted}.");
                ApiError::invalid("FilterInvalid", "filter", message)
            })
        });
        let filters: Vec<Filter> = filters.collect::<Result<_, _>>()?;
        if filters.len() > MOST_FILTERS {
            let message = format!(
                "There are {} filters; give at most {MOST_FILTERS}.",
                filters.len()
            );
            return Err(ApiError::invalid("FilterInvalid", "filter", message));
        }
        Ok(filters)
    }
}

fn twice(name: &str) -> ApiError {
    let message = format!("The parameter `{name}` is there twice; give it once.");
    ApiError::parameter("ParameterInvalid", name, message)
}

/// `<column>:<op>:<value>`.
fn filter(report: &Report, text: &str) -> Result<Filter, String> {
    let mut parts = text.splitn(3, ':');
    let (name, word, value) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let index = report.column(name);
    let index = index.ok_or_else(|| format!("choose a column from {}", column_names(report)))?;
    let kind = report.definition.columns[index].kind;
    let test = match (word, kind) {
        ("empty", _) => Test::Empty,
        ("notempty", _) => Test::NotEmpty,
        ("contains", Kind::Text) => Test::Contains(text_value(value)?),
        ("contains", _) => return Err(format!("`contains` is for text, and `{name}` is none")),
        ("lt" | "le" | "gt" | "ge", Kind::Boolean) => {
            return Err(format!("`{name}` is true or false; use `eq` or `ne`"));
        }
        _ => {
            let comparison = Comparison::parse(word).ok_or(
                "write column:operation:value with an operation from eq, ne, lt, le, gt, ge, contains, \
                 empty, notempty",
            )?;
            let value = cell_value(kind, value).map_err(|wanted| format!("give {wanted}"))?;
            Test::Is(comparison, value)
        }
    };
    Ok(Filter {
        column: index,
        test,
    })
}

fn cell_value(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Text => text_value(text).map(Value::Text),
        Kind::Integer => integer(text).map(Value::Int),
        Kind::Amount => amount(text).map(Value::Decimal),
        Kind::Date => date(text).map(Value::Date),
        Kind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("true or false".to_owned()),
        },
    }
}

fn text_value(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= LONGEST_SEARCH && !text.contains('\0');
    fits.then(|| text.to_owned())
        .ok_or_else(|| format!("at most {LONGEST_SEARCH} characters"))
}

fn column_names(report: &Report) -> String {
    let columns = report.definition.columns.iter();
    let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
    names.join(", ")
}

fn page(field: &'static str, text: Option<&str>, default: u32, most: u32) -> Result<u32, ApiError> {
    let Some(text) = text else {
        return Ok(default);
    };
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        let shown = shorten(text);
        let message =
            format!("`{field}` = `{shown}` is not possible; give a whole number from 1 to {most}.");
        ApiError::invalid("PageInvalid", field, message)
    })
}

/// What a month is called in queries.
pub(crate) fn month_arguments(month: Period) -> BTreeMap<String, Value> {
    let first = month.first_day();
    let mut arguments = range_arguments(first, first.last_of_month());
    arguments.insert("year".to_owned(), Value::from(month.year));
    arguments.insert("month".to_owned(), Value::Int(month.month.into()));
    arguments
}

/// What days are called in queries.
pub(crate) fn range_arguments(from: Date, to: Date) -> BTreeMap<String, Value> {
    BTreeMap::from([
        ("from".to_owned(), Value::Date(from)),
        ("to".to_owned(), Value::Date(to)),
    ])
}

fn number<T>(field: &'static str, text: Option<&str>, least: T, most: T) -> Result<T, ApiError>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let Some(text) = text else {
        let message = format!("Add `{field}`: a whole number from {least} to {most}.");
        return Err(ApiError::invalid("InvalidPeriod", field, message));
    };
    let value = text.parse().ok();
    value
        .filter(|value| *value >= least && *value <= most)
        .ok_or_else(|| {
            let shown = shorten(text);
            let message = format!(
                "The {field} `{shown}` is not possible; give a whole number from {least} to {most}."
            );
            ApiError::invalid("InvalidPeriod", field, message)
        })
}

#[cfg(test)]
mod tests;
