//! The application's Redis as an action reaches it: over the network, as the administrator that the
//! ReportApp names.

use reportapp_crds::incident_action::CacheNamespace;
use tokio::time::Instant;

use super::super::caches::Sweep;
use super::super::invalidate;
use super::{Live, SWEEP, Swept, Trouble, caches};
use crate::action::trouble::Reason;
use crate::backend::BackendError;
use crate::backend::redis::caches::Caches;
use crate::reportapp::fetch;
use crate::rotation::plan;
use crate::rotation::trouble as of_rotations;
use kube::ResourceExt as _;

impl Live<'_> {
    pub(super) async fn plan_sweep(
        &self,
        namespaces: &[CacheNamespace],
    ) -> Result<Vec<String>, Trouble> {
        let caches = self.caches().await?;
        let prefixes = caches::prefixes(&self.app.name_any(), namespaces);
        let session = caches.enter(prefixes.clone()).await;
        let mut session = session.map_err(|error| trouble(&error))?;
        session.preflight().await.map_err(|error| trouble(&error))?;
        let memories = self.has_memories(namespaces);
        Ok(caches::plan(&prefixes, &caches.place(), memories))
    }

    /// Removes keys for a while, from where the last look ended.
    pub(super) async fn remove_keys(
        &self,
        namespaces: &[CacheNamespace],
    ) -> Result<Swept, Trouble> {
        let (sweeps, uid) = (&self.context.shared.sweeps, self.uid());
        let prefixes = caches::prefixes(&self.app.name_any(), namespaces);
        let session = self.caches().await?.enter(prefixes).await;
        let mut session = session.map_err(|error| trouble(&error))?;
        let mut sweep = sweeps.get(&uid);
        let sweep = sweep.get_or_insert_with(|| Sweep::of(&self.seen_action()));
        let until = Instant::now() + SWEEP.min(self.patience());
        let outcome = loop {
            match session.step(sweep.cursor).await {
                Ok(step) => sweep.step(step),
                Err(error) => break Err(trouble(&error)),
            }
            if sweep.is_clean() || Instant::now() >= until {
                break Ok(sweep.swept());
            }
        };
        // Also what a server that went away has removed counts.
        sweeps.put(uid, sweep.clone());
        outcome
    }

    /// Whether processes may give answers from their own memories that this can end. A store in the API's pod
    /// cannot be reached: there an answer lives as long as its report says.
    pub(super) fn has_memories(&self, namespaces: &[CacheNamespace]) -> bool {
        caches::reach_memories(namespaces) && invalidate::check_store(&self.app).is_ok()
    }

    async fn caches(&self) -> Result<Caches, Trouble> {
        let client = &self.context.shared.client;
        let mut secrets = fetch::secrets::named(client, &self.namespace(), &self.app).await;
        let administrators = fetch::vault::of_administrators(&self.app);
        let read = fetch::vault::read(&self.app, administrators, &secrets, self.context).await;
        secrets.extend(read);
        plan::caches(&self.app, &secrets).map_err(|found| of_redis(&found))
    }
}

fn of_redis(found: &of_rotations::Trouble) -> Trouble {
    let reason = match found.reason {
        of_rotations::Reason::BackendUnreachable => Reason::RedisUnreachable,
        _ => Reason::RedisNotUsable,
    };
    Trouble::new(reason, found.message.clone())
}

fn trouble(error: &BackendError) -> Trouble {
    let reason = match error {
        BackendError::Unreachable(_) => Reason::RedisUnreachable,
        _ => Reason::RedisNotUsable,
    };
    Trouble::new(reason, error.to_string())
}
