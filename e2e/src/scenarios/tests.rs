//! Scenarios have one name each, and what the documentation says of them is true.

mod pages;

use std::collections::BTreeSet;
use std::path::Path;

use super::all;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const TRUST: &str = include_str!("../../../docs/concepts/trust.md");

/// The names of tests in every Rust file below `folder`, as sentences.
fn add_tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let skipped = ["target", "node_modules"];
        if path.is_dir() && name.is_some_and(|name| !skipped.contains(&name)) {
            add_tests(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            found.extend(tests_of(&text));
        }
    }
}

/// The names of functions marked as tests.
fn tests_of(text: &str) -> Vec<String> {
    let marked = text.split("\n").map(str::trim);
    let mut is_test = false;
    let mut found = Vec::new();
    for line in marked {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if is_test && let Some((name, _)) = rest.split_once('(') {
                found.push(name.replace('_', " "));
            }
            is_test = false;
        }
    }
    found
}

/// Each bullet and each row of a table; what is wrapped is one.
fn statements(page: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        let bullet = line.starts_with("- ");
        let row =
            line.starts_with("| `") || line.starts_with("| create") || line.starts_with("| Leases");
        if bullet || row {
            statements.push(line.to_owned());
        } else if open && line.starts_with("  ") {
            let statement = statements.last_mut().expect("one is open");
            statement.push(' ');
            statement.push_str(line.trim());
            continue;
        }
        open = bullet;
    }
    statements
}

/// What stands in brackets, such as `[*code is formatted*]`.
fn kept_by(text: &str) -> Vec<&str> {
    let parts = text.split("[*").skip(1);
    parts
        .filter_map(|part| Some(part.split_once("*]")?.0))
        .collect()
}

#[test]
fn every_scenario_has_a_name_of_its_own() {
    let scenarios = all();
    let names: BTreeSet<_> = scenarios.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), scenarios.len());
}

#[test]
fn each_line_about_trust_names_a_scenario_or_test_that_exists() {
    let mut known: BTreeSet<_> = all().iter().map(|s| s.name.to_owned()).collect();
    for part in ["crds", "e2e", "operator", "services"] {
        add_tests(&Path::new(ROOT).join(part), &mut known);
    }
    let statements = statements(TRUST);
    assert!(
        statements.len() > 15,
        "the page is read wrongly: {statements:#?}"
    );
    for statement in &statements {
        assert!(!kept_by(statement).is_empty(), "nothing keeps: {statement}");
    }
    let page = TRUST.replace('\n', " ");
    for name in kept_by(&page) {
        assert!(known.contains(name), "no scenario or test {name:?}");
    }
}
