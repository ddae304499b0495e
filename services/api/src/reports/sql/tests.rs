//! What a query may be, and how it is written down for the engines.

use super::*;

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::Sqlite];

fn parameters() -> BTreeMap<String, Type> {
    let types = [
        ("company", Type::Text),
        ("from", Type::Date),
        ("year", Type::Integer),
        ("least", Type::Amount),
    ];
    let types = types.into_iter();
    types.map(|(name, of)| (name.to_owned(), of)).collect()
}

fn compile(engine: Engine, text: &str) -> Result<Query, Vec<Mistake>> {
    Query::compile(engine, text, &parameters())
}

/// The reasons on both engines, which must be the same, with their lines.
fn mistakes(text: &str) -> String {
    let [postgres, sqlite] = ENGINES.map(|engine| match compile(engine, text) {
        Ok(query) => panic!("{text} passed as {query:?}"),
        Err(mistakes) => said(&mistakes),
    });
    assert_eq!(postgres, sqlite, "{text}");
    postgres
}

fn said(mistakes: &[Mistake]) -> String {
    let mistakes = mistakes.iter();
    let said: Vec<String> = mistakes
        .map(|mistake| format!("{}: {}", mistake.line, mistake.reason))
        .collect();
    said.join("\n")
}

#[test]
fn a_parameter_has_one_number_and_its_type_wherever_it_stands() {
    let text = "SELECT ':company' AS a, b::text, \":from\" -- :year\n\
                FROM t /* :least */ WHERE c = :company AND d >= :from AND e <> :company ;\n";
    for engine in ENGINES {
        let query = compile(engine, text).unwrap();
        assert_eq!(
            query.text,
            "SELECT ':company' AS a, b::text, \":from\" -- :year\n\
             FROM t /* :least */ WHERE c = $1::text AND d >= $2::date AND e <> $1::text"
        );
        assert_eq!(query.arguments, ["company", "from"]);
    }
    let cast = compile(
        Engine::Postgres,
        "SELECT :year::text, :least::numeric(15,2)",
    )
    .unwrap();
    assert_eq!(
        cast.text,
        "SELECT $1::bigint::text, $2::numeric::numeric(15,2)"
    );
}

#[test]
fn values_are_given_in_the_order_of_the_numbers() {
    let query = compile(Engine::Sqlite, "SELECT :year, :company, :year").unwrap();
    let named = BTreeMap::from([
        ("company".to_owned(), Value::from("alfa")),
        ("from".to_owned(), Value::from("unused")),
    ]);
    assert_eq!(query.values(&named), [Value::Null, Value::from("alfa")]);
}

#[test]
fn an_unknown_parameter_is_refused_with_its_line() {
    let said = mistakes("SELECT a\n  FROM t\n WHERE b = :compnay");
    assert!(
        said.starts_with("2: there is no parameter `:compnay`"),
        "{said}"
    );
    assert!(said.contains(":company, :from"), "{said}");
}

/// What is not one harmless SELECT, and why it is refused.
const ATTACKS: &[(&str, &str)] = &[
    ("DELETE FROM postings", "begins with SELECT or WITH"),
    ("DROP TABLE postings", "begins with SELECT or WITH"),
    ("(SELECT 1)", "begins with SELECT or WITH"),
    ("VALUES (1)", "begins with SELECT or WITH"),
    ("SET statement_timeout = 0", "begins with SELECT or WITH"),
    ("", "the query is empty"),
    ("-- nothing\n", "the query is empty"),
    ("SELECT 1; DROP TABLE postings", "only one statement"),
    ("SELECT 1;;", "only one statement"),
    ("SELECT * INTO copy FROM postings", "`INTO` is not allowed"),
    (
        "WITH x AS (DELETE FROM postings RETURNING *) SELECT * FROM x",
        "`DELETE` is not allowed",
    ),
    (
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
        "`INSERT` is not allowed",
    ),
    (
        "WITH x AS (UpDaTe t SET a = 1 RETURNING *) SELECT * FROM x",
        "`UPDATE` is not allowed",
    ),
    (
        "WITH x AS (SELECT 1) MERGE INTO t USING x ON true",
        "`MERGE` is not allowed",
    ),
    ("SELECT a FROM t FOR UPDATE", "`UPDATE` is not allowed"),
    (
        "SELECT a FROM t FOR NO KEY UPDATE",
        "`UPDATE` is not allowed",
    ),
    ("SELECT a FROM t FOR SHARE", "FOR SHARE is not allowed"),
    ("SELECT a FROM t FOR KEY SHARE", "FOR SHARE is not allowed"),
    (
        "SELECT set_config('statement_timeout', '0', false)",
        "`set_config` is not among",
    ),
    (
        "SELECT pg_sleep(600)",
        "`pg_sleep` belongs to the database system",
    ),
    (
        "SELECT PG_SLEEP (600)",
        "`pg_sleep` belongs to the database system",
    ),
    (
        "SELECT \"pg_sleep\"(600)",
        "`pg_sleep` belongs to the database system",
    ),
    (
        "SELECT pg_catalog.count(*)",
        "`pg_catalog` belongs to the database system",
    ),
    ("SELECT public.count(*)", "a function with a schema"),
    ("SELECT \"evil\".\"count\"(*)", "a function with a schema"),
    (
        "SELECT query_to_xml('DELETE FROM t', true, true, '')",
        "`query_to_xml` is not among",
    ),
    (
        "SELECT * FROM dblink('host=x', 'SELECT 1') AS t (a integer)",
        "`dblink` is not among",
    ),
    (
        "SELECT lo_import('/etc/passwd')",
        "`lo_import` is not among",
    ),
    (
        "SELECT pg_read_file('/etc/passwd')",
        "`pg_read_file` belongs",
    ),
    (
        "SELECT load_extension('x')",
        "`load_extension` is not among",
    ),
    ("SELECT nextval('s')", "`nextval` is not among"),
    (
        "SELECT count/**/(*), lo_get/**/(1) FROM t",
        "`lo_get` is not among",
    ),
    ("SELECT count(*) FROM pg_authid", "`pg_authid` belongs"),
    ("SELECT * FROM \"pg_authid\"", "`pg_authid` belongs"),
    (
        "SELECT * FROM information_schema.tables",
        "`information_schema` belongs",
    ),
    ("SELECT * FROM sqlite_schema", "`sqlite_schema` belongs"),
    ("SELECT OPERATOR(pg_catalog.+) 1", "`operator` is not among"),
    (
        "SELECT 1) q, (SELECT lo_unlink(1)",
        "`lo_unlink` is not among",
    ),
    (
        "SELECT 1) q WHERE true --",
        "the parentheses do not pair up",
    ),
    ("SELECT (1", "the parentheses do not pair up"),
    ("SELECT E'\\' lo_unlink(1) '", "a string with a prefix"),
    ("SELECT '\\' , lo_unlink(1) , '", "a backslash in a string"),
    ("SELECT U&'x'", "a string with a prefix"),
    ("SELECT U&\"\\0070g_sleep\"(1)", "U&\"…\" is not allowed"),
    ("SELECT $$ ' $$, lo_unlink(1)", "`$` is not allowed"),
    ("SELECT $1", "`$` is not allowed"),
    (
        "SELECT 1 /* /* */ , lo_unlink(1) /* */ */",
        "a comment inside of a comment",
    ),
    ("SELECT 1 /*/ , lo_unlink(1)", "the comment does not end"),
    ("SELECT 'x", "the string does not end"),
    ("SELECT \"x", "the name does not end"),
    ("SELECT 1lo_unlink(1)", "a number runs into a word"),
    ("SELECT 1\0", "control character U+0000"),
    ("SELECT a\u{b}FROM t", "control character U+000B"),
];

#[test]
fn every_attack_is_refused_by_name() {
    for (attack, reason) in ATTACKS.iter().copied() {
        let said = mistakes(attack);
        assert!(said.contains(reason), "{attack}: {said}");
    }
}

#[test]
fn what_one_engine_reads_as_a_variable_or_a_name_is_refused_for_it() {
    for attack in [
        "SELECT ?1",
        "SELECT @x",
        "SELECT #x",
        "SELECT `load_extension`(1)",
        "SELECT [x](1)",
    ] {
        let said = said(&compile(Engine::Sqlite, attack).unwrap_err());
        assert!(said.contains("is not allowed"), "{attack}: {said}");
    }
    for good in [
        "SELECT a @> b",
        "SELECT a[1] FROM t",
        "SELECT a ?| b",
        "SELECT a # b",
    ] {
        compile(Engine::Postgres, good).unwrap();
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let said = mistakes("SELECT pg_sleep(1),\n\n  dblink('x'),\n  :nothing\n  FROM t FOR UPDATE");
    let lines: Vec<&str> = said.lines().map(|line| &line[..1]).collect();
    assert_eq!(lines, ["0", "0", "2", "3", "4"], "{said}");
}

#[test]
fn ordinary_queries_pass() {
    for good in [
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
        "SELECT CAST(a AS numeric(15,2)), count(*) FILTER (WHERE b IN (1, 2)) FROM t AS x GROUP BY 1",
        "SELECT sum(a) OVER (PARTITION BY b ORDER BY c), t.update, \"delete\" FROM t",
        "SELECT a FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.a = t.a) AND b BETWEEN 1 AND 1.5e-3",
        "SELECT substring(a FROM 1 FOR 2), 'it''s', DATE '2026-01-01' FROM t LIMIT 5",
        "SELECT număr FROM \"tabelă cu (paranteze\" -- and a ' in a comment",
        "SELECT a, share FROM t WHERE a LIKE '%x' OR b IS NOT NULL;",
    ] {
        for engine in ENGINES {
            compile(engine, good).unwrap_or_else(|mistakes| panic!("{good}: {}", said(&mistakes)));
        }
    }
}

#[test]
fn the_functions_are_listed_once_and_none_of_them_reaches_out() {
    for engine in ENGINES {
        let names = allowed_functions(engine);
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for dangerous in [
            "set_config",
            "current_setting",
            "dblink",
            "nextval",
            "load_extension",
            "repeat",
        ] {
            assert!(!names.contains(&dangerous));
        }
    }
}
