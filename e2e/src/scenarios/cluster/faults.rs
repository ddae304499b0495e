//! Things break outside the application: each has a reason of its own, and when it is mended the
//! application recovers without a restart of anything. Also who can reach what on the network.

use anyhow::{Result, ensure};
use reportapp_config::{INTERNAL_PORT, Secret, TUNNEL_PORT};
use reportapp_crds::ReportApp;

use super::credentials::Credential;
use super::pods;
use super::subject::Subject;
use crate::backends::{Backend, Database, ERP_HOST, HostKey};
use crate::demo::{NAME, NAMESPACE};
use crate::scenarios::watch::{condition, says};
use crate::scenarios::world::World;

/// Port of the ERP's database.
const ERP_PORT: u16 = 5432;
/// Port of the API for everybody.
const HTTPS_PORT: u16 = 443;

/// Waits for the reason, then for the recovery, and sees that no pod was restarted for it.
async fn breaks_and_recovers(
    subject: &Subject<'_>,
    reasons: &[&str],
    break_it: impl AsyncFnOnce() -> Result<()>,
    mend_it: impl AsyncFnOnce() -> Result<()>,
) -> Result<()> {
    let before = pods::of(subject).await?;
    break_it().await?;
    let named = |app: &ReportApp| {
        let ready = condition(app, "Ready");
        says(app, "Ready", "False")
            && ready.is_some_and(|ready| reasons.contains(&ready.reason.as_str()))
    };
    let broken = subject
        .until(
            &format!("not Ready because of {}", reasons.join(" or ")),
            named,
        )
        .await;
    mend_it().await?;
    broken?;
    subject.until_ready().await?;
    let after = pods::of(subject).await?;
    ensure!(before == after, "pods were restarted: {before:?} {after:?}");
    let api = subject.session().await?;
    ensure!(
        api.get("/api/companies")
            .await?
            .as_array()
            .is_some_and(|list| !list.is_empty()),
        "no companies"
    );
    Ok(())
}

pub(super) async fn database_login(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let backends = subject.backends();
    let real = Credential::Erp.in_use(&subject).await?;
    let other = Secret::from("changed-behind-our-back");
    let set = async |password| {
        let user = &real.username;
        backends.set_password(Database::Erp, user, password).await
    };
    breaks_and_recovers(
        &subject,
        &["DatabaseLoginRefused"],
        async || set(&other).await,
        async || set(&real.password).await,
    )
    .await
}

pub(super) async fn host_key(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let backends = subject.backends();
    let (real, other) = (backends.host_key().await?, HostKey::generate().await?);
    breaks_and_recovers(
        &subject,
        &["TunnelHostKeyMismatch"],
        async || backends.set_host_key(&other).await,
        async || backends.set_host_key(&real).await,
    )
    .await
}

pub(super) async fn bastion_down(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let backends = subject.backends();
    breaks_and_recovers(
        &subject,
        &["BastionUnreachable"],
        async || backends.stop(Backend::Bastion).await,
        async || backends.start(Backend::Bastion).await,
    )
    .await
}

pub(super) async fn database_down(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let backends = subject.backends();
    // The bastion answers, the database behind it does not.
    breaks_and_recovers(
        &subject,
        &["TunnelForwardRefused", "DatabaseUnreachable"],
        async || backends.stop(Backend::Erp).await,
        async || backends.start(Backend::Erp).await,
    )
    .await
}

pub(super) async fn only_through_the_tunnel(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let reaches = async |from: Backend| subject.dials(from, ERP_HOST, ERP_PORT).await;
    ensure!(
        reaches(Backend::Bastion).await?,
        "the bastion cannot reach the ERP's database"
    );
    for other in [Backend::Redis, Backend::Store, Backend::Telegram] {
        ensure!(
            !reaches(other).await?,
            "{} reaches the ERP's database directly",
            other.name()
        );
    }
    Ok(())
}

/// A pod in a namespace of others, from where the tunnel would be a way to the ERP, and the internal port
/// one past the sign-in. That it gets an answer from the API shows that it is not cut off altogether.
pub(super) async fn others_are_kept_out(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let other = Backend::Redis;
    let service = |name: &str| format!("{NAME}-{name}");
    for (name, port, is_open) in [
        (service("api"), HTTPS_PORT, true),
        (service("tunnel-main"), TUNNEL_PORT, false),
        (service("api-internal"), INTERNAL_PORT, false),
    ] {
        if subject.is_local() {
            let listens = subject.node_dials(&name, port).await?;
            ensure!(listens, "nobody listens behind {name}:{port}");
        }
        let host = format!("{name}.{NAMESPACE}.svc.cluster.local");
        let reached = subject.dials(other, &host, port).await?;
        ensure!(
            reached == is_open,
            "{} in another namespace should {}reach {host}:{port}",
            other.name(),
            if is_open { "" } else { "not " }
        );
    }
    Ok(())
}
