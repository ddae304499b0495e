//! `cargo e2e demo` as a person runs it, on a cluster that runs already: what it prints is true.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};

use crate::cluster::command;
use crate::demo::ADMINISTRATOR;
use crate::scenarios::world::World;

/// How the lines begin that a person is told to type to look around.
const LOOK: [&str; 3] = ["cargo", "e2e", "kubectl"];

pub(super) async fn prints_what_works(world: &World) -> Result<()> {
    let (cluster, demo) = (world.cluster().await?, world.demo().await?);
    if !cluster.is_local() {
        return Ok(());
    }
    let said = run(world, &["demo", "--name", cluster.name()]).await?;
    let value = |name: &str| {
        let lines = said.lines().map(str::trim);
        let mut values = lines.filter_map(|line| line.strip_prefix(name));
        let value = values.next().map(|value| value.trim().to_owned());
        value.with_context(|| format!("it does not tell {name}"))
    };
    let url = reqwest::Url::parse(&value("Open ")?)?;
    let address = (url.host_str().zip(url.port())).context("the address has no port")?;
    let address: SocketAddr = format!("{}:{}", address.0, address.1).parse()?;
    ensure!(value("User ")? == ADMINISTRATOR, "it tells another user");
    let entrance = demo.entrance().at(address);
    let (http, password) = (entrance.http()?.build()?, value("Password ")?);
    let session = entrance.sign_in(http, ADMINISTRATOR, &password).await;
    let session = session.context("with what it tells one cannot sign in")?;
    session.get("/api/companies").await?;

    let lines = said.lines().map(|line| line.split_whitespace().collect());
    let looks: Vec<Vec<&str>> = lines
        .filter(|words: &Vec<_>| words.starts_with(&LOOK))
        .filter(|words| words.contains(&"get") || words.contains(&"describe"))
        // A watch has no end.
        .filter(|words| !words.contains(&"-w"))
        .collect();
    ensure!(looks.len() >= 3, "it tells of {looks:?} only");
    for look in looks {
        let shown = run(world, &look[2..]).await?;
        ensure!(shown.contains("demo"), "{look:?} shows {shown}");
    }
    Ok(())
}

/// Runs this program as another process, and gives what it says.
async fn run(world: &World, arguments: &[&str]) -> Result<String> {
    command::run(world.itself().await?.args(arguments)).await
}
