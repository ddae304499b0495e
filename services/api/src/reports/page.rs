//! What of a report is wanted (order, search, filters, a page), and the SQL around its query that gives it.
//!
//! ```text
//! SELECT q."a", q."b" FROM (the query) q WHERE filters ORDER BY checked columns [LIMIT size OFFSET start]
//! SELECT count(*), sum(q."b") FROM (the query) q WHERE filters
//! ```
//!
//! Nothing a caller sent becomes part of a statement but as a parameter; columns are named by their index.
//! Both engines sort, compare and search alike: text by its code points, nothing before everything.

use std::collections::BTreeMap;

use reportapp_pool::{Engine, Question, Value};

use super::file::{Column, Kind};
use super::{Order, Query, Report};

/// Rows of the largest page.
pub const MOST_ROWS: u32 = 100_000;

/// Letters of Romanian that searches take for the plain letter.
const FOLDED: [(char, char); 14] = [
    ('ă', 'a'),
    ('â', 'a'),
    ('î', 'i'),
    ('ș', 's'),
    ('ş', 's'),
    ('ț', 't'),
    ('ţ', 't'),
    ('Ă', 'a'),
    ('Â', 'a'),
    ('Î', 'i'),
    ('Ș', 's'),
    ('Ş', 's'),
    ('Ț', 't'),
    ('Ţ', 't'),
];

/// What of a report is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Order in which no two rows are equal.
    pub order: Vec<Order>,
    /// What some text of a row contains.
    pub search: Option<String>,
    /// What all hold of a row.
    pub filters: Vec<Filter>,
    /// Which page, from 1.
    pub page: u32,
    /// Rows of a page.
    pub page_size: u32,
}

impl View {
    /// Every row in the default order.
    pub fn all(report: &Report) -> Self {
        Self {
            order: report.order.clone(),
            search: None,
            filters: Vec::new(),
            page: 1,
            page_size: MOST_ROWS,
        }
    }

    /// The rows before those of the page.
    pub fn offset(&self) -> i64 {
        (i64::from(self.page) - 1) * i64::from(self.page_size)
    }
}

/// Something that holds of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Index of the column.
    pub column: usize,
    /// What holds of its cell.
    pub test: Test,
}

/// Something that holds of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It compares like this with a value of its kind.
    Is(Comparison, Value),
    /// It contains a text, whatever the case and the diacritics.
    Contains(String),
    /// There is nothing in it.
    Empty,
    /// There is something in it.
    NotEmpty,
}

/// How two values compare. Nothing is equal to no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal; nothing is not equal to any value.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Comparison {
    /// The word in addresses.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            _ => return None,
        })
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// A text as searches compare it.
pub fn fold(text: &str) -> String {
    let plain = |letter: char| {
        let known = FOLDED.iter().find(|(from, _)| *from == letter);
        known.map_or(letter.to_ascii_lowercase(), |(_, to)| *to)
    };
    text.chars().map(plain).collect()
}

/// Name of the number of rows in the second answer.
pub(super) const COUNT: &str = "row_count";

/// The statements around one query.
pub(super) struct Statements<'a> {
    engine: Engine,
    columns: &'a [Column],
    query: &'a Query,
    params: Vec<Value>,
    conditions: String,
}

impl<'a> Statements<'a> {
    pub(super) fn new(
        engine: Engine,
        report: &'a Report,
        query: &'a Query,
        arguments: &BTreeMap<String, Value>,
        view: &View,
    ) -> Self {
        let mut statements = Self {
            engine,
            columns: &report.definition.columns,
            query,
            params: query.values(arguments),
            conditions: String::new(),
        };
        if let Some(search) = &view.search {
            let condition = statements.search(search);
            statements.require(&condition);
        }
        for filter in &view.filters {
            let condition = statements.holds(filter);
            statements.require(&condition);
        }
        statements
    }

    /// The rows of the page.
    pub(super) fn rows(&self, view: &View) -> Question {
        let Question {
            mut sql,
            mut params,
        } = self.all_rows(view);
        params.push(Value::from(view.page_size));
        params.push(Value::Int(view.offset()));
        let (size, start) = (params.len() - 1, params.len());
        sql.push_str(&format!(" LIMIT ${size}::bigint OFFSET ${start}::bigint"));
        Question { sql, params }
    }

    /// The rows of every page.
    pub(super) fn all_rows(&self, view: &View) -> Question {
        let columns = self.columns.iter().map(|column| self.reference(column));
        let order = view.order.iter().map(|order| self.order(*order));
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {}",
            list(columns),
            self.source(),
            list(order),
        );
        let params = self.params.clone();
        Question { sql, params }
    }

    /// The number of all rows and the totals, in the order of their columns.
    pub(super) fn totals(&self) -> Question {
        let totals = self.columns.iter().filter(|column| column.total);
        let sums = totals.map(|column| {
            let (reference, name) = (self.reference(column), self.name(column));
            format!(", sum({reference}) AS \"{name}\"")
        });
        let sums: String = sums.collect();
        let sql = format!("SELECT count(*) AS {COUNT}{sums} FROM {}", self.source());
        let params = self.params.clone();
        Question { sql, params }
    }

    /// The query may end with a comment, so the parenthesis stands on a line of its own.
    fn source(&self) -> String {
        let Self {
            query, conditions, ..
        } = self;
        format!("(\n{}\n) q{conditions}", query.text)
    }

    fn require(&mut self, condition: &str) {
        let word = match self.conditions.is_empty() {
            true => " WHERE ",
            false => " AND ",
        };
        self.conditions.push_str(word);
        self.conditions.push_str(condition);
    }

    /// The name of a column in the result of the query, which writes it without quotes.
    fn name(&self, column: &Column) -> String {
        match self.engine {
            Engine::Postgres => column.name.to_lowercase(),
            Engine::Sqlite => column.name.clone(),
        }
    }

    fn reference(&self, column: &Column) -> String {
        format!("q.\"{}\"", self.name(column))
    }

    /// A column as it is compared.
    fn comparable(&self, column: &Column) -> String {
        let reference = self.reference(column);
        match (self.engine, column.kind) {
            (Engine::Postgres, Kind::Text) => format!("{reference} COLLATE \"C\""),
            _ => reference,
        }
    }

    fn order(&self, order: Order) -> String {
        let column = self.comparable(&self.columns[order.column]);
        // Where nothing is missing its place need not be said, and an index gives the order.
        match (order.is_descending, self.columns[order.column].optional) {
            (false, false) => column,
            (true, false) => format!("{column} DESC"),
            (false, true) => format!("{column} NULLS FIRST"),
            (true, true) => format!("{column} DESC NULLS LAST"),
        }
    }

    /// Adds a parameter; gives how it is written.
    fn bind(&mut self, value: Value, kind: Kind) -> String {
        self.params.push(value);
        let cast = match kind {
            Kind::Text => "text",
            Kind::Integer => "bigint",
            Kind::Amount => "numeric",
            Kind::Date => "date",
            Kind::Boolean => "boolean",
        };
        format!("${}::{cast}", self.params.len())
    }

    fn search(&mut self, search: &str) -> String {
        let needle = self.bind(Value::Text(fold(search)), Kind::Text);
        let texts = self
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Text);
        let places: Vec<String> = texts.map(|column| self.contains(column, &needle)).collect();
        match places.is_empty() {
            // The parameter has to be there all the same.
            true => format!("{needle} IS NULL"),
            false => format!("({})", places.join(" OR ")),
        }
    }

    fn contains(&self, column: &Column, needle: &str) -> String {
        let text = self.comparable(column);
        match self.engine {
            Engine::Postgres => {
                let (from, to): (String, String) = FOLDED.iter().copied().unzip();
                format!("strpos(translate(lower({text}), '{from}', '{to}'), {needle}) > 0")
            }
            Engine::Sqlite => {
                let replace = |text: String, (from, to): (char, char)| {
                    format!("replace({text}, '{from}', '{to}')")
                };
                let folded = FOLDED.into_iter().fold(format!("lower({text})"), replace);
                format!("instr({folded}, {needle}) > 0")
            }
        }
    }

    fn holds(&mut self, filter: &Filter) -> String {
        let columns = self.columns;
        let column = &columns[filter.column];
        let cell = self.comparable(column);
        let is_text = column.kind == Kind::Text;
        match &filter.test {
            Test::Is(comparison, value) => {
                let value = self.bind(value.clone(), column.kind);
                let holds = format!("{cell} {} {value}", comparison.sql());
                match comparison {
                    Comparison::Ne => format!("({holds} OR {cell} IS NULL)"),
                    _ => holds,
                }
            }
            Test::Contains(text) => {
                let needle = self.bind(Value::Text(fold(text)), Kind::Text);
                self.contains(column, &needle)
            }
            Test::Empty if is_text => format!("({cell} IS NULL OR {cell} = '')"),
            Test::Empty => format!("{cell} IS NULL"),
            Test::NotEmpty if is_text => format!("({cell} IS NOT NULL AND {cell} <> '')"),
            Test::NotEmpty => format!("{cell} IS NOT NULL"),
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
