//! Consumers the operator does not own: [`places`] where a value is published, and [`workloads`] that
//! are restarted when it changes. Each must lend itself by the annotation `reportapp.dev/allow`.

mod places;
mod workloads;

use kube::{Client, ResourceExt as _};
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::credential::Credential;

use super::trouble::{Reason, Trouble};
use crate::reportapp::lending;
use crate::secret_store::Store;

pub use places::{place, problems};
pub use workloads::Change;

/// The outside of one application.
pub struct Outside<'a> {
    /// The application.
    pub app: &'a ReportApp,
    /// Client of the API server.
    pub client: &'a Client,
    /// Store of `vaultPath`s and `awsSecret`s.
    pub store: &'a Store,
}

impl Outside<'_> {
    fn namespace(&self) -> String {
        self.app.namespace().unwrap_or_default()
    }

    /// Whether every place and workload is there and lends itself.
    ///
    /// # Errors
    /// The first that is not, with the command that mends it.
    pub async fn check(&self, credential: &Credential) -> Result<(), Trouble> {
        for workload in &credential.restart {
            self.workload(workload).await?;
        }
        let secrets = credential
            .publish
            .iter()
            .filter_map(|place| place.kubernetes_secret.as_ref());
        for name in secrets {
            self.secret(name).await?;
        }
        Ok(())
    }
}

/// Whether `list`, the value of the annotation, lends `kind` `name` to `app`.
///
/// # Errors
/// When it does not, with the command that lends it.
pub(crate) fn check_lent(
    namespace: &str,
    app: &str,
    kind: &str,
    name: &str,
    list: Option<&String>,
) -> Result<(), Trouble> {
    let list = list.map(String::as_str);
    if lending::is_lent(list, app) {
        return Ok(());
    }
    let remedy = lending::command(namespace, kind, name, list, app);
    Err(refused(format!(
        "{kind} {name} does not lend itself to this ReportApp; its owner can: {remedy}"
    )))
}

fn refused(message: String) -> Trouble {
    Trouble::new(Reason::AppNotReady, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_workload_that_lends_itself_is_touched() {
        let check = |list: Option<&str>| {
            let list = list.map(str::to_owned);
            check_lent("reports", "demo", "deployment", "shop", list.as_ref())
        };
        assert!(check(Some("other, demo")).is_ok());
        let refusal = check(Some("other")).unwrap_err().message;
        let remedy = "kubectl -n reports annotate deployment shop reportapp.dev/allow=other,demo --overwrite";
        assert!(refusal.ends_with(remedy), "{refusal}");
        assert!(check(None).is_err());
    }
}
