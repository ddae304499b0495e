//! The statements, as text: role statements take no parameters, so names and values are quoted here.
//! Each carries a form without values for plans and errors.

use std::collections::BTreeMap;

use super::roles::{Role, SettingKey};
use crate::backend::Outline;

/// Settings whose value is a list of names; each name is quoted for itself
/// (`variable_is_guc_list_quote` of PostgreSQL's pg_dump).
const NAME_LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// A statement and what may be shown of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) shown: String,
    /// The setting it writes, quoted.
    pub(super) parameter: Option<String>,
}

impl Statement {
    fn plain(sql: String) -> Self {
        Self {
            shown: sql.clone(),
            sql,
            parameter: None,
        }
    }

    /// `with` writes the statement around a text that only the first form may hold.
    fn secret(text: &str, with: impl Fn(&str) -> String) -> Self {
        Self {
            sql: with(&literal(text)),
            shown: with("'…'"),
            parameter: None,
        }
    }

    fn of(self, parameter: String) -> Self {
        Self {
            parameter: Some(parameter),
            ..self
        }
    }
}

/// A name in double quotes.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in single quotes; needs `standard_conforming_strings`, which every link sets.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn create(name: &str) -> Statement {
    Statement::plain(format!("CREATE ROLE {}", identifier(name)))
}

/// `WITH` from PostgreSQL 16 on: before, membership always allows both.
pub(super) fn grant(base: &str, twin: &str, version: i32) -> Statement {
    let options = if version >= 160_000 {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    Statement::plain(format!(
        "GRANT {} TO {}{options}",
        identifier(base),
        identifier(twin)
    ))
}

/// Lets a twin log in, under the limits of its base role.
pub(super) fn admit(twin: &str, verifier: &str, base: &Role) -> Statement {
    Statement::secret(verifier, |password| {
        format!(
            "ALTER ROLE {} LOGIN INHERIT CONNECTION LIMIT {} VALID UNTIL {} PASSWORD {password}",
            identifier(twin),
            base.connection_limit,
            literal(&base.valid_until)
        )
    })
}

pub(super) fn password(name: &str, verifier: &str) -> Statement {
    Statement::secret(verifier, |password| {
        format!("ALTER ROLE {} LOGIN PASSWORD {password}", identifier(name))
    })
}

/// Ends logins; the base role keeps its password, which opens nothing any more.
pub(super) fn block(name: &str, wipe: bool) -> Statement {
    let wipe = if wipe { " PASSWORD NULL" } else { "" };
    Statement::plain(format!("ALTER ROLE {} NOLOGIN{wipe}", identifier(name)))
}

pub(super) fn comment(name: &str, text: &str) -> Statement {
    Statement::secret(text, |text| {
        format!("COMMENT ON ROLE {} IS {text}", identifier(name))
    })
}

/// What turns the settings a twin has into those it must have; nothing where they agree, because
/// some settings only a superuser may write.
pub(super) fn settings(
    twin: &str,
    wanted: &BTreeMap<SettingKey, String>,
    present: &BTreeMap<SettingKey, String>,
) -> Vec<Statement> {
    let superfluous = present.keys().filter(|key| !wanted.contains_key(key));
    let resets = superfluous.map(|key| {
        let (place, name) = setting_place(twin, key);
        Statement::plain(format!("{place} RESET {name}")).of(name)
    });
    let missing = wanted
        .iter()
        .filter(|(key, value)| present.get(key) != Some(value));
    let sets = missing.map(|(key, value)| {
        let (place, name) = setting_place(twin, key);
        Statement {
            sql: format!("{place} SET {name} = {}", setting_value(&key.1, value)),
            shown: format!("{place} SET {name} = …"),
            parameter: Some(name),
        }
    });
    resets.chain(sets).collect()
}

fn setting_place(twin: &str, (database, name): &SettingKey) -> (String, String) {
    let place = match database.as_str() {
        "" => format!("ALTER ROLE {}", identifier(twin)),
        database => format!(
            "ALTER ROLE {} IN DATABASE {}",
            identifier(twin),
            identifier(database)
        ),
    };
    let name = name.split('.').map(identifier).collect::<Vec<_>>();
    (place, name.join("."))
}

fn setting_value(name: &str, value: &str) -> String {
    if !NAME_LISTS.contains(&name) {
        return literal(value);
    }
    let names = split_names(value);
    if names.is_empty() {
        return literal("");
    }
    let names = names.iter().map(|name| literal(name)).collect::<Vec<_>>();
    names.join(", ")
}

/// The names of a stored list such as `"$user", public`.
fn split_names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let (mut quoted, mut started) = (false, false);
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                name.push('"');
            }
            '"' => {
                quoted = !quoted;
                started = true;
            }
            ',' if !quoted => {
                names.push(std::mem::take(&mut name));
                started = false;
            }
            space if !quoted && space.is_ascii_whitespace() => {}
            other => {
                name.push(other);
                started = true;
            }
        }
    }
    if started {
        names.push(name);
    }
    names
}

/// A rotation for a person to read.
pub(super) fn plan(role: &str, from: Option<&str>, to: &str) -> Outline {
    let (base, new) = (identifier(role), identifier(to));
    let mut accept = if to == role {
        vec![format!("ALTER ROLE {new} LOGIN PASSWORD '…'")]
    } else {
        vec![
            format!("CREATE ROLE {new}, unless it exists"),
            format!("GRANT {base} TO {new}, unless it is a member"),
            format!(
                "ALTER ROLE {new} LOGIN INHERIT CONNECTION LIMIT … VALID UNTIL … PASSWORD '…', \
                 limits as {base} has them"
            ),
            format!("ALTER ROLE {new} SET role = {}", literal(role)),
            format!("ALTER ROLE {new} SET …, for each setting in which it differs from {base}"),
        ]
    };
    accept.push(format!("COMMENT ON ROLE {new} IS '…'"));
    let old = from.filter(|old| *old != to);
    let retire = old.map(|old| {
        let end = format!(
            "SELECT pg_terminate_backend(pid), for each session left of {}",
            identifier(old)
        );
        vec![block(old, old != role).sql, end]
    });
    Outline {
        accept,
        retire: retire.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(database: &str, name: &str, value: &str) -> BTreeMap<SettingKey, String> {
        [((database.to_owned(), name.to_owned()), value.to_owned())].into()
    }

    fn sql(statements: &[Statement]) -> Vec<&str> {
        statements.iter().map(|one| one.sql.as_str()).collect()
    }

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(identifier("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn only_differing_settings_are_written_and_foreign_ones_reset() {
        let mut wanted = one("", "statement_timeout", "5s");
        wanted.extend(one("erp", "app.site", "o'hare"));
        let mut present = one("", "statement_timeout", "5s");
        present.extend(one("", "work_mem", "1GB"));
        assert_eq!(
            sql(&settings("x_a", &wanted, &present)),
            [
                "ALTER ROLE \"x_a\" RESET \"work_mem\"",
                "ALTER ROLE \"x_a\" IN DATABASE \"erp\" SET \"app\".\"site\" = 'o''hare'",
            ]
        );
    }

    #[test]
    fn a_list_of_names_is_quoted_name_by_name() {
        let wanted = one(
            "",
            "search_path",
            "\"$user\", reports, \"My \"\"own\"\", one\"",
        );
        assert_eq!(
            sql(&settings("x_a", &wanted, &BTreeMap::new())),
            ["ALTER ROLE \"x_a\" SET \"search_path\" = '$user', 'reports', 'My \"own\", one'"]
        );
        assert_eq!(setting_value("search_path", "\"\""), "''");
    }

    #[test]
    fn what_is_shown_holds_no_value() {
        let base = Role::default();
        assert!(
            !admit("x_a", "SCRAM-SHA-256$4096:", &base)
                .shown
                .contains("SCRAM")
        );
        assert!(!password("x", "SCRAM-SHA-256$4096:").shown.contains("SCRAM"));
        let wanted = one("", "app.token", "hush");
        let statements = settings("x_a", &wanted, &BTreeMap::new());
        assert!(!statements[0].shown.contains("hush"));
    }

    #[test]
    fn a_plan_ends_with_the_old_user_blocked() {
        let first = plan("erp", Some("erp"), "erp_a");
        let becomes = "ALTER ROLE \"erp_a\" SET role = 'erp'".to_owned();
        assert!(first.accept.contains(&becomes), "{first:?}");
        assert_eq!(first.retire[0], "ALTER ROLE \"erp\" NOLOGIN");
        let second = plan("erp", Some("erp_a"), "erp_b");
        assert_eq!(
            second.retire[0],
            "ALTER ROLE \"erp_a\" NOLOGIN PASSWORD NULL"
        );
        let in_place = plan("erp", Some("erp"), "erp");
        assert_eq!((in_place.accept.len(), in_place.retire.len()), (2, 0));
    }
}
