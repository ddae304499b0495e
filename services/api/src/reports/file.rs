//! A report file as it is written: one report, in YAML. The same shape, without the queries, is what clients
//! are told about a report.
//!
//! Only the shape is decided here; whether the parts fit together is for [`super::check`].

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A report: what it is called, what it asks for, what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportDefinition)]
pub struct Definition {
    /// Stable id, also in addresses: `[a-z][a-z0-9-]{0,39}`.
    pub id: String,
    /// What people see.
    pub title: Words,
    /// What it is good for, in a sentence.
    #[serde(default)]
    pub description: Option<Words>,
    /// Where the navigation shows it; absent: nowhere.
    #[serde(default)]
    pub group: Option<Group>,
    /// The period it is asked for.
    pub period: PeriodKind,
    /// What it asks for besides the company and the period.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// What it answers, in this order.
    pub columns: Vec<Column>,
    /// Order of the rows unless another is asked for: names of columns, with `-` before those that descend.
    #[serde(default)]
    pub sort: Vec<String>,
    /// Columns in which no two rows are equal, so that the others need not be compared; absent: all of them.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub key: Vec<String>,
    /// The column whose equal neighbours are lines of one thing, as those of a document are.
    #[serde(default)]
    pub fold: Option<String>,
    /// Ids of roles, or names of roles of the platform, one of which a reader needs; empty: none.
    #[serde(default, skip_serializing)]
    #[schema(ignore)]
    pub roles: Vec<String>,
    /// Seconds an answer may be used again.
    #[serde(default)]
    pub cache: Option<u32>,
    /// The queries.
    #[serde(skip_serializing)]
    #[schema(ignore)]
    pub queries: Queries,
}

/// The same in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportWords)]
pub struct Words {
    /// In Romanian.
    pub ro: String,
    /// In English.
    pub en: String,
}

/// A part of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportGroup)]
pub enum Group {
    /// Invoices.
    Invoices,
    /// Balances of partners.
    Balances,
    /// Cash and bank.
    Treasury,
    /// Accounts and the journal.
    Accounting,
    /// Everything else.
    Other,
}

/// What a report is asked for in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportPeriod)]
pub enum PeriodKind {
    /// Nothing.
    None,
    /// A month: `year` and `month`.
    Month,
    /// Days, both inclusive: `from` and `to`.
    Range,
}

/// Something a report asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportParameter)]
pub struct Parameter {
    /// Name in addresses and queries.
    pub name: String,
    /// What people see.
    pub title: Words,
    /// What its values are.
    pub kind: ParameterKind,
    /// Whether there is no answer without it.
    #[serde(default)]
    pub required: bool,
    /// The value if none is given.
    #[serde(default, deserialize_with = "opt_scalar")]
    pub default: Option<String>,
    /// The values of a choice.
    #[serde(default)]
    pub choices: Vec<Choice>,
}

/// What the values of a parameter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportParameterKind)]
pub enum ParameterKind {
    /// At most 200 characters.
    Text,
    /// A whole number.
    Integer,
    /// A day such as `2026-10-31`.
    Date,
    /// Money with at most two decimals, such as `1234.50`.
    Amount,
    /// One of `choices`.
    Choice,
}

/// A value a parameter may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportChoice)]
pub struct Choice {
    /// The value.
    #[serde(deserialize_with = "scalar")]
    pub value: String,
    /// What people see.
    pub title: Words,
    /// What a single row with the value is called, where `title` speaks of all of them.
    #[serde(default)]
    pub one: Option<Words>,
}

/// Something a report answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportColumn)]
pub struct Column {
    /// Name in answers and queries.
    pub name: String,
    /// What people see; `{bound}` in it is the value of the parameter `bound`, `{bound+1}` one more.
    pub title: Words,
    /// A heading above this and its neighbours with the same one.
    #[serde(default)]
    pub group: Option<Words>,
    /// What its cells are.
    pub kind: Kind,
    /// Whether a cell may be empty.
    #[serde(default)]
    pub optional: bool,
    /// Whether the sum over all rows is part of the answer.
    #[serde(default)]
    pub total: bool,
    /// Whether it is shown only to those who ask for it.
    #[serde(default)]
    pub hidden: bool,
    /// The report behind a cell.
    #[serde(default)]
    pub link: Option<Link>,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportColumnKind)]
pub enum Kind {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// Money: exact, two decimals, as a string.
    Amount,
    /// A day such as `2026-10-31`.
    Date,
    /// `true` or `false`.
    Boolean,
}

/// The report behind a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportLink)]
pub struct Link {
    /// Its id.
    pub report: String,
    /// Its parameters, each with the name of the column here that holds the value.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// A query per engine, of which one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queries {
    /// For PostgreSQL.
    #[serde(default)]
    pub postgres: Option<String>,
    /// For SQLite.
    #[serde(default)]
    pub sqlite: Option<String>,
}

impl Kind {
    /// The word in files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Amount => "amount",
            Self::Date => "date",
            Self::Boolean => "boolean",
        }
    }
}

/// A plain value, whatever YAML takes it for.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    use serde_yaml_ng::Value;
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(D::Error::custom("expected a plain value")),
    }
}

fn opt_scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    scalar(deserializer).map(Some)
}
