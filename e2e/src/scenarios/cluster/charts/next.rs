//! The charts of the version after this clone's: copies of which every definition and every pod of the
//! operator differs, so that an upgrade to them writes everything an upgrade can write.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::demo::charts;

/// Charts in a folder of their own; it goes with this value.
pub struct NextCharts(TempDir);

impl NextCharts {
    /// Version of both charts, and of the application they say they install.
    pub const VERSION: &str = "99.0.0";

    /// Copies the clone's charts and changes them.
    ///
    /// # Errors
    /// When a file cannot be copied, or has not the text that is changed.
    pub fn make() -> Result<Self> {
        let place = tempfile::tempdir().context("failed to create a folder for the charts")?;
        copy(&charts::folder(), place.path())?;
        for chart in ["reportapp-crds", charts::OPERATOR] {
            let metadata = place.path().join(chart).join("Chart.yaml");
            let mut lines = Vec::new();
            for line in read(&metadata)?.lines() {
                lines.push(match line.split_once(": ") {
                    Some((key @ ("version" | "appVersion"), _)) => {
                        format!("{key}: {}", Self::VERSION)
                    }
                    _ => line.to_owned(),
                });
            }
            write(&metadata, &lines.join("\n"))?;
        }
        // The labels of a definition do not tell the chart's version, so they would stay as they are.
        replace(
            &place.path().join("reportapp-crds/templates/crds.yaml"),
            r#"(dict "labels" $labels"#,
            r#"(dict "labels" (set $labels "helm.sh/chart" $.Chart.Version)"#,
        )?;
        replace(
            &place
                .path()
                .join("reportapp-operator/templates/deployment.yaml"),
            "terminationGracePeriodSeconds: 15",
            "terminationGracePeriodSeconds: 20",
        )?;
        Ok(Self(place))
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("failed to create {}", to.display()))?;
    let entries = std::fs::read_dir(from);
    for entry in entries.with_context(|| format!("failed to list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            let copied = std::fs::copy(entry.path(), &target);
            copied.with_context(|| format!("failed to write {}", target.display()))?;
        }
    }
    Ok(())
}

fn replace(file: &Path, from: &str, to: &str) -> Result<()> {
    let text = read(file)?;
    ensure!(
        text.contains(from),
        "{} has no text {from:?}",
        file.display()
    );
    write(file, &text.replace(from, to))
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_charts_differ_from_the_clones_in_version_definitions_and_pods_alone() {
        let next = NextCharts::make().unwrap();
        let changed = |file: &str| {
            let (now, then) = (
                read(&charts::folder().join(file)).unwrap(),
                read(&next.folder().join(file)).unwrap(),
            );
            let lines = now.lines().zip(then.lines());
            lines.filter(|(now, then)| now != then).count()
        };
        assert_eq!(changed("reportapp-operator/Chart.yaml"), 2);
        assert_eq!(changed("reportapp-crds/Chart.yaml"), 2);
        assert_eq!(changed("reportapp-crds/templates/crds.yaml"), 1);
        assert_eq!(changed("reportapp-operator/templates/deployment.yaml"), 1);
        assert_eq!(changed("reportapp-operator/templates/role.yaml"), 0);
    }
}
