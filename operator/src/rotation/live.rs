//! The [`World`] of the running operator: secret store, backends, API server and watch caches of one
//! `ReportApp`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use reportapp_crds::report_app::Credential;
use reportapp_crds::report_app::reference::ValueSource;
use reportapp_crds::secret_rotation::Phase;
use reportapp_crds::{ReportApp, SecretRotation};

use super::consumers;
use super::ledger::{ADOPTED, Entry, SecretText, Value};
use super::machine::{self, Order, Published, Rollout, Sessions, Stage};
use super::outside::{Change, Outside};
use super::plan::{self, Backend, Planned, Secrets};
use super::target::{Strategy, Target};
use super::trouble::{Reason, Trouble};
use super::world::{Publication, Read, World};
use crate::api_error::{ApiError, ApiResult};
use crate::backend::Login;
use crate::context::Context;
use crate::reportapp::fetch;
use crate::reportapp::model::SecretBytes;
use crate::reportapp::naming;
use crate::reportapp::published::{self, PublishedCredential, PublishedCredentials};
use crate::secret_store::vault::path::path_and_key;
use crate::secret_store::{SecretStore as _, Store, Version};

/// Everything a rotation of one `ReportApp` touches.
pub struct Live<'a> {
    /// The application.
    pub app: Arc<ReportApp>,
    /// Caches and clients.
    pub context: &'a Context,
    /// Secrets the spec names.
    pub secrets: Secrets,
    /// Key of the names of versioned Secrets.
    pub name_key: SecretBytes,
    /// Signing key the operator generated, for a `jwt` credential without `from`.
    pub signing_key: SecretBytes,
    /// Keeper of the ledgers.
    pub store: Store,
    /// Credentials of the rotation, by index.
    pub planned: Vec<Planned>,
}

impl Live<'_> {
    fn backend(&self, target: &Target) -> &Backend {
        &self.planned[target.index].backend
    }

    fn namespace(&self) -> String {
        self.app.namespace().unwrap_or_default()
    }

    /// Notes the success where the schedule finds it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn note_success(&self, targets: &[Target]) -> ApiResult<()> {
        let client = &self.context.shared.client;
        let (namespace, name) = (self.namespace(), self.app.name_any());
        let all = published::read(client, &namespace, &name).await?;
        let now = self.now();
        let mut changed = BTreeMap::new();
        for target in targets {
            let Some(found) = all.credentials.get(&target.name) else {
                continue;
            };
            if found.rotated_at.is_none_or(|at| at < found.at) {
                let mut noted = found.clone();
                noted.rotated_at = Some(now);
                changed.insert(target.name.clone(), noted);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        published::write(client, &namespace, &name, &all, &changed).await
    }

    /// Whether the ledger of one of these credentials knows this rotation.
    pub async fn has_begun(&self, targets: &[Target], order: &Order) -> bool {
        for target in targets {
            let read = self.read(target).await;
            if read.is_ok_and(|read| machine::stage(order, &read.entry, None) != Stage::Generate) {
                return true;
            }
        }
        false
    }

    /// What would stand in the way later on, found out before anything is changed.
    pub async fn obstacles(&self) -> Vec<Trouble> {
        let mut found = Vec::new();
        for planned in &self.planned {
            let target = &planned.target;
            found.extend(self.store.read(&target.name).await.err().map(Trouble::from));
            if let Some(credential) = self.credential(target) {
                found.extend(self.outside().check(credential).await.err());
            }
        }
        found
    }

    fn credential(&self, target: &Target) -> Option<&Credential> {
        let mut credentials = self.app.spec.credentials.iter();
        credentials.find(|credential| credential.name == target.name)
    }

    fn outside(&self) -> Outside<'_> {
        Outside {
            app: &self.app,
            client: &self.context.shared.client,
            store: &self.store,
        }
    }

    /// Hands the values in use to readers beyond the application's pods. Workloads are restarted when
    /// all values are there, each of them once.
    async fn publish_outside(&self, publications: &[Publication<'_>]) -> Result<(), Trouble> {
        let outside = self.outside();
        let mut changes = Vec::new();
        for publication in publications {
            let Some(credential) = self.credential(publication.target) else {
                continue;
            };
            let Some(current) = &publication.entry.current else {
                continue;
            };
            outside.publish(credential, current).await?;
            let version = self.version(publication)?;
            changes.push(Change {
                credential,
                version,
            });
        }
        outside.restart(&changes).await
    }

    /// What tells one version of a credential from another: the suffix of its Secret's name.
    fn version(&self, publication: &Publication<'_>) -> Result<String, Trouble> {
        let files = self.files(publication)?;
        let (app, name) = (self.app.name_any(), &publication.target.name);
        let name = naming::versioned_secret(&app, name, &self.name_key, &files);
        Ok(name.rsplit('-').next().unwrap_or_default().to_owned())
    }

    fn files(
        &self,
        publication: &Publication<'_>,
    ) -> Result<BTreeMap<String, SecretBytes>, Trouble> {
        let files = publication
            .target
            .files(publication.entry, publication.round)?;
        Ok(files
            .into_iter()
            .map(|(file, value)| (file, SecretBytes::new(value.expose())))
            .collect())
    }

    /// The value the spec names.
    async fn first_value(
        &self,
        target: &Target,
        from: &ValueSource,
    ) -> Result<SecretText, Trouble> {
        let path = format!("spec.credentials[{}].from", target.name);
        let text = match (&from.secret_ref, &from.vault_path, &self.store) {
            (Some(reference), _, _) => {
                plan::value(&self.secrets, &self.app.name_any(), reference, target.file)?
            }
            (None, Some(reference), Store::Vault(vault)) => {
                let (path, key) = path_and_key(reference, target.file);
                vault.read_key(path, key).await?
            }
            _ => {
                let message = format!("{path}.vaultPath needs spec.secretStore.vault");
                return Err(Trouble::new(Reason::AppNotReady, message));
            }
        };
        match &target.role {
            Some(user) => plan::password(&text, user, &path),
            None => Ok(text),
        }
    }

    /// For how long consumers have had what they were last given.
    async fn published_for(&self, target: &Target) -> Result<Option<Duration>, Trouble> {
        let all = self.published_all().await?;
        let published = all.credentials.get(&target.name);
        let since = published.map(|published| self.now().duration_since(published.at));
        Ok(since.and_then(|since| Duration::try_from(since).ok()))
    }

    async fn published_all(&self) -> Result<PublishedCredentials, Trouble> {
        let client = &self.context.shared.client;
        let read = published::read(client, &self.namespace(), &self.app.name_any()).await;
        Ok(read?)
    }
}

fn seen(published: &PublishedCredential) -> Published {
    Published {
        rotation: published.rotation.clone(),
        round: published.round,
    }
}

impl World for Live<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn read(&self, target: &Target) -> Result<Read, Trouble> {
        let read = self.store.read(&target.name).await?;
        Ok(read.map_or_else(Read::default, |(entry, version)| Read {
            entry,
            version: Some(version),
        }))
    }

    async fn write(
        &self,
        target: &Target,
        entry: &Entry,
        expected: Option<&Version>,
    ) -> Result<(), Trouble> {
        self.store.write(&target.name, entry, expected).await?;
        Ok(())
    }

    async fn carried_out(&self, rotation: &str) -> Result<Option<String>, Trouble> {
        let client = self.context.shared.client.clone();
        let api = Api::<SecretRotation>::namespaced(client, &self.namespace());
        // Not from a cache, which may not know it yet.
        let all = api.list(&ListParams::default()).await;
        let all = all.map_err(|error| ApiError::new::<SecretRotation>("list", "", &error))?;
        let found = all
            .iter()
            .find(|found| found.uid().as_deref() == Some(rotation));
        let is_over = |found: &&SecretRotation| {
            let phase = found.status.as_ref().and_then(|status| status.phase);
            phase.is_some_and(Phase::is_final)
        };
        Ok(found
            .filter(|found| !is_over(found))
            .map(ResourceExt::name_any))
    }

    async fn adopted(&self, target: &Target) -> Result<Value, Trouble> {
        let credential = self
            .app
            .spec
            .credentials
            .iter()
            .find(|c| c.name == target.name);
        // A ledger that was lost is begun anew with what the pods have, not with what they had once.
        let all = self.published_all().await?;
        let given = all.credentials.get(&target.name);
        let given = given.filter(|given| credential.is_some_and(|c| given.is_of(c)));
        if let Some(value) = given.and_then(|given| given.value(target.file)) {
            return Ok(value);
        }
        let from = credential.and_then(|credential| credential.from.as_ref());
        let secret = match from {
            Some(from) => self.first_value(target, from).await?,
            None if target.strategy == Strategy::KeyOverlap => {
                let text = String::from_utf8_lossy(self.signing_key.expose());
                super::ledger::SecretText::new(text.into_owned())
            }
            None => {
                return Err(Trouble::new(
                    Reason::AppNotReady,
                    format!("spec.credentials[{}].from is missing", target.name),
                ));
            }
        };
        Ok(Value {
            rotation: ADOPTED.to_owned(),
            username: target.role.clone(),
            secret,
            created: self.now(),
        })
    }

    async fn login(&self, target: &Target, value: &Value) -> Result<Option<Login>, Trouble> {
        self.backend(target).login(value).await
    }

    async fn sessions(
        &self,
        target: &Target,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<Sessions, Trouble> {
        let backend = self.backend(target);
        match value.shares_login(in_use) {
            true => {
                let since = self.published_for(target).await?;
                backend.sessions_from_before(value, since).await
            }
            false => backend.sessions(value).await,
        }
    }

    async fn prepare(&self, target: &Target, fence: u64, value: &Value) -> Result<(), Trouble> {
        self.backend(target).prepare(target, fence, value).await
    }

    async fn disable(
        &self,
        target: &Target,
        fence: u64,
        value: &Value,
        in_use: Option<&Value>,
    ) -> Result<(), Trouble> {
        self.backend(target).disable(fence, value, in_use).await
    }

    async fn block(&self, target: &Target, fence: u64) -> Result<u32, Trouble> {
        self.backend(target).block(target, fence).await
    }

    async fn published(&self, target: &Target) -> Result<Option<Published>, Trouble> {
        let all = self.published_all().await?;
        Ok(all.credentials.get(&target.name).map(seen))
    }

    async fn publish(&self, publications: &[Publication<'_>]) -> Result<(), Trouble> {
        let all = self.published_all().await?;
        let mut changed = BTreeMap::new();
        for publication in publications {
            let (target, entry) = (publication.target, publication.entry);
            let before = all.credentials.get(&target.name);
            if before.map(seen).as_ref() != publication.before {
                return Err(Trouble::new(
                    Reason::Raced,
                    format!("credential {} was published by somebody else", target.name),
                ));
            }
            let rotation = consumers::rotation_of(entry, publication.round);
            let value = PublishedCredential {
                rotation,
                round: publication.round,
                at: self.now(),
                rotated_at: before.and_then(|before| before.rotated_at),
                files: target.files(entry, publication.round)?,
            };
            changed.insert(target.name.clone(), value);
        }
        let client = &self.context.shared.client;
        let (namespace, name) = (self.namespace(), self.app.name_any());
        // Others first: what the pods are given is what tells that this step is done.
        self.publish_outside(publications).await?;
        published::write(client, &namespace, &name, &all, &changed).await?;
        Ok(())
    }

    async fn rollout(&self, target: &Target) -> Result<Rollout, Trouble> {
        if self.app.spec.suspend {
            return Err(Trouble::new(
                Reason::AppNotReady,
                "the ReportApp is suspended, so its pods are not replaced; set spec.suspend: false",
            ));
        }
        let all = self.published_all().await?;
        let Some(published) = all.credentials.get(&target.name) else {
            return Ok(Rollout::Complete);
        };
        let files = published
            .files
            .iter()
            .map(|(file, value)| (file.clone(), SecretBytes::new(value.expose())))
            .collect();
        if let Some(credential) = self.credential(target) {
            let outside = self.outside().rollout(credential).await?;
            if outside != Rollout::Complete {
                return Ok(outside);
            }
        }
        let live = fetch::live(&self.app, self.context);
        let app = self.app.name_any();
        Ok(consumers::rollout(
            &live,
            &app,
            &target.name,
            &self.name_key,
            &files,
        ))
    }
}
