//! Consumers the operator does not own: [`places`] where a value is published, and [`workloads`] that
//! are restarted when it changes. Each must lend itself by the annotation `reportapp.dev/allow`.

mod places;
mod workloads;

use kube::{Client, ResourceExt as _};
use reportapp_crds::report_app::credential::Credential;
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};

use super::trouble::{Reason, Trouble};
use crate::secret_store::Store;

pub use places::problems;
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

fn check_lent(app: &str, kind: &str, name: &str, list: Option<&String>) -> Result<(), Trouble> {
    let lent = list.is_some_and(|list| list.split(',').any(|allowed| allowed.trim() == app));
    if lent {
        return Ok(());
    }
    let others = list.map(|list| format!("{list},")).unwrap_or_default();
    Err(refused(format!(
        "{kind} {name} does not lend itself to this ReportApp: kubectl annotate --overwrite {kind} \
         {name} {ALLOW_ANNOTATION}={others}{app}"
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
        assert!(
            check_lent(
                "demo",
                "deployment",
                "shop",
                Some(&"other, demo".to_owned())
            )
            .is_ok()
        );
        let refusal = check_lent("demo", "deployment", "shop", Some(&"other".to_owned()));
        assert!(
            refusal
                .unwrap_err()
                .message
                .ends_with("reportapp.dev/allow=other,demo")
        );
        assert!(check_lent("demo", "deployment", "shop", None).is_err());
    }
}
