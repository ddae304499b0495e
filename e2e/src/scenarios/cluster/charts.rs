//! The charts come and go; definitions, ReportApps and pods stay.

pub mod next;

use anyhow::{Result, ensure};

use super::pods;
use super::subject::Subject;
use crate::cluster::command;
use crate::demo::charts::OPERATOR_NAMESPACE;
use crate::scenarios::world::World;

pub(super) async fn keep_report_apps(world: &World) -> Result<()> {
    let cluster = world.cluster().await?;
    let subject = Subject::of(world).await?;
    let before = pods::of(&subject).await?;
    let uid = subject.until("there", |_| true).await?.metadata.uid;
    for release in ["reportapp-operator", "reportapp-crds"] {
        let mut helm = cluster.helm();
        helm.args([
            "uninstall",
            release,
            "--namespace",
            OPERATOR_NAMESPACE,
            "--wait",
        ]);
        command::run(&mut helm).await?;
    }
    let still = subject.until("there", |_| true).await?;
    ensure!(
        still.metadata.uid == uid && still.metadata.deletion_timestamp.is_none(),
        "the ReportApp was removed"
    );
    subject.set_operator(&[]).await?;
    subject.until_ready().await?;
    let after = pods::of(&subject).await?;
    ensure!(before == after, "pods were restarted: {before:?} {after:?}");
    Ok(())
}
