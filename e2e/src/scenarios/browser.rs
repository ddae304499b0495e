//! Tier `browser`: the pages of the demo application in Debian's Chromium.

use anyhow::Result;
use tokio::process::Command;

use super::world::World;
use super::{Scenario, scenario};
use crate::cluster::{Toolchain, command};

/// The scenarios of this tier.
pub fn scenarios() -> Vec<Scenario> {
    vec![scenario!(
        Browser,
        "people sign in, choose, read and sign out",
        pages
    )]
}

const FOLDER: &str = "e2e/browser";

const PACKAGES: &[(&str, &str)] = &[("chromium", "shows the pages to the tests")];

async fn pages(world: &World) -> Result<()> {
    Toolchain::debian_packages(PACKAGES, world.progress()).await?;
    let demo = world.demo().await?;
    let screenshots = std::env::current_dir()?.join("target/e2e/screenshots");
    for arguments in [
        &["ci", "--no-audit", "--no-fund", "--loglevel=error"][..],
        &["test"][..],
    ] {
        let mut npm = Command::new("npm");
        npm.args(arguments)
            .current_dir(FOLDER)
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            .env("BASE_URL", demo.url())
            .env("APP_USER", "admin")
            .env("APP_PASSWORD", demo.admin_password().expose())
            .env("SCREENSHOTS", &screenshots);
        command::show(&mut npm).await?;
    }
    world
        .progress()
        .note(&format!("screenshots are in {}", screenshots.display()));
    Ok(())
}
