//! Who may do what: the chart's roles for people, and the policy on names.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject as Person};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use reportapp_crds::one_shot::Phase;
use serde_json::json;

use super::{create, restart, until_ended};
use crate::demo::{NAMESPACE, charts};
use crate::scenarios::cluster::subject::Subject;
use crate::scenarios::world::World;

/// Rights as verb and resource.
type Rights = [(&'static str, &'static str)];

/// A role, with what it must grant and what it must not.
type Role = (&'static str, &'static Rights, &'static Rights);

/// The cluster's own roles for people, which the chart's are parts of.
const BUILT_IN: [Role; 3] = [
    (
        "view",
        &[("get", "reportapps"), ("list", "incidentactions")],
        &[("create", "incidentactions"), ("get", "secrets")],
    ),
    (
        "edit",
        &[
            ("get", "reportapps"),
            ("watch", "secretrotations"),
            ("patch", "deployments"),
        ],
        &[
            ("create", "incidentactions"),
            ("delete", "incidentactions"),
            ("create", "secretrotations"),
            ("patch", "reportapps"),
            ("approve", "incidentactions"),
        ],
    ),
    (
        "admin",
        &[
            ("patch", "reportapps"),
            ("create", "secretrotations"),
            ("create", "incidentactions"),
            ("approve", "incidentactions"),
        ],
        &[("patch", "incidentactions/status")],
    ),
];

/// The chart's roles.
const ROLES: [Role; 4] = [
    (
        "viewer",
        &[
            ("get", "reportapps"),
            ("watch", "secretrotations"),
            ("list", "incidentactions"),
        ],
        &[
            ("create", "incidentactions"),
            ("delete", "secretrotations"),
            ("get", "secrets"),
        ],
    ),
    (
        "responder",
        &[
            ("get", "reportapps"),
            ("create", "incidentactions"),
            ("delete", "incidentactions"),
            ("create", "secretrotations"),
        ],
        &[
            ("patch", "reportapps"),
            ("update", "incidentactions"),
            ("patch", "secretrotations/status"),
            ("patch", "incidentactions/status"),
            ("get", "secrets"),
            ("patch", "deployments"),
            ("approve", "incidentactions"),
            ("approve", "secretrotations"),
        ],
    ),
    (
        "approver",
        &[
            ("get", "reportapps"),
            ("patch", "secretrotations"),
            ("approve", "secretrotations"),
            ("patch", "incidentactions"),
            ("approve", "incidentactions"),
        ],
        &[
            ("create", "incidentactions"),
            ("delete", "incidentactions"),
            ("create", "secretrotations"),
            ("delete", "secretrotations"),
            ("patch", "secretrotations/status"),
            ("patch", "reportapps"),
            ("patch", "incidentactions/status"),
            ("get", "secrets"),
        ],
    ),
    (
        "admin",
        &[
            ("patch", "reportapps"),
            ("create", "secretrotations"),
            ("create", "incidentactions"),
            ("approve", "incidentactions"),
            ("approve", "secretrotations"),
        ],
        &[
            // Only the operator makes rotations that wait for nobody.
            ("patch", "secretrotations/status"),
            ("patch", "incidentactions/status"),
            ("get", "secrets"),
            ("patch", "deployments"),
        ],
    ),
];

pub(super) async fn grant_what_they_say(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    for (role, granted, withheld) in ROLES {
        let role = format!("{}-{}-{role}", charts::OPERATOR_NAMESPACE, charts::OPERATOR);
        grants(&subject, &role, granted, withheld).await?;
    }
    for (role, granted, withheld) in BUILT_IN {
        grants(&subject, role, granted, withheld).await?;
    }
    Ok(())
}

/// Sees what a user with this role alone may do.
async fn grants(
    subject: &Subject<'_>,
    role: &str,
    granted: &Rights,
    withheld: &Rights,
) -> Result<()> {
    let user = format!("e2e-{role}");
    let bindings = subject.objects::<RoleBinding>();
    bindings
        .create(&PostParams::default(), &binding(role, &user))
        .await?;
    let outcome = holds(subject, &user, granted, withheld).await;
    bindings.delete(&user, &DeleteParams::default()).await?;
    outcome.with_context(|| format!("the role {role}"))
}

fn binding(role: &str, user: &str) -> RoleBinding {
    let group = "rbac.authorization.k8s.io";
    RoleBinding {
        metadata: ObjectMeta {
            name: Some(user.to_owned()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef {
            api_group: group.to_owned(),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: Some(vec![Person {
            api_group: Some(group.to_owned()),
            kind: "User".to_owned(),
            name: user.to_owned(),
            namespace: None,
        }]),
    }
}

async fn holds(
    subject: &Subject<'_>,
    user: &str,
    granted: &Rights,
    withheld: &Rights,
) -> Result<()> {
    let asked = granted.iter().map(|right| (right, true));
    let asked = asked.chain(withheld.iter().map(|right| (right, false)));
    for ((verb, resource), expected) in asked {
        let allowed = is_allowed(subject, user, verb, resource).await?;
        ensure!(
            allowed == expected,
            "may {verb} {resource}: {allowed} instead of {expected}"
        );
    }
    Ok(())
}

async fn is_allowed(subject: &Subject<'_>, user: &str, verb: &str, resource: &str) -> Result<bool> {
    let group = match resource {
        "secrets" => "",
        "deployments" => "apps",
        _ => reportapp_crds::GROUP,
    };
    let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.to_owned()),
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                resource: Some(resource.to_owned()),
                subresource: Some(part.to_owned()),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews = Api::<SubjectAccessReview>::all(subject.demo.client());
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.context("the review has no answer")?.allowed)
}

pub(super) async fn in_ones_own_name(world: &World) -> Result<()> {
    let subject = Subject::of(world).await?;
    let own = subject.whoami().await?;
    let ask = async |name: &str| {
        let mut spec = restart(&["api"]);
        spec["requestedBy"] = json!(name);
        spec["dryRun"] = json!(true);
        create(&subject, spec).await
    };
    let refused = ask("somebody-else").await.err();
    let why = format!("{:#}", refused.context("it was accepted")?);
    ensure!(
        why.contains("spec.requestedBy") && why.contains(&own),
        "the refusal does not say what to write: {why}"
    );
    let accepted = ask(&own).await?;
    until_ended(&subject, &accepted.name_any(), Phase::Succeeded).await?;
    Ok(())
}
