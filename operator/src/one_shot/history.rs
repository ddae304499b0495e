//! Which finished objects go. Pure: a list comes in, names to delete come out.
//!
//! They are counted per group and kind of result, so that many failures do not push out the successes.
//! Rotations of one set of credentials are a group, and actions of one type. The newest success of a
//! group always stays: what comes next may count from it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt as _};
use reportapp_crds::one_shot::Phase;
use reportapp_crds::report_app::credential::RotationHistory;

/// How an object ended, as far as keeping it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It did what it was for.
    Succeeded,
    /// It failed or expired.
    Failed,
    /// It only planned.
    Planned,
}

/// An object that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Name of the object.
    pub name: String,
    /// Name of its `ReportApp`.
    pub app: String,
    /// What it is counted with.
    pub group: Vec<String>,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

impl Finished {
    /// An object of `app` as history sees it; `None` while it has not ended.
    pub fn of<K: Resource>(
        object: &K,
        app: &str,
        group: Vec<String>,
        dry_run: bool,
        (phase, finished_at): (Option<Phase>, Option<&Time>),
    ) -> Option<Self> {
        let outcome = match phase.filter(|phase| phase.is_final())? {
            Phase::Succeeded if dry_run => Outcome::Planned,
            Phase::Succeeded => Outcome::Succeeded,
            _ => Outcome::Failed,
        };
        Some(Self {
            name: object.name_any(),
            app: app.to_owned(),
            group,
            at: finished_at?.0,
            outcome,
        })
    }
}

/// The limits of a set of credentials: of each the most generous, so that no credential loses what
/// its own entry keeps. Without an entry (its credential is gone from the spec) the defaults.
pub fn limits<'a>(entries: impl IntoIterator<Item = &'a RotationHistory>) -> RotationHistory {
    entries
        .into_iter()
        .cloned()
        .reduce(|one, other| RotationHistory {
            successful: one.successful.max(other.successful),
            failed: one.failed.max(other.failed),
            max_age: one.max_age.max(other.max_age),
        })
        .unwrap_or_default()
}

/// Names of the objects that go, oldest first. `limits` gives the limits of an app and a group.
/// Plans are kept as long as failures.
pub fn superfluous(
    finished: &[Finished],
    limits: impl Fn(&str, &[String]) -> RotationHistory,
    now: Timestamp,
) -> Vec<String> {
    let mut groups: BTreeMap<_, Vec<&Finished>> = BTreeMap::new();
    for object in finished {
        let key = (&object.app, &object.group, object.outcome);
        groups.entry(key).or_default().push(object);
    }
    let mut gone: Vec<&Finished> = Vec::new();
    for ((app, name, outcome), mut group) in groups {
        // Newest first; names decide between equal instants, so that every operator deletes the
        // same.
        group.sort_by(|a, b| (b.at, &b.name).cmp(&(a.at, &a.name)));
        let limits = limits(app, name);
        let (count, least) = match outcome {
            Outcome::Succeeded => (limits.successful, 1),
            Outcome::Failed | Outcome::Planned => (limits.failed, 0),
        };
        let count = usize::try_from(count).unwrap_or(0).max(least);
        let age =
            SignedDuration::try_from(limits.max_age.as_duration()).unwrap_or(SignedDuration::MAX);
        gone.extend(group.into_iter().enumerate().filter_map(|(index, object)| {
            let old = now.duration_since(object.at) > age;
            (index >= count || (old && index >= least)).then_some(object)
        }));
    }
    gone.sort_by_key(|object| (object.at, &object.name));
    gone.into_iter().map(|object| object.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reportapp_crds::{Period, SecretRotation};

    const NOW: i64 = 1_795_000_000;

    /// A rotation that ended `days` ago.
    fn ended(name: &str, credential: &str, outcome: Outcome, days: i64) -> Finished {
        Finished {
            name: name.to_owned(),
            app: "demo".to_owned(),
            group: vec![credential.to_owned()],
            at: Timestamp::from_second(NOW - days * 86_400).expect("within the calendar"),
            outcome,
        }
    }

    fn gone(finished: &[Finished]) -> Vec<String> {
        let now = Timestamp::from_second(NOW).expect("within the calendar");
        superfluous(finished, |_, _| RotationHistory::default(), now)
    }

    #[test]
    fn each_result_of_each_credential_is_counted_by_itself() {
        use Outcome::{Failed, Planned, Succeeded};
        let mut finished = Vec::new();
        for (credential, outcome) in [
            ("erp", Succeeded),
            ("erp", Failed),
            ("erp", Planned),
            ("redis", Failed),
        ] {
            for day in 1..=5 {
                let name = format!("{credential}-{outcome:?}-{day}");
                finished.push(ended(&name, credential, outcome, day));
            }
        }
        let gone = gone(&finished);
        assert_eq!(gone.len(), 8);
        assert!(
            gone.iter()
                .all(|name| name.ends_with("-4") || name.ends_with("-5")),
            "{gone:?}"
        );
    }

    #[test]
    fn old_ones_go_except_the_newest_success() {
        let finished = [
            ended("last-success", "erp", Outcome::Succeeded, 200),
            ended("older-success", "erp", Outcome::Succeeded, 300),
            ended("old-failure", "erp", Outcome::Failed, 91),
            ended("young-failure", "erp", Outcome::Failed, 89),
        ];
        assert_eq!(gone(&finished), ["older-success", "old-failure"]);
    }

    #[test]
    fn a_set_of_credentials_is_not_its_members() {
        let mut both = ended("both", "erp", Outcome::Succeeded, 400);
        both.group.push("redis".to_owned());
        let alone = ended("alone", "erp", Outcome::Succeeded, 1);
        assert_eq!(gone(&[both, alone]), Vec::<String>::new());
    }

    #[test]
    fn a_set_has_the_most_generous_limits_of_its_members() {
        let one = RotationHistory {
            successful: 10,
            failed: 1,
            max_age: Period::from_secs(1),
        };
        let other = RotationHistory {
            successful: 1,
            failed: 5,
            max_age: Period::from_secs(9),
        };
        let both = limits([&one, &other]);
        assert_eq!(
            (both.successful, both.failed, both.max_age.as_secs()),
            (10, 5, 9)
        );
        assert_eq!(limits([]), RotationHistory::default());
    }

    #[test]
    fn only_what_has_ended_is_history() {
        let mut rotation: SecretRotation = serde_yaml_ng::from_str(
            "{apiVersion: reportapp.dev/v1alpha1, kind: SecretRotation, metadata: {name: now}, \
              spec: {app: demo, credentials: [redis, erp], reason: test}, \
              status: {phase: Running, finishedAt: '2026-11-22T00:00:00Z'}}",
        )
        .expect("a rotation");
        let of = |rotation: &SecretRotation, dry_run| {
            let status = rotation.status.as_ref()?;
            let end = (status.phase, status.finished_at.as_ref());
            Finished::of(rotation, "demo", vec!["erp".to_owned()], dry_run, end)
        };
        assert_eq!(of(&rotation, false), None);
        for (phase, dry_run, outcome) in [
            (Phase::Succeeded, false, Outcome::Succeeded),
            (Phase::Succeeded, true, Outcome::Planned),
            (Phase::Failed, true, Outcome::Failed),
            (Phase::Expired, false, Outcome::Failed),
        ] {
            rotation.status.as_mut().expect("status").phase = Some(phase);
            let finished = of(&rotation, dry_run).expect("ended");
            assert_eq!(finished.outcome, outcome);
        }
    }
}
