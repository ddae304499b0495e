//! A moto server of a test's own, and its administrator.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::secret_store::StoreError;
use reportapp_operator::secret_store::aws::{AccessKey, AwsStore, Login, Settings};
use reportapp_operator::secret_store::tokens::TokenSource;
use serde_json::{Value, json};

/// Name of the variable with the path of a Python that has moto.
const PYTHON: &str = "REPORTAPP_MOTO";
/// The region of every test.
const REGION: &str = "eu-central-1";
/// The account moto plays.
pub const ACCOUNT: &str = "123456789012";
/// Where the ledger of credential `erp` is, as the documentation says it.
pub const LEDGER: &str = "reportapp/reports/demo/erp";

/// A running moto.
pub struct TestAws {
    child: Child,
    pub address: String,
    http: reqwest::Client,
}

impl TestAws {
    pub fn start() -> Self {
        reportapp_telemetry::install_crypto_provider();
        let (child, address) = run();
        Self {
            child,
            address,
            http: reqwest::Client::builder()
                .tls_certs_only([])
                .build()
                .unwrap(),
        }
    }

    /// Where it listens on this machine.
    pub fn port(&self) -> u16 {
        let address = url::Url::parse(&self.address).unwrap();
        address.port().unwrap()
    }

    /// The ledgers of `demo` in namespace `reports`, as anybody.
    pub fn store(&self) -> AwsStore {
        self.store_at(&self.address, access_key("AKIAEXAMPLE", "k"))
    }

    pub fn store_with(&self, login: Login) -> AwsStore {
        self.store_at(&self.address, login)
    }

    pub fn store_at(&self, address: &str, login: Login) -> AwsStore {
        let settings = Settings {
            region: REGION.to_owned(),
            endpoint: Some(address.to_owned()),
            prefix: "reportapp".to_owned(),
            kms_key_id: None,
            login,
        };
        AwsStore::new(settings, "reports", "demo").unwrap()
    }

    /// A login as the role `reports`.
    pub fn role(&self) -> Login {
        Login::WebIdentity {
            role_arn: format!("arn:aws:iam::{ACCOUNT}:role/reports"),
            audience: "sts.amazonaws.com".to_owned(),
            sts_endpoint: Some(self.address.clone()),
            subject: "system:serviceaccount:reports:demo-secrets".to_owned(),
            tokens: Arc::new(Token),
        }
    }

    /// Asks Secrets Manager as its administrator.
    pub async fn ask(&self, action: &str, body: Value) -> Value {
        let request = self
            .http
            .post(&self.address)
            .header("authorization", routing("secretsmanager"))
            .header("x-amz-target", format!("secretsmanager.{action}"))
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{action}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The JSON object in a secret.
    pub async fn object(&self, name: &str) -> Value {
        let wanted = json!({ "SecretId": name, "VersionStage": "AWSCURRENT" });
        let found = self.ask("GetSecretValue", wanted).await;
        serde_json::from_str(found["SecretString"].as_str().unwrap()).unwrap()
    }

    /// Versions of a secret with their labels.
    pub async fn labels(&self, name: &str) -> Value {
        let found = self
            .ask("DescribeSecret", json!({ "SecretId": name }))
            .await;
        found["VersionIdsToStages"].clone()
    }

    /// Asks IAM as its administrator; the answer is XML.
    pub async fn iam(&self, parameters: &[(&str, &str)]) -> String {
        let form = url::form_urlencoded::Serializer::new("Version=2010-05-08".to_owned())
            .extend_pairs(parameters)
            .finish();
        let request = self
            .http
            .post(&self.address)
            .header("authorization", routing("iam"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{parameters:?}: {status} {body}");
        body
    }

    /// From now on signatures and policies are checked, or no longer.
    pub async fn enforce(&self, enforced: bool) {
        let url = format!("{}/moto-api/reset-auth", self.address);
        let unchecked = if enforced { "0" } else { "Infinity" };
        let answer = self.http.post(url).body(unchecked).send().await.unwrap();
        assert!(answer.status().is_success());
    }
}

impl Drop for TestAws {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn access_key(id: &str, secret: &str) -> Login {
    Login::AccessKey(AccessKey {
        id: id.to_owned(),
        secret: SecretText::new(secret),
        session: None,
    })
}

/// By this moto knows which service is meant.
fn routing(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=a/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=a"
    )
}

struct Token;

impl TokenSource for Token {
    fn token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<SecretText, StoreError>> {
        async { Ok(SecretText::new("a.token.of-the-cluster")) }.boxed()
    }
}

/// Starts the server and waits until it says where it listens.
fn run() -> (Child, String) {
    let python = std::env::var(PYTHON)
        .unwrap_or_else(|_| panic!("set {PYTHON} to the path of a Python that has moto"));
    // Ends with the thread of the test, whatever ends that.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig=KILL", &python, "-m", "moto.server"])
        .args(["-H", "127.0.0.1", "-p", "0"])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.by_ref().find_map(|line| {
        let line = line.unwrap();
        line.split_once("Running on ")
            .map(|(_, at)| at.trim().to_owned())
    });
    // Its log must go somewhere, or it would block.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address.expect("moto ended before it listened"))
}
