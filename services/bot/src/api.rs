//! The internal API: who a chat belongs to, and figures.
//!
//! Every call reports to the dependency `api`. The certificate must be signed by the configured
//! authority and carry the configured name; the authority's file is read again when a call fails,
//! since it changes without a new pod.

pub mod client;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::Histogram;
use reportapp_config::bot::InternalApi;
use reportapp_config::credential::{CredentialError, Secret, TOKEN};
use reportapp_config::status::Reason;
use reportapp_telemetry::DependencyHandle;
use reqwest012::{Client, Method, RequestBuilder, StatusCode};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use self::client::ClientError;

/// A company that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Company {
    /// Name of its server.
    pub server: String,
    /// Id on that server.
    pub id: String,
    /// Name.
    pub name: String,
}

/// The user behind a chat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Name to show.
    pub display_name: String,
}

/// Cash and bank of a company in its latest month.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// Whose.
    pub company: CompanyName,
    /// Year of the month.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
    /// Accounts of class 5.
    pub accounts: Vec<Account>,
}

/// A company as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CompanyName {
    /// Name.
    pub name: String,
    /// ISO 4217 code of its currency.
    pub currency: String,
}

/// The closing balance of one account, on one of its sides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Account code.
    pub cont: String,
    /// Account name, if it has one.
    pub denumire: Option<String>,
    /// Debit balance.
    #[serde(with = "rust_decimal::serde::str")]
    pub solddeb: Decimal,
    /// Credit balance.
    #[serde(with = "rust_decimal::serde::str")]
    pub soldcred: Decimal,
}

/// A one-time code for a new password. A secret until it is used.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ResetCode {
    /// The code.
    pub code: String,
    /// Name of the user it is for.
    pub username: String,
}

/// Why there is no answer to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The API says no, with its stable code.
    #[error("the API refuses: {0}")]
    Refused(Refusal),
    /// The API, or something behind it, does not work.
    #[error("the API is not available")]
    Unavailable,
}

/// A refusal that a person can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The chat is linked to nobody.
    #[error("NotLinked")]
    NotLinked,
    /// The code is wrong, used or expired.
    #[error("CodeUnknown")]
    CodeUnknown,
    /// Too many codes were tried.
    #[error("TooManyAttempts")]
    TooManyAttempts,
    /// No company was chosen yet.
    #[error("CompanyNotChosen")]
    CompanyNotChosen,
    /// The company is gone.
    #[error("CompanyUnknown")]
    CompanyUnknown,
    /// The company has no postings.
    #[error("CompanyEmpty")]
    CompanyEmpty,
    /// The password of the account is kept by an ERP.
    #[error("ErpAccount")]
    ErpAccount,
}

impl Refusal {
    fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "NotLinked" => Self::NotLinked,
            "CodeUnknown" => Self::CodeUnknown,
            "TooManyAttempts" => Self::TooManyAttempts,
            "CompanyNotChosen" => Self::CompanyNotChosen,
            "CompanyUnknown" | "ServerUnknown" => Self::CompanyUnknown,
            "CompanyEmpty" => Self::CompanyEmpty,
            "ErpAccount" => Self::ErpAccount,
            _ => return None,
        })
    }
}

/// The API cannot be called at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token cannot be read.
    #[error("failed to read the token of the internal API")]
    Token(#[source] CredentialError),
    /// The address is none.
    #[error("`{url}` is not an address of the internal API")]
    Url {
        /// What was configured.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The authority's file or the name cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The internal API.
#[derive(Debug)]
pub struct Api {
    base: Url,
    token: Secret,
    config: InternalApi,
    client: Mutex<Client>,
    dependency: DependencyHandle,
    seconds: Histogram,
}

impl Api {
    /// Reads token and authority.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(
        config: &InternalApi,
        dependency: DependencyHandle,
        seconds: Histogram,
    ) -> Result<Self, SetupError> {
        let token = Secret::read_file(&config.credential, TOKEN).map_err(SetupError::Token)?;
        let address = |source| SetupError::Url {
            url: config.url.clone(),
            source,
        };
        let url = Url::parse(&config.url).map_err(address)?;
        let base = client::base(&url, &config.server_name)
            .and_then(|base| base.join("api/telegram/internal/"))
            .map_err(address)?;
        let client = Mutex::new(client::build(config, &url)?);
        Ok(Self {
            base,
            token,
            config: config.clone(),
            client,
            dependency,
            seconds,
        })
    }

    /// Links `chat` to the user whose code it is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn redeem(&self, code: &str, chat: i64, name: &str) -> Result<User, ApiError> {
        #[derive(Deserialize)]
        struct Redeemed {
            user: User,
        }
        let body = json!({"code": code, "chatId": chat, "chatName": name});
        let redeemed: Redeemed = self
            .call(Method::POST, "redeem", |request| request.json(&body))
            .await?;
        Ok(redeemed.user)
    }

    /// Companies the chat may choose from.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn companies(&self, chat: i64) -> Result<Vec<Company>, ApiError> {
        self.call(Method::GET, &format!("chat/{chat}/companies"), |request| {
            request
        })
        .await
    }

    /// Chooses the company the chat looks at.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn choose(&self, chat: i64, company: &Company) -> Result<(), ApiError> {
        let body = json!({"server": company.server, "company": company.id});
        let path = format!("chat/{chat}/company");
        self.call::<Nothing>(Method::PUT, &path, |request| request.json(&body))
            .await
            .map(drop)
    }

    /// Cash and bank of the chosen company.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn balance(&self, chat: i64) -> Result<Balance, ApiError> {
        self.call(Method::GET, &format!("chat/{chat}/balance"), |request| {
            request
        })
        .await
    }

    /// Unlinks the chat.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unlink(&self, chat: i64) -> Result<(), ApiError> {
        let path = format!("chat/{chat}/unlink");
        self.call::<Nothing>(Method::POST, &path, |request| request)
            .await
            .map(drop)
    }

    /// A one-time code for a new password of the user behind the chat.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn reset_code(&self, chat: i64) -> Result<ResetCode, ApiError> {
        let path = format!("chat/{chat}/password-reset");
        self.call(Method::POST, &path, |request| request).await
    }

    /// Asks about a chat that cannot exist, to see whether the API answers and accepts our token.
    pub async fn probe(&self) -> bool {
        let answer = self
            .call::<Nothing>(Method::GET, "chat/0", |request| request)
            .await;
        !matches!(answer, Err(ApiError::Unavailable))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, ApiError> {
        let url = self
            .base
            .join(path)
            .expect("our paths are valid below any base address");
        let client = self
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request = client.request(method, url).bearer_auth(self.token.expose());
        let started = self.seconds.start_timer();
        let response = match fill(request).send().await {
            Ok(response) => response,
            Err(error) => {
                self.lost(&error);
                return Err(ApiError::Unavailable);
            }
        };
        let status = response.status();
        let body = response.bytes().await;
        started.observe_duration();
        match body {
            Ok(body) => self.read(status, &body),
            Err(error) => {
                self.lost(&error);
                Err(ApiError::Unavailable)
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, status: StatusCode, body: &[u8]) -> Result<T, ApiError> {
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            let message = "the internal API refuses the bot's token; both must hold the same one";
            self.dependency.failing(Reason::ApiUnreachable, message);
            return Err(ApiError::Unavailable);
        }
        self.dependency.ok();
        if status.is_success() {
            let body = if body.is_empty() { b"null" } else { body };
            return serde_json::from_slice(body).map_err(|error| {
                tracing::error!(%error, "the internal API answers in an unexpected form");
                ApiError::Unavailable
            });
        }
        let code = serde_json::from_slice::<Failure>(body).map(|failure| failure.code);
        let code = code.unwrap_or_default();
        match Refusal::from_code(&code) {
            Some(refusal) => Err(ApiError::Refused(refusal)),
            None => {
                tracing::warn!(status = status.as_u16(), code, "the internal API fails");
                Err(ApiError::Unavailable)
            }
        }
    }

    /// The message names no address of ours but the configured one, and no token.
    fn lost(&self, error: &reqwest012::Error) {
        let message = format!(
            "the internal API at {} cannot be reached: {}",
            self.config.url,
            client::describe(error)
        );
        self.dependency.failing(Reason::ApiUnreachable, message);
        let url = Url::parse(&self.config.url).ok();
        match url.map(|url| client::build(&self.config, &url)) {
            Some(Ok(fresh)) => {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
            }
            Some(Err(error)) => tracing::debug!(%error, "keeping the previous authority"),
            None => {}
        }
    }
}

/// Longest wait for an answer.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// An answer without content, or whose content does not matter.
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// What we read of a problem document.
#[derive(Deserialize)]
struct Failure {
    code: String,
}
