//! A person links a chat with the code from the web and asks the bot for the balance.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::subject::Subject;
use crate::demo::{converse, press};
use crate::scenarios::world::World;

/// A chat nobody else in the tests uses.
const CHAT: i64 = 4_711;

pub(super) async fn balance(world: &World) -> Result<()> {
    let cluster = world.cluster().await?;
    let subject = Subject::of(world).await?;
    let session = subject.session().await?;
    let stranger = texts(&converse(cluster, CHAT, "/start WRONGCOD").await?);
    ensure!(
        !stranger.contains("RON"),
        "a stranger is told figures: {stranger}"
    );
    let link: Value = session
        .http
        .post(session.url("/api/telegram/link"))
        .bearer_auth(&session.token)
        .send()
        .await?
        .json()
        .await?;
    let code = link["code"].as_str().context("linking gave no code")?;
    let linked = texts(&converse(cluster, CHAT, &format!("/start {code}")).await?);
    ensure!(!linked.is_empty(), "the bot did not answer to the code");
    let again = texts(&converse(cluster, CHAT + 1, &format!("/start {code}")).await?);
    ensure!(!again.contains("RON"), "a code was used twice: {again}");
    let companies = session.get("/api/companies").await?;
    let company = companies[0]["name"]
        .as_str()
        .context("there is no company")?;
    converse(cluster, CHAT, "/companies").await?;
    press(cluster, CHAT, company).await?;
    let told = texts(&converse(cluster, CHAT, "/balance").await?);
    ensure!(told.contains("RON"), "the bot tells no balance: {told}");
    converse(cluster, CHAT, "/unlink").await?;
    let after = texts(&converse(cluster, CHAT, "/balance").await?);
    ensure!(
        !after.contains("RON"),
        "an unlinked chat is told figures: {after}"
    );
    Ok(())
}

fn texts(messages: &[Value]) -> String {
    let texts = messages
        .iter()
        .filter_map(|message| message["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}
