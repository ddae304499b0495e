//! A folder of report files beside the built-in ones, such as a mounted ConfigMap.
//!
//! ```text
//! look: files ─ read ─▶ latest outcome of each ─ merge (ids, built-in, links) ─▶ used, refused ─▶ Catalogue
//! ```
//!
//! A file that is refused leaves its last good version in use and the others alone. Kubernetes replaces
//! mounted files by swapping a symlink, which file watchers miss in part; so, as for certificates, the
//! content is read and compared every few seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::status::Reason;
use reportapp_telemetry::DependencyHandle;

use super::built_in::{self, Reports};
use super::catalogue::{Catalogue, Snapshot};
use super::lines::{Lines, Step};
use super::{Refusal, Report, read};

/// How long a change may go unnoticed.
const POLL_EVERY: Duration = Duration::from_secs(3);

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {}: {source}", path.display())]
pub struct FolderError {
    path: PathBuf,
    source: std::io::Error,
}

/// The files of a folder as last seen.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    files: BTreeMap<String, File>,
    /// The reports in use, by the file they come from.
    used: Reports,
    refused: Vec<Refusal>,
}

#[derive(Debug)]
struct File {
    content: Vec<u8>,
    outcome: Result<Arc<Report>, Vec<Refusal>>,
}

impl Folder {
    /// Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            files: BTreeMap::new(),
            used: Reports::new(),
            refused: Vec::new(),
        }
    }

    /// Reads the folder; says whether anything is different from before.
    ///
    /// # Errors
    /// When the folder or a file of it cannot be read; everything stays as it was.
    pub fn look(&mut self) -> Result<bool, FolderError> {
        let contents =
            read_all(&self.path).map_err(|(path, source)| FolderError { path, source })?;
        let same = contents.len() == self.files.len()
            && contents.iter().all(|(name, content)| {
                self.files
                    .get(name)
                    .is_some_and(|known| known.content == *content)
            });
        if same {
            return Ok(false);
        }
        let files = contents.into_iter().map(|(name, content)| {
            let outcome = match std::str::from_utf8(&content) {
                Ok(text) => read(&name, text).map(Arc::new),
                Err(_) => Err(vec![Refusal {
                    file: name.clone(),
                    line: 1,
                    reason: "the file is not UTF-8; save it as UTF-8".to_owned(),
                }]),
            };
            (name, File { content, outcome })
        });
        self.files = files.collect();
        (self.used, self.refused) = merge(&self.files, &self.used);
        Ok(true)
    }

    /// Every file that is not used, and why.
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// Number of reports in use from this folder.
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// Whether no report of this folder is in use.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    fn snapshot(&self) -> Snapshot {
        let mut reports = built_in::all().clone();
        for report in self.used.values() {
            reports.insert(report.definition.id.clone(), Arc::clone(report));
        }
        Snapshot {
            reports,
            refused: self.refused.clone(),
        }
    }

    /// Keeps a catalogue up to date and reports what is refused; runs until dropped.
    pub async fn watch(mut self, catalogue: Arc<Catalogue>, advice: DependencyHandle) {
        let mut tick = tokio::time::interval(POLL_EVERY);
        loop {
            tick.tick().await;
            match self.look() {
                Ok(changed) => {
                    if changed {
                        catalogue.replace(self.snapshot());
                        self.log();
                    }
                    self.report(&advice);
                }
                Err(error) => {
                    let message = format!("{error}; the reports of before stay in use");
                    advice.failing(Reason::ReportRefused, message);
                }
            }
        }
    }

    fn report(&self, advice: &DependencyHandle) {
        match summary(&self.refused) {
            None => advice.ok(),
            Some(message) => advice.failing(Reason::ReportRefused, message),
        }
    }

    fn log(&self) {
        tracing::info!(reports = self.used.len(), "the report files were read");
        for refusal in &self.refused {
            tracing::warn!("report file refused: {refusal}");
        }
    }
}

/// The first refusal, and how many there are besides.
fn summary(refused: &[Refusal]) -> Option<String> {
    let first = refused.first()?;
    Some(match refused.len() {
        1 => first.to_string(),
        many => format!("{first} and {} more", many - 1),
    })
}

/// Which reports to use, and what is refused: files by themselves, then what only shows between them.
fn merge(files: &BTreeMap<String, File>, before: &Reports) -> (Reports, Vec<Refusal>) {
    let mut refused = Vec::new();
    let mut candidates = Reports::new();
    for (name, file) in files {
        match &file.outcome {
            Ok(report) => {
                candidates.insert(name.clone(), Arc::clone(report));
            }
            Err(reasons) => {
                refused.extend_from_slice(reasons);
                candidates.extend(
                    before
                        .get(name)
                        .map(|last| (name.clone(), Arc::clone(last))),
                );
            }
        }
    }
    let mut known = built_in::all().clone();
    let own = candidates
        .values()
        .map(|report| (report.definition.id.clone(), Arc::clone(report)));
    known.extend(own);
    let mut used = Reports::new();
    let mut ids = BTreeSet::new();
    for (name, report) in &candidates {
        let problems = match &files[name].outcome {
            Ok(_) => conflicts(&files[name], report, &known, &ids),
            // The last good version was looked at when it was new.
            Err(_) => Vec::new(),
        };
        let chosen = match problems.is_empty() {
            true => Some(report),
            false => before.get(name),
        };
        refused.extend(problems.into_iter().map(|(line, reason)| {
            let file = name.clone();
            Refusal { file, line, reason }
        }));
        if let Some(chosen) = chosen
            && ids.insert(chosen.definition.id.clone())
        {
            used.insert(name.clone(), Arc::clone(chosen));
        }
    }
    refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    (used, refused)
}

/// What is wrong with a report beside others.
fn conflicts(
    file: &File,
    report: &Report,
    known: &Reports,
    taken: &BTreeSet<String>,
) -> Vec<(usize, String)> {
    let text = String::from_utf8_lossy(&file.content);
    let lines = Lines::new(&text);
    let definition = &report.definition;
    let mut problems = Vec::new();
    if taken.contains(&definition.id) {
        let reason = format!(
            "another file has the id `{}` too; choose another",
            definition.id
        );
        problems.push((lines.of(&[Step::Key("id")]), reason));
    }
    if let Some(original) = built_in::all().get(&definition.id)
        && let Some(reason) = unlike(original, report)
    {
        problems.push((lines.of(&[Step::Key("id")]), reason));
    }
    for (index, column) in definition.columns.iter().enumerate() {
        let Some(link) = &column.link else { continue };
        let path = [Step::Key("columns"), Step::Item(index), Step::Key("link")];
        let reason = match known.get(&link.report) {
            None => Some(format!(
                "the link leads to `{}`, which is no report; correct it",
                link.report
            )),
            Some(target) => {
                let declared = &target.definition.parameters;
                let missing = link
                    .parameters
                    .keys()
                    .find(|name| declared.iter().all(|parameter| parameter.name != **name));
                missing.map(|name| {
                    format!(
                        "the report `{}` has no parameter `{name}`; correct the link",
                        link.report
                    )
                })
            }
        };
        problems.extend(reason.map(|reason| (lines.of(&path), reason)));
    }
    problems
}

/// Pages and endpoints are made for the built-in reports, so what stands in for one answers as it does.
fn unlike(original: &Report, report: &Report) -> Option<String> {
    let (wanted, given) = (&original.definition, &report.definition);
    let id = &wanted.id;
    if wanted.period != given.period {
        return Some(format!(
            "it takes the place of the built-in `{id}` and needs its period"
        ));
    }
    let column = wanted.columns.iter().find(|wanted| {
        given.columns.iter().all(|given| {
            given.name != wanted.name
                || given.kind != wanted.kind
                || given.optional && !wanted.optional
                || given.total != wanted.total
        })
    });
    if let Some(column) = column {
        return Some(format!(
            "it takes the place of the built-in `{id}` and needs its column `{}` with the same kind, `total` \
             and `optional`; add it, or choose another id",
            column.name
        ));
    }
    let parameter = wanted.parameters.iter().find(|wanted| {
        given
            .parameters
            .iter()
            .all(|given| given.name != wanted.name || given.kind != wanted.kind)
    });
    if let Some(parameter) = parameter {
        return Some(format!(
            "it takes the place of the built-in `{id}` and needs its parameter `{}`; add it, or choose \
             another id",
            parameter.name
        ));
    }
    let added = given.parameters.iter().find(|given| {
        given.required
            && wanted
                .parameters
                .iter()
                .all(|wanted| wanted.name != given.name)
    });
    added.map(|parameter| {
        format!(
            "it takes the place of the built-in `{id}`, which is asked for without `{}`; do not require it",
            parameter.name
        )
    })
}

/// Name and content of every report file.
fn read_all(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, (PathBuf, std::io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: std::io::Error| (path, source)
    };
    let mut contents = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_report = name.ends_with(".yaml") || name.ends_with(".yml");
        // A mounted ConfigMap keeps its versions in folders that begin with a dot.
        if name.starts_with('.') || !is_report || !entry.path().is_file() {
            continue;
        }
        let content = std::fs::read(entry.path()).map_err(at(&entry.path()))?;
        contents.insert(name, content);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests;
