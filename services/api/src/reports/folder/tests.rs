//! A folder that changes while it is in use.

use reportapp_session::access::{Access, Permissions, UserKind};
use reportapp_telemetry::Health;

use super::*;

/// A report that answers a number.
fn file(id: &str, number: u32) -> String {
    format!(
        "id: {id}
title: {{ro: Titlu, en: Title}}
period: none
columns:
- {{name: n, title: {{ro: N, en: N}}, kind: integer}}
queries:
  sqlite: SELECT {number} AS n FROM companies WHERE id = :company
"
    )
}

struct Place {
    folder: tempfile::TempDir,
    look: Folder,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let look = Folder::new(folder.path());
        Self { folder, look }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).unwrap();
    }

    /// Looks again; gives what is refused.
    fn refused(&mut self) -> Vec<String> {
        self.look.look().unwrap();
        self.look
            .refused()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn sql(&self, id: &str) -> Option<String> {
        let reports = self.look.snapshot().reports;
        Some(reports.get(id)?.definition.queries.sqlite.clone().unwrap())
    }
}

fn reader(kind: UserKind, roles: &[&str], platform_roles: &[&str]) -> Access {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Access {
        kind,
        tenant: None,
        owned: Vec::new(),
        roles: owned(roles),
        platform_roles: owned(platform_roles),
        role_level: 10,
        permissions: Permissions::default(),
    }
}

#[test]
fn a_file_adds_a_report_and_its_removal_takes_it_away() {
    let mut place = Place::new();
    assert!(!place.look.look().unwrap(), "an empty folder is as before");
    place.write("one.yaml", &file("one", 1));
    place.write("notes.txt", "not a report");
    place.write(".hidden.yaml", "not a report");
    assert!(place.refused().is_empty());
    assert!(place.sql("one").is_some() && place.sql("invoices").is_some());
    assert!(!place.look.look().unwrap(), "nothing has changed");
    place.remove("one.yaml");
    assert!(place.look.look().unwrap());
    assert_eq!(place.sql("one"), None);
}

#[test]
fn a_bad_file_is_refused_its_last_good_version_stays_and_the_others_go_on() {
    let mut place = Place::new();
    place.write("one.yaml", &file("one", 1));
    place.write("two.yaml", "id: [");
    let refused = place.refused();
    assert!(
        refused.len() == 1 && refused[0].starts_with("two.yaml:"),
        "{refused:?}"
    );
    place.write(
        "one.yaml",
        &file("one", 1).replace("companies", "pg_authid"),
    );
    place.write("two.yaml", &file("two", 2));
    let refused = place.refused();
    assert!(
        refused[0].starts_with("one.yaml:7: `pg_authid` belongs"),
        "{refused:?}"
    );
    assert!(
        place.sql("one").unwrap().contains("companies"),
        "the last good version"
    );
    assert!(place.sql("two").is_some());
    place.write("one.yaml", &file("one", 3));
    assert!(place.refused().is_empty());
    assert!(place.sql("one").unwrap().contains("SELECT 3"));
}

#[test]
fn two_files_with_one_id_are_told_apart_by_their_names() {
    let mut place = Place::new();
    place.write("a.yaml", &file("one", 1));
    place.write("b.yaml", &file("one", 2));
    assert_eq!(
        place.refused(),
        ["b.yaml:1: another file has the id `one` too; choose another"]
    );
    assert!(place.sql("one").unwrap().contains("SELECT 1"));
}

#[test]
fn what_stands_in_for_a_built_in_report_has_its_columns() {
    let mut place = Place::new();
    place.write("treasury.yaml", &file("treasury", 1));
    let refused = place.refused();
    assert!(
        refused[0].contains("takes the place of the built-in `treasury`"),
        "{refused:?}"
    );
    let original = include_str!("../../../reports/treasury.yaml");
    place.write("treasury.yaml", &original.replace("'512%'", "'513%'"));
    assert!(place.refused().is_empty());
    assert!(place.sql("treasury").unwrap().contains("'513%'"));
}

#[test]
fn a_link_leads_to_a_report_and_its_parameters() {
    let mut place = Place::new();
    let linked = |link: &str| {
        file("one", 1).replace("kind: integer", &format!("kind: integer, link: {link}"))
    };
    place.write("one.yaml", &linked("{report: nothing}"));
    assert_eq!(
        place.refused(),
        ["one.yaml:5: the link leads to `nothing`, which is no report; correct it"]
    );
    place.write(
        "one.yaml",
        &linked("{report: ledger-card, parameters: {konto: n}}"),
    );
    assert!(place.refused()[0].contains("has no parameter `konto`"));
    place.write("one.yaml", &linked("{report: two}"));
    place.write("two.yaml", &file("two", 2));
    assert!(place.refused().is_empty());
}

#[test]
fn a_report_with_roles_is_for_their_holders_and_the_platforms_administrators() {
    let text = file("one", 1) + "roles: [accountant]\n";
    let report = read("one.yaml", &text).unwrap();
    let user = UserKind::User;
    for (who, open) in [
        (reader(user, &[], &[]), false),
        (reader(user, &["accountant"], &[]), true),
        (reader(user, &["17"], &["accountant"]), true),
        (reader(user, &["17"], &["clerk"]), false),
        (reader(UserKind::SuperAdmin, &[], &[]), false),
        (reader(UserKind::EnterpriseAdmin, &[], &[]), true),
    ] {
        assert_eq!(report.is_open_to(&who), open, "{who:?}");
    }
}

#[test]
fn a_link_to_a_report_that_is_not_for_the_reader_is_not_shown() {
    let mut place = Place::new();
    let hidden = file("two", 2) + "roles: [accountant]\n";
    let linked = file("one", 1).replace("kind: integer", "kind: integer, link: {report: two}");
    place.write("one.yaml", &linked);
    place.write("two.yaml", &hidden);
    assert!(place.refused().is_empty());
    let catalogue = Catalogue::built_in();
    catalogue.replace(place.look.snapshot());
    for (kind, shown) in [(UserKind::User, false), (UserKind::EnterpriseAdmin, true)] {
        let who = reader(kind, &[], &[]);
        let list = catalogue.list(&who).reports;
        let one = list.iter().find(|report| report.id == "one").unwrap();
        assert_eq!(one.columns[0].link.is_some(), shown);
        assert_eq!(list.iter().any(|report| report.id == "two"), shown);
        assert_eq!(catalogue.find("two", &who).is_ok(), shown);
    }
}

/// Swaps `..data` as the kubelet does.
fn publish(folder: &Path, version: u32, files: &[(&str, String)]) {
    let data = folder.join(format!("..version-{version}"));
    std::fs::create_dir(&data).unwrap();
    for (name, text) in files {
        std::fs::write(data.join(name), text).unwrap();
        let link = folder.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(format!("..data/{name}"), link).unwrap();
        }
    }
    let draft = folder.join("..data_tmp");
    std::os::unix::fs::symlink(&data, &draft).unwrap();
    std::fs::rename(&draft, folder.join("..data")).unwrap();
}

/// Lets the time of a look pass, which is no real time here.
async fn a_look() {
    tokio::time::sleep(POLL_EVERY + POLL_EVERY / 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_mounted_config_map_is_followed_and_its_refusals_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let health = Health::new("test", "0");
    health.set_ready(true);
    let advice = health.advice("reports");
    let catalogue = Arc::new(Catalogue::built_in());
    publish(folder.path(), 1, &[("one.yaml", file("one", 1))]);
    let watch = Folder::new(folder.path()).watch(Arc::clone(&catalogue), advice.clone());
    let watch = tokio::spawn(watch);
    let admin = reader(UserKind::EnterpriseAdmin, &[], &[]);
    a_look().await;
    assert!(catalogue.find("one", &admin).is_ok());
    assert_eq!(advice.status().reason, None);

    publish(
        folder.path(),
        2,
        &[
            ("one.yaml", "id: [".to_owned()),
            ("two.yaml", file("two", 2)),
        ],
    );
    a_look().await;
    assert!(catalogue.find("one", &admin).is_ok() && catalogue.find("two", &admin).is_ok());
    let status = advice.status();
    assert_eq!(status.reason, Some(Reason::ReportRefused));
    assert!(
        status.message.starts_with("one.yaml:"),
        "{}",
        status.message
    );
    assert!(health.is_ready());
    assert_eq!(catalogue.list(&admin).refused.len(), 1);

    std::fs::remove_dir_all(folder.path()).unwrap();
    a_look().await;
    assert!(
        catalogue.find("two", &admin).is_ok(),
        "a folder that is gone takes nothing away"
    );
    assert!(advice.status().message.contains("stay in use"));
    watch.abort();
}

#[test]
fn the_report_of_many_refusals_names_the_first_and_counts_the_rest() {
    let refusal = |line| Refusal {
        file: "a.yaml".to_owned(),
        line,
        reason: "no".to_owned(),
    };
    assert_eq!(summary(&[]), None);
    assert_eq!(summary(&[refusal(3)]).unwrap(), "a.yaml:3: no");
    assert_eq!(
        summary(&[refusal(3), refusal(4), refusal(5)]).unwrap(),
        "a.yaml:3: no and 2 more"
    );
}
