//! Single HTTP calls to AWS, and what came of each. Secrets Manager is asked in JSON with a signature
//! (SigV4, by AWS's own crate), the Security Token Service with a form and none: the token proves it.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tracing::dispatcher::{Dispatch, with_default};
use url::{Url, form_urlencoded};

use super::place::Action;
use super::settings::AccessKey;
use crate::rotation::ledger::SecretText;
use crate::secret_store::StoreError;
use crate::secret_store::tls::tls_error;

/// How long one call may take, connecting included.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// Life of what the Security Token Service gives; every role allows as much.
pub(super) const SESSION: Duration = Duration::from_secs(3600);
/// Most characters of AWS's own words that are passed on.
const MOST_WORDS: usize = 300;

/// A call did not succeed. Nothing in here is secret: AWS's words are kept only where they cannot
/// repeat what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Explained already: there is nothing to sign with.
    Told(StoreError),
    /// It does not answer; the text says why.
    Unreachable(String),
    /// Too many requests.
    Busy,
    /// The secret has as many versions as it may.
    Full,
    /// A 5xx.
    Broken { code: u16 },
    /// The identity lacks a right. AWS's words name who, what and why.
    Denied(String),
    /// The key of KMS cannot be used. AWS's words.
    Kms(String),
    /// The access key, the session or the token is refused.
    Login { code: String, words: String },
    /// The clock of AWS differs too much.
    Skewed,
    /// There is no such secret, or it has no value yet.
    Missing,
    /// There is one of that name already.
    Exists,
    /// It was deleted, and can be restored for some days.
    Deleted,
    /// Another complaint.
    Refused { code: String, words: String },
    /// An answer that AWS does not give.
    Strange,
}

/// Asks Secrets Manager.
pub(super) async fn call(
    http: &reqwest::Client,
    endpoint: &Url,
    region: &str,
    key: &AccessKey,
    action: Action,
    body: &Value,
) -> Result<Value, Failure> {
    let body = body.to_string().into_bytes();
    let headers = [
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", format!("secretsmanager.{action}")),
    ];
    let signed = signed(endpoint, region, key, &headers, &body).ok_or(Failure::Strange)?;
    let request = http.post(endpoint.clone()).headers(signed).body(body);
    let (code, headers, body) = answer(request).await?;
    if (200..300).contains(&code) {
        return serde_json::from_slice(&body).map_err(|_| Failure::Strange);
    }
    let failure = complaint(code, &headers, &body);
    Err(match failure {
        Failure::Refused { code, .. } if action.carries_value() => Failure::Refused {
            code,
            words: String::new(),
        },
        other => other,
    })
}

/// Exchanges a token of a ServiceAccount for a temporary access key of a role.
pub(super) async fn assume_role(
    http: &reqwest::Client,
    endpoint: &Url,
    role_arn: &str,
    session_name: &str,
    token: &SecretText,
) -> Result<AccessKey, Failure> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "AssumeRoleWithWebIdentity")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role_arn)
        .append_pair("RoleSessionName", session_name)
        .append_pair("WebIdentityToken", token.expose())
        .append_pair("DurationSeconds", &SESSION.as_secs().to_string())
        .finish();
    let request = http
        .post(endpoint.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    let (code, headers, body) = answer(request).await?;
    if !(200..300).contains(&code) {
        return Err(match complaint(code, &headers, &body) {
            // It could not ask the cluster for its keys.
            Failure::Refused { code, words } if code == "IDPCommunicationError" => {
                Failure::Unreachable(words)
            }
            Failure::Refused { code, words } => Failure::Login { code, words },
            Failure::Denied(words) => Failure::Login {
                code: "AccessDenied".to_owned(),
                words,
            },
            other => other,
        });
    }
    let body = String::from_utf8(body).map_err(|_| Failure::Strange)?;
    let text = |name| element(&body, name);
    let parts = (
        text("AccessKeyId"),
        text("SecretAccessKey"),
        text("SessionToken"),
    );
    let (Some(id), Some(secret), Some(session)) = parts else {
        return Err(Failure::Strange);
    };
    Ok(AccessKey {
        id: id.to_owned(),
        secret: SecretText::new(secret),
        session: Some(SecretText::new(session)),
    })
}

/// The headers with a signature for now; `None` when something in them cannot be sent. What the crate
/// would trace goes nowhere.
fn signed(
    endpoint: &Url,
    region: &str,
    key: &AccessKey,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Option<HeaderMap> {
    let session = key
        .session
        .as_ref()
        .map(|session| session.expose().to_owned());
    let credentials = Credentials::new(&key.id, key.secret.expose(), session, None, "reportapp");
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("secretsmanager")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let given = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new("POST", endpoint.as_str(), given.clone(), body).ok()?;
    let signed = with_default(&Dispatch::none(), || sign(request, &parameters)).ok()?;
    let (instructions, _) = signed.into_parts();
    let mut headers = HeaderMap::new();
    for (name, value) in given.chain(instructions.headers()) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

async fn answer(request: RequestBuilder) -> Result<(u16, HeaderMap, Vec<u8>), Failure> {
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    let (code, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.map_err(|error| unreachable(&error))?;
    Ok((code, headers, body.into()))
}

fn unreachable(error: &reqwest::Error) -> Failure {
    let mut causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| {
        Error::source(*error)
    });
    if let Some(tls) = causes.clone().find_map(tls_error) {
        return Failure::Unreachable(format!("the TLS handshake failed ({tls})"));
    }
    if error.is_timeout() {
        return Failure::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()));
    }
    let last = causes.by_ref().last();
    Failure::Unreachable(last.map_or_else(String::new, ToString::to_string))
}

/// What an answer that is not a success means; it is in JSON or in XML.
fn complaint(code: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let kind = headers.get("x-amzn-errortype");
    let kind = kind.and_then(|kind| kind.to_str().ok());
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        let text = |name| body.get(name).and_then(Value::as_str);
        let words = text("message").or_else(|| text("Message"));
        let kind = kind.or_else(|| text("__type"));
        return failure(code, kind.unwrap_or_default(), words.unwrap_or_default());
    }
    let body = String::from_utf8_lossy(body);
    let text = |name| element(&body, name).unwrap_or_default();
    failure(code, kind.unwrap_or_else(|| text("Code")), text("Message"))
}

/// What a kind of complaint means.
fn failure(code: u16, kind: &str, words: &str) -> Failure {
    // `com.amazonaws.secretsmanager#X` and `X:http://…` are both X.
    let kind = kind.split(':').next().unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let kind = kind.trim_end_matches("Exception");
    let shortened = || {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        crate::api_error::shortened(&words, MOST_WORDS).into_owned()
    };
    match kind {
        "Throttling" | "ThrottlingError" | "TooManyRequests" | "RequestLimitExceeded" => {
            Failure::Busy
        }
        "LimitExceeded" => Failure::Full,
        "AccessDenied" if words.contains("KMS") => Failure::Kms(shortened()),
        "AccessDenied" | "UnauthorizedOperation" => Failure::Denied(shortened()),
        "DecryptionFailure" | "EncryptionFailure" => Failure::Kms(shortened()),
        "ResourceNotFound" => Failure::Missing,
        "ResourceExists" => Failure::Exists,
        "InvalidRequest" if words.contains("deletion") || words.contains("marked deleted") => {
            Failure::Deleted
        }
        "RequestTimeTooSkewed" | "RequestExpired" => Failure::Skewed,
        "InvalidSignature" | "SignatureDoesNotMatch"
            if words.starts_with("Signature expired") || words.contains("not yet current") =>
        {
            Failure::Skewed
        }
        "ExpiredToken" | "UnrecognizedClient" | "InvalidClientTokenId" | "InvalidAccessKeyId" => {
            Failure::Login {
                code: kind.to_owned(),
                words: shortened(),
            }
        }
        // These complaints may repeat the headers.
        "InvalidSignature"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => Failure::Login {
            code: kind.to_owned(),
            words: String::new(),
        },
        _ if code == 429 => Failure::Busy,
        _ if code >= 500 => Failure::Broken { code },
        "" => Failure::Strange,
        // These may repeat a parameter.
        "Validation" | "ValidationError" | "Serialization" => Failure::Refused {
            code: kind.to_owned(),
            words: String::new(),
        },
        _ => Failure::Refused {
            code: kind.to_owned(),
            words: shortened(),
        },
    }
}

/// The text of the first element `name`. What is read this way has no characters that XML would write
/// otherwise, or is for people.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}
