//! One image for everything the product talks to: PostgreSQL, Redis, OpenSSH, Vault, the Bot API
//! stand-in and the sample data. Debian's packages and Vault change seldom, so they are an image
//! of their own in buildah's store; our programs and the start scripts are one layer above it.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::buildah::Recipe;
use super::product::link;
use super::programs::Programs;
use super::workshop::Workshop;
use super::{Image, Set, content};
use crate::cluster::command;
use crate::progress::Progress;

/// Name of the image without registry and tag.
pub(super) const REPOSITORY: &str = "e2e-backends";

/// Our own programs in the image.
const PROGRAMS: [&str; 2] = ["fake-telegram", "reportapp-sample-erp"];

const PACKAGES_DOCKERFILE: &str = include_str!("../../images/backends/packages.Dockerfile");
const DOCKERFILE: &str = include_str!("../../images/backends/Dockerfile");
const SCRIPTS: [(&str, &str); 4] = [
    (
        "postgres-init",
        include_str!("../../images/backends/postgres-init"),
    ),
    (
        "postgres-run",
        include_str!("../../images/backends/postgres-run"),
    ),
    ("redis-run", include_str!("../../images/backends/redis-run")),
    ("vault-run", include_str!("../../images/backends/vault-run")),
];

/// Builds the image if its content changed.
pub(super) async fn build(
    workshop: &Workshop,
    base: &str,
    programs: &Programs,
    vault: [&Path; 2],
    progress: &Progress,
) -> Result<Set> {
    let packages = ensure_packages(workshop, base, vault, progress).await?;
    let mut inputs = vec![packages.clone(), DOCKERFILE.to_owned()];
    for name in PROGRAMS {
        inputs.push(content::file_hash(&programs.path(name)?)?);
    }
    inputs.extend(SCRIPTS.iter().map(|(_, text)| (*text).to_owned()));
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let hash = command::short_hash(&inputs);
    let folder = workshop.built().join(format!("{REPOSITORY}-{hash}"));
    let image = Image {
        repository: REPOSITORY.to_owned(),
        hash: hash.clone(),
        folder,
    };
    if !image.folder.is_dir() {
        let step = progress.step("building the image of the backends");
        let place = workshop.temporary()?;
        let context = place.path().join("context");
        std::fs::create_dir_all(&context)?;
        for name in PROGRAMS {
            link(&programs.path(name)?, &context.join(name))?;
        }
        for (name, text) in SCRIPTS {
            write_script(&context.join(name), text)?;
        }
        let dockerfile = place.path().join("Dockerfile");
        std::fs::write(&dockerfile, DOCKERFILE)?;
        let name = format!("localhost/{REPOSITORY}:{hash}");
        let recipe = Recipe {
            name: &name,
            dockerfile: &dockerfile,
            context: &context,
            base: Some(&packages),
        };
        workshop.buildah().build(&recipe, &step).await?;
        image.keep(workshop, place.path(), &name).await?;
        step.done("");
    }
    Ok(Set {
        name: "backends",
        tag: hash,
        images: vec![image],
    })
}

/// The image with everything that is not ours; gives its name in buildah's store.
async fn ensure_packages(
    workshop: &Workshop,
    base: &str,
    [vault, login]: [&Path; 2],
    progress: &Progress,
) -> Result<String> {
    // The folder of both programs is named after everything they are made of.
    let hash = command::short_hash(&[base, PACKAGES_DOCKERFILE, &vault.to_string_lossy()]);
    let name = format!("localhost/{REPOSITORY}-packages:{hash}");
    if workshop.buildah().has(&name).await? {
        return Ok(name);
    }
    let step =
        progress.step("installing PostgreSQL, Redis, OpenSSH and Vault into an image, about 30 s");
    let place = workshop.temporary()?;
    let context = place.path().join("context");
    std::fs::create_dir_all(&context)?;
    link(vault, &context.join("vault"))?;
    link(login, &context.join("vault-plugin-auth-kubernetes"))?;
    let dockerfile = place.path().join("Dockerfile");
    std::fs::write(&dockerfile, PACKAGES_DOCKERFILE)?;
    let recipe = Recipe {
        name: &name,
        dockerfile: &dockerfile,
        context: &context,
        base: Some(base),
    };
    workshop
        .buildah()
        .build(&recipe, &step)
        .await
        .context("Debian's mirrors must be reachable")?;
    step.done("");
    Ok(name)
}

fn write_script(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("failed to write {}", path.display()))
}
