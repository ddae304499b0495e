//! What is missing is decided from the catalogue alone, so the rules of each version are tested without a
//! server of that version.
//!
//! Rules of PostgreSQL 16, from its manual: `CREATEROLE` reaches a role only with `ADMIN OPTION` on it,
//! which whoever creates a role is given (chapter 22.2, "Role Attributes"; release notes E.1.2 of 16);
//! `GRANT … WITH INHERIT` decides per membership what the attribute of the member decided before, and
//! becoming a role needs `WITH SET TRUE` (reference page of `GRANT`).

use reportapp_config::database::TlsMode;

use super::super::statements;
use super::*;
use crate::backend::{Admin, Endpoint};
use crate::rotation::ledger::SecretText;

const ROLE: &str = "bisman";

fn postgres() -> Postgres {
    let endpoint = Endpoint {
        host: "erp.example".to_owned(),
        port: 5432,
        tls: TlsMode::Disable,
        authority: None,
        server_name: None,
    };
    let admin = Admin {
        username: "rotation_admin".to_owned(),
        password: SecretText::new("unused".to_owned()),
    };
    let (database, key) = ("erp".to_owned(), "reports/demo/erp".to_owned());
    Postgres::new(endpoint, database, admin, ROLE.to_owned(), key).expect("usable names")
}

/// An administrator as the documentation makes it.
fn documented(version: i32) -> About {
    About {
        version,
        standby: false,
        superuser: false,
        creates_roles: true,
        inherits: true,
        ends_sessions: true,
        sees_clients: true,
    }
}

/// The role and its twins; who may grant them is said by name.
fn roles(names: &[&str], administered: &[&str]) -> Roles {
    let role = |name: &&str| {
        let role = super::super::roles::Role {
            name: (*name).to_owned(),
            administered: administered.contains(name),
            ..Default::default()
        };
        (role.name.clone(), role)
    };
    names.iter().map(role).collect()
}

fn missing(about: &About, roles: &Roles) -> Vec<String> {
    missing_rights(&postgres(), about, roles)
}

const ALL: [&str; 3] = ["bisman", "bisman_a", "bisman_b"];

#[test]
fn before_16_createrole_reaches_every_role() {
    for version in [130_000, 140_011, 150_006] {
        assert!(missing(&documented(version), &roles(&ALL, &[])).is_empty());
    }
}

#[test]
fn from_16_on_each_role_needs_the_admin_option_and_nothing_more_of_it() {
    for version in [160_000, 160_004, 170_002] {
        assert!(missing(&documented(version), &roles(&ALL, &ALL)).is_empty());
        let twin = "bisman_b";
        assert_eq!(
            missing(&documented(version), &roles(&ALL, &["bisman", "bisman_a"])),
            [format!(
                "GRANT \"{twin}\" TO \"rotation_admin\" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;"
            )]
        );
    }
}

#[test]
fn twins_that_do_not_exist_need_no_grant_for_their_maker_is_given_it() {
    let only_base = roles(&[ROLE], &[ROLE]);
    assert!(missing(&documented(160_000), &only_base).is_empty());
}

#[test]
fn without_createrole_no_admin_option_helps() {
    for version in [150_000, 160_000] {
        let about = About {
            creates_roles: false,
            ..documented(version)
        };
        assert_eq!(
            missing(&about, &roles(&ALL, &ALL)),
            ["ALTER ROLE \"rotation_admin\" CREATEROLE;"]
        );
    }
}

#[test]
fn the_right_to_end_sessions_is_inherited_by_the_grant_from_16_on_and_by_the_role_before() {
    let lacks = |version, inherits| About {
        ends_sessions: false,
        inherits,
        ..documented(version)
    };
    let told = |version, inherits| missing(&lacks(version, inherits), &roles(&ALL, &ALL));
    let plain = "GRANT pg_signal_backend TO \"rotation_admin\";";
    assert_eq!(told(150_000, true), [plain]);
    assert_eq!(
        told(150_000, false),
        [plain, "ALTER ROLE \"rotation_admin\" INHERIT;"]
    );
    for inherits in [true, false] {
        assert_eq!(
            told(160_000, inherits),
            ["GRANT pg_signal_backend TO \"rotation_admin\" WITH INHERIT TRUE;"]
        );
    }
}

#[test]
fn everything_that_is_missing_is_said_at_once_and_a_superuser_lacks_nothing() {
    let nothing = About {
        creates_roles: false,
        ends_sessions: false,
        ..documented(160_000)
    };
    let all = missing(&nothing, &roles(&ALL, &[]));
    assert_eq!(all.len(), 5, "{all:?}");
    let refused = check_rights(&postgres(), all.clone()).expect_err("rights are missing");
    let told = refused.to_string();
    for statement in &all {
        assert!(told.contains(statement.as_str()), "{told}");
    }
    let superuser = About {
        superuser: true,
        ..nothing
    };
    assert!(missing(&superuser, &roles(&ALL, &[])).is_empty());
}

#[test]
fn from_16_on_a_twin_is_granted_the_way_to_become_its_base_and_to_use_its_rights() {
    let options = " WITH INHERIT TRUE, SET TRUE";
    for (version, expected) in [(150_000, ""), (160_000, options)] {
        let grant = statements::grant(ROLE, "bisman_a", version);
        assert_eq!(
            grant.sql,
            format!("GRANT \"bisman\" TO \"bisman_a\"{expected}")
        );
    }
}

#[test]
fn a_server_that_is_too_old_or_a_standby_is_refused() {
    let too_old = check_server(&documented(120_017)).expect_err("too old");
    assert!(too_old.to_string().contains("PostgreSQL 12"), "{too_old}");
    let standby = About {
        standby: true,
        ..documented(160_000)
    };
    assert!(check_server(&standby).is_err());
    assert!(check_server(&documented(OLDEST)).is_ok());
}
