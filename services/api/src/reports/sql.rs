//! The SQL of a report file: from text with `:name` parameters to a statement that can only read.
//!
//! ```text
//! text ─ lex ─▶ tokens ─ safety ─▶ mistakes
//!                  └── parameters ─▶ text with $n::type, names of its parameters in order
//! ```
//!
//! The tokens are those of PostgreSQL and SQLite as far as both agree; what one of them reads otherwise than
//! one might think (escapes, dollar quotes, nested comments, variables) is refused instead of understood.

use std::collections::BTreeMap;

use reportapp_pool::{Engine, Value};

mod functions;
mod lex;
mod safety;

pub use functions::allowed as allowed_functions;
use lex::{Kind, Token};

/// A statement and what it is to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The statement, without a semicolon, with parameters `$1…$n`.
    pub text: String,
    /// Name of the value of each parameter.
    pub arguments: Vec<String>,
}

/// What the value of a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Amount,
    Date,
}

impl Type {
    /// PostgreSQL needs it where the context does not tell; on SQLite it is part of the parameter's name.
    pub(super) fn cast(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "bigint",
            Self::Amount => "numeric",
            Self::Date => "date",
        }
    }
}

/// Something wrong in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Lines below the first one.
    pub(super) line: usize,
    /// What, and what to do.
    pub(super) reason: String,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn compile(
        engine: Engine,
        text: &str,
        parameters: &BTreeMap<String, Type>,
    ) -> Result<Self, Vec<Mistake>> {
        let (tokens, mut mistakes) = lex::tokens(engine, text);
        mistakes.extend(safety::check(engine, &tokens));
        mistakes.extend(unknown(&tokens, parameters));
        mistakes.sort_by_key(|mistake| mistake.line);
        if mistakes.is_empty() {
            Ok(render(text, &tokens, parameters))
        } else {
            Err(mistakes)
        }
    }

    /// The parameters in order, from values by name. A name without a value is nothing.
    pub fn values(&self, named: &BTreeMap<String, Value>) -> Vec<Value> {
        let names = self.arguments.iter();
        let values = names.map(|name| named.get(name).cloned().unwrap_or(Value::Null));
        values.collect()
    }
}

fn unknown(tokens: &[Token<'_>], parameters: &BTreeMap<String, Type>) -> Vec<Mistake> {
    let names: Vec<String> = parameters.keys().map(|name| format!(":{name}")).collect();
    let unknown = tokens.iter().filter_map(|token| match &token.kind {
        Kind::Parameter(name) if !parameters.contains_key(*name) => Some(Mistake {
            line: token.line,
            reason: format!(
                "there is no parameter `:{name}`; declare it, or use one of {}",
                names.join(", ")
            ),
        }),
        _ => None,
    });
    unknown.collect()
}

fn render(text: &str, tokens: &[Token<'_>], parameters: &BTreeMap<String, Type>) -> Query {
    let mut query = Query {
        text: String::with_capacity(text.len() + 64),
        arguments: Vec::new(),
    };
    let mut copied = 0;
    let mut end = 0;
    for token in tokens {
        if token.kind == Kind::Symbol(';') {
            break;
        }
        end = token.end;
        let Kind::Parameter(name) = token.kind else {
            continue;
        };
        let known = query.arguments.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            query.arguments.push(name.to_owned());
            query.arguments.len() - 1
        });
        query.text.push_str(&text[copied..token.start]);
        let cast = parameters[name].cast();
        query.text.push_str(&format!("${}::{cast}", index + 1));
        copied = token.end;
    }
    query.text.push_str(&text[copied..end]);
    query
}

#[cfg(test)]
mod tests;
