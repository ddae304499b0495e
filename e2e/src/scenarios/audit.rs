//! What somebody wrote to the API server, and asked for in lists, from its audit log: every request is a
//! line there before it is answered.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Verbs that change something.
const WRITING: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

/// Verbs that show more objects than one.
const LISTING: [&str; 2] = ["list", "watch"];

/// A request that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Such as `patch`.
    pub verb: String,
    /// Plural and subresource, such as `reportapps/status`.
    pub resource: String,
    /// Name of the object; empty where the API server chooses it.
    pub name: String,
    /// HTTP status of the answer.
    pub code: u64,
}

impl Write {
    /// Whether it renews the lead.
    pub fn is_lease(&self) -> bool {
        self.resource == "leases"
    }
}

impl fmt::Display for Write {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verb,
            resource,
            name,
            code,
        } = self;
        write!(formatter, "{verb} {resource} {name}: {code}")
    }
}

/// Where the log ends now.
///
/// # Errors
/// When there is none.
pub fn end(log: &Path) -> Result<u64> {
    let found = std::fs::metadata(log);
    Ok(found.context("failed to look at the audit log")?.len())
}

/// What `user` wrote after byte `start` of the log, in order.
///
/// # Errors
/// When the log cannot be read.
pub fn writes(log: &Path, start: u64, user: &str) -> Result<Vec<Write>> {
    select(log, start, |entry| write(entry, user))
}

/// A request for the objects of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// API group of the type; empty for the core group.
    pub group: String,
    /// Plural of the type.
    pub resource: String,
    /// `list` or `watch`.
    pub verb: String,
    /// Path and parameters as they were sent.
    pub uri: String,
}

/// What `user` listed or watched after byte `start` of the log, in order.
///
/// # Errors
/// When the log cannot be read.
pub fn lists(log: &Path, start: u64, user: &str) -> Result<Vec<List>> {
    select(log, start, |entry| list(entry, user))
}

/// What `find` makes of the entries after byte `start` of the log.
fn select<T>(log: &Path, start: u64, find: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>> {
    let mut file = std::fs::File::open(log).context("failed to open the audit log")?;
    file.seek(SeekFrom::Start(start))?;
    let mut found = Vec::new();
    for line in BufReader::new(file).lines() {
        let entry: Value = serde_json::from_str(&line?)?;
        found.extend(find(&entry));
    }
    Ok(found)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The list an entry tells of, if it does and `user` asked for it.
fn list(entry: &Value, user: &str) -> Option<List> {
    let (verb, object) = (text(&entry["verb"]), &entry["objectRef"]);
    let asked = entry["user"]["username"] == user && LISTING.contains(&verb.as_str());
    asked.then(|| List {
        group: text(&object["apiGroup"]),
        resource: text(&object["resource"]),
        verb,
        uri: text(&entry["requestURI"]),
    })
}

/// The write an entry tells of, if it does and `user` made it.
fn write(entry: &Value, user: &str) -> Option<Write> {
    let (verb, object) = (text(&entry["verb"]), &entry["objectRef"]);
    if entry["user"]["username"] != user || !WRITING.contains(&verb.as_str()) {
        return None;
    }
    let resource = text(&object["resource"]);
    let resource = match object["subresource"].as_str() {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource,
    };
    Some(Write {
        verb,
        resource,
        name: text(&object["name"]),
        code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
    })
}

/// How often something was carried out, of what was carried out more than once.
pub fn repeated(writes: &[Write]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in writes.iter().filter(|write| write.code < 300) {
        let Write {
            verb,
            resource,
            name,
            ..
        } = write;
        let what = format!("{verb} {resource} {name}");
        *counts.entry(what).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    const OPERATOR: &str = "system:serviceaccount:ops:operator";

    fn entry(user: &str, verb: &str, object: &Value, code: u64) -> Value {
        json!({
            "user": { "username": user }, "verb": verb, "objectRef": object,
            "responseStatus": { "code": code },
        })
    }

    #[test]
    fn writes_of_one_user_are_told_from_everything_else() {
        let lease = json!({ "resource": "leases", "name": "operator" });
        let status = json!({ "resource": "reportapps", "subresource": "status", "name": "demo" });
        let lines = [
            entry(OPERATOR, "update", &lease, 409),
            entry(OPERATOR, "update", &lease, 200),
            entry(OPERATOR, "watch", &status, 200),
            entry("somebody", "patch", &status, 200),
            entry(OPERATOR, "patch", &status, 201),
            entry(OPERATOR, "patch", &status, 200),
        ];
        let mut log = tempfile::NamedTempFile::new().expect("a file");
        for line in &lines {
            writeln!(log, "{line}").expect("room");
        }
        let all = writes(log.path(), 0, OPERATOR).expect("a log");
        let told: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "update leases operator: 409",
                "update leases operator: 200",
                "patch reportapps/status demo: 201",
                "patch reportapps/status demo: 200",
            ]
        );
        assert!(all[0].is_lease() && !all[2].is_lease());
        let twice = BTreeMap::from([("patch reportapps/status demo".to_owned(), 2)]);
        assert_eq!(repeated(&all), twice);

        let watched = lists(log.path(), 0, OPERATOR).expect("a log");
        assert_eq!(watched.len(), 1);
        assert_eq!(
            (watched[0].verb.as_str(), watched[0].resource.as_str()),
            ("watch", "reportapps")
        );

        let later = u64::try_from(lines[0].to_string().len() + 1).expect("short");
        let fewer = writes(log.path(), later, OPERATOR).expect("a log");
        assert_eq!(fewer, all[1..]);
        assert_eq!(
            end(log.path()).expect("a log"),
            log.as_file().metadata().expect("a file").len()
        );
    }
}
