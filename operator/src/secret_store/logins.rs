//! Stores outside the cluster that are logged in, by `ReportApp`: a login is kept and renewed, not
//! made at every look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use kube::{Client, ResourceExt as _};
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::SecretKeyRef;
use reportapp_crds::report_app::secret_store::{AwsAccessKey, AwsSecretsManager, Vault};

use super::StoreError;
use super::aws::{self, AccessKey, AwsStore, Settings as AwsSettings};
use super::tokens::ServiceAccountTokens;
use super::vault::{Settings as VaultSettings, VaultStore};
use crate::reportapp::model::SecretLookup;
use crate::reportapp::naming;
use crate::rotation::ledger::SecretText;
use crate::rotation::plan::{self, Secrets};
use crate::rotation::trouble::Trouble;

/// The logins of every `ReportApp`.
#[derive(Default)]
pub struct Logins {
    vault: Kept<VaultLogin, VaultStore>,
    aws: Kept<AwsLogin, AwsStore>,
}

/// Namespace and name of a `ReportApp`.
type AppKey = (String, String);

/// Stores with everything a login to them depends on, so that a changed one is made anew.
struct Kept<F, S>(Mutex<HashMap<AppKey, (F, Arc<S>)>>);

/// What a login to Vault is made from.
#[derive(PartialEq, Eq)]
struct VaultLogin {
    spec: Vault,
    authority: Option<SecretText>,
    secret: Option<SecretText>,
}

/// What a login to AWS is made from.
#[derive(PartialEq, Eq)]
struct AwsLogin {
    spec: AwsSecretsManager,
    access_key: Option<AccessKey>,
}

impl Logins {
    /// The Vault of `app`, logged in before or not.
    ///
    /// # Errors
    /// When the spec names something that cannot be used.
    pub fn vault(
        &self,
        app: &ReportApp,
        spec: &Vault,
        secrets: &Secrets,
        client: &Client,
    ) -> Result<Arc<VaultStore>, Trouble> {
        let (namespace, name) = key(app);
        let value = |reference, key| plan::value(secrets, &name, reference, key);
        let authority = spec.ca_secret_ref.as_ref();
        let authority = authority.map(|reference| value(reference, "ca.crt"));
        let secret = match (&spec.auth.app_role, &spec.auth.token) {
            (Some(auth), _) => Some(value(&auth.secret_id_ref, "secret-id")),
            (None, Some(auth)) => Some(value(&auth.secret_ref, "token")),
            (None, None) => None,
        };
        let login = VaultLogin {
            spec: spec.clone(),
            authority: authority.transpose()?,
            secret: secret.transpose()?,
        };
        let store = self.vault.of(key(app), login, |login| {
            let account = naming::secret_store_account(&name);
            let tokens = ServiceAccountTokens::new(client.clone(), &namespace, &account);
            let authority = login.authority.as_ref();
            let settings = VaultSettings::new(
                spec,
                authority.map(|authority| authority.expose().to_owned()),
                login.secret.clone(),
                Arc::new(tokens),
            )?;
            VaultStore::new(settings, &namespace, &name)
        });
        Ok(store?)
    }

    /// The AWS Secrets Manager of `app`, logged in before or not.
    ///
    /// # Errors
    /// When the spec names something that cannot be used.
    pub fn aws(
        &self,
        app: &ReportApp,
        spec: &AwsSecretsManager,
        secrets: &Secrets,
        client: &Client,
    ) -> Result<Arc<AwsStore>, Trouble> {
        let (namespace, name) = key(app);
        let access_key = spec.auth.access_key.as_ref();
        let access_key = access_key.map(|from| access_key_of(secrets, &name, from));
        let login = AwsLogin {
            spec: spec.clone(),
            access_key: access_key.transpose()?,
        };
        let store = self.aws.of(key(app), login, |login| {
            let account = naming::secret_store_account(&name);
            let tokens = ServiceAccountTokens::new(client.clone(), &namespace, &account);
            let settings = AwsSettings::new(
                spec,
                login.access_key.clone(),
                &format!("{namespace}:{account}"),
                Arc::new(tokens),
            )?;
            AwsStore::new(settings, &namespace, &name)
        });
        Ok(store?)
    }

    /// Forgets the login of a `ReportApp` that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.vault.forget(&key);
        self.aws.forget(&key);
    }
}

fn key(app: &ReportApp) -> AppKey {
    (app.namespace().unwrap_or_default(), app.name_any())
}

/// The access key in a Secret; without a session where it has none.
fn access_key_of(secrets: &Secrets, app: &str, from: &AwsAccessKey) -> Result<AccessKey, Trouble> {
    let value = |key: &str| {
        let reference = SecretKeyRef {
            name: from.secret_name.clone(),
            key: Some(key.to_owned()),
        };
        plan::value(secrets, app, &reference, key)
    };
    let has_session = matches!(
        secrets.get(&from.secret_name),
        Some(SecretLookup::Found { data, .. }) if data.contains_key(aws::SESSION_KEY)
    );
    Ok(AccessKey {
        id: value(aws::ID_KEY)?.expose().to_owned(),
        secret: value(aws::SECRET_KEY)?,
        session: has_session.then(|| value(aws::SESSION_KEY)).transpose()?,
    })
}

impl<F: PartialEq, S> Kept<F, S> {
    /// The store made from `login`, or a new one in place of what was made from another.
    fn of(
        &self,
        key: AppKey,
        login: F,
        make: impl FnOnce(&F) -> Result<S, StoreError>,
    ) -> Result<Arc<S>, StoreError> {
        let mut stores = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        if let Some((known, store)) = stores.get(&key)
            && *known == login
        {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(make(&login)?);
        stores.insert(key, (login, Arc::clone(&store)));
        Ok(store)
    }

    fn forget(&self, key: &AppKey) {
        let mut stores = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        stores.remove(key);
    }
}

impl<F, S> Default for Kept<F, S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
