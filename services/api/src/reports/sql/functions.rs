//! The functions a report may call: they look at their arguments and at nothing else, and change nothing.

use reportapp_pool::Engine;

/// On both engines.
const COMMON: &[&str] = &[
    "abs",
    "avg",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "trim",
    "upper",
];
/// On PostgreSQL.
const POSTGRES: &[&str] = &[
    "age",
    "array_agg",
    "bool_and",
    "bool_or",
    "ceil",
    "date_part",
    "date_trunc",
    "div",
    "every",
    "extract",
    "floor",
    "generate_series",
    "greatest",
    "initcap",
    "least",
    "left",
    "make_date",
    "mod",
    "overlay",
    "position",
    "reverse",
    "right",
    "split_part",
    "starts_with",
    "strpos",
    "to_char",
    "to_date",
    "translate",
    "trunc",
    "unnest",
];
/// On SQLite.
const SQLITE: &[&str] = &[
    "date",
    "datetime",
    "group_concat",
    "ifnull",
    "iif",
    "instr",
    "julianday",
    "strftime",
    "time",
    "unixepoch",
];

/// Names of the functions a report may call, ascending.
pub fn allowed(engine: Engine) -> Vec<&'static str> {
    let own = match engine {
        Engine::Postgres => POSTGRES,
        Engine::Sqlite => SQLITE,
    };
    let mut names = [COMMON, own].concat();
    names.sort_unstable();
    names
}
