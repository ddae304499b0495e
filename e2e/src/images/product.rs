//! The product's four images, from the Dockerfiles beside their sources.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::buildah::Recipe;
use super::programs::Programs;
use super::workshop::{Workshop, prune, repository};
use super::{Image, Set, content};
use crate::cluster::command;
use crate::progress::Progress;

/// One image: name of repository and program, and the folder of its Dockerfile.
struct Part {
    name: &'static str,
    sources: &'static str,
    /// Whether the web pages are part of it.
    web: bool,
}

const PARTS: [Part; 4] = [
    Part {
        name: "reportapp-operator",
        sources: "operator",
        web: false,
    },
    Part {
        name: "reportapp-api",
        sources: "services/api",
        web: true,
    },
    Part {
        name: "reportapp-bot",
        sources: "services/bot",
        web: false,
    },
    Part {
        name: "reportapp-tunnel",
        sources: "services/tunnel",
        web: false,
    },
];

/// Builds those images whose content changed.
pub(super) async fn build(
    workshop: &Workshop,
    base: &str,
    programs: &Programs,
    web: &Path,
    progress: &Progress,
) -> Result<Set> {
    let mut images = Vec::new();
    for part in &PARTS {
        images.push(part.ensure(workshop, base, programs, web, progress).await?);
    }
    let hashes: Vec<&str> = images.iter().map(|image| image.hash.as_str()).collect();
    Ok(Set {
        name: "product",
        tag: command::short_hash(&hashes),
        images,
    })
}

impl Part {
    async fn ensure(
        &self,
        workshop: &Workshop,
        base: &str,
        programs: &Programs,
        web: &Path,
        progress: &Progress,
    ) -> Result<Image> {
        let dockerfile = repository().join(self.sources).join("Dockerfile");
        let program = programs.path(self.name)?;
        let text = std::fs::read_to_string(&dockerfile)
            .with_context(|| format!("failed to read {}", dockerfile.display()))?;
        let web_hash = if self.web {
            content::tree_hash(web, &[])?
        } else {
            String::new()
        };
        let hash = command::short_hash(&[base, &text, &content::file_hash(&program)?, &web_hash]);
        let folder = workshop.built().join(format!("{}-{hash}", self.name));
        let image = Image {
            repository: self.name.to_owned(),
            hash,
            folder,
        };
        if image.folder.is_dir() {
            return Ok(image);
        }

        let step = progress.step(format!("building the image {}", self.name));
        let place = workshop.temporary()?;
        let context = place.path().join("context");
        std::fs::create_dir_all(&context)?;
        link(&program, &context.join(self.name))?;
        if self.web {
            copy_tree(web, &context.join("web"))?;
        }
        let name = format!("localhost/{}:{}", self.name, image.hash);
        let recipe = Recipe {
            name: &name,
            dockerfile: &dockerfile,
            context: &context,
            base: Some(base),
        };
        workshop.buildah().build(&recipe, &step).await?;
        image.keep(workshop, place.path(), &name).await?;
        step.done("");
        Ok(image)
    }
}

impl Image {
    /// Moves a freshly built image out of buildah's store, which would grow for ever, into the
    /// folder of finished ones.
    pub(super) async fn keep(&self, workshop: &Workshop, place: &Path, name: &str) -> Result<()> {
        let exported = place.join("image");
        workshop.buildah().export(name, &exported).await?;
        workshop.buildah().remove(name).await?;
        std::fs::rename(&exported, &self.folder)
            .with_context(|| format!("failed to create {}", self.folder.display()))?;
        prune(&workshop.built(), &format!("{}-", self.repository), 2)
    }
}

/// A second name for a file, or a copy where the target folder is on another file system.
pub(super) fn link(from: &Path, to: &Path) -> Result<()> {
    if std::fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    std::fs::copy(from, to).with_context(|| format!("failed to copy {}", from.display()))?;
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for file in content::files(from, &[])? {
        let copy = to.join(
            file.strip_prefix(from)
                .expect("every file is below the folder"),
        );
        std::fs::create_dir_all(copy.parent().expect("a file has a folder"))?;
        link(&file, &copy)?;
    }
    Ok(())
}
