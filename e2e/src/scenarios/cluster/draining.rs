//! The API is restarted under traffic: every request is answered.

use anyhow::{Result, ensure};

use super::load::Load;
use super::subject::Subject;
use crate::demo::NAMESPACE;
use crate::scenarios::world::World;

pub(super) async fn loses_nothing(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let load = Load::start(&subject).await?;
    for arguments in [["rollout", "restart"], ["rollout", "status"]] {
        let place = ["deployment/demo-api", "--namespace", NAMESPACE];
        subject
            .kubectl(&[&arguments[..], &place[..]].concat())
            .await?;
    }
    let tally = load.none_failed().await?;
    ensure!(
        tally.requests > 50,
        "hardly any traffic: {} requests",
        tally.requests
    );
    world.progress().note(&tally.to_string());
    subject.until_ready().await
}
