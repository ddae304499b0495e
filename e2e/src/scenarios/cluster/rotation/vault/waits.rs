//! Rotations with the ledger in Vault, under traffic: one as usual; one that finds Vault restarted and
//! without the operator's token, and sealed half-way. Meanwhile a pod whose token is in Vault starts again.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use reportapp_crds::secret_rotation::Phase;

use super::shop::Shop;
use super::{CREDENTIAL, entry, in_vault, only_hashes_are_logged};
use crate::demo::NAMESPACE;
use crate::scenarios::cluster::load::Load;
use crate::scenarios::cluster::rotation::held::Held;
use crate::scenarios::cluster::rotation::{ledger, order};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::watch;
use crate::scenarios::world::World;

pub(in super::super) async fn for_vault(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let shop = Shop::open(&subject).await?;
    let scene = async || {
        let load = Load::start(&subject).await?;
        let took = as_usual(&subject, &shop).await?;
        sealed_half_way(&subject, &shop).await?;
        let tally = load.none_failed().await?;
        world
            .progress()
            .note(&format!("{took:.1} s with the ledger in Vault; {tally}"));
        Ok(())
    };
    let outcome = in_vault(&subject, Shop::is_told, scene).await;
    shop.close(&subject).await?;
    outcome
}

/// Gives the seconds it took.
async fn as_usual(subject: &Subject<'_>, shop: &Shop) -> Result<f64> {
    let elsewhere = ledger::read(subject, CREDENTIAL).await.ok();
    let held = Held::take(subject, CREDENTIAL).await?;
    let took = order::rotate(subject, &[CREDENTIAL.name()]).await?;
    held.is_replaced(subject).await?;
    let entry = entry(subject).await?;
    ensure!(
        entry["closed"]["succeeded"] == true && entry["rotation"].is_null(),
        "the ledger in Vault does not say how the rotation ended"
    );
    let current = |ledger: Option<ledger::Ledger>| ledger?.current.map(|value| value.rotation);
    let now = ledger::read(subject, CREDENTIAL).await.ok();
    ensure!(
        current(now) == current(elsewhere),
        "the ledger in Kubernetes was written as well"
    );
    shop.has_the_login(subject, 2).await?;
    Ok(took.as_secs_f64())
}

async fn sealed_half_way(subject: &Subject<'_>, shop: &Shop) -> Result<()> {
    let backends = subject.backends();
    let held = Held::take(subject, CREDENTIAL).await?;
    backends.revoke_vault_logins().await?;
    backends.restart_vault().await?;
    let logins = logins(subject).await?;
    let rotation = order::create(subject, order::manual(&[CREDENTIAL.name()])).await?;
    order::until(subject, &rotation, "rolling out", order::rolls_out).await?;
    backends.seal_vault().await?;
    let stalled = order::until(subject, &rotation, "stalled: StoreUnavailable", |seen| {
        order::is_stalled(seen, "StoreUnavailable")
    })
    .await?;
    let message = order::message_of(&stalled);
    ensure!(
        message.contains("vault operator unseal"),
        "it does not name the remedy: {message}"
    );
    held.works(subject).await?;
    Held::take(subject, CREDENTIAL).await?;
    subject.session().await?.get("/api/companies").await?;
    bot_starts_again(subject).await?;

    backends.unseal_vault().await?;
    order::until_ended(subject, &rotation, Phase::Succeeded).await?;
    held.is_replaced(subject).await?;
    ensure!(
        self::logins(subject).await? > logins,
        "the revoked token was not replaced by another login"
    );
    let url = shop.has_the_login(subject, 3).await?;
    let held = held.login().password.expose();
    only_hashes_are_logged(subject, &[held, &url]).await
}

/// Its token is in Vault, which is sealed.
async fn bot_starts_again(subject: &Subject<'_>) -> Result<()> {
    let pods = subject.objects::<Pod>();
    let bot = ListParams::default().labels("app.kubernetes.io/component=bot");
    pods.delete_collection(&DeleteParams::default(), &bot)
        .await?;
    let mut started = vec!["rollout", "status", "--timeout=60s"];
    started.extend(["--namespace", NAMESPACE, "deployment/demo-bot"]);
    subject.kubectl(&started).await?;
    subject
        .until("Ready with what its pods had before", |app| {
            watch::says(app, "Ready", "True")
                && watch::condition(app, "UpToDate")
                    .is_some_and(|found| found.reason == "StoreUnavailable")
        })
        .await
        .map(drop)
}

/// How many logins Vault granted so far.
async fn logins(subject: &Subject<'_>) -> Result<usize> {
    let log = subject.backends().vault_audit_log().await?;
    let granted = log.lines().filter(|line| {
        line.contains(r#""type":"response""#)
            && line.contains(r#""path":"auth/kubernetes/login""#)
            && line.contains(r#""client_token":"hmac-sha256:"#)
    });
    Ok(granted.count())
}
