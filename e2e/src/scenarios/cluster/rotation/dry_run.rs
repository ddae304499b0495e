//! A dry run shows what would be done, down to the statements, and changes nothing.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ListParams;
use reportapp_crds::secret_rotation::Phase;

use super::order;
use crate::backends::Database;
use crate::demo::NAMESPACE;
use crate::scenarios::cluster::pods;
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

/// What `kubectl get rot` shows.
pub const COLUMNS: [&str; 7] = ["NAME", "APP", "MODE", "PHASE", "STEP", "MESSAGE", "AGE"];

/// Words of the plan: strategies, objects, and statements without values.
const PLANNED: [&str; 4] = [
    "two users in turn",
    "ALTER ROLE \"reportapp_store_",
    "ACL SETUSER",
    "immutable Secret",
];

pub(super) async fn changes_nothing(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let before = State::of(&subject).await?;
    let mut spec = order::manual(&["erp", "store", "redis", "tokens"]);
    spec.dry_run = true;
    let rotation = order::create(&subject, spec).await?;
    let ended = order::until_ended(&subject, &rotation, Phase::Succeeded).await?;
    let plan = ended.status.map(|status| status.plan).unwrap_or_default();
    let plan = plan.join("\n");
    for words in PLANNED {
        ensure!(
            plan.contains(words),
            "the plan does not say {words:?}:\n{plan}"
        );
    }
    let columns = subject
        .kubectl(&["get", "rot", "--namespace", NAMESPACE])
        .await?;
    let header: Vec<_> = columns
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    ensure!(header == COLUMNS, "kubectl get rot shows {header:?}");
    let after = State::of(&subject).await?;
    ensure!(before == after, "before: {before:?}\nafter: {after:?}");
    Ok(())
}

/// Everything a rotation would change: Secrets by version, Deployments by generation, pods, and the
/// database's roles.
#[derive(Debug, PartialEq, Eq)]
struct State {
    secrets: BTreeMap<String, Option<String>>,
    deployments: BTreeMap<String, Option<i64>>,
    pods: pods::Pods,
    roles: String,
}

impl State {
    async fn of(subject: &Subject<'_>) -> Result<Self> {
        let all = ListParams::default();
        let secrets = subject.objects::<Secret>().list(&all).await?;
        let deployments = subject.objects::<Deployment>().list(&all).await?;
        let roles = "SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1;";
        Ok(Self {
            secrets: secrets
                .into_iter()
                .map(|secret| (secret.name_any(), secret.resource_version()))
                .collect(),
            deployments: deployments
                .into_iter()
                .map(|deployment| (deployment.name_any(), deployment.metadata.generation))
                .collect(),
            pods: pods::of(subject).await?,
            roles: subject.backends().psql(Database::Store, roles).await?,
        })
    }
}
