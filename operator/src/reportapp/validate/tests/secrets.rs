//! Secrets the spec names: present, lent, with usable keys and certificates.

use super::*;

#[test]
fn a_secret_that_is_missing_forbidden_or_not_lent_is_refused_with_the_remedy() {
    let with = |lookup| {
        let mut fetched = example();
        fetched.secrets.insert("erp-login".to_owned(), lookup);
        fetched
    };
    let path = "spec.credentials[erp].from.secretRef";
    assert_refused(
        &with(SecretLookup::Missing),
        ProblemReason::SecretMissing,
        path,
        "no Secret erp-login in namespace reports",
    );
    assert_refused(
        &with(SecretLookup::Forbidden("cannot get".to_owned())),
        ProblemReason::Forbidden,
        path,
        "cannot get",
    );
    let annotation = Some("other, second".to_owned());
    assert_refused(
        &with(SecretLookup::NotAllowed { annotation }),
        ProblemReason::SecretNotAllowed,
        path,
        "kubectl -n reports annotate secret erp-login reportapp.dev/allow=other,second,demo --overwrite",
    );
}

#[test]
fn a_spec_is_not_judged_while_a_secret_cannot_be_read() {
    let mut fetched = example();
    let lost = unread_because(Reason::ApiServer, "500 InternalError");
    fetched.secrets.insert("erp-login".to_owned(), lost);
    fetched
        .secrets
        .insert("store-login".to_owned(), SecretLookup::Missing);
    let problems = validate(&fetched).expect_err("a Secret is not known");
    let unread = problems.unread().expect("that is told");
    assert_eq!(unread, "Secret erp-login: 500 InternalError");

    // A Secret that only the login to Vault needs counts as well.
    let mut fetched = with_vault(found_in_vault("password"));
    fetched.app = Arc::new({
        let mut app = (*fetched.app).clone();
        let vault = app.spec.secret_store.vault.as_mut().expect("a Vault");
        vault.ca_secret_ref = Some(SecretKeyRef {
            name: "vault-authority".to_owned(),
            key: None,
        });
        app
    });
    assert!(validate(&fetched).is_ok());
    let lost = unread_because(Reason::ApiServer, "500 InternalError");
    fetched.secrets.insert("vault-authority".to_owned(), lost);
    assert!(validate(&fetched).expect_err("unread").unread().is_some());
}

#[test]
fn what_of_others_is_not_lent_is_refused_with_the_remedy_and_stops_nothing() {
    let shop = Consumer {
        kind: ConsumerKind::Workload(WorkloadKind::StatefulSet),
        name: "shop".to_owned(),
    };
    let login = Consumer {
        kind: ConsumerKind::Secret,
        name: "shop-login".to_owned(),
    };
    let see = |of_shop: ConsumerLookup, of_login: ConsumerLookup| {
        let mut fetched = example_with(|app| {
            let erp = &mut app.spec.credentials[0];
            let publish = r#"[{"kubernetesSecret": "shop-login", "key": "password"}]"#;
            erp.publish = serde_json::from_str(publish).expect("places");
            let restart = r#"[{"kind": "StatefulSet", "name": "shop"}]"#;
            erp.restart = serde_json::from_str(restart).expect("workloads");
        });
        fetched.consumers = [(shop.clone(), of_shop), (login.clone(), of_login)].into();
        validate(&fetched).expect("the application runs").refused
    };
    assert_eq!(see(ConsumerLookup::Lent, ConsumerLookup::Lent), []);

    let annotation = Some("other".to_owned());
    let not_lent = ConsumerLookup::NotLent { annotation };
    let refused = see(not_lent, ConsumerLookup::Missing);
    let [of_login, of_shop] = refused.as_slice() else {
        panic!("{refused:#?}");
    };
    assert_eq!(of_login.reason, ProblemReason::SecretMissing);
    assert_eq!(of_login.path, "spec.credentials[erp].publish[0]");
    assert_eq!(of_shop.reason, ProblemReason::WorkloadNotAllowed);
    assert_eq!(of_shop.path, "spec.credentials[erp].restart[0]");
    let remedy =
        "kubectl -n reports annotate statefulset shop reportapp.dev/allow=other,demo --overwrite";
    assert!(
        of_shop
            .message
            .starts_with("StatefulSet shop does not allow")
    );
    assert!(of_shop.message.ends_with(remedy), "{}", of_shop.message);

    let forbidden = ConsumerLookup::Forbidden("may not get statefulsets.apps".to_owned());
    let refused = see(forbidden, ConsumerLookup::Lent);
    assert_eq!(refused[0].reason, ProblemReason::Forbidden);
    assert!(refused[0].message.contains("StatefulSet shop"));
}

#[test]
fn a_missing_key_is_refused_with_the_names_of_those_present() {
    let fetched = example_with_secret("erp-login", &[("pass", secret("x")), ("user", secret("y"))]);
    assert_refused(
        &fetched,
        ProblemReason::SecretKeyMissing,
        "spec.credentials[erp].from.secretRef",
        "no key password; it has: pass, user",
    );
}

#[test]
fn an_empty_value_or_one_that_is_no_text_is_refused() {
    for (value, hint) in [(&b"\n"[..], "is empty"), (b"\xff\xfe", "is not text")] {
        let fetched = example_with_secret("erp-login", &[("password", SecretBytes::new(value))]);
        let path = "spec.credentials[erp].from.secretRef";
        assert_refused(&fetched, ProblemReason::InvalidValue, path, hint);
    }
}

#[test]
fn a_bastion_key_the_tunnel_cannot_use_is_refused_with_the_command_that_makes_one() {
    let cases = [
        (ssh_key("none", "ssh-rsa"), "type ssh-rsa"),
        (pem("RSA PRIVATE KEY", CANARY.as_bytes()), "type rsa"),
        (ssh_key("aes256-ctr", "ssh-ed25519"), "passphrase"),
        (pem("PRIVATE KEY", CANARY.as_bytes()), "OpenSSH format"),
        (secret("no key at all"), "OpenSSH format"),
    ];
    for (value, hint) in cases {
        let fetched = example_with_secret("bastion-key", &[("private-key", value)]);
        let path = "spec.credentials[bastion-key].from.secretRef";
        assert_refused(&fetched, ProblemReason::UnusableKey, path, hint);
        assert!(
            problems(&fetched)[0]
                .message
                .contains("ssh-keygen -t ed25519")
        );
    }
    let ecdsa = ssh_key("none", "ecdsa-sha2-nistp256");
    assert!(
        validate(&example_with_secret(
            "bastion-key",
            &[("private-key", ecdsa)]
        ))
        .is_ok()
    );
}

fn with_signing_key(value: SecretBytes) -> FetchedReportApp {
    let signing = r#"{"name": "tokens", "from": {"secretRef": {"name": "tokens"}}, "jwt": {}}"#;
    let mut fetched = example_with(|app| {
        let credential = serde_json::from_str(signing).expect("a credential");
        app.spec.credentials.push(credential);
        app.spec.api.signing_credential = Some("tokens".to_owned());
    });
    let data = [("signing.pem".to_owned(), value)].into();
    let kind = "Opaque".to_owned();
    let lookup = SecretLookup::Found { data, kind };
    fetched.secrets.insert("tokens".to_owned(), lookup);
    fetched
}

#[test]
fn a_signing_key_must_be_ed25519() {
    let good =
        aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new())
            .expect("a key");
    assert!(validate(&with_signing_key(pem("PRIVATE KEY", good.as_ref()))).is_ok());
    let bad = with_signing_key(pem("PRIVATE KEY", CANARY.as_bytes()));
    let path = "spec.credentials[tokens].from.secretRef";
    assert_refused(
        &bad,
        ProblemReason::UnusableKey,
        path,
        "openssl genpkey -algorithm ed25519",
    );
}

#[test]
fn authorities_and_certificates_must_be_certificates() {
    let fetched = example_with_secret("erp-authority", &[("ca.crt", secret("x"))]);
    let path = "spec.servers[main].tls.caSecretRef";
    assert_refused(
        &fetched,
        ProblemReason::CertificateUnusable,
        path,
        "no PEM certificates",
    );
    let key = pem("PRIVATE KEY", CANARY.as_bytes());
    let fetched = example_with_secret(
        "reports-certificate",
        &[("tls.crt", SecretBytes::new(AUTHORITY)), ("tls.key", key)],
    );
    let path = "spec.web.tls.secretName";
    assert_refused(
        &fetched,
        ProblemReason::InvalidValue,
        path,
        "kubernetes.io/tls",
    );
}

#[test]
fn known_hosts_must_hold_a_usable_key_of_the_bastion() {
    let known = |lines: &[&str]| {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        example_with(|app| {
            app.spec.servers[0]
                .tunnel
                .as_mut()
                .expect("tunnel")
                .known_hosts = lines
        })
    };
    let ours = example().app.spec.servers[0]
        .tunnel
        .clone()
        .expect("tunnel")
        .known_hosts[0]
        .clone();
    let elsewhere = ours.replace("bastion.", "other.");
    let rsa = "bastion.example.com ssh-rsa AAAAB3NzaC1yc2E=";
    let authority = format!("@cert-authority {ours}");
    let revoked = format!("@revoked {ours}");
    let pasted = ours.replace("ssh-ed25519", "ssh-rsa");
    let cases = [
        (vec![], "ssh-keyscan"),
        (vec!["# a comment"], "ssh-keyscan"),
        (
            vec![elsewhere.as_str()],
            "no ed25519 or ecdsa host key for bastion.example.com",
        ),
        (vec![rsa], "no ed25519 or ecdsa host key"),
        (vec![revoked.as_str()], "no ed25519 or ecdsa host key"),
        (vec![authority.as_str()], "@cert-authority"),
        (vec![ours.as_str(), "nonsense"], "line 2"),
        (vec![pasted.as_str()], "line 1"),
    ];
    for (lines, hint) in cases {
        let path = "spec.servers[main].tunnel.knownHosts";
        assert_refused(&known(&lines), ProblemReason::KnownHostsInvalid, path, hint);
    }
    let with_port = ours.replace("bastion.example.com", "[bastion.example.com]:22");
    assert!(validate(&known(&[rsa, &ours])).is_ok());
    assert!(validate(&known(&[&with_port])).is_ok());
}
