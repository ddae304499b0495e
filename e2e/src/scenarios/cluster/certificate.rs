//! The API's certificate is renewed in its Secret under traffic: running pods serve the new one without
//! being restarted, and every request is answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use reqwest::tls::TlsInfo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::load::Load;
use super::pods;
use super::subject::Subject;
use crate::demo::access::Entrance;
use crate::scenarios::world::World;

/// The Secret with the certificate of the application's own authority.
const SECRET: &str = "demo-api-tls";

/// How long a pod may serve the old one: the kubelet brings new content within about a minute, the API
/// looks at its files every few seconds.
const PATIENCE: Duration = Duration::from_secs(150);

/// Certificates in DER form by pod.
type Served = BTreeMap<String, Vec<u8>>;

pub(super) async fn renewed(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let (running, before) = (pods::of(&subject).await?, served(&subject).await?);
    let old = in_secret(&subject)
        .await?
        .context("the Secret is missing")?;
    ensure!(
        !before.is_empty() && before.values().all(|served| *served == old),
        "not every pod of the API serves the certificate of {SECRET}"
    );
    let load = Load::start(&subject).await?;
    // What a person does who wants a new one before its time: the operator issues it.
    let secrets = subject.objects::<Secret>();
    secrets.delete(SECRET, &DeleteParams::default()).await?;
    let deleted = Instant::now();
    until_served(&subject, &old).await?;
    let took = deleted.elapsed();
    let tally = load.none_failed().await?;
    let after = pods::of(&subject).await?;
    ensure!(
        running == after,
        "pods were restarted: {running:?} {after:?}"
    );
    world.progress().note(&format!(
        "{} pods serve the new certificate after {:.0} s; {tally}",
        before.len(),
        took.as_secs_f64()
    ));
    subject.until_ready().await
}

/// Waits until every pod serves what is in the Secret, and that is not `old`.
async fn until_served(subject: &Subject<'_>, old: &[u8]) -> Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    let waited = async {
        loop {
            ticks.tick().await;
            let wanted = in_secret(subject).await?;
            let Some(wanted) = wanted.filter(|wanted| wanted != old) else {
                continue;
            };
            if served(subject)
                .await?
                .values()
                .all(|found| *found == wanted)
            {
                return anyhow::Ok(());
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.with_context(|| {
        let limit = PATIENCE.as_secs();
        format!(
            "after {limit} s some pod still serves another certificate than the one in {SECRET}"
        )
    })?
}

/// The certificate in the Secret; `None` while there is no Secret.
async fn in_secret(subject: &Subject<'_>) -> Result<Option<Vec<u8>>> {
    let found = subject.objects::<Secret>().get_opt(SECRET).await?;
    let data = found.and_then(|secret| secret.data).unwrap_or_default();
    let Some(pem) = data.get("tls.crt") else {
        return Ok(None);
    };
    let certificate = CertificateDer::from_pem_slice(&pem.0);
    let certificate = certificate.with_context(|| format!("{SECRET} holds no certificate"))?;
    Ok(Some(certificate.to_vec()))
}

/// What each pod of the API shows to a client that connects now, and which the client accepts.
async fn served(subject: &Subject<'_>) -> Result<Served> {
    let mut served = Served::new();
    for (pod, way) in subject.api_pods().await? {
        let shown = shown(&subject.demo.entrance().at(way.local())).await;
        served.insert(pod.clone(), shown.with_context(|| format!("pod {pod}"))?);
    }
    Ok(served)
}

async fn shown(entrance: &Entrance) -> Result<Vec<u8>> {
    let http = entrance.http()?.tls_info(true).build()?;
    let address = format!("{}/health", entrance.base());
    let answer = http.get(address).send().await?;
    let info = answer.extensions().get::<TlsInfo>();
    let certificate = info.and_then(TlsInfo::peer_certificate);
    Ok(certificate.context("no certificate was shown")?.to_vec())
}
