//! A Vault server of a test's own: initialised, unsealed, with a KV engine at `secret/`, an audit
//! log, and a role for the operator.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::secret_store::vault::{Login, Settings, VaultStore};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Name of the variable with the path of the binary.
const BINARY: &str = "REPORTAPP_VAULT";
/// What the operator may do in the tests, as the documentation says it.
pub const POLICY: &str = r#"
path "secret/data/reportapp/reports/demo/*" { capabilities = ["create", "read", "update"] }
path "secret/data/bisman/production" { capabilities = ["create", "read", "update"] }
"#;

/// A running Vault.
pub struct TestVault {
    child: Child,
    folder: TempDir,
    address: String,
    authority: String,
    http: reqwest::Client,
    unseal_key: String,
    root: String,
    role_id: String,
    secret_id: String,
}

impl TestVault {
    pub async fn start() -> Self {
        reportapp_telemetry::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let authority = certify(&folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let certificates = reqwest::Certificate::from_pem_bundle(authority.as_bytes()).unwrap();
        let mut vault = Self {
            child: run(&folder, port),
            folder,
            address: format!("https://127.0.0.1:{port}"),
            authority,
            http: reqwest::Client::builder()
                .tls_certs_only(certificates)
                .build()
                .unwrap(),
            unseal_key: String::new(),
            root: String::new(),
            role_id: String::new(),
            secret_id: String::new(),
        };
        vault.prepare().await;
        vault
    }

    async fn prepare(&mut self) {
        let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let made = self.put("sys/init", shares).await;
        self.unseal_key = text(&made["keys"][0]);
        self.root = text(&made["root_token"]);
        self.unseal().await;
        let engine = json!({ "type": "kv", "options": { "version": "2" } });
        self.put("sys/mounts/secret", engine).await;
        let audit = json!({ "type": "file", "options": { "file_path": self.audit_file() } });
        self.put("sys/audit/file", audit).await;
        self.set_policy(POLICY).await;
        self.put("sys/auth/approle", json!({ "type": "approle" }))
            .await;
        let role = json!({ "token_policies": "operator", "token_ttl": "1h" });
        self.put("auth/approle/role/operator", role).await;
        let role_id = self.get("auth/approle/role/operator/role-id").await;
        self.role_id = text(&role_id["data"]["role_id"]);
        let path = "auth/approle/role/operator/secret-id";
        self.secret_id = text(&self.put(path, json!({})).await["data"]["secret_id"]);
    }

    /// The ledgers of `demo` in namespace `reports`, logged in with the role of the operator.
    pub fn store(&self) -> VaultStore {
        self.store_with(Login::AppRole {
            mount: "approle".to_owned(),
            role_id: self.role_id.clone(),
            // As Secrets made from files often are.
            secret_id: SecretText::new(format!("{}\n", self.secret_id)),
        })
    }

    pub fn store_with(&self, login: Login) -> VaultStore {
        let authority = Some(self.authority.clone());
        VaultStore::new(self.settings(login, authority), "reports", "demo").unwrap()
    }

    pub fn settings(&self, login: Login, authority: Option<String>) -> Settings {
        Settings {
            address: self.address.clone(),
            namespace: None,
            authority,
            mount: "secret".to_owned(),
            prefix: "reportapp".to_owned(),
            login,
        }
    }

    pub async fn set_policy(&self, policy: &str) {
        let policy = json!({ "policy": policy });
        self.put("sys/policies/acl/operator", policy).await;
    }

    pub async fn seal(&self) {
        self.put("sys/seal", json!({})).await;
    }

    pub async fn unseal(&self) {
        let answer = self
            .put("sys/unseal", json!({ "key": self.unseal_key }))
            .await;
        assert_eq!(answer["sealed"], false);
    }

    /// Revokes every token that was given to the role of the operator.
    pub async fn revoke_logins(&self) {
        self.put("sys/leases/revoke-prefix/auth/approle/login", json!({}))
            .await;
    }

    /// A token with the policy of the operator.
    pub async fn token(&self, ttl: &str) -> String {
        let wanted = json!({ "policies": ["operator"], "ttl": ttl });
        text(&self.put("auth/token/create", wanted).await["auth"]["client_token"])
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) {
        self.ask(Method::DELETE, path, None).await;
    }

    /// As its administrator.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v1/{path}", self.address);
        let mut request = self.http.request(method, url);
        if !self.root.is_empty() {
            request = request.header("X-Vault-Token", &self.root);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// PEM of the authority that signed its certificate.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub fn audit_log(&self) -> String {
        fs::read_to_string(self.audit_file()).unwrap()
    }

    fn audit_file(&self) -> String {
        self.folder.path().join("audit.log").display().to_string()
    }
}

impl Drop for TestVault {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts the server and waits until it says that it listens.
fn run(folder: &TempDir, port: u16) -> Child {
    let binary = std::env::var(BINARY)
        .unwrap_or_else(|_| panic!("set {BINARY} to the path of a vault binary"));
    let file = |name: &str| folder.path().join(name).display().to_string();
    let config = json!({
        "disable_mlock": true,
        "storage": { "inmem": {} },
        "listener": { "tcp": {
            "address": format!("127.0.0.1:{port}"),
            "tls_cert_file": file("tls.crt"),
            "tls_key_file": file("tls.key"),
        } },
    });
    fs::write(file("vault.json"), config.to_string()).unwrap();
    // Ends with the thread of the test, whatever ends that.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig=KILL", &binary, "server"])
        .arg(format!("-config={}", file("vault.json")))
        .env("HOME", folder.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = lines.any(|line| line.unwrap().contains("Vault server started!"));
    assert!(started, "vault ended before it listened");
    // Its log must go somewhere, or it would block.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Makes a certificate for the server, and gives the authority that signed it.
fn certify(folder: &TempDir) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap().pem();
    fs::write(folder.path().join("tls.crt"), leaf).unwrap();
    fs::write(folder.path().join("tls.key"), key.serialize_pem()).unwrap();
    authority
}

pub fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
