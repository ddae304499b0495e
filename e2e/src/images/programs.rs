//! The workspace's programs, compiled by the cargo that runs this command and with its profile:
//! the images hold the very programs that the tests use.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::watch::watch;
use super::workshop::repository;
use crate::progress::Progress;

/// The folder of the compiled programs.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The program `name`.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        ensure!(
            path.is_file(),
            "cargo built no program {name} in {}",
            self.folder.display()
        );
        Ok(path)
    }
}

/// Names a folder of compiled programs to use as they are.
pub(crate) const PREBUILT: &str = "REPORTAPP_PROGRAMS";

/// The programs of the whole workspace: compiled the first time this process asks, unless
/// `$REPORTAPP_PROGRAMS` says where they are.
///
/// # Errors
/// When the workspace does not compile.
pub(crate) async fn ensure(progress: &Progress) -> Result<&'static Programs> {
    static PROGRAMS: OnceCell<Programs> = OnceCell::const_new();
    PROGRAMS.get_or_try_init(|| build(progress)).await
}

async fn build(progress: &Progress) -> Result<Programs> {
    if let Some(folder) = std::env::var_os(PREBUILT).filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        progress.note(&format!(
            "using the programs in {} as they are",
            folder.display()
        ));
        return Ok(Programs { folder });
    }
    let this = std::env::current_exe().context("failed to find this program's own file")?;
    let place = Place::of(&this).with_context(|| {
        format!(
            "{} is not in a target folder of cargo: run it by `cargo e2e`",
            this.display()
        )
    })?;
    let step = progress.step("compiling the workspace");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(repository())
        .args([
            "build",
            "--workspace",
            "--bins",
            "--profile",
            &place.profile,
            "--target-dir",
        ])
        .arg(&place.target);
    watch(&mut cargo, &step)
        .await
        .context("the workspace does not compile: see `cargo build --workspace`")?;
    step.done("");
    Ok(Programs {
        folder: place.folder,
    })
}

/// Where cargo put the running program.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    target: PathBuf,
    folder: PathBuf,
    profile: String,
}

impl Place {
    /// `<target>/<profile>/<program>`, or `<target>/<profile>/deps/<program>` for tests.
    fn of(program: &Path) -> Option<Self> {
        let folder = program.parent()?;
        let folder = if folder.ends_with("deps") {
            folder.parent()?
        } else {
            folder
        };
        let profile = match folder.file_name()?.to_str()? {
            "debug" => "dev",
            other => other,
        };
        Some(Self {
            target: folder.parent()?.to_owned(),
            folder: folder.to_owned(),
            profile: profile.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_found_from_programs_and_from_tests() {
        let expected = Place {
            target: "/c/target".into(),
            folder: "/c/target/debug".into(),
            profile: "dev".into(),
        };
        assert_eq!(Place::of(Path::new("/c/target/debug/e2e")), Some(expected));
        let release = Place::of(Path::new("/c/target/release/deps/e2e-0af1")).unwrap();
        assert_eq!(
            (release.folder, release.profile.as_str()),
            ("/c/target/release".into(), "release")
        );
    }
}
