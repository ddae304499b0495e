//! Specs that cannot work: refused by the API server or by the operator, every problem named with
//! field and remedy, the running application untouched.

use anyhow::{Context as _, Result, ensure};
use reportapp_crds::ReportApp;
use serde_json::{Value, json};

use super::sample;
use super::snapshot::{Snapshot, difference, exact};
use super::stage::Stage;
use crate::scenarios::watch::{condition, is_observed, says};
use crate::scenarios::world::World;

/// A change that makes the sample invalid, and words the refusal must contain.
struct Case {
    title: &'static str,
    change: fn(&mut Value),
    says: &'static [&'static str],
}

fn case(title: &'static str, change: fn(&mut Value), says: &'static [&'static str]) -> Case {
    Case {
        title,
        change,
        says,
    }
}

fn cases() -> Vec<Case> {
    [
        schema_cases(),
        foreign_cases(),
        aws_cases(),
        reference_cases(),
        unimplemented_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn schema_cases() -> Vec<Case> {
    vec![
        case(
            "two servers with one name",
            |s| push_server(s, "main"),
            &["spec.servers", "same name"],
        ),
        case(
            "no known host key",
            |s| s["servers"][0]["tunnel"]["knownHosts"] = json!([]),
            &["knownHosts", "ssh-keyscan"],
        ),
        case(
            "Oracle without service name or SID",
            |s| s["servers"][0]["engine"] = json!("Oracle"),
            &["serviceName", "sid"],
        ),
        case(
            "SQLite store with two replicas",
            |s| s["store"] = json!({ "engine": "Sqlite" }),
            &["spec.api.replicas must be 1", "Sqlite"],
        ),
        case(
            "bad registry",
            |s| s["image"]["registry"] = json!("https://GHCR.io/x/"),
            &["spec.image.registry", "no scheme"],
        ),
        case(
            "bad tag",
            |s| s["image"]["tag"] = json!("a b"),
            &["spec.image.tag", "such as 0.1.0"],
        ),
        case(
            "negative pool",
            |s| s["servers"][0]["pool"] = json!({ "min": -1 }),
            &["pool.min", "greater than or equal to 0"],
        ),
        case(
            "pool min above max",
            |s| s["store"]["pool"] = json!({ "min": 9, "max": 3 }),
            &["pool.min must not exceed pool.max"],
        ),
        case(
            "bad CIDR",
            |s| s["networkPolicy"] = json!({ "egressCidrs": ["10.0.0.300/8"] }),
            &["egressCidrs", "192.0.2.10/32"],
        ),
        case(
            "bad length of time",
            |s| s["api"]["drain"] = json!("5 minutes"),
            &["spec.api.drain"],
        ),
        case(
            "a certificate with a name no Secret can have",
            |s| s["web"]["tls"] = json!({ "secretName": "Certificate" }),
            &["spec.web.tls.secretName", "lower case"],
        ),
        case(
            "a credential of no kind",
            |s| drop(fields(&mut s["credentials"][4]).remove("telegram")),
            &["exactly one of database"],
        ),
        case(
            "a migrator of a SQLite store",
            |s| {
                s["store"] = json!({ "engine": "Sqlite", "migrator": { "credential": "store" } });
                s["api"]["replicas"] = json!(1);
            },
            &["spec.store.migrator", "engine Postgres only"],
        ),
        case(
            "a migrator that serves as well",
            |s| s["store"]["migrator"] = json!({ "credential": "store" }),
            &["spec.store.migrator.credential must not be"],
        ),
        case(
            "replicas without Redis",
            |s| drop(fields(s).remove("redis")),
            &["spec.redis is required"],
        ),
    ]
}

/// References leave the namespace nowhere.
fn foreign_cases() -> Vec<Case> {
    vec![
        case(
            "a Secret of another namespace",
            |s| s["credentials"][0]["from"]["secretRef"]["name"] = json!("other/erp"),
            &["secretRef.name", "other namespaces cannot be used"],
        ),
        case(
            "a pull secret of another namespace",
            |s| s["image"]["pullSecrets"] = json!(["registry", "other/registry"]),
            &["spec.image.pullSecrets", "other namespaces cannot be used"],
        ),
        case(
            "a place to publish of another namespace",
            |s| {
                let place = json!({ "kubernetesSecret": "other/login", "key": "password" });
                s["credentials"][0]["publish"] = json!([place]);
            },
            &["kubernetesSecret", "other namespaces cannot be used"],
        ),
        case(
            "a workload of another namespace",
            |s| {
                let workload = json!({ "kind": "Deployment", "name": "other/shop" });
                s["credentials"][0]["restart"] = json!([workload]);
            },
            &["restart[0].name", "other namespaces cannot be used"],
        ),
        case(
            "report files of another namespace",
            |s| s["reports"] = json!({ "configMap": "other/reports" }),
            &["spec.reports.configMap", "other namespaces cannot be used"],
        ),
    ]
}

/// A Secrets Manager that is asked as a role.
fn aws(region: &str) -> Value {
    let role = "arn:aws:iam::123456789012:role/reports";
    json!({ "region": region, "auth": { "webIdentity": { "roleArn": role } } })
}

fn aws_cases() -> Vec<Case> {
    vec![
        case(
            "a region that is none",
            |s| s["secretStore"] = json!({ "awsSecretsManager": aws("Frankfurt") }),
            &["spec.secretStore.awsSecretsManager.region"],
        ),
        case(
            "two ways to prove who asks AWS",
            |s| {
                let mut aws = aws("eu-central-1");
                aws["auth"]["accessKey"] = json!({ "secretName": "aws-login" });
                s["secretStore"] = json!({ "awsSecretsManager": aws });
            },
            &["exactly one of secretStore.awsSecretsManager.auth.webIdentity and accessKey"],
        ),
        case(
            "an access key of another namespace",
            |s| {
                let mut aws = aws("eu-central-1");
                aws["auth"] = json!({ "accessKey": { "secretName": "other/aws" } });
                s["secretStore"] = json!({ "awsSecretsManager": aws });
            },
            &["accessKey.secretName", "other namespaces cannot be used"],
        ),
        case(
            "AWS without TLS",
            |s| {
                let mut aws = aws("eu-central-1");
                aws["endpoint"] = json!("http://127.0.0.1:5000");
                s["secretStore"] = json!({ "awsSecretsManager": aws });
            },
            &["spec.secretStore.awsSecretsManager.endpoint"],
        ),
        case(
            "a published secret of AWS without AWS",
            |s| {
                let place = json!({ "awsSecret": "erp/login", "key": "url" });
                s["credentials"][0]["publish"] = json!([place]);
            },
            &[
                "spec.credentials[erp].publish[0]",
                "spec.secretStore.awsSecretsManager",
            ],
        ),
    ]
}

fn reference_cases() -> Vec<Case> {
    vec![
        case(
            "unknown credential",
            |s| s["servers"][0]["credential"] = json!("erpp"),
            &["spec.servers[main].credential", "erpp", "erp"],
        ),
        case(
            "a credential used for something else",
            |s| s["servers"][0]["credential"] = json!("redis"),
            &["spec.servers[main].credential", "redis"],
        ),
        case(
            "missing Secret",
            |s| s["credentials"][0]["from"]["secretRef"]["name"] = json!("absent"),
            &["spec.credentials[erp].from.secretRef", "absent"],
        ),
        case(
            "missing key",
            |s| s["credentials"][0]["from"]["secretRef"]["key"] = json!("pass"),
            &["spec.credentials[erp].from.secretRef", "pass", "password"],
        ),
        case(
            "an RSA key for the bastion",
            |s| s["credentials"][1]["from"]["secretRef"]["name"] = json!("rsa-key"),
            &[
                "spec.credentials[bastion-key]",
                "ssh-rsa",
                "ssh-keygen -t ed25519",
            ],
        ),
    ]
}

fn unimplemented_cases() -> Vec<Case> {
    vec![
        case(
            "Oracle",
            |s| {
                s["servers"][0]["engine"] = json!("Oracle");
                s["servers"][0]["serviceName"] = json!("ERP");
                fields(&mut s["servers"][0]).remove("database");
            },
            &["spec.servers[main].engine: Oracle", "not implemented"],
        ),
        case(
            "a bad cron expression",
            |s| s["backup"] = json!({ "schedule": "61 * * * *" }),
            &["spec.backup.schedule", "61 * * * *"],
        ),
        case(
            "a rotation that never comes",
            |s| s["credentials"][0]["rotation"] = json!({ "schedule": "61 * * * *" }),
            &["spec.credentials[erp].rotation.schedule", "61 * * * *"],
        ),
        case(
            "webhook",
            |s| s["bot"]["mode"] = json!("Webhook"),
            &["spec.bot.mode: Webhook"],
        ),
        case(
            "three problems at once",
            |s| {
                s["servers"][0]["credential"] = json!("erpp");
                s["credentials"][3]["from"]["secretRef"]["name"] = json!("absent");
                s["incidents"] = json!({ "notify": ["on-call"] });
            },
            &["erpp", "absent", "spec.incidents"],
        ),
    ]
}

fn push_server(spec: &mut Value, name: &str) {
    if let Some(servers) = spec["servers"].as_array_mut() {
        servers.push(sample::server(name));
    }
}

fn fields(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value.as_object_mut().expect("the sample has objects here")
}

pub(super) async fn refused(world: &World) -> Result<()> {
    let stage = Stage::new(world, "bad-input").await?;
    stage
        .put_secret(&sample::secret(
            "rsa-key",
            "private-key",
            &sample::ssh_key("rsa", "")?,
        ))
        .await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    let before = exact(&stage).await?;
    ensure!(
        before.keys().any(|name| name.starts_with("Deployment/")),
        "the operator created no Deployment"
    );
    for case in cases() {
        check(&stage, &case).await.with_context(|| case.title)?;
        is_untouched(&stage, &before, case.title).await?;
    }
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    is_untouched(&stage, &before, "mending the spec").await?;
    operator.stop().await?;
    stage.remove().await
}

/// Whether every object of the application is the very one it was, with the same content.
async fn is_untouched(stage: &Stage<'_>, before: &Snapshot, what: &str) -> Result<()> {
    let after = exact(stage).await?;
    ensure!(
        after == *before,
        "{what}: the running application was changed:\n{}",
        difference(before, &after)
    );
    Ok(())
}

async fn check(stage: &Stage<'_>, case: &Case) -> Result<()> {
    let mut object = sample::report_app();
    (case.change)(&mut object["spec"]);
    let answer = match stage.put_app(&object).await {
        Err(kube::Error::Api(refused)) => refused.message,
        Err(other) => return Err(other.into()),
        Ok(()) => refusal(&stage.until(sample::NAME, "refused", is_refused).await?),
    };
    for word in case.says {
        ensure!(
            answer.contains(word),
            "the refusal does not say {word:?}: {answer}"
        );
    }
    Ok(())
}

fn is_refused(app: &ReportApp) -> bool {
    is_observed(app) && says(app, "Stalled", "True")
}

fn refusal(app: &ReportApp) -> String {
    condition(app, "Stalled")
        .map(|c| c.message.clone())
        .unwrap_or_default()
}

pub(super) async fn unmarked_secret(world: &World) -> Result<()> {
    let stage = Stage::new(world, "unmarked").await?;
    let mut unmarked = sample::secret("erp", "password", "not-lent");
    unmarked.metadata.annotations = None;
    stage.put_secret(&unmarked).await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    let answer = refusal(&stage.until(sample::NAME, "refused", is_refused).await?);
    for word in [
        "spec.credentials[erp]",
        "annotate secret erp reportapp.dev/allow=sample",
    ] {
        ensure!(
            answer.contains(word),
            "the refusal does not say {word:?}: {answer}"
        );
    }
    let made = exact(&stage).await?;
    ensure!(
        made.is_empty(),
        "objects were created for a refused spec: {:?}",
        made.keys()
    );
    stage
        .put_secret(&sample::secret("erp", "password", "lent"))
        .await?;
    stage.until_applied(sample::NAME).await?;
    operator.stop().await?;
    stage.remove().await
}

pub(super) async fn host_taken(world: &World) -> Result<()> {
    let stage = Stage::new(world, "host-taken").await?;
    let operator = stage.operator("one", &[]).await?;
    stage.put_app(&sample::report_app()).await?;
    stage.until_applied(sample::NAME).await?;
    let mut younger = sample::report_app();
    younger["metadata"]["name"] = json!("younger");
    for mut secret in sample::secrets()? {
        let marks = secret.metadata.annotations.get_or_insert_default();
        marks.insert(
            reportapp_crds::ALLOW_ANNOTATION.to_owned(),
            "sample, younger".to_owned(),
        );
        stage.put_secret(&secret).await?;
    }
    // Creation times have a resolution of one second and a tie is decided by uid: let it pass.
    let older = stage
        .apps()
        .get(sample::NAME)
        .await?
        .metadata
        .creation_timestamp;
    let passed =
        older.context("the API server gives a creation time")?.0 + jiff::Span::new().seconds(1);
    let rest = passed.duration_since(jiff::Timestamp::now());
    tokio::time::sleep(rest.try_into().unwrap_or_default()).await;
    stage.put_app(&younger).await?;
    let answer = refusal(&stage.until("younger", "refused", is_refused).await?);
    for word in ["spec.web.host", "sample.example.com", "host-taken/sample"] {
        ensure!(
            answer.contains(word),
            "the refusal does not say {word:?}: {answer}"
        );
    }
    younger["spec"]["web"]["host"] = json!("younger.example.com");
    stage.put_app(&younger).await?;
    stage.until_applied("younger").await?;
    operator.stop().await?;
    stage.remove().await
}
