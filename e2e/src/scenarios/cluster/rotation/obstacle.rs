//! Things to put in the way of a rotation, one for each step: it gets no further until they are taken
//! away again, so that something can be done to it there.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use k8s_openapi::api::core::v1::{ResourceQuota, Secret as KubeSecret};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::held::Held;
use super::ledger;
use crate::backends::{Database, OpenSession};
use crate::demo::NAMESPACE;
use crate::scenarios::cluster::credentials::{Credential, PUBLISHED};
use crate::scenarios::cluster::subject::Subject;

/// What takes the administrator's right, and what gives it back.
pub(super) const TAKE_RIGHT: &str = "ALTER ROLE store_admin NOCREATEROLE;";
pub(super) const GIVE_RIGHT: &str = "ALTER ROLE \"store_admin\" CREATEROLE;";

const QUOTA: &str = "no-more-pods";

/// How long an admission policy may take until it is in force.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing in the way of a rotation of the store's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nobody may write the ledger.
    Ledger,
    /// Nobody may write what pods are given.
    Publication,
    /// The administrator may not change roles.
    Right,
    /// No pod is admitted.
    Quota,
    /// A program stays logged in with the old login.
    Session,
}

impl Obstacle {
    const ALL: [Self; 5] = [
        Self::Ledger,
        Self::Publication,
        Self::Right,
        Self::Quota,
        Self::Session,
    ];

    /// The Secret that is locked, for those that lock one.
    fn secret(self) -> Option<String> {
        match self {
            Self::Ledger => Some(ledger::name(Credential::Store)),
            Self::Publication => Some(PUBLISHED.to_owned()),
            Self::Right | Self::Quota | Self::Session => None,
        }
    }
}

/// The obstacles of one scenario.
pub(super) struct Obstacles<'s, 'w> {
    subject: &'s Subject<'w>,
    /// The login that stays logged in.
    held: &'s Held,
    session: Option<OpenSession>,
}

impl<'s, 'w> Obstacles<'s, 'w> {
    /// Nothing is in the way yet.
    pub(super) fn new(subject: &'s Subject<'w>, held: &'s Held) -> Self {
        Self {
            subject,
            held,
            session: None,
        }
    }

    /// Puts one in the way; it is in force when this returns.
    pub(super) async fn put(&mut self, obstacle: Obstacle) -> Result<()> {
        if let Some(secret) = obstacle.secret() {
            return self.lock(&secret).await;
        }
        let backends = self.subject.backends();
        match obstacle {
            Obstacle::Quota => refuse_pods(self.subject).await,
            Obstacle::Session => {
                let login = self.held.login();
                let (user, password) = (&login.username, &login.password);
                let session = backends.stay_logged_in(Database::Store, user, password);
                self.session = Some(session.await?);
                Ok(())
            }
            _ => backends.psql(Database::Store, TAKE_RIGHT).await.map(drop),
        }
    }

    /// Takes one away.
    pub(super) async fn take(&mut self, obstacle: Obstacle) -> Result<()> {
        if let Some(secret) = obstacle.secret() {
            return self.unlock(&secret).await;
        }
        match obstacle {
            Obstacle::Quota => admit_pods(self.subject).await,
            Obstacle::Session => match self.session.take() {
                Some(session) => session.end().await,
                None => Ok(()),
            },
            _ => {
                let backends = self.subject.backends();
                backends.psql(Database::Store, GIVE_RIGHT).await.map(drop)
            }
        }
    }

    /// Takes away whatever is left, also after a failure.
    pub(super) async fn clear(mut self) -> Result<()> {
        for obstacle in Obstacle::ALL {
            self.take(obstacle).await?;
        }
        Ok(())
    }

    async fn lock(&self, secret: &str) -> Result<()> {
        let policy = policy(secret)?;
        let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(json!({
            "metadata": {"name": policy.metadata.name},
            "spec": {"policyName": policy.metadata.name, "validationActions": ["Deny"]},
        }))?;
        let create = PostParams::default();
        self.policies().create(&create, &policy).await?;
        self.bindings().create(&create, &binding).await?;
        let refused = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            while self.may_write(secret).await? {
                ticks.tick().await;
            }
            anyhow::Ok(())
        };
        let refused = tokio::time::timeout(PATIENCE, refused).await;
        refused.with_context(|| format!("the lock of Secret {secret} does not come into force"))?
    }

    async fn unlock(&self, secret: &str) -> Result<()> {
        let name = policy_name(secret);
        let delete = DeleteParams::default();
        gone(self.bindings().delete(&name, &delete).await.map(drop))?;
        gone(self.policies().delete(&name, &delete).await.map(drop))
    }

    /// Whether the API server would let a write of this Secret through, be it there or not.
    async fn may_write(&self, secret: &str) -> Result<bool> {
        let params = PatchParams::apply("e2e").dry_run();
        let object = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": secret, "annotations": {"e2e.reportapp.dev/try": "write"}},
        });
        let secrets = self.subject.objects::<KubeSecret>();
        match secrets.patch(secret, &params, &Patch::Apply(&object)).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.message.contains(LOCKED) => Ok(false),
            Err(error) => bail!("Secret {secret} cannot be tried: {error}"),
        }
    }

    fn policies(&self) -> Api<ValidatingAdmissionPolicy> {
        Api::all(self.subject.demo.client())
    }

    fn bindings(&self) -> Api<ValidatingAdmissionPolicyBinding> {
        Api::all(self.subject.demo.client())
    }
}

const LOCKED: &str = "locked by a test";

fn policy_name(secret: &str) -> String {
    format!("e2e-lock-{secret}")
}

fn policy(secret: &str) -> Result<ValidatingAdmissionPolicy> {
    let rule: Value = json!({
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
        "resources": ["secrets"], "resourceNames": [secret],
    });
    let validation = json!({
        "expression": format!("request.namespace != '{NAMESPACE}'"),
        "message": format!("Secret {secret} is {LOCKED}"),
        "reason": "Forbidden",
    });
    let policy = json!({
        "metadata": {"name": policy_name(secret)},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [validation],
        },
    });
    serde_json::from_value(policy).context("the policy is not one")
}

/// Pods that run stay, others are not admitted.
pub(super) async fn refuse_pods(subject: &Subject<'_>) -> Result<()> {
    let quota: ResourceQuota = serde_json::from_value(json!({
        "metadata": {"name": QUOTA},
        "spec": {"hard": {"pods": "0"}},
    }))?;
    let quotas = subject.objects::<ResourceQuota>();
    let created = quotas.create(&PostParams::default(), &quota).await;
    created.context("the quota was refused").map(drop)
}

/// Pods are admitted again.
pub(super) async fn admit_pods(subject: &Subject<'_>) -> Result<()> {
    let quotas = subject.objects::<ResourceQuota>();
    gone(
        quotas
            .delete(QUOTA, &DeleteParams::default())
            .await
            .map(drop),
    )
}

/// What is not there need not be deleted.
fn gone(deleted: kube::Result<()>) -> Result<()> {
    match deleted {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.context("failed to take an obstacle away"),
    }
}
