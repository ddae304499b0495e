//! Installs a program from the Python Package Index into the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::UNFINISHED;
use super::versions::PythonTool;
use crate::cluster::command;
use crate::progress::Progress;

/// Debian's own, whatever else comes first in PATH.
const PYTHON: &str = "/usr/bin/python3";

/// What [`ensure`] needs, with the reason shown to the user.
pub(super) const PACKAGES: &[(&str, &str)] = &[(
    "python3-venv",
    "takes moto, which plays AWS, Schemathesis and a newer PostgreSQL from PyPI",
)];

/// The folder of the tool, named after everything that goes into it. A virtual environment belongs
/// to one release of Python.
async fn folder(root: &Path, tool: &PythonTool) -> Result<PathBuf> {
    let python = command::run(Command::new(PYTHON).arg("--version")).await?;
    let hash = command::short_hash(&[tool.requirements, &python]);
    Ok(root.join(format!("{}-{}-{hash}", tool.name, tool.version)))
}

/// Installs the tool if it is not there yet, and gives the Python that has it. The caller holds the
/// lock of the tools folder.
pub(super) async fn ensure(root: &Path, tool: &PythonTool, progress: &Progress) -> Result<PathBuf> {
    let target = folder(root, tool).await?;
    let python = target.join("bin/python3");
    // It appears by one rename at the end.
    if target.is_dir() {
        return Ok(python);
    }
    let (name, version) = (tool.name, tool.version);
    let step = progress.step(format!("installing {name} {version} from PyPI, about 15 s"));
    let place = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(root)
        .with_context(|| format!("failed to create a folder in {}", root.display()))?;
    let made = place.path().join("venv");
    command::run(Command::new(PYTHON).args(["-m", "venv"]).arg(&made)).await?;
    let list = place.path().join("requirements.txt");
    std::fs::write(&list, tool.requirements)?;
    let mut pip = Command::new(made.join("bin/python3"));
    // The list is complete, so nothing else is taken; nothing is built or run while it is installed.
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary", ":all:", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(&list);
    command::run(&mut pip).await.with_context(|| {
        format!("failed to install {name}: check that PyPI is reachable (`pip config list`)")
    })?;
    step.done("");
    // Its scripts name the old path; run as `python3 -m` it does not care where it is.
    std::fs::rename(&made, &target)
        .with_context(|| format!("failed to create {}", target.display()))?;
    Ok(python)
}

/// The folder of the packages that this Python has.
pub(super) async fn packages(python: &Path) -> Result<PathBuf> {
    let ask = "import sysconfig; print(sysconfig.get_path('platlib'))";
    let said = command::run(Command::new(python).args(["-c", ask])).await?;
    Ok(PathBuf::from(said.trim()))
}
