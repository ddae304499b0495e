//! Reports as data: a definition in two languages, parameters, typed columns and a query per engine.
//!
//! ```text
//! file.yaml ─ file ─▶ Definition ─ check, sql ─▶ Report ─ catalogue (built-in, folder) ─▶ who may run it
//! Ask: Report + arguments + View ─ page ─▶ two questions ─ run ─▶ Table of typed cells ─▶ answer
//! ```
//!
//! A report knows nothing of HTTP or of the servers. A database that answers with another kind of value than
//! a column declares fails the report by name instead of showing a wrong figure.

use reportapp_pool::{Engine, Value};
use reportapp_session::access::{Access, UserKind};

pub mod answer;
pub mod asked;
mod built_in;
pub mod catalogue;
mod check;
pub mod file;
mod folder;
mod lines;
pub mod page;
pub mod run;
pub mod sql;

#[cfg(test)]
mod proof;

pub use catalogue::Catalogue;
pub use check::{Refusal, read};
pub use file::{Column, Definition, Kind};
pub use folder::Folder;
pub use run::{Ask, Cell, Table};
pub use sql::Query;

/// A report that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub definition: Definition,
    /// Order of its rows unless another is asked for; no two rows are equal in it.
    pub order: Vec<Order>,
    /// SHA-256 of its file.
    pub digest: String,
    postgres: Option<Query>,
    sqlite: Option<Query>,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its index.
    pub column: usize,
    /// From the largest to the smallest.
    pub is_descending: bool,
}

impl Report {
    /// The query for an engine, if there is one.
    pub fn query(&self, engine: Engine) -> Option<&Query> {
        match engine {
            Engine::Postgres => self.postgres.as_ref(),
            Engine::Sqlite => self.sqlite.as_ref(),
        }
    }

    /// What its parameters are where nobody says anything else.
    pub fn defaults(&self) -> impl Iterator<Item = (String, Value)> {
        let parameters = self.definition.parameters.iter();
        parameters.filter_map(|parameter| {
            let value = parameter.value(parameter.default.as_deref()?).ok()?;
            Some((parameter.name.clone(), value))
        })
    }

    /// Whether somebody who may read reports may read this one.
    pub fn is_open_to(&self, reader: &Access) -> bool {
        let needed = &self.definition.roles;
        let holds = |role: &String| {
            // The names of a tenant's own roles are chosen by the tenant, so they open nothing.
            reader.roles.contains(role) || reader.platform_roles.contains(role)
        };
        needed.is_empty() || reader.kind == UserKind::EnterpriseAdmin || needed.iter().any(holds)
    }

    /// The index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        let columns = &self.definition.columns;
        columns.iter().position(|column| column.name == name)
    }

    /// Reads an order such as `["-sold", "cont"]` and makes it one in which no two rows are equal, by
    /// whatever is left of the default order and of the key, or of all columns where there is none.
    ///
    /// # Errors
    /// The name that is no column.
    pub fn order_by<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Order>, &'a str> {
        let mut order: Vec<Order> = Vec::new();
        for written in names {
            let name = written.strip_prefix('-').unwrap_or(written);
            let column = self.column(name).ok_or(written)?;
            order.push(Order {
                column,
                is_descending: written.starts_with('-'),
            });
        }
        for rest in self.order.iter().copied().chain(self.key()) {
            if order.iter().all(|known| known.column != rest.column) {
                order.push(rest);
            }
        }
        Ok(order)
    }

    /// The columns in which no two rows are equal.
    fn key(&self) -> Vec<Order> {
        let named = &self.definition.key;
        let named: Vec<_> = named.iter().filter_map(|name| self.column(name)).collect();
        let all = match named.is_empty() {
            true => (0..self.definition.columns.len()).collect(),
            false => named,
        };
        all.into_iter().map(Order::ascending).collect()
    }
}

impl Order {
    fn ascending(column: usize) -> Self {
        Self {
            column,
            is_descending: false,
        }
    }
}
