//! Where in a YAML file something is written, for messages: the parser only says so about what it refuses
//! itself.
//!
//! Follows the indentation of block style. Inside of `{…}` on one line the answer is that line.

/// A step on the way to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An item of a list, counted from zero.
    Item(usize),
}

/// The lines of a file.
pub(super) struct Lines<'a> {
    lines: Vec<Line<'a>>,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let numbered = text.lines().enumerate();
        let lines = numbered.filter_map(|(index, line)| {
            let text = line.trim_start();
            let counts = !text.is_empty() && !text.starts_with('#') && text != "---";
            counts.then_some(Line {
                number: index + 1,
                indent: line.len() - text.len(),
                text,
            })
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// The line of the value at the end of a path, or of the last step that is found.
    pub(super) fn of(&self, path: &[Step<'_>]) -> usize {
        let mut found = 1;
        let mut inside = self.lines.clone();
        for step in path {
            let next = match step {
                Step::Key(key) => enter_key(&inside, key),
                Step::Item(index) => enter_item(&inside, *index),
            };
            let Some((line, content)) = next else { break };
            found = line;
            inside = content;
        }
        found
    }

    /// The line of something inside a value, `offset` lines below its first one. Only a `|` block has its
    /// lines where they are written.
    pub(super) fn within(&self, path: &[Step<'_>], offset: usize) -> usize {
        let line = self.of(path);
        let written = self.lines.iter().find(|found| found.number == line);
        let is_block = written.is_some_and(|line| {
            let value = line.text.split_once(": ").map_or("", |(_, value)| value);
            value.split_whitespace().any(|word| word.starts_with('|'))
        });
        if is_block { line + 1 + offset } else { line }
    }
}

/// The line of a key among the outermost ones, and what belongs to it.
fn enter_key<'a>(lines: &[Line<'a>], key: &str) -> Option<(usize, Vec<Line<'a>>)> {
    let indent = lines.iter().map(|line| line.indent).min()?;
    let is_key = |line: &Line<'_>| {
        let name = line.text.split(':').next().unwrap_or_default().trim();
        line.indent == indent && name.trim_matches(['"', '\'']) == key
    };
    let index = lines.iter().position(is_key)?;
    // A list may stand as far left as its key.
    let belongs =
        |line: &&Line<'_>| line.indent > indent || line.indent == indent && is_item(line.text);
    let content = lines[index + 1..].iter().take_while(belongs);
    Some((lines[index].number, content.copied().collect()))
}

/// The line of an item, and what belongs to it; its first key stands behind the dash.
fn enter_item<'a>(lines: &[Line<'a>], index: usize) -> Option<(usize, Vec<Line<'a>>)> {
    let indent = lines.first()?.indent;
    let starts = |line: &Line<'_>| line.indent == indent && is_item(line.text);
    let numbered = lines.iter().enumerate();
    let (start, first) = numbered.filter(|(_, line)| starts(line)).nth(index)?;
    let text = first.text[1..].trim_start();
    let head = Line {
        number: first.number,
        indent: indent + first.text.len() - text.len(),
        text,
    };
    let rest = lines[start + 1..].iter().take_while(|line| !starts(line));
    let content = std::iter::once(head).chain(rest.copied());
    Some((first.number, content.collect()))
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

#[cfg(test)]
mod tests {
    use super::Step::{Item, Key};
    use super::*;

    const FILE: &str = "\
# a comment
id: x
columns:
- {name: a, kind: text}
- name: b
  kind: text
  link:
    report: y
\"sort\": [a]
queries:
  postgres: |
    SELECT a,

           b
  sqlite: &same |-
    SELECT a
";

    #[test]
    fn a_value_is_found_by_its_path() {
        let lines = Lines::new(FILE);
        for (path, line) in [
            (&[Key("id")][..], 2),
            (&[Key("columns"), Item(0), Key("kind")], 4),
            (&[Key("columns"), Item(1)], 5),
            (&[Key("columns"), Item(1), Key("kind")], 6),
            (&[Key("columns"), Item(1), Key("link"), Key("report")], 8),
            (&[Key("columns"), Item(7)], 3),
            (&[Key("sort")], 9),
            (&[Key("nothing")], 1),
        ] {
            assert_eq!(lines.of(path), line, "{path:?}");
        }
    }

    #[test]
    fn a_line_of_a_block_is_counted_as_it_is_written() {
        let lines = Lines::new(FILE);
        let query = |engine| [Key("queries"), Key(engine)];
        assert_eq!(lines.within(&query("postgres"), 2), 14);
        assert_eq!(lines.within(&query("sqlite"), 0), 16);
        assert_eq!(lines.within(&[Key("id")], 3), 2);
    }
}
