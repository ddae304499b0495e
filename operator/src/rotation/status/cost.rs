//! What an emergency costs, as far as the operator sees it: since when the old values are refused, how
//! long it took until every pod had the new one, whose sessions were ended, how many pods were replaced.
//! Requests that failed meanwhile are seen by the application's own metrics alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use reportapp_crds::secret_rotation::CredentialProgress;

use super::super::runner::Progress;
use super::super::target::Target;
use super::number;

/// Adds what a pass found. Credentials that open nothing outside have nothing that is blocked.
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
    let Some(Time(blocked)) = &credential.blocked_at else {
        return;
    };
    if let Some(pods) = progress.old_pods {
        let seen = credential.replaced_pods.unwrap_or(0).max(number(pods));
        credential.replaced_pods = Some(seen);
    }
    if progress.rolled_out && credential.outage_seconds.is_none() {
        let seconds = now.duration_since(*blocked).as_secs();
        credential.outage_seconds = Some(i32::try_from(seconds).unwrap_or(i32::MAX));
    }
}

/// The cost in a sentence; `None` where nothing was blocked.
pub(super) fn sentence(credentials: &[CredentialProgress]) -> Option<String> {
    let costs: Vec<_> = credentials.iter().filter_map(of).collect();
    (!costs.is_empty()).then(|| format!("Cost: {}", costs.join("; ")))
}

fn of(credential: &CredentialProgress) -> Option<String> {
    credential.blocked_at.as_ref()?;
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

    use reportapp_crds::secret_rotation::StepName;

    use super::super::super::runner::State;
    use super::super::super::target::Strategy;
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
