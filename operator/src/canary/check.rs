//! One try: reads which value is in use now, logs in with it as the application does, and has it
//! replaced if it is refused and the spec wishes so.

use std::sync::Arc;

use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt as _};
use reportapp_crds::report_app::Credential;
use reportapp_crds::secret_rotation::Mode;
use reportapp_crds::{ReportApp, SecretRotation, SecretRotationSpec};

use super::in_use::{InUse, Repair, Sources, remedy};
use super::memory::{Key, Mark};
use super::verdict::{Verdict, judge};
use crate::api_error::ApiResult;
use crate::backend::Login;
use crate::context::Shared;
use crate::reportapp::ledger::Entry;
use crate::reportapp::published::PublishedCredentials;
use crate::reportapp::{fetch, ledger, published};
use crate::rotation::ledger::Value;
use crate::rotation::plan::{self, Backend, Secrets};
use crate::rotation::trigger;
use crate::rotation::trouble::Trouble;

/// The application of a login, if it may be tried now: not while the application is suspended or on
/// its way out, nor while a rotation of the credential changes what is accepted.
pub fn subject(shared: &Shared, key: &Key) -> Option<Arc<ReportApp>> {
    let object = ObjectRef::<ReportApp>::new(&key.app).within(&key.namespace);
    let mut stores = shared.apps().into_iter();
    let app = stores.find_map(|store| store.get(&object))?;
    let rests = app.spec.suspend || app.metadata.deletion_timestamp.is_some();
    let rotations = trigger::rotations(&app, shared);
    let rotates = rotations.iter().any(|rotation| {
        rotation.spec.credentials.contains(&key.credential) && trigger::is_under_way(rotation)
    });
    (!rests && !rotates).then_some(app)
}

/// Tries a login.
///
/// # Errors
/// Why nothing was learnt about it.
pub async fn check(shared: &Shared, app: &ReportApp, key: &Key) -> Result<Verdict, String> {
    let credentials = &app.spec.credentials;
    let credential = credentials.iter().find(|c| c.name == key.credential);
    let credential = credential.ok_or("the credential is not in the spec any more")?;
    let (secrets, in_use, mark) = current(&shared.client, app, credential).await?;
    let told = |trouble: Trouble| trouble.message;
    let backend = plan::entrance(app, &secrets, credential).map_err(told)?;
    let outcome = backend.visit(&in_use.value).await;
    if !matches!(outcome, Ok(Some(Login::Refused))) {
        return judge(&key.credential, outcome, String::new);
    }
    // A refusal counts only for what is still in use: the value may have been replaced meanwhile.
    let (_, _, after) = current(&shared.client, app, credential).await?;
    if after != mark || subject(shared, key).is_none() {
        return Err("another value came into use while it was tried".to_owned());
    }
    let refused = Refused {
        shared,
        app,
        credential,
        may_rotate: plan::plan(app, &secrets, &key.credential, 0).is_ok(),
        repair: &mark.repair,
    };
    let repair = refused.repair().await;
    let ways = || refused.remedy(&in_use, &backend, repair);
    judge(&key.credential, outcome, ways)
}

/// Everything the values in use of one application are found in, as it was read.
pub struct Afresh<'a> {
    app: &'a ReportApp,
    secrets: Secrets,
    published: PublishedCredentials,
    entry: Entry,
}

impl<'a> Afresh<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// What cannot be read.
    pub async fn read(client: &Client, app: &'a ReportApp) -> Result<Self, String> {
        let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
        let (secrets, entry, published) = tokio::join!(
            fetch::secrets::named(client, &namespace, app),
            ledger::read(client, &namespace, &name),
            published::read(client, &namespace, &name),
        );
        Ok(Self {
            app,
            secrets,
            published: published.map_err(|error| error.to_string())?,
            entry: entry.map_err(|error| error.to_string())?,
        })
    }

    /// The Secrets that the spec names.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The value in use of the credential with this name; `path` is the field that names it.
    ///
    /// # Errors
    /// What is missing for there to be one.
    pub fn value_of(&self, name: &str, path: &str) -> Result<Value, String> {
        let credential = self.app.spec.credentials.iter().find(|c| c.name == name);
        let credential = credential.ok_or_else(|| {
            let app = self.app.name_any();
            format!("{path} of ReportApp {app} names no entry of spec.credentials")
        })?;
        let in_use = self.sources().in_use(credential);
        Ok(in_use.map_err(|trouble| trouble.message)?.value)
    }

    fn sources(&self) -> Sources<'_> {
        Sources {
            app: self.app,
            secrets: &self.secrets,
            published: &self.published.credentials,
            name_key: &self.entry.ledger.name_key,
        }
    }
}

/// The value in use, read afresh.
async fn current(
    client: &Client,
    app: &ReportApp,
    credential: &Credential,
) -> Result<(Secrets, InUse, Mark), String> {
    let read = Afresh::read(client, app).await?;
    let in_use = read.sources().in_use(credential);
    let in_use = in_use.map_err(|trouble| trouble.message)?;
    let mark = read.sources().mark(credential, &in_use);
    Ok((read.secrets, in_use, mark))
}

/// A login that was refused a moment ago.
struct Refused<'a> {
    shared: &'a Shared,
    app: &'a ReportApp,
    credential: &'a Credential,
    may_rotate: bool,
    /// Name of the rotation that replaces this value.
    repair: &'a str,
}

impl<'a> Refused<'a> {
    fn remedy(&self, in_use: &InUse, backend: &Backend, repair: Option<Repair<'_>>) -> String {
        remedy(self.credential, in_use, backend, self.may_rotate, repair)
    }

    /// The rotation that replaces the value, created if the spec wishes so: once for each value, since
    /// its name follows from the value.
    async fn repair(&self) -> Option<Repair<'a>> {
        let rotations = trigger::rotations(self.app, self.shared);
        let found = rotations.iter().find(|r| r.name_any() == self.repair);
        if found.is_some_and(|rotation| trigger::is_finished(rotation)) {
            return Some(Repair::Ended(self.repair));
        }
        let rotation = self.credential.rotation.as_ref();
        let wished = rotation.is_some_and(|rotation| rotation.repair_rejected && !rotation.suspend);
        if !wished || !self.may_rotate {
            return None;
        }
        match self.create().await {
            Ok(()) => Some(Repair::UnderWay(self.repair)),
            Err(error) => {
                let (app, credential) = (self.app.name_any(), &self.credential.name);
                tracing::warn!(app, credential, "a refused login is not replaced: {error}");
                None
            }
        }
    }

    async fn create(&self) -> ApiResult<()> {
        let spec = SecretRotationSpec {
            app: self.app.name_any(),
            credentials: vec![self.credential.name.clone()],
            mode: Mode::Manual,
            reason: "the backend refuses the login in use".to_owned(),
            requested_by: None,
            approval: None,
            dry_run: false,
            active_deadline_seconds: SecretRotationSpec::default_deadline(),
        };
        let rotation = SecretRotation::new(self.repair, spec);
        trigger::create(self.app, rotation, self.shared).await
    }
}
