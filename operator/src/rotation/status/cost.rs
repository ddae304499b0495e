//! What a rotation costs that refuses the old value before everybody has the new one, as far as the operator
//! sees it. An emergency: since when the old values are refused, how long it took until every pod had the new
//! one, whose sessions were ended, how many pods were replaced. One in place: for how long pods that were not
//! replaced yet could open no connection. Requests that failed meanwhile are seen by the application's own
//! metrics alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::{CredentialProgress, StepName};

use super::super::runner::Progress;
use super::super::target::{Strategy, Target};
use super::number;

/// Adds what a pass found, before its step is noted. Credentials that open nothing outside have nothing that
/// is blocked.
pub(super) fn note(
    credential: &mut CredentialProgress,
    target: &Target,
    progress: &Progress,
    now: Timestamp,
) {
    if let Some(ended) = progress.blocked {
        credential.ended_sessions = Some(credential.ended_sessions.unwrap_or(0) + number(ended));
        if target.role.is_some() {
            credential.blocked_at.get_or_insert(Time(now));
        }
    }
    if credential.blocked_at.is_some()
        && let Some(pods) = progress.old_pods
    {
        let seen = credential.replaced_pods.unwrap_or(0).max(number(pods));
        credential.replaced_pods = Some(seen);
    }
    if progress.rolled_out
        && credential.outage_seconds.is_none()
        && let Some(since) = refused_since(credential, target)
    {
        let seconds = now.duration_since(since).as_secs();
        credential.outage_seconds = Some(i32::try_from(seconds).unwrap_or(i32::MAX));
    }
}

/// Since when the old value opens nothing although pods have it.
fn refused_since(credential: &CredentialProgress, target: &Target) -> Option<Timestamp> {
    if let Some(Time(blocked)) = &credential.blocked_at {
        return Some(*blocked);
    }
    // The first time after two users took turns, the old user is another one and works on.
    let replaced = target.strategy == Strategy::InPlace && credential.from == credential.to;
    let mut steps = credential.steps.iter();
    let applied = steps.find(|step| step.name == StepName::Apply);
    applied.filter(|_| replaced).map(|step| step.started_at.0)
}

/// The cost in a sentence; `None` where every value was accepted for as long as somebody had it.
pub(super) fn sentence(credentials: &[CredentialProgress]) -> Option<String> {
    let costs: Vec<_> = credentials.iter().filter_map(of).collect();
    (!costs.is_empty()).then(|| format!("Cost: {}", costs.join("; ")))
}

fn of(credential: &CredentialProgress) -> Option<String> {
    if credential.blocked_at.is_none() {
        let seconds = credential.outage_seconds?;
        let name = &credential.name;
        return Some(format!(
            "{name}: for {seconds} s no new login with the old value, which pods had until they were replaced"
        ));
    }
    let outage = match credential.outage_seconds {
        Some(seconds) => format!("no new login for {seconds} s"),
        None => "no new login since it was blocked".to_owned(),
    };
    Some(format!(
        "{}: {outage}, {} sessions ended, {} pods replaced",
        credential.name,
        credential.ended_sessions.unwrap_or(0),
        credential.replaced_pods.unwrap_or(0)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reportapp_crds::secret_rotation::RotationStep;

    use super::super::super::runner::State;
    use super::*;

    fn target(role: Option<&str>) -> Target {
        Target {
            name: "erp".to_owned(),
            strategy: Strategy::AlternatingUsers,
            role: role.map(str::to_owned),
            file: "password",
            hold: Duration::ZERO,
            index: 0,
        }
    }

    fn progress(blocked: Option<u32>, old_pods: Option<u32>, rolled_out: bool) -> Progress {
        Progress {
            step: StepName::RollOut,
            state: State::Acted,
            from: None,
            to: None,
            old_sessions: None,
            old_pods,
            rolled_out,
            old_refused: false,
            blocked,
        }
    }

    fn after(target: &Target, passes: &[(i64, Progress)]) -> CredentialProgress {
        let mut credential = CredentialProgress {
            name: target.name.clone(),
            ..CredentialProgress::default()
        };
        for (second, progress) in passes {
            let now = Timestamp::from_second(*second).expect("a time");
            note(&mut credential, target, progress, now);
        }
        credential
    }

    #[test]
    fn the_outage_lasts_from_the_first_block_until_every_pod_has_the_new_value() {
        let passes = [
            (10, progress(Some(4), None, false)),
            // Blocked again while the ledger is away.
            (15, progress(Some(1), None, false)),
            (20, progress(None, Some(3), false)),
            (30, progress(None, Some(1), false)),
            (44, progress(None, Some(0), true)),
            (60, progress(None, Some(0), true)),
        ];
        let cost = after(&target(Some("bisman")), &passes);
        assert_eq!(
            cost.blocked_at,
            Some(Time(Timestamp::from_second(10).expect("a time")))
        );
        assert_eq!(cost.outage_seconds, Some(34));
        assert_eq!(
            (cost.ended_sessions, cost.replaced_pods),
            (Some(5), Some(3))
        );
        assert_eq!(
            sentence(&[cost]).as_deref(),
            Some("Cost: erp: no new login for 34 s, 5 sessions ended, 3 pods replaced")
        );
    }

    /// A rotation from a user to `bisman` without an emergency, whose password is set at second 12.
    fn ordinary(strategy: Strategy, from: &str, passes: &[(i64, Progress)]) -> CredentialProgress {
        let target = Target {
            strategy,
            ..target(Some("bisman"))
        };
        let at = |second| Time(Timestamp::from_second(second).expect("a time"));
        let mut credential = CredentialProgress {
            name: target.name.clone(),
            from: Some(from.to_owned()),
            to: Some("bisman".to_owned()),
            steps: vec![RotationStep {
                name: StepName::Apply,
                started_at: at(12),
                finished_at: Some(at(13)),
                attempts: 1,
            }],
            ..CredentialProgress::default()
        };
        for (second, progress) in passes {
            note(&mut credential, &target, progress, at(*second).0);
        }
        credential
    }

    #[test]
    fn in_place_new_logins_fail_from_apply_until_every_pod_has_the_new_value() {
        let passes = [
            (15, progress(None, Some(2), false)),
            (20, progress(None, Some(1), false)),
            (31, progress(None, Some(0), true)),
            (90, progress(None, Some(0), true)),
        ];
        let cost = ordinary(Strategy::InPlace, "bisman", &passes);
        assert_eq!(cost.outage_seconds, Some(19));
        assert_eq!((&cost.blocked_at, cost.replaced_pods), (&None, None));
        assert_eq!(
            sentence(&[cost]).as_deref(),
            Some(
                "Cost: erp: for 19 s no new login with the old value, which pods had until they were replaced"
            )
        );
        let moving = ordinary(Strategy::InPlace, "bisman", &passes[..2]);
        assert_eq!(moving.outage_seconds, None);
        assert_eq!(sentence(&[moving]), None);
        for (strategy, from) in [
            (Strategy::AlternatingUsers, "bisman_b"),
            (Strategy::TwoPasswords, "bisman"),
            (Strategy::InPlace, "bisman_b"),
        ] {
            let overlaps = ordinary(strategy, from, &passes);
            assert_eq!(overlaps.outage_seconds, None, "{strategy:?} from {from}");
        }
    }

    #[test]
    fn an_outage_that_is_not_over_has_no_length() {
        let passes = [
            (10, progress(Some(2), None, false)),
            (20, progress(None, Some(3), false)),
        ];
        let cost = after(&target(Some("bisman")), &passes);
        assert_eq!(cost.outage_seconds, None);
        let text = sentence(&[cost]).expect("a cost");
        assert!(
            text.contains("no new login since it was blocked, 2 sessions"),
            "{text}"
        );
    }

    #[test]
    fn without_a_block_there_is_no_cost() {
        let ordinary = [
            (10, progress(None, Some(3), false)),
            (20, progress(None, Some(0), true)),
        ];
        assert_eq!(sentence(&[after(&target(Some("bisman")), &ordinary)]), None);
        let key = [(10, progress(Some(0), Some(3), false))];
        assert_eq!(sentence(&[after(&target(None), &key)]), None);
    }
}
