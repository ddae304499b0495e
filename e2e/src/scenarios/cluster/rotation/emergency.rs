//! A login has leaked: it is refused within seconds, whatever that costs; then the application is
//! given another one. A signing key has leaked: tokens signed with it are refused long before they expire.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reportapp_crds::secret_rotation::{CredentialProgress, Mode, Phase};

use super::held::Held;
use super::order;
use super::token::{self, Token};
use crate::backends::Database;
use crate::scenarios::cluster::credentials::{Credential, published};
use crate::scenarios::cluster::load::Load;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

/// What the product promises.
const PROMISE: Duration = Duration::from_secs(5);
/// When we stop looking.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn blocks(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Held::take(&subject, Credential::Store).await?;
    let mut others = published(&subject).await?;
    others.remove(Credential::Store.name());
    let load = Load::start(&subject).await?;

    let (backends, leaked) = (subject.backends().clone(), held.login().clone());
    let refused = tokio::spawn(async move {
        let (user, password) = (&leaked.username, &leaked.password);
        let refused = backends.until_refused(Database::Store, user, password, PATIENCE);
        refused.await.map(|()| Instant::now())
    });
    let mut spec = order::manual(&[Credential::Store.name()]);
    spec.mode = Mode::Emergency;
    let created = Instant::now();
    let rotation = order::create(&subject, spec).await?;
    let refused = refused.await?;
    let ended = order::until_ended(&subject, &rotation, Phase::Succeeded).await?;
    let took = created.elapsed();
    let blocked_after = refused?.saturating_duration_since(created);

    subject.until_ready().await?;
    let cost = load.stop().await;
    held.is_replaced(&subject).await?;
    subject.session().await?.get("/api/companies").await?;
    let mut now = published(&subject).await?;
    now.remove(Credential::Store.name());
    ensure!(now == others, "an emergency changed other credentials");
    world.progress().note(&format!(
        "refused after {:.1} s, another login in use after {:.1} s; meanwhile {cost}",
        blocked_after.as_secs_f64(),
        took.as_secs_f64()
    ));
    // It is this traffic that says elsewhere that no request failed.
    ensure!(
        cost.failed > 0,
        "the traffic does not notice that the store's login is blocked: {cost}"
    );
    ensure!(
        blocked_after <= PROMISE,
        "the leaked login was refused only after {:.1} s",
        blocked_after.as_secs_f64()
    );
    let reported = ended.status.unwrap_or_default();
    let known = |credential: &CredentialProgress| credential.outage_seconds.is_some();
    ensure!(
        reported.credentials.iter().all(known),
        "the status says nothing of the outage: {reported:?}"
    );
    let message = reported.message.unwrap_or_default();
    world
        .progress()
        .note(&format!("the operator says: {message}"));
    Ok(())
}

pub(super) async fn ends_tokens(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let held = Token::take(&subject).await?;
    let mut spec = order::manual(&[token::CREDENTIAL]);
    spec.mode = Mode::Emergency;
    let started = Instant::now();
    let rotation = order::create(&subject, spec).await?;
    order::until_ended(&subject, &rotation, Phase::Succeeded).await?;
    let took = started.elapsed();
    held.is_replaced(&subject).await?;
    held.is_unexpired()?;
    world.progress().note(&format!(
        "every pod refuses the leaked key after {:.1} s",
        took.as_secs_f64()
    ));
    subject.until_ready().await
}
