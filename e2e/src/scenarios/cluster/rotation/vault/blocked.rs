//! A login has leaked and Vault is sealed: the login is refused all the same, and the application is
//! given another one as soon as Vault answers.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reportapp_crds::secret_rotation::{Mode, Phase};

use super::{CREDENTIAL, in_vault, only_hashes_are_logged};
use crate::backends::Database;
use crate::scenarios::cluster::rotation::held::Held;
use crate::scenarios::cluster::rotation::order;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

/// When we stop looking.
const PATIENCE: Duration = Duration::from_secs(60);

pub(in super::super) async fn without_ledger(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let scene = async || {
        let backends = subject.backends();
        let held = Held::take(&subject, CREDENTIAL).await?;
        backends.seal_vault().await?;
        let mut spec = order::manual(&[CREDENTIAL.name()]);
        spec.mode = Mode::Emergency;
        let created = Instant::now();
        let rotation = order::create(&subject, spec).await?;
        let (user, password) = (&held.login().username, &held.login().password);
        backends
            .until_refused(Database::Store, user, password, PATIENCE)
            .await?;
        let blocked_after = created.elapsed().as_secs_f64();
        let stalled = order::until(
            &subject,
            &rotation,
            "stalled: BlockedAwaitingStore",
            |seen| order::is_stalled(seen, "BlockedAwaitingStore"),
        )
        .await?;
        let message = order::message_of(&stalled);
        ensure!(
            message.contains("vault operator unseal"),
            "it does not name the remedy: {message}"
        );
        backends.unseal_vault().await?;
        order::until_ended(&subject, &rotation, Phase::Succeeded).await?;
        subject.until_ready().await?;
        held.is_replaced(&subject).await?;
        subject.session().await?.get("/api/companies").await?;
        world.progress().note(&format!(
            "refused after {blocked_after:.1} s with Vault sealed"
        ));
        only_hashes_are_logged(&subject, &[password.expose()]).await
    };
    in_vault(&subject, |_| {}, scene).await
}
