//! The Secrets a spec names: each read by name, never listed, kept for one reconcile.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::{Client, ResourceExt as _};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};
use tokio::time::timeout;

use crate::api_error::ApiError;
use crate::reportapp::lending::is_lent;
use crate::reportapp::model::{SecretBytes, SecretLookup};
use crate::reportapp::validate::named_secrets;
use crate::rotation::trouble::{Reason, Trouble};

/// Requests at a time.
pub(super) const AT_ONCE: usize = 8;
/// How long one may take, so that an API server that is silent, or that sends the client away again and
/// again, leaves time to say so.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// Looks every named Secret up.
pub async fn named(
    client: &Client,
    namespace: &str,
    app: &ReportApp,
) -> BTreeMap<String, SecretLookup> {
    let api = Api::<Secret>::namespaced(client.clone(), namespace);
    let app_name = app.name_any();
    stream::iter(named_secrets(&app.spec))
        .map(|name| {
            let (api, app_name) = (&api, &app_name);
            async move {
                let found = look_up(api, &name, app_name).await;
                (name, found)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn look_up(api: &Api<Secret>, name: &str, app: &str) -> SecretLookup {
    match timeout(LONGEST, api.get_opt(name)).await {
        Ok(Ok(Some(secret))) => judged(secret, app),
        Ok(Ok(None)) => SecretLookup::Missing,
        Ok(Err(error)) => unanswered(name, &error),
        Err(_) => {
            let seconds = LONGEST.as_secs();
            let message = format!("the API server did not give it within {seconds} s");
            SecretLookup::Unread(Trouble::new(Reason::ApiServer, message))
        }
    }
}

/// Only a missing right stays until a person grants it; anything else may pass by itself.
fn unanswered(name: &str, error: &kube::Error) -> SecretLookup {
    let told = ApiError::new::<Secret>("get", name, error);
    match error {
        kube::Error::Api(status) if status.code == 403 => SecretLookup::Forbidden(told.to_string()),
        _ => SecretLookup::Unread(Trouble::new(Reason::ApiServer, told.to_string())),
    }
}

/// Values are taken only from a Secret that lends itself to the application.
fn judged(secret: Secret, app: &str) -> SecretLookup {
    let annotation = secret.annotations().get(ALLOW_ANNOTATION).cloned();
    if !is_lent(annotation.as_deref(), app) {
        return SecretLookup::NotAllowed { annotation };
    }
    let data = secret.data.unwrap_or_default();
    SecretLookup::Found {
        data: data
            .into_iter()
            .map(|(key, value)| (key, SecretBytes::new(value.0)))
            .collect(),
        kind: secret.type_.unwrap_or_else(|| "Opaque".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use k8s_openapi::ByteString;
    use kube::api::ObjectMeta;
    use kube::core::Status;

    use super::*;

    fn secret(allow: Option<&str>) -> Secret {
        Secret {
            metadata: ObjectMeta {
                annotations: allow
                    .map(|list| BTreeMap::from([(ALLOW_ANNOTATION.to_owned(), list.to_owned())])),
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from([(
                "password".to_owned(),
                ByteString(b"x".to_vec()),
            )])),
            ..Secret::default()
        }
    }

    #[test]
    fn values_are_taken_of_a_secret_that_lends_itself() {
        let found = judged(secret(Some("other, reports")), "reports");
        assert!(matches!(found, SecretLookup::Found { data, .. } if data.contains_key("password")));
    }

    #[test]
    fn only_a_missing_right_is_told_as_one() {
        let answer = |code: u16, reason: &str| {
            let status = Status::failure("about CANARY", reason).with_code(code);
            unanswered("erp", &kube::Error::Api(status.boxed()))
        };
        assert!(matches!(
            answer(403, "Forbidden"),
            SecretLookup::Forbidden(_)
        ));
        for (code, reason) in [
            (401, "Unauthorized"),
            (429, "TooManyRequests"),
            (500, "InternalError"),
            (503, "ServiceUnavailable"),
            (504, "Timeout"),
        ] {
            let SecretLookup::Unread(trouble) = answer(code, reason) else {
                panic!("{code}");
            };
            assert_eq!(trouble.reason, Reason::ApiServer);
            assert_eq!(
                trouble.message,
                format!("the API server refuses to get secrets erp: {code} {reason}")
            );
        }
    }

    /// An API server that takes the request and says nothing.
    #[tokio::test(start_paused = true)]
    async fn a_silent_api_server_is_waited_for_only_so_long() {
        let silent = tower::service_fn(|_: http::Request<kube::client::Body>| {
            futures::future::pending::<Result<http::Response<kube::client::Body>, Infallible>>()
        });
        let client = Client::new(silent, "reports");
        let found = look_up(&Api::namespaced(client, "reports"), "erp", "demo").await;
        assert!(
            matches!(&found, SecretLookup::Unread(trouble) if trouble.message.contains("within 5 s")),
            "{found:?}"
        );
    }

    #[test]
    fn values_of_a_secret_that_does_not_lend_itself_are_dropped() {
        let found = judged(secret(Some("other")), "reports");
        assert!(
            matches!(found, SecretLookup::NotAllowed { annotation: Some(list) } if list == "other")
        );
    }
}
