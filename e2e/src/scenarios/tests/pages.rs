//! What stands in the pages can be typed and applied: commands of this crate, names of files, objects, and
//! the columns of what is shown.

use std::path::Path;

use clap::Parser as _;
use clap::error::ErrorKind;
use reportapp_crds::incident_action::ActionType;
use reportapp_crds::one_shot::Phase;
use reportapp_crds::secret_rotation::StepName;
use reportapp_crds::{IncidentAction, ReportApp, SecretRotation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ROOT, all};
use crate::cli::Cli;
use crate::demo::commands::instructions;
use crate::scenarios::cluster::hygiene::EXAMPLE_SAYS;
use crate::scenarios::cluster::rotation::dry_run::COLUMNS;

/// Pages with commands for a clone of the repository.
const COMMANDS: [&str; 3] = [
    "README.md",
    "docs/getting-started/README.md",
    "CONTRIBUTING.md",
];
/// Folders of the repository that commands name files of.
const FOLDERS: [&str; 6] = [
    "charts/",
    "crds/",
    "docs/",
    "e2e/",
    "operator/",
    "services/",
];
/// What is typed to watch rotations.
const WATCH: &str = "get rot -n reports -w";

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(name)).expect("a page of the repository")
}

/// The fenced blocks of a page in this language; indentation of the fence is taken away.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Vec<&str>)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match &mut open {
            None if line.trim() == fence => open = Some((indent, Vec::new())),
            None => {}
            Some(_) if line.trim() == "```" => {
                let lines = open.take().map(|(_, lines)| lines);
                blocks.push(lines.unwrap_or_default().join("\n"));
            }
            Some((fence, lines)) => lines.push(line.get(*fence..).unwrap_or_default()),
        }
    }
    blocks
}

/// The lines of the console blocks of a page, each with what continues it.
fn typed(page: &str) -> Vec<String> {
    let text = blocks(page, "console").join("\n").replace("\\\n", " ");
    text.lines().map(str::to_owned).collect()
}

/// The words of a line as a shell reads them, without its comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, left) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = left.trim_start();
    }
    words
}

/// The commands of this crate in these lines, as words without `cargo e2e`.
fn own<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Vec<String>> {
    let commands = lines.into_iter().filter_map(|line| {
        let at = line.find("cargo e2e")?;
        Some(words(&line[at..]).split_off(2))
    });
    commands.collect()
}

/// What the demo prints when it runs.
fn printed() -> String {
    instructions("reportapp", "https://127.0.0.1:8443/", "password")
}

#[test]
fn commands_of_the_pages_and_of_the_demo_are_understood() {
    let pages: Vec<_> = COMMANDS
        .map(page)
        .iter()
        .flat_map(|page| typed(page))
        .collect();
    let printed = printed();
    let lines = pages.iter().map(String::as_str).chain(printed.lines());
    let commands = own(lines);
    assert!(commands.len() > 20, "read wrongly: {commands:#?}");
    for command in &commands {
        let arguments = ["cargo-e2e".to_owned()].into_iter().chain(command.clone());
        if let Err(error) = Cli::try_parse_from(arguments) {
            assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{command:?}: {error}");
        }
        if let Some(at) = command.iter().position(|word| word == "--filter") {
            let named = |name: &str| name.contains(command[at + 1].as_str());
            assert!(
                all().iter().any(|s| named(s.name)),
                "{command:?} finds none"
            );
        }
    }
}

#[test]
fn files_that_commands_of_the_pages_name_exist() {
    let lines: Vec<_> = COMMANDS
        .map(page)
        .iter()
        .flat_map(|page| typed(page))
        .collect();
    let words = lines.iter().flat_map(|line| words(line));
    let files: Vec<_> = words
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .collect();
    assert!(files.len() > 3, "read wrongly: {files:?}");
    for file in files {
        assert!(Path::new(ROOT).join(&file).exists(), "there is no {file}");
    }
}

#[test]
fn getting_started_has_every_look_around_that_the_demo_prints() {
    let page = own(typed(&page(COMMANDS[1])).iter().map(String::as_str));
    let printed = printed();
    let mut looks = own(printed.lines());
    looks.retain(|command| command[0] == "kubectl");
    assert!(looks.len() > 3, "read wrongly: {looks:?}");
    for look in looks {
        assert!(page.contains(&look), "{} lacks {look:?}", COMMANDS[1]);
    }
}

#[test]
fn objects_in_the_how_to_pages_have_no_field_that_does_not_exist() {
    let mut seen = 0;
    for entry in std::fs::read_dir(Path::new(ROOT).join("docs/how-to")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let page = std::fs::read_to_string(&path).expect("a page");
        for block in blocks(&page, "yaml") {
            let Ok(object) = serde_yaml_ng::from_str::<Value>(&block) else {
                panic!("{}: no YAML:\n{block}", path.display());
            };
            let whole = ["apiVersion", "kind", "metadata", "spec"];
            if !whole.iter().all(|field| object.get(field).is_some()) {
                continue;
            }
            let understood = match object["kind"].as_str() {
                Some("ReportApp") => again::<ReportApp>(&object),
                Some("SecretRotation") => again::<SecretRotation>(&object),
                Some("IncidentAction") => again::<IncidentAction>(&object),
                other => panic!("{}: of kind {other:?}", path.display()),
            };
            let understood =
                understood.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let lost = lost(&object, &understood, "");
            assert!(lost.is_empty(), "{}: no field {lost:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 7, "only {seen} objects: the pages are read wrongly");
}

/// The object as the definition has it, written again.
fn again<T: DeserializeOwned + Serialize>(object: &Value) -> serde_json::Result<Value> {
    serde_json::from_value::<T>(object.clone()).and_then(serde_json::to_value)
}

/// Paths of `object` that are not in `understood`.
fn lost(object: &Value, understood: &Value, path: &str) -> Vec<String> {
    match object {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                let path = format!("{path}.{name}");
                match understood.get(name) {
                    Some(kept) => lost(value, kept, &path),
                    None => vec![path],
                }
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(at, item)| lost(item, &understood[at], &format!("{path}[{at}]")))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn rotations_are_shown_in_the_columns_and_words_they_have() {
    for name in [COMMANDS[0], "docs/how-to/rotation-now.md"] {
        let text = page(name);
        let shown: Vec<_> = blocks(&text, "console")
            .into_iter()
            .filter(|block| block.contains(WATCH) && block.contains("\nNAME "))
            .collect();
        assert_eq!(shown.len(), 1, "{name} does not show a rotation");
        let lines = shown[0]
            .lines()
            .skip_while(|line| !line.starts_with("NAME "));
        let mut lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(lines.next().expect("a heading"), COLUMNS, "{name}");
        let mut last = None;
        for line in lines {
            let [_, _, _, phase, step, ..] = line[..] else {
                panic!("{name}: {line:?}");
            };
            let phase: Phase = serde_json::from_value(phase.into()).expect("a phase");
            let at: StepName = serde_json::from_value(step.into()).expect("a step");
            last = Some((phase, at));
        }
        assert_eq!(last, Some((Phase::Succeeded, StepName::Close)), "{name}");
    }
    assert!(page(COMMANDS[0]).contains(EXAMPLE_SAYS));
}

#[test]
fn actions_are_shown_in_the_columns_and_words_they_have_and_nothing_is_cut() {
    let mut shown = 0;
    for entry in std::fs::read_dir(Path::new(ROOT).join("docs/how-to")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.display();
        let page = std::fs::read_to_string(&path).expect("a page");
        for block in blocks(&page, "console") {
            let lines = block.lines().skip_while(|line| !line.starts_with("NAME "));
            let mut lines = lines.take_while(|line| !line.is_empty() && !line.starts_with('$'));
            let Some(heading) = lines.next().filter(|line| line.contains(" TYPE ")) else {
                continue;
            };
            let heading: Vec<_> = heading.split_whitespace().collect();
            assert_eq!(
                heading,
                ["NAME", "APP", "TYPE", "PHASE", "MESSAGE", "AGE"],
                "{name}"
            );
            for line in lines {
                let [_, _, kind, phase, ..] = line.split_whitespace().collect::<Vec<_>>()[..]
                else {
                    panic!("{name}: {line}");
                };
                serde_json::from_value::<ActionType>(kind.into()).expect("a type");
                serde_json::from_value::<Phase>(phase.into()).expect("a phase");
                assert!(!line.contains('…'), "{name} cuts what is not cut: {line}");
                shown += 1;
            }
        }
    }
    assert!(shown > 9, "only {shown} lines: the pages are read wrongly");
}

#[test]
fn a_line_is_read_as_a_shell_reads_it() {
    let read = words("cargo e2e test --filter \"trial balance\"   # a comment \"of\" more");
    assert_eq!(read, ["cargo", "e2e", "test", "--filter", "trial balance"]);
}
