//! A token somebody holds: kept from before its signing key was replaced, and shown afterwards.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use crate::demo::access::Session;
use crate::scenarios::cluster::actions::sessions::Pods;
use crate::scenarios::cluster::credentials::published;
use crate::scenarios::cluster::subject::Subject;

/// The credential with the keys that sign tokens.
pub(super) const CREDENTIAL: &str = "tokens";

/// A token that is accepted, and the ids of the keys that verified tokens when it was taken.
pub(super) struct Token {
    session: Session,
    keys: Vec<String>,
}

impl Token {
    /// A token of a new session.
    pub(super) async fn take(subject: &Subject<'_>) -> Result<Self> {
        let session = subject.session().await?;
        let keys = keys(&session).await?;
        ensure!(keys.len() == 1, "before the rotation keys are {keys:?}");
        let pods = Pods::of(subject).await?;
        pods.all_answer(&session, StatusCode::OK).await?;
        Ok(Self { session, keys })
    }

    /// Sees another key in place of its own, and every pod refuse it.
    pub(super) async fn is_replaced(&self, subject: &Subject<'_>) -> Result<()> {
        let now = keys(&subject.session().await?).await?;
        ensure!(
            now.len() == 1 && now != self.keys,
            "keys were {:?} and are {now:?}",
            self.keys
        );
        let given = published(subject).await?.remove(CREDENTIAL);
        let given = given.with_context(|| format!("nothing is published of {CREDENTIAL}"))?;
        let files = given["files"].as_object();
        let files: Vec<_> = files.into_iter().flat_map(|files| files.keys()).collect();
        ensure!(
            files == [reportapp_config::credential::SIGNING_KEY],
            "besides the new key pods are given {files:?}"
        );
        let pods = Pods::of(subject).await?;
        pods.all_answer(&self.session, StatusCode::UNAUTHORIZED)
            .await
    }

    /// Sees that it is not its age for which it would be refused.
    pub(super) fn is_unexpired(&self) -> Result<()> {
        let expires = expiry(&self.session.token)?;
        let now = Timestamp::now().as_second();
        ensure!(
            now < expires,
            "the token has expired {} s ago",
            now - expires
        );
        Ok(())
    }
}

/// When a token expires, in seconds since 1970.
fn expiry(token: &str) -> Result<i64> {
    let claims = token.split('.').nth(1).context("the token has no claims")?;
    let claims = URL_SAFE_NO_PAD.decode(claims).context("no base64")?;
    let claims: Value = serde_json::from_slice(&claims).context("no JSON")?;
    claims["exp"]
        .as_i64()
        .context("the token does not say when")
}

async fn keys(session: &Session) -> Result<Vec<String>> {
    let set = session.get("/.well-known/jwks.json").await?;
    let keys = set["keys"].as_array().context("there is no list of keys")?;
    let ids = keys.iter().filter_map(|key| key["kid"].as_str());
    Ok(ids.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_from_its_claims() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"ana","exp":1800000000}"#);
        assert_eq!(
            expiry(&format!("head.{claims}.sign")).unwrap(),
            1_800_000_000
        );
        assert!(expiry("no-token").is_err());
    }
}
