//! Everything a file can have wrong, with its line.

use super::*;

const GOOD: &str = "\
id: payroll
title: {ro: Salarii, en: Payroll}
group: other
period: month
parameters:
- {name: least, title: {ro: Minim, en: At least}, kind: amount, default: 10}
columns:
- {name: cont, title: {ro: Cont, en: Account}, kind: text}
- name: sold
  title: {ro: Sold, en: Balance}
  kind: amount
  total: true
  link: {report: ledger-card, parameters: {account: cont}}
sort: [-sold]
roles: [accountant]
cache: 600
queries:
  postgres: &query |
    SELECT cont, sum(debit) AS sold
      FROM monthly_turnover
     WHERE company = :company AND period = :year * 100 + :month
     GROUP BY cont HAVING sum(debit) >= :least
  sqlite: *query
";

/// What is said about the good file with one part replaced.
fn with(part: &str, other: &str) -> Vec<String> {
    assert!(GOOD.contains(part), "{part}");
    let refused = read("payroll.yaml", &GOOD.replace(part, other)).unwrap_err();
    refused.iter().map(ToString::to_string).collect()
}

#[test]
fn a_good_file_becomes_a_report() {
    let report = read("payroll.yaml", GOOD).unwrap();
    let definition = &report.definition;
    assert_eq!(definition.parameters[0].default.as_deref(), Some("10"));
    assert_eq!(definition.cache, Some(600));
    let order: Vec<(usize, bool)> = report
        .order
        .iter()
        .map(|o| (o.column, o.is_descending))
        .collect();
    assert_eq!(
        order,
        [(1, true), (0, false)],
        "made unique by the columns that are left"
    );
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let query = report.query(engine).unwrap();
        assert_eq!(query.arguments, ["company", "year", "month", "least"]);
    }
}

/// A part of a good file, what stands there instead, and what is said about that.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "id: payroll",
        "id: Payroll",
        "payroll.yaml:1: id `Payroll` is not possible",
    ),
    (
        "ro: Salarii",
        "ro: ''",
        "payroll.yaml:2: `ro` has 0 characters",
    ),
    (
        "group: other",
        "group: secret",
        "payroll.yaml:3: group: unknown variant `secret`",
    ),
    (
        "group: other",
        "grup: other",
        "payroll.yaml:3: unknown field `grup`",
    ),
    ("period: month\n", "", "missing field `period`"),
    (
        "name: least",
        "name: Least",
        "payroll.yaml:6: the parameter `Least` is not possible",
    ),
    (
        "name: least",
        "name: page",
        "payroll.yaml:6: the parameter `page` has a meaning already",
    ),
    (
        "default: 10",
        "default: ten",
        "payroll.yaml:6: the default `ten` of `least` is not possible; give an amount",
    ),
    (
        "default: 10",
        "default: 10, required: true",
        "payroll.yaml:6: `least` is required and has a default",
    ),
    (
        "kind: amount, default: 10",
        "kind: choice",
        "payroll.yaml:6: the choice `least` has no `choices`",
    ),
    (
        "default: 10",
        "choices: [{value: 1, title: {ro: a, en: b}}]",
        "payroll.yaml:6: `least` has `choices` and is no choice",
    ),
    (
        "ro: Sold, en",
        "ro: 'Sold {least+1}', en",
        "payroll.yaml:10: `{least+1}` names no parameter of kind integer",
    ),
    (
        "sort: [-sold]",
        "sort: [-sold]\nfold: account",
        "payroll.yaml:15: fold: `account` is no column; the columns are cont, sold",
    ),
    (
        "- name: sold",
        "- name: cont",
        "payroll.yaml:9: the column `cont` is there twice",
    ),
    (
        "- name: sold",
        "- name: Sold-1",
        "payroll.yaml:9: the column `Sold-1` is not possible",
    ),
    (
        "kind: amount\n",
        "kind: text\n",
        "payroll.yaml:12: `sold` is of kind text and has no total",
    ),
    (
        "{account: cont}",
        "{account: konto}",
        "payroll.yaml:13: the link gives `account` the value of `konto`",
    ),
    (
        "[-sold]",
        "[-sum]",
        "payroll.yaml:14: sort: `-sum` is no column; the columns are cont, sold",
    ),
    (
        "[-sold]",
        "[sold, -sold]",
        "payroll.yaml:14: sort: `sold` is there twice",
    ),
    (
        "company = :company AND ",
        "",
        "payroll.yaml:18: the query does not use `:company`",
    ),
    (
        "period = :year * 100 + :month",
        "true",
        "payroll.yaml:18: the query does not use the period (:year, :month, :from, :to)",
    ),
    (
        " HAVING sum(debit) >= :least",
        "",
        "payroll.yaml:18: the query does not use `:least`",
    ),
    (
        "sum(debit) AS sold",
        "lo_get(1) AS sold",
        "payroll.yaml:19: the function `lo_get` is not among",
    ),
    (
        "monthly_turnover",
        "pg_authid",
        "payroll.yaml:20: `pg_authid` belongs to the database system",
    ),
    (
        ":least",
        ":most",
        "payroll.yaml:22: there is no parameter `:most`",
    ),
];

#[test]
fn everything_wrong_is_told_with_file_and_line() {
    for (part, other, wanted) in MISTAKES.iter().copied() {
        let said = with(part, other);
        assert!(
            said.iter().any(|said| said.contains(wanted)),
            "{other}: {said:#?}"
        );
    }
}

#[test]
fn all_problems_of_a_file_are_in_one_list_by_line() {
    let bad = GOOD
        .replace("id: payroll", "id: 7")
        .replace("[-sold]", "[x]")
        .replace(":least", ":most");
    let refused = read("payroll.yaml", &bad).unwrap_err();
    let lines: Vec<usize> = refused.iter().map(|refusal| refusal.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    // The text that both engines share is complained about once.
    assert_eq!(lines, [1, 14, 22], "{refused:#?}");
}

#[test]
fn a_file_that_is_no_yaml_is_refused_where_it_stops_being_it() {
    let refused = read("x.yaml", "id: a\ntitle: {ro: b\nperiod: none\n").unwrap_err();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].line >= 2, "{refused:?}");
    let refused = read("x.yaml", "").unwrap_err();
    assert_eq!(refused.len(), 1);
    let large = format!("{GOOD}# {}\n", "x".repeat(LARGEST_FILE));
    assert!(
        read("x.yaml", &large).unwrap_err()[0]
            .reason
            .contains("at most 256")
    );
}

#[test]
fn values_are_read_by_kind_and_refused_with_what_would_be_possible() {
    assert_eq!(amount("1234.50").unwrap(), Decimal::new(123_450, 2));
    assert_eq!(amount("-0.10").unwrap(), Decimal::new(-10, 2));
    for bad in ["1.234", "1,5", "x", "", "1e30", "1000000000000000"] {
        assert!(amount(bad).is_err(), "{bad}");
    }
    assert_eq!(date("2026-02-28").unwrap(), jiff::civil::date(2026, 2, 28));
    for bad in [
        "2026-02-30",
        "28.02.2026",
        "2026-2-8",
        "2026-02-28T00:00",
        "",
    ] {
        assert!(date(bad).is_err(), "{bad}");
    }
    assert_eq!(integer("-7").unwrap(), -7);
    assert!(integer("7.0").is_err());
}
