//! What a query may be: one SELECT that reads tables and views and calls nothing but harmless functions.
//!
//! The database refuses most of the rest as well, since reports run in a transaction that may not write and
//! under a login that should not be able to. This check says so before anybody asks for the report, by name
//! and line, and covers what a transaction cannot undo: sleeping, locks, files, other connections.

use reportapp_pool::Engine;

use super::lex::{Kind, Token};
use super::{Mistake, functions};

/// Words that make a statement write, wherever they stand.
const WRITING: [&str; 5] = ["insert", "update", "delete", "merge", "into"];

/// Words before a parenthesis that are no function.
const BEFORE_PARENTHESIS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "cube",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "intersect",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "offset",
    "on",
    "or",
    "over",
    "rollup",
    "row",
    "select",
    "sets",
    "some",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
];

/// Names of the system's own tables begin with these.
const SYSTEM: [&str; 3] = ["pg_", "sqlite_", "information_schema"];

/// Everything about the tokens that is not allowed.
pub(super) fn check(engine: Engine, tokens: &[Token<'_>]) -> Vec<Mistake> {
    let allowed = functions::allowed(engine);
    let mut mistakes = Vec::new();
    let mut object = |token: &Token<'_>, reason: String| {
        let line = token.line;
        mistakes.push(Mistake { line, reason });
    };
    let Some(first) = tokens.first() else {
        let reason = "the query is empty; write a SELECT".to_owned();
        return vec![Mistake { line: 0, reason }];
    };
    if !matches!(word(first).as_deref(), Some("select" | "with")) {
        let reason = "a query begins with SELECT or WITH; put anything else into a view".to_owned();
        object(first, reason);
    }
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &tokens[index]);
        let after = tokens.get(index + 1);
        if let Some(reason) = objection(token, before) {
            object(token, reason);
        }
        if after.is_some_and(|after| after.kind == Kind::Symbol('('))
            && let Some(reason) = call_objection(token, before, &allowed)
        {
            object(token, reason);
        }
        if token.kind == Kind::Symbol(';') && after.is_some() {
            object(
                token,
                "only one statement is allowed; remove what follows `;`".to_owned(),
            );
        }
    }
    if let Some(token) = unbalanced(tokens) {
        object(
            token,
            "the parentheses do not pair up; add or remove one".to_owned(),
        );
    }
    mistakes
}

fn objection(token: &Token<'_>, before: Option<&Token<'_>>) -> Option<String> {
    let name = name(token)?;
    if SYSTEM.iter().any(|prefix| name.starts_with(prefix)) {
        return Some(format!(
            "`{name}` belongs to the database system and is not allowed; put what you need into a view"
        ));
    }
    let word = word(token)?;
    // Behind a dot any word is the name of a column.
    if before.is_some_and(|before| before.kind == Kind::Symbol('.')) {
        return None;
    }
    if WRITING.contains(&word.as_str()) {
        return Some(format!(
            "`{}` is not allowed: a report only reads; a column of that name is written \"{word}\"",
            word.to_uppercase()
        ));
    }
    let before = before.and_then(self::word);
    let locks = word == "share" && matches!(before.as_deref(), Some("for" | "key"));
    locks.then(|| "FOR SHARE is not allowed: a report takes no locks; remove it".to_owned())
}

/// What is wrong with a name in front of a parenthesis.
fn call_objection(
    token: &Token<'_>,
    before: Option<&Token<'_>>,
    allowed: &[&str],
) -> Option<String> {
    let name = name(token)?;
    let previous = before.and_then(word);
    let is_qualified = before.is_some_and(|before| before.kind == Kind::Symbol('.'));
    if is_qualified {
        return Some(format!(
            "a function with a schema (`….{name}`) is not allowed; write its name alone, or put it into a view"
        ));
    }
    // A type with a length, an alias with columns, a table of WITH with columns.
    let is_type = before.is_some_and(|before| before.kind == Kind::Cast);
    let is_alias = matches!(previous.as_deref(), Some("as" | "with" | "recursive"));
    let is_keyword = word(token).is_some_and(|word| BEFORE_PARENTHESIS.contains(&word.as_str()));
    if is_type || is_alias || is_keyword || allowed.contains(&name.as_str()) {
        return None;
    }
    Some(format!(
        "the function `{name}` is not among those a report may call; put what needs it into a view"
    ))
}

/// The token where parentheses stop pairing up.
fn unbalanced<'a, 't>(tokens: &'a [Token<'t>]) -> Option<&'a Token<'t>> {
    let mut open = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Symbol('(') => open.push(token),
            Kind::Symbol(')') if open.pop().is_none() => return Some(token),
            _ => {}
        }
    }
    open.pop()
}

/// An unquoted word in lower case.
fn word(token: &Token<'_>) -> Option<String> {
    match token.kind {
        Kind::Word(word) => Some(word.to_lowercase()),
        _ => None,
    }
}

/// A name, in lower case unless it is quoted.
fn name(token: &Token<'_>) -> Option<String> {
    match &token.kind {
        Kind::Quoted(name) => Some(name.clone()),
        _ => word(token),
    }
}
