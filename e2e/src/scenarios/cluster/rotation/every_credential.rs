//! Six rotations one after another under constant traffic: PostgreSQL behind the tunnel and beside
//! it, Redis, and the keys of the tokens. Connections and tokens live for seconds here, so that new
//! ones are made all the time and each of them would tell.

use anyhow::{Result, ensure};
use reportapp_crds::{Period, ReportAppSpec};

use super::held::Held;
use super::order;
use super::token::{self, Token};
use crate::scenarios::cluster::credentials::Credential;
use crate::scenarios::cluster::load::{Load, short_connections};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

const ORDER: [&str; 6] = ["erp", "redis", "store", token::CREDENTIAL, "erp", "redis"];

/// A rotation of keys waits as long as a token lives.
const TOKEN_LIFE: Period = Period::from_secs(15);

pub(super) async fn rotates(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = subject.edit(short_lives).await?;
    let outcome = six(world, &subject).await;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    outcome
}

fn short_lives(spec: &mut ReportAppSpec) {
    spec.api.token_lifetime = TOKEN_LIFE;
    short_connections(spec);
}

async fn six(world: &World, subject: &Subject<'_>) -> Result<()> {
    let load = Load::start(subject).await?;
    for name in ORDER {
        let before = load.so_far();
        let took = match Credential::named(name) {
            Some(credential) => {
                let held = Held::take(subject, credential).await?;
                let took = order::rotate(subject, &[name]).await?;
                held.is_replaced(subject).await?;
                took
            }
            None => {
                let held = Token::take(subject).await?;
                let took = order::rotate(subject, &[name]).await?;
                held.is_replaced(subject).await?;
                took
            }
        };
        let now = load.so_far();
        world.progress().note(&format!(
            "{name}: {:.1} s, {} requests, {} failed",
            took.as_secs_f64(),
            now.requests - before.requests,
            now.failed - before.failed
        ));
    }
    let tally = load.none_failed().await?;
    ensure!(
        tally.requests > 500,
        "hardly any traffic: {} requests",
        tally.requests
    );
    world.progress().note(&tally.to_string());
    Ok(())
}
