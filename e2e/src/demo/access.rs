//! Talking to the demo's API as a person's program would.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::CACHE_CONTROL;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder};
use serde_json::{Value, json};

use super::{ADMINISTRATOR, Demo, NAME, NAMESPACE};

/// A signed-in client: its cookie jar holds the session.
pub struct Session {
    /// Sends the session's cookie by itself.
    pub http: Client,
    /// The access token, for `Authorization: Bearer`.
    pub token: String,
    base: String,
}

impl Session {
    /// The address of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Gets `path` anew, whatever the API remembers of it, and reads the answer as JSON.
    ///
    /// # Errors
    /// When the status is not a success; the message holds the answer.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.ask(path, true).await?.body)
    }

    /// Gets `path`, either anew or as a page does, which may be told what the API remembers.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub async fn ask(&self, path: &str, is_anew: bool) -> Result<Answer> {
        let mut request = self.http.get(self.url(path));
        if is_anew {
            request = request.header(CACHE_CONTROL, "no-cache");
        }
        Answer::to(request, path).await
    }
}

/// An answer with figures.
pub struct Answer {
    /// The figures.
    pub body: Value,
    /// Where they were found: `database`, `memory` or `redis`; `None` where there are none.
    pub found: Option<String>,
}

impl Answer {
    /// Sends a request for `path` and reads its answer.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub async fn to(request: RequestBuilder, path: &str) -> Result<Self> {
        let answer = request
            .send()
            .await
            .with_context(|| format!("failed to get {path}"))?;
        let status = answer.status();
        let found = answer.headers().get("x-cache");
        let found = found.and_then(|found| Some(found.to_str().ok()?.to_owned()));
        let text = answer.text().await?;
        ensure!(status.is_success(), "GET {path} answered {status}: {text}");
        let body = serde_json::from_str(&text)
            .with_context(|| format!("GET {path} did not answer with JSON: {text}"))?;
        Ok(Self { body, found })
    }
}

/// The way to the API, owned, so that a task can carry it along.
#[derive(Clone)]
pub struct Entrance {
    host: String,
    address: SocketAddr,
    authority: String,
}

impl Entrance {
    /// The same API at another address, such as one of its pods.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// The API's address with its certified name; only an [`Entrance::http`] client finds it.
    pub fn base(&self) -> String {
        format!("https://{}:{}", self.host, self.address.port())
    }

    /// Settings of a client that trusts the application's authority and finds its certified name.
    ///
    /// # Errors
    /// When the authority's certificate cannot be read.
    pub fn http(&self) -> Result<ClientBuilder> {
        let authority = Certificate::from_pem(self.authority.as_bytes())
            .context("the authority is no certificate")?;
        let address = SocketAddr::new(self.address.ip(), 0);
        Ok(Client::builder()
            .tls_certs_only([authority])
            .resolve(&self.host, address)
            .cookie_store(true)
            .timeout(Duration::from_secs(30)))
    }

    /// Signs in with a client of one's own, built from [`Entrance::http`].
    ///
    /// # Errors
    /// When the API refuses; the message holds its answer.
    pub async fn sign_in(&self, http: Client, username: &str, password: &str) -> Result<Session> {
        let base = self.base();
        let answer = http
            .post(format!("{base}/api/auth/login"))
            .json(&json!({"username": username, "password": password}))
            .send()
            .await
            .context("failed to sign in")?;
        let status = answer.status();
        let body: Value = answer
            .json()
            .await
            .context("signing in did not answer with JSON")?;
        ensure!(
            status.is_success(),
            "signing in answered {status}: {}",
            body["detail"]
        );
        let token = body["accessToken"]
            .as_str()
            .context("signing in gave no accessToken")?
            .to_owned();
        Ok(Session { http, token, base })
    }
}

impl Demo {
    /// The way to the API.
    pub fn entrance(&self) -> Entrance {
        Entrance {
            host: format!("{NAME}-api.{NAMESPACE}.svc"),
            address: self.address(),
            authority: self.authority().to_owned(),
        }
    }

    /// Signs in as the first administrator.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn sign_in(&self) -> Result<Session> {
        self.sign_in_as(ADMINISTRATOR, self.admin_password().expose())
            .await
    }

    /// Signs in.
    ///
    /// # Errors
    /// When the API refuses; the message holds its answer.
    pub async fn sign_in_as(&self, username: &str, password: &str) -> Result<Session> {
        let entrance = self.entrance();
        let http = entrance
            .http()?
            .build()
            .context("failed to set up an HTTP client")?;
        entrance.sign_in(http, username, password).await
    }

    /// Whether the API answers at all.
    pub(super) async fn check(&self) -> Result<()> {
        let entrance = self.entrance();
        let http = entrance
            .http()?
            .build()
            .context("failed to set up an HTTP client")?;
        let answer = http
            .get(format!("{}/health", entrance.base()))
            .send()
            .await?;
        ensure!(
            answer.status().is_success(),
            "GET /health answered {}",
            answer.status()
        );
        Ok(())
    }
}
