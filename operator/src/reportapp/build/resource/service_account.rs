//! One ServiceAccount per component, without a token: no pod talks to the API server. One more, which
//! no pod runs as, is who the application is to its secret store.

use k8s_openapi::api::core::v1::ServiceAccount;

use crate::reportapp::build::metadata;
use crate::reportapp::naming::{self, Component};
use crate::reportapp::validate::ValidatedApp;

/// ServiceAccounts of the components.
pub fn build_service_accounts(app: &ValidatedApp, components: &[Component]) -> Vec<ServiceAccount> {
    components
        .iter()
        .map(|component| ServiceAccount {
            metadata: metadata(app, naming::workload(&app.name, component), Some(component)),
            automount_service_account_token: Some(false),
            ..ServiceAccount::default()
        })
        .chain(store_account(app))
        .collect()
}

/// Present when the secret store wants to see a ServiceAccount.
fn store_account(app: &ValidatedApp) -> Option<ServiceAccount> {
    let store = &app.spec().secret_store;
    let vault = store.vault.as_ref().map(|vault| &vault.auth);
    let aws = store.aws_secrets_manager.as_ref().map(|aws| &aws.auth);
    let wanted = vault.is_some_and(|auth| auth.kubernetes.is_some() || auth.jwt.is_some())
        || aws.is_some_and(|auth| auth.web_identity.is_some());
    wanted.then(|| ServiceAccount {
        metadata: metadata(app, naming::secret_store_account(&app.name), None),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    })
}
