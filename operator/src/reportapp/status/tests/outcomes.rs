//! What a reconcile that could not do its work makes of the conditions.

use super::*;

#[test]
fn an_invalid_spec_stalls_and_still_reports_what_runs() {
    let problem = Problem {
        reason: ProblemReason::HostTaken,
        path: "spec.web.host".to_owned(),
        message: "taken".to_owned(),
    };
    let live = Live {
        deployments: applied()
            .deployments
            .into_iter()
            .map(|d| (d.name_any(), Arc::new(d)))
            .collect(),
        ..Live::default()
    };
    let invalid = Outcome::Invalid(Problems(vec![problem]));
    let mut app = example_app();
    app.status = Some(see_reports(&[]));
    let seen = see(&app, &live, &[], &invalid);
    assert_verdicts(
        &seen,
        [
            ("Ready", "False", "HostTaken"),
            ("Reconciling", "False", "HostTaken"),
            ("Stalled", "True", "HostTaken"),
            ("UpToDate", "Unknown", "HostTaken"),
        ],
    );
    assert_eq!(message(&seen, "Ready"), "spec.web.host: taken");
    assert_eq!((seen.components.len(), seen.credentials.len()), (3, 5));
}

#[test]
fn a_missing_right_stalls_and_names_verb_and_resource() {
    let forbidden = Outcome::Forbidden {
        verb: "patch".to_owned(),
        resource: "deployments.apps".to_owned(),
    };
    let seen = see(&example_app(), &Live::default(), &[], &forbidden);
    assert_eq!(
        verdict(&seen, "Ready"),
        ("False".to_owned(), "Forbidden".to_owned())
    );
    assert_eq!(verdict(&seen, "Stalled").0, "True");
    assert!(message(&seen, "Ready").contains("patch deployments.apps"));
    assert!(message(&seen, "Ready").contains("role.yaml"));
}

#[test]
fn a_failure_is_tried_again() {
    let seen = see(
        &example_app(),
        &Live::default(),
        &[],
        &Outcome::Failed("why".to_owned()),
    );
    assert_eq!(verdict(&seen, "Ready").1, "ReconcileFailed");
    assert_eq!(verdict(&seen, "Reconciling").0, "True");
    assert_eq!(verdict(&seen, "Stalled").0, "False");
}

#[test]
fn a_suspended_application_still_says_whether_it_serves() {
    let live = Live {
        deployments: applied()
            .deployments
            .into_iter()
            .map(|d| (d.name_any(), Arc::new(d)))
            .collect(),
        ..Live::default()
    };
    let seen = see(&example_app(), &live, &[], &Outcome::Suspended);
    assert_verdicts(
        &seen,
        [
            ("Ready", "True", "Suspended"),
            ("Reconciling", "False", "Suspended"),
            ("Stalled", "False", "Suspended"),
            ("UpToDate", "Unknown", "Suspended"),
        ],
    );
    let broken = [report(
        Component::Api,
        &[("store", Some(Reason::StoreUnreachable))],
    )];
    let seen = see(&example_app(), &live, &broken, &Outcome::Suspended);
    assert_eq!(
        verdict(&seen, "Ready"),
        ("False".to_owned(), "StoreUnreachable".to_owned())
    );
}

#[test]
fn a_postponed_upgrade_names_its_components() {
    let mut resources = applied();
    let postponed: Vec<_> = resources.deployments.drain(..).map(Arc::new).collect();
    resources.postponed = postponed;
    let seen = see(&example_app(), &Live::default(), &[], &outcome(resources));
    assert_eq!(
        verdict(&seen, "UpToDate"),
        ("False".to_owned(), "UpgradePending".to_owned())
    );
    assert!(message(&seen, "UpToDate").contains("tunnel-main, api, bot"));
    assert_eq!(verdict(&seen, "Ready").0, "True");
    assert_eq!(seen.components.len(), 3);
}

#[test]
fn a_first_value_that_cannot_be_read_leaves_the_application_ready() {
    let mut resources = applied();
    resources.unread = vec!["credential erp: Vault is sealed".to_owned()];
    let seen = see(&example_app(), &Live::default(), &[], &outcome(resources));
    assert_eq!(
        verdict(&seen, "UpToDate"),
        ("Unknown".to_owned(), "StoreUnavailable".to_owned())
    );
    assert!(message(&seen, "UpToDate").contains("credential erp"));
    assert_eq!(verdict(&seen, "Ready").0, "True");
}

#[test]
fn an_application_stays_what_it_is_while_a_secret_cannot_be_read() {
    let unread = Outcome::Unread("Secret erp-login: 500 InternalError".to_owned());
    let resources = applied();
    let deployments = resources.deployments.iter();
    let live = Live {
        deployments: deployments
            .map(|found| (found.name_any(), Arc::new(found.clone())))
            .collect(),
        ..Live::default()
    };
    let mut app = example_app();
    app.status = Some(see(&app, &live, &[], &outcome(resources)));
    let healthy = [
        ("Ready", "True", "Available"),
        ("Reconciling", "True", "SecretUnreadable"),
        ("Stalled", "False", "Progressing"),
        ("UpToDate", "True", "UpToDate"),
    ];
    // For as long as it lasts.
    for _ in 0..2 {
        app.status = Some(see(&app, &live, &[], &unread));
        assert_verdicts(app.status.as_ref().expect("just set"), healthy);
    }
    let down = [report(
        tunnel(),
        &[("tunnel/main", Some(Reason::BastionUnreachable))],
    )];
    let seen = see(&app, &live, &down, &unread);
    assert_eq!(verdict(&seen, "Ready").1, "BastionUnreachable");

    // A value that Vault did not give either changes nothing about that.
    let mut resources = applied();
    resources.unread = vec!["Vault is sealed".to_owned()];
    app.status = Some(see(&app, &live, &[], &outcome(resources)));
    let seen = see(&app, &live, &[], &unread);
    assert_eq!(verdict(&seen, "Ready").0, "True");
    assert_eq!(verdict(&seen, "UpToDate").1, "StoreUnavailable");

    // Nothing is known of another spec.
    app.metadata.generation = Some(2);
    for _ in 0..2 {
        let seen = see(&app, &live, &[], &unread);
        assert_verdicts(
            &seen,
            [
                ("Ready", "False", "SecretUnreadable"),
                ("Reconciling", "True", "SecretUnreadable"),
                ("Stalled", "False", "Progressing"),
                ("UpToDate", "Unknown", "SecretUnreadable"),
            ],
        );
        assert!(message(&seen, "Ready").contains("erp-login"));
        app.status = Some(seen);
    }
}

#[test]
fn what_of_others_is_not_lent_is_refused_beside_an_application_that_serves() {
    let mut resources = applied();
    resources.refused = vec![Problem {
        reason: ProblemReason::WorkloadNotAllowed,
        path: "spec.credentials[erp].restart[0]".to_owned(),
        message: "Deployment shop does not allow this".to_owned(),
    }];
    let seen = see(&example_app(), &Live::default(), &[], &outcome(resources));
    assert_verdicts(
        &seen,
        [
            ("Ready", "True", "Available"),
            ("Reconciling", "False", "Done"),
            ("Stalled", "True", "WorkloadNotAllowed"),
            ("UpToDate", "True", "UpToDate"),
        ],
    );
    assert_eq!(
        message(&seen, "Stalled"),
        "spec.credentials[erp].restart[0]: Deployment shop does not allow this"
    );
}
