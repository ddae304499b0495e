//! The demo with its ledgers in Vault, and the bot's token and the store's administrator as well, read
//! as the ReportApp's own ServiceAccount, exactly as `docs/reference/vault.md` sets it up.
//!
//! ```text
//! policy, role ── spec.secretStore.vault ── scene ── spec as before, ledger of before removed
//! ```

pub(super) mod blocked;
mod shop;
pub(super) mod waits;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::api::DeleteParams;
use reportapp_crds::ReportAppSpec;
use reportapp_crds::report_app::reference::ValueSource;
use reportapp_crds::report_app::secret_store::Vault;
use serde_json::{Value, json};

use super::ledger;
use crate::backends::material;
use crate::demo::{NAME, NAMESPACE};
use crate::scenarios::cluster::credentials::{Credential, published};
use crate::scenarios::cluster::subject::Subject;

const CREDENTIAL: Credential = Credential::Store;

/// Role and policy in Vault.
const ROLE: &str = "reportapp-demo";
/// Who the operator logs in as.
const ACCOUNT: &str = "demo-secrets";
/// A secret of somebody else, as the originals of the product have it.
const FOREIGN_PATH: &str = "bisman/production";
/// As the documentation says it.
const POLICY: &str = r#"
path "secret/data/reportapp/reports/demo/*" { capabilities = ["create", "read", "update"] }
path "secret/data/bisman/production"        { capabilities = ["create", "read", "update"] }
path "secret/data/bisman/login"             { capabilities = ["read"] }
"#;
/// The bot's token, and the administrator of the store as a URL.
const FIRST_VALUES: &str = "bisman/login";

/// Runs `scene` with the ledgers in Vault and `change` made to the spec; afterwards Vault is unsealed
/// and the demo as it was.
async fn in_vault(
    subject: &Subject<'_>,
    change: impl Fn(&mut ReportAppSpec),
    scene: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    let backends = subject.backends();
    let vault: Vault = serde_json::from_value(json!({
        "address": "https://vault.erp.svc.cluster.local:8200",
        "caSecretRef": {"name": "platform-ca"},
        "auth": {"kubernetes": {"role": ROLE}},
    }))?;
    backends
        .allow_in_vault(ROLE, NAMESPACE, ACCOUNT, POLICY)
        .await?;
    // One that is left from another time knows nothing of what happened since.
    backends.remove_in_vault(&place()).await?;
    keep_first_values(subject).await?;
    let before = subject
        .edit(|spec| {
            spec.secret_store.vault = Some(vault.clone());
            read_first_values(spec);
            change(spec);
        })
        .await?;
    let outcome = scene().await;
    backends.unseal_vault().await?;
    subject.edit(|spec| spec.clone_from(&before)).await?;
    // The same is true of the one in Kubernetes now.
    let ledgers = subject.objects::<KubeSecret>();
    match ledgers
        .delete(&ledger::name(CREDENTIAL), &DeleteParams::default())
        .await
    {
        Ok(_) => outcome,
        Err(kube::Error::Api(status)) if status.code == 404 => outcome,
        Err(error) => outcome.and(Err(error).context("the ledger of before stays")),
    }
}

/// Puts values the spec names into Vault.
async fn keep_first_values(subject: &Subject<'_>) -> Result<()> {
    let backends = subject.backends();
    let token = backends.secret(material::TELEGRAM_TOKEN, "token").await?;
    let admin = backends.secret(material::STORE_PASSWORDS, "admin").await?;
    let url = format!(
        "postgresql://store_admin:{}@store/reportapp",
        admin.expose()
    );
    let fields = json!({"TOKEN": token.expose(), "ADMIN_URL": url});
    backends.write_in_vault(FIRST_VALUES, &fields).await
}

fn read_first_values(spec: &mut ReportAppSpec) {
    let in_vault = |key: &str| ValueSource {
        secret_ref: None,
        vault_path: Some(format!("secret/{FIRST_VALUES}#{key}")),
    };
    for credential in &mut spec.credentials {
        if credential.opens.telegram.is_some() {
            credential.from = Some(in_vault("TOKEN"));
        }
    }
    if let Some(admin) = &mut spec.store.admin {
        admin.password = in_vault("ADMIN_URL");
    }
}

/// Where the ledger of the credential is, below the mount.
fn place() -> String {
    format!("reportapp/{NAMESPACE}/{NAME}/{}", CREDENTIAL.name())
}

/// The ledger of the credential in Vault.
async fn entry(subject: &Subject<'_>) -> Result<Value> {
    let fields = subject.backends().read_in_vault(&place()).await?;
    let entry = fields["entry"].as_str().context("there is no entry")?;
    // The parser's own words may repeat a value.
    let parsed = serde_json::from_str(entry).ok();
    parsed.context("the entry is no JSON")
}

/// Sees that Vault logged the requests for the ledger, and of every value only the hash.
async fn only_hashes_are_logged(subject: &Subject<'_>, values: &[&str]) -> Result<()> {
    let log = subject.backends().vault_audit_log().await?;
    let requests = log.lines().filter(|line| line.contains(&place()));
    let hashed = requests.filter(|line| line.contains("hmac-sha256:"));
    ensure!(hashed.count() > 0, "Vault logged no request for the ledger");
    let entry = entry(subject).await?;
    let published = published(subject).await?;
    let secrets = ["previous", "current", "pending"].map(|value| &entry[value]["secret"]);
    let given = &published[CREDENTIAL.name()]["files"]["password"];
    let all: Vec<&str> = secrets
        .into_iter()
        .chain([given])
        .filter_map(Value::as_str)
        .chain(values.iter().copied())
        .collect();
    ensure!(
        all.len() >= 2 + values.len(),
        "there are no values to look for"
    );
    let shown = all.iter().filter(|value| log.contains(**value)).count();
    ensure!(shown == 0, "Vault's audit log shows {shown} values");
    Ok(())
}
