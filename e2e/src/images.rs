//! The images of the product and of its backends, built on this machine without a registry.
//!
//! ```text
//! cargo build --workspace ─┐                       ┌─ reportapp-{operator,api,bot,tunnel}:<tag>
//! npm run build ───────────┼─ buildah, Dockerfiles ┤
//! debootstrap (base) ──────┘                       └─ e2e-backends:<tag>
//!                                                        │
//!                  one OCI archive each ── imported into the node, or pushed to a registry
//! ```
//!
//! The product's images come from the Dockerfiles that everybody else uses; only the base image
//! differs, as it is made from Debian packages. Every image is named after its content, so an
//! unchanged one is neither built nor imported again. The product's four images share one tag,
//! because a `ReportApp` names one tag for all of them.

mod archive;
mod base;
mod buildah;
mod content;
mod deliver;
mod fixture;
mod product;
pub(crate) mod programs;
mod watch;
mod web;
mod workshop;

use std::path::PathBuf;

use anyhow::Result;

use crate::cluster::Cluster;
use crate::progress::Progress;
pub(crate) use deliver::MEMORY;
use workshop::Workshop;

/// What the nodes of a cluster know our images by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// `spec.image.registry` of a `ReportApp` and `image.registry` of the operator's chart.
    pub registry: String,
    /// The tag of operator, API, bot and tunnel.
    pub tag: String,
    /// The whole name of the image in which every backend runs.
    pub backends: String,
}

impl Images {
    /// Builds what changed since the last time and makes it known to `cluster`.
    ///
    /// # Errors
    /// When a program does not compile, a package cannot be had or an image cannot be built; the
    /// message holds the command and the end of its output.
    pub async fn ensure(cluster: &Cluster, progress: &Progress) -> Result<Self> {
        let workshop = Workshop::open(progress).await?;
        let programs = programs::ensure(progress).await?;
        let web = web::build(&workshop, progress).await?;
        let base = base::ensure(&workshop, progress).await?;
        let product = product::build(&workshop, &base, programs, &web, progress).await?;
        let vault = cluster.toolchain().vault_binary(progress).await?;
        let login = cluster.toolchain().vault_kubernetes_login(progress).await?;
        let vault = [vault.as_path(), login.as_path()];
        let fixture = fixture::build(&workshop, &base, programs, vault, progress).await?;
        deliver::deliver(cluster, &workshop, &product, progress).await?;
        deliver::deliver(cluster, &workshop, &fixture, progress).await?;
        let registry = cluster.registry().to_owned();
        let backends = format!("{registry}/{}:{}", fixture::REPOSITORY, fixture.tag);
        Ok(Self {
            registry,
            tag: product.tag,
            backends,
        })
    }
}

/// Images that travel together under one tag.
#[derive(Debug)]
struct Set {
    /// Part of the archive's name, and the key under which a cluster remembers having it.
    name: &'static str,
    tag: String,
    images: Vec<Image>,
}

/// One finished image as a folder of blobs (buildah's `dir:` format).
#[derive(Debug)]
struct Image {
    repository: String,
    /// Changes with everything the image is made of.
    hash: String,
    folder: PathBuf,
}
