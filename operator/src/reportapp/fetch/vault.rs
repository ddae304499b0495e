//! Values of a spec that are in Vault (`vaultPath`), read with the ReportApp's own login, and what the
//! pods were given of them before. Beside the Secrets of the spec they are kept for one reconcile.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Resource as _, ResourceExt as _};
use reportapp_config::credential as file;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::Credential;
use reportapp_crds::report_app::secret_store::VaultAuth;

use crate::api_error::{ApiError, ApiResult};
use crate::context::Context;
use crate::reportapp::model::{SecretBytes, SecretLookup};
use crate::reportapp::naming::{self, APP_LABEL, FIELD_MANAGER};
use crate::reportapp::validate::{PASSWORD_KEY, admins};
use crate::rotation::plan::{Secrets, file_of};
use crate::secret_store::vault::VaultStore;
use crate::secret_store::vault::path::{lookup_name, path_and_key};
use crate::secret_store::{Store, StoreError};

/// A value in Vault.
#[derive(Clone, Debug)]
pub struct Reference {
    /// As the spec has it.
    path: String,
    /// The key it means without saying so.
    key: &'static str,
    /// Whether it is needed even while Vault does not answer: an emergency blocks with it.
    remembered: bool,
}

impl Reference {
    fn name(&self) -> String {
        lookup_name(&self.path, self.key)
    }
}

/// The passwords of administrators that are in Vault.
pub fn of_administrators(app: &ReportApp) -> Vec<Reference> {
    admins(&app.spec)
        .filter_map(|(_, admin)| admin.password.vault_path.as_deref())
        .map(|path| Reference {
            path: path.to_owned(),
            key: PASSWORD_KEY,
            remembered: true,
        })
        .collect()
}

/// The first values that are in Vault, of credentials that fulfil `wanted`.
pub fn first_values(app: &ReportApp, wanted: impl Fn(&Credential) -> bool) -> Vec<Reference> {
    let credentials = app.spec.credentials.iter();
    credentials
        .filter(|credential| wanted(credential))
        .filter_map(|credential| {
            let path = credential.from.as_ref()?.vault_path.as_deref()?;
            Some(Reference {
                path: path.to_owned(),
                key: file_of(credential),
                remembered: false,
            })
        })
        .collect()
}

/// Reads values one after the other; one that cannot be read is a value as well, which says why.
/// `secrets` has what the login needs. A Vault that does not answer is asked once, not for each.
pub async fn read(
    app: &ReportApp,
    references: Vec<Reference>,
    secrets: &Secrets,
    context: &Context,
) -> Secrets {
    let mut found = Secrets::new();
    let Some(spec) = app.spec.secret_store.vault.as_ref() else {
        return found;
    };
    if references.is_empty() {
        return found;
    }
    let shared = &context.shared;
    let store = match ensure_account(app, &spec.auth, context).await {
        Ok(()) => Store::of(app, secrets, &shared.client, &shared.logins),
        Err(error) => Err(error.into()),
    };
    let mut down = None;
    for reference in references {
        let value = match &store {
            Ok(Store::Vault(vault)) => look_up(vault, &reference, &mut down).await,
            Ok(_) => SecretLookup::Missing,
            Err(trouble) => SecretLookup::Unread(trouble.clone()),
        };
        found.insert(reference.name(), value);
    }
    found
}

/// `down` is the error of a Vault that did not answer.
async fn look_up(
    vault: &VaultStore,
    reference: &Reference,
    down: &mut Option<StoreError>,
) -> SecretLookup {
    let (path, key) = path_and_key(&reference.path, reference.key);
    let answer = match down {
        Some(error) => Err(error.clone()),
        None => vault.read_key(path, key).await,
    };
    let value = match answer {
        Err(error @ StoreError::Unavailable(_)) => {
            *down = Some(error.clone());
            let known = vault.last_read(path, key);
            known.filter(|_| reference.remembered).ok_or(error)
        }
        answer => answer,
    };
    match value {
        Ok(value) => SecretLookup::Found {
            data: BTreeMap::from([(key.to_owned(), SecretBytes::new(value.expose()))]),
            kind: "Vault".to_owned(),
        },
        Err(error) => SecretLookup::Unread(error.into()),
    }
}

/// The ServiceAccount of the login is one of the application's objects, and those are written only
/// when every value was read.
async fn ensure_account(app: &ReportApp, auth: &VaultAuth, context: &Context) -> ApiResult<()> {
    let (namespace, name) = (app.namespace().unwrap_or_default(), app.name_any());
    let account = naming::secret_store_account(&name);
    let needed = auth.kubernetes.is_some() || auth.jwt.is_some();
    let accounts = &context.caches.service_accounts;
    if !needed || accounts.get(&namespace, &account).is_some() {
        return Ok(());
    }
    let object = ServiceAccount {
        metadata: ObjectMeta {
            name: Some(account.clone()),
            labels: Some(naming::labels(&name)),
            owner_references: app.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let api = Api::<ServiceAccount>::namespaced(context.shared.client.clone(), &namespace);
    match api.create(&params, &object).await {
        Ok(_) => Ok(()),
        // Ours, which the cache does not know yet, or that of somebody else, which applying refuses.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(ApiError::new::<ServiceAccount>("create", &account, &error)),
    }
}

/// Files that pods have of credentials whose first value cannot be read now, by credential. It is
/// what was read before; of another login than the spec says it is nothing.
pub async fn kept(
    app: &ReportApp,
    secrets: &Secrets,
    context: &Context,
) -> ApiResult<BTreeMap<String, BTreeMap<String, SecretBytes>>> {
    let mut kept = BTreeMap::new();
    let status = app.status.iter().flat_map(|status| &status.credentials);
    for used in status {
        let mut credentials = app.spec.credentials.iter();
        let (Some(credential), Some(secret)) =
            (credentials.find(|c| c.name == used.name), &used.secret)
        else {
            continue;
        };
        let unread = first_values(app, |c| c.name == used.name)
            .first()
            .and_then(|reference| secrets.get(&reference.name()))
            .is_some_and(SecretLookup::is_withheld);
        if !unread {
            continue;
        }
        if let Some(files) = given(app, secret, context).await?
            && is_of(&files, credential)
        {
            kept.insert(credential.name.clone(), files);
        }
    }
    Ok(kept)
}

fn is_of(files: &BTreeMap<String, SecretBytes>, credential: &Credential) -> bool {
    let user = files.get(file::USERNAME).map(SecretBytes::expose);
    user == credential.opens.login().map(str::as_bytes)
}

/// The files of a Secret of this application.
async fn given(
    app: &ReportApp,
    name: &str,
    context: &Context,
) -> ApiResult<Option<BTreeMap<String, SecretBytes>>> {
    let namespace = app.namespace().unwrap_or_default();
    let api = Api::<Secret>::namespaced(context.shared.client.clone(), &namespace);
    let found = api.get_opt(name).await;
    let found = found.map_err(|error| ApiError::new::<Secret>("get", name, &error))?;
    let ours = found.filter(|secret| secret.labels().get(APP_LABEL) == Some(&app.name_any()));
    Ok(ours.map(|secret| {
        let data = secret.data.unwrap_or_default();
        data.into_iter()
            .map(|(file, value)| (file, SecretBytes::new(value.0)))
            .collect()
    }))
}
