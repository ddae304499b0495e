//! The Secrets a spec names: each read by name, never listed, kept for one reconcile.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::{Client, ResourceExt as _};
use reportapp_crds::{ALLOW_ANNOTATION, ReportApp};

use crate::api_error::ApiError;
use crate::reportapp::model::{SecretBytes, SecretLookup};
use crate::reportapp::validate::named_secrets;

/// Requests at a time.
const AT_ONCE: usize = 8;

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
    match api.get_opt(name).await {
        Ok(Some(secret)) => judged(secret, app),
        Ok(None) => SecretLookup::Missing,
        Err(error) => {
            SecretLookup::Forbidden(ApiError::new::<Secret>("get", name, &error).to_string())
        }
    }
}

/// Values are taken only from a Secret that lends itself to the application.
fn judged(secret: Secret, app: &str) -> SecretLookup {
    let annotation = secret.annotations().get(ALLOW_ANNOTATION).cloned();
    let allows = |list: &String| list.split(',').any(|allowed| allowed.trim() == app);
    if !annotation.as_ref().is_some_and(allows) {
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
    use k8s_openapi::ByteString;
    use kube::api::ObjectMeta;

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
    fn a_secret_lends_itself_only_to_the_applications_in_its_list() {
        for (list, allowed) in [
            (Some("reports"), true),
            (Some("other, reports"), true),
            (Some("reports-2"), false),
            (Some(""), false),
            (None, false),
        ] {
            let found = judged(secret(list), "reports");
            assert_eq!(
                matches!(found, SecretLookup::Found { .. }),
                allowed,
                "{list:?}"
            );
        }
    }

    #[test]
    fn values_of_a_secret_that_does_not_lend_itself_are_dropped() {
        let found = judged(secret(Some("other")), "reports");
        assert!(
            matches!(found, SecretLookup::NotAllowed { annotation: Some(list) } if list == "other")
        );
    }
}
