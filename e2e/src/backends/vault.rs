//! Vault as its administrator handles it: rights, secrets, sealing. Everything runs in its pod, which
//! the root token and the unseal key never leave.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;

use super::{Backend, Backends, NAMESPACE, control};

/// How long a restarted Vault may take until it answers; its node waits longer each time it ends.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(250);

/// Before every script: who is asked, and as whom.
const AS_ADMINISTRATOR: &str = r#"set -eu
export VAULT_ADDR=https://127.0.0.1:8200 VAULT_CACERT=/etc/backend/tls/ca.crt
VAULT_TOKEN=$(cat "$DATA/root-token"); export VAULT_TOKEN
"#;

/// Arguments: name of role and policy, namespace, ServiceAccount. The policy comes as input.
const ALLOW: &str = r#"vault policy write "$1" -
vault write "auth/kubernetes/role/$1" audience=vault token_policies="$1" token_ttl=1h \
    bound_service_account_namespaces="$2" bound_service_account_names="$3"
"#;

/// The key is a file, so that it is no argument of a process. A node that was just unsealed does not
/// answer at once.
const UNSEAL: &str = r#"vault write sys/unseal key=@"$DATA/unseal-key"
until vault secrets list > /dev/null 2>&1; do sleep 0.1; done
"#;

impl Backends {
    /// Lets a ServiceAccount log in to Vault as `role`, with a policy of the same name.
    ///
    /// # Errors
    /// When Vault refuses.
    pub async fn allow_in_vault(
        &self,
        role: &str,
        namespace: &str,
        account: &str,
        policy: &str,
    ) -> Result<()> {
        let arguments = [role, namespace, account];
        let allowed = self.vault(ALLOW, &arguments, policy.as_bytes()).await;
        allowed.map(drop)
    }

    /// Writes a secret below `secret/`, in place of what it holds.
    ///
    /// # Errors
    /// When Vault refuses.
    pub async fn write_in_vault(&self, path: &str, fields: &Value) -> Result<()> {
        let script = r#"vault kv put -mount=secret "$1" -"#;
        let input = fields.to_string();
        self.vault(script, &[path], input.as_bytes())
            .await
            .map(drop)
    }

    /// The fields of a secret below `secret/`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn read_in_vault(&self, path: &str) -> Result<Value> {
        let script = r#"vault kv get -format=json -mount=secret "$1""#;
        let said = self.vault(script, &[path], &[]).await?;
        // The parser's own words may repeat a value.
        let mut answer: Value = serde_json::from_str(&said)
            .ok()
            .with_context(|| format!("Vault answers no JSON for {path}"))?;
        Ok(answer["data"]["data"].take())
    }

    /// Removes a secret below `secret/` with all its versions; none is as good.
    ///
    /// # Errors
    /// When Vault refuses.
    pub async fn remove_in_vault(&self, path: &str) -> Result<()> {
        let script = r#"vault kv metadata delete -mount=secret "$1""#;
        self.vault(script, &[path], &[]).await.map(drop)
    }

    /// Seals Vault: from now on it answers nothing.
    ///
    /// # Errors
    /// When it is sealed already.
    pub async fn seal_vault(&self) -> Result<()> {
        self.vault("vault operator seal", &[], &[]).await.map(drop)
    }

    /// Unseals Vault, if it is sealed, and waits until it answers.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn unseal_vault(&self) -> Result<()> {
        self.vault(UNSEAL, &[], &[]).await.map(drop)
    }

    /// Revokes every token that a login by Kubernetes gave.
    ///
    /// # Errors
    /// When Vault refuses.
    pub async fn revoke_vault_logins(&self) -> Result<()> {
        let script = "vault lease revoke -sync -prefix auth/kubernetes/login";
        self.vault(script, &[], &[]).await.map(drop)
    }

    /// Restarts Vault with what it has stored, and waits until it answers, unsealed.
    ///
    /// # Errors
    /// When it does not come back in time.
    pub async fn restart_vault(&self) -> Result<()> {
        let before = self.vault_container().await?;
        // The first process passes that on to the server and ends; this conversation ends with it.
        let _broken_off = self.vault("kill -TERM 1", &[], &[]).await;
        let restarted = async {
            let mut ticks = tokio::time::interval(LOOK);
            loop {
                ticks.tick().await;
                if self.vault_container().await? == before {
                    continue;
                }
                if self.vault("vault secrets list", &[], &[]).await.is_ok() {
                    return anyhow::Ok(());
                }
            }
        };
        let restarted = tokio::time::timeout(PATIENCE, restarted).await;
        restarted.context("Vault does not answer after a restart")?
    }

    /// The id of the container Vault runs in, or ran in last.
    async fn vault_container(&self) -> Result<Option<String>> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), NAMESPACE);
        let ours = ListParams::default().labels("app=vault");
        let pod = pods.list(&ours).await?.items.pop();
        let statuses = pod.and_then(|pod| pod.status?.container_statuses);
        let status = statuses.and_then(|mut statuses| statuses.pop());
        Ok(status.and_then(|status| status.container_id))
    }

    /// Every request to Vault and every answer, one JSON object per line.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn vault_audit_log(&self) -> Result<String> {
        self.vault(r#"cat "$DATA/audit.log""#, &[], &[]).await
    }

    async fn vault(&self, script: &str, arguments: &[&str], input: &[u8]) -> Result<String> {
        let name = Backend::Vault.name();
        let script = format!("{AS_ADMINISTRATOR}{script}");
        let mut exec = self.exec(name, name);
        exec.args(["sh", "-c", &script, name]).args(arguments);
        control::exec_with_input(&mut exec, input)
            .await
            .context("Vault refuses its administrator")
    }
}
