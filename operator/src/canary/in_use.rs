//! Which value of a credential is in use, where it comes from, and how a person puts it right. Reads
//! what was fetched, changes nothing.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use reportapp_config::credential as file;
use reportapp_crds::ReportApp;
use reportapp_crds::report_app::Credential;
use serde_json::json;

use super::memory::Mark;
use crate::reportapp::model::SecretBytes;
use crate::reportapp::naming;
use crate::reportapp::published::PublishedCredential;
use crate::rotation::ledger::{ADOPTED, Value};
use crate::rotation::plan::{self, Backend, Secrets};
use crate::rotation::trouble::{Reason, Trouble};

/// Everything the values in use of one application are found in.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The application.
    pub app: &'a ReportApp,
    /// Secrets its spec names.
    pub secrets: &'a Secrets,
    /// What rotations published.
    pub published: &'a BTreeMap<String, PublishedCredential>,
    /// Key of names that follow a value.
    pub name_key: &'a SecretBytes,
}

/// A value in use.
#[derive(Clone, Debug)]
pub struct InUse {
    /// The value.
    pub value: Value,
    /// Where a person finds it: key and Secret.
    pub place: String,
    /// Whether it is the first value, which the spec names.
    pub is_first: bool,
}

impl Sources<'_> {
    /// The value in use of a credential that is a login: what its last rotation published, or the
    /// first value.
    ///
    /// # Errors
    /// What is missing for there to be one.
    pub fn in_use(&self, credential: &Credential) -> Result<InUse, Trouble> {
        let (app, name) = (self.app.name_any(), &credential.name);
        let published = self.published.get(name);
        let published = published.filter(|published| published.is_of(credential));
        if let Some(value) = published.and_then(|published| published.value(file::PASSWORD)) {
            return Ok(InUse {
                value,
                place: format!("key {name} of Secret {}", naming::published_secret(&app)),
                is_first: false,
            });
        }
        let from = credential.from.as_ref();
        let reference = from.and_then(|from| from.secret_ref.as_ref());
        let reference = reference.ok_or_else(|| {
            let message = format!("spec.credentials[{name}].from.secretRef is missing");
            Trouble::new(Reason::AppNotReady, message)
        })?;
        let login = credential.opens.login().unwrap_or_default();
        let text = plan::value(self.secrets, &app, reference, file::PASSWORD)?;
        let secret = plan::password(&text, login, &format!("spec.credentials[{name}].from"))?;
        let key = reference.key_or(file::PASSWORD);
        Ok(InUse {
            value: Value {
                rotation: ADOPTED.to_owned(),
                username: credential.opens.login().map(str::to_owned),
                secret,
                created: Timestamp::UNIX_EPOCH,
            },
            place: format!("key {key} of Secret {}", reference.name),
            is_first: true,
        })
    }

    /// The mark of a value in use.
    pub fn mark(&self, credential: &Credential, in_use: &InUse) -> Mark {
        let spec = &self.app.spec;
        let value = &in_use.value;
        let username = value.username.as_deref().unwrap_or_default();
        let files = BTreeMap::from([
            (file::USERNAME.to_owned(), SecretBytes::new(username)),
            (
                file::PASSWORD.to_owned(),
                SecretBytes::new(value.secret.expose()),
            ),
        ]);
        let name = format!("{}-repair", credential.name);
        let place = json!([credential, spec.servers, spec.store, spec.redis]);
        Mark {
            repair: naming::versioned_secret(&self.app.name_any(), &name, self.name_key, &files),
            place: naming::short_hash(place.to_string().as_bytes()),
        }
    }

    /// The marks of all logins in use.
    pub fn marks(&self) -> BTreeMap<String, Mark> {
        let logins = self.app.spec.credentials.iter();
        let logins = logins.filter(|credential| credential.opens.login().is_some());
        let marks = logins.filter_map(|credential| {
            let in_use = self.in_use(credential).ok()?;
            Some((credential.name.clone(), self.mark(credential, &in_use)))
        });
        marks.collect()
    }
}

/// What a person does about a refused login; `repair` is the rotation that the operator itself has
/// created for it.
pub fn remedy(
    credential: &Credential,
    in_use: &InUse,
    backend: &Backend,
    may_rotate: bool,
    repair: Option<Repair<'_>>,
) -> String {
    let name = &credential.name;
    let user = in_use.value.username.as_deref().unwrap_or_default();
    let place = &in_use.place;
    let mut ways = Vec::new();
    if in_use.is_first {
        ways.push(format!("put the right password into {place}"));
    }
    if may_rotate {
        ways.push(format!(
            "create a SecretRotation with mode Manual for credential {name}, which makes a new login"
        ));
    }
    let statement = backend.set_back(user);
    ways.push(format!("set it back to what {place} holds: {statement}"));
    let ways = ways.join(", or ");
    let refused = format!(
        "the backend refuses the login in use of credential {name} (user {user}): somebody changed \
         its password or switched it off. Connections that are open stay, new ones fail"
    );
    match repair {
        Some(Repair::UnderWay(rotation)) => {
            format!("{refused}. SecretRotation {rotation} makes a new login")
        }
        Some(Repair::Ended(rotation)) => format!(
            "{refused}. SecretRotation {rotation} has not replaced it (kubectl describe rot \
             {rotation}); {ways}"
        ),
        None => format!("{refused}. Find who did; then {ways}"),
    }
}

/// A rotation the operator created because a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair<'a> {
    /// Created, and not at its end.
    UnderWay(&'a str),
    /// At its end, and the value is in use and refused all the same.
    Ended(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reportapp::model::FetchedReportApp;
    use crate::reportapp::testing::{CANARY, example, example_with_secret, secret};
    use crate::rotation::ledger::SecretText;
    use crate::rotation::target::Round;

    fn sources(fetched: &FetchedReportApp) -> Sources<'_> {
        Sources {
            app: &fetched.app,
            secrets: &fetched.secrets,
            published: &fetched.published,
            name_key: &fetched.ledger.name_key,
        }
    }

    fn erp(fetched: &FetchedReportApp) -> &Credential {
        let mut all = fetched.app.spec.credentials.iter();
        all.find(|credential| credential.name == "erp")
            .expect("erp")
    }

    fn publish(fetched: &mut FetchedReportApp, username: &str) {
        let files = [("username", username), ("password", "published")];
        let files = files.map(|(file, text)| (file.to_owned(), SecretText::new(text)));
        let published = PublishedCredential {
            rotation: "uid".to_owned(),
            round: Round::Switched,
            at: Timestamp::UNIX_EPOCH,
            rotated_at: None,
            files: files.into(),
        };
        fetched.published.insert("erp".to_owned(), published);
    }

    #[test]
    fn the_first_value_is_in_use_until_a_rotation_published_another() {
        let mut fetched = example();
        let login = erp(&fetched).opens.login().expect("a login").to_owned();
        let first = sources(&fetched).in_use(erp(&fetched)).expect("a value");
        assert!(first.is_first);
        assert_eq!(first.value.username.as_deref(), Some(login.as_str()));
        assert_eq!(first.place, "key password of Secret erp-login");

        publish(&mut fetched, &format!("{login}_a"));
        let later = sources(&fetched).in_use(erp(&fetched)).expect("a value");
        assert!(!later.is_first);
        assert_eq!(later.value.secret.expose(), "published");

        // What was published for another role is nothing of this one's.
        publish(&mut fetched, "another_a");
        let again = sources(&fetched).in_use(erp(&fetched)).expect("a value");
        assert!(again.is_first);
    }

    #[test]
    fn of_a_connection_url_the_password_alone_is_in_use() {
        let login = erp(&example()).opens.login().expect("a login").to_owned();
        let url = |user: &str| SecretBytes::new(format!("postgres://{user}:p%40ss@db/app"));
        let fetched = example_with_secret("erp-login", &[("password", url(&login))]);
        let found = sources(&fetched).in_use(erp(&fetched)).expect("a value");
        assert_eq!(found.value.secret.expose(), "p@ss");
        let others = example_with_secret("erp-login", &[("password", url("boss"))]);
        let refused = sources(&others).in_use(erp(&others));
        assert!(refused.is_err_and(|trouble| trouble.message.contains("boss")));
    }

    #[test]
    fn only_logins_are_marked() {
        let fetched = example();
        let marks = sources(&fetched).marks();
        let logins: Vec<_> = marks.keys().map(String::as_str).collect();
        assert_eq!(logins, ["erp", "sessions", "store"]);
    }

    #[test]
    fn a_mark_follows_value_and_place_and_shows_neither() {
        let before = example();
        let before = sources(&before).marks().remove("erp").expect("a mark");
        assert!(before.repair.starts_with("demo-erp-repair-"), "{before:?}");
        assert!(!format!("{before:?}").contains(CANARY));
        let other = example_with_secret("erp-login", &[("password", secret("other"))]);
        let other = sources(&other).marks().remove("erp").expect("a mark");
        assert_ne!(other.repair, before.repair);
        assert_eq!(other.place, before.place);
        let moved = crate::reportapp::testing::example_with(|app| {
            app.spec.servers[0].host = "elsewhere".to_owned();
        });
        let moved = sources(&moved).marks().remove("erp").expect("a mark");
        assert_eq!(moved.repair, before.repair);
        assert_ne!(moved.place, before.place);
    }

    #[test]
    fn a_remedy_says_what_helps() {
        let mut fetched = example();
        let said = |fetched: &FetchedReportApp, may_rotate, repair| {
            let credential = erp(fetched);
            let in_use = sources(fetched).in_use(credential).expect("a value");
            let backend =
                plan::entrance(&fetched.app, &fetched.secrets, credential).expect("a backend");
            let text = remedy(credential, &in_use, &backend, may_rotate, repair);
            assert!(!text.contains(CANARY), "{text}");
            text
        };
        let login = erp(&fetched).opens.login().expect("a login").to_owned();
        let text = said(&fetched, false, None);
        assert!(text.contains("put the right password into key password of Secret erp-login"));
        assert!(
            text.contains(&format!("ALTER ROLE \"{login}\" LOGIN PASSWORD")),
            "{text}"
        );
        assert!(!text.contains("SecretRotation"), "{text}");
        assert!(said(&fetched, true, None).contains("SecretRotation with mode Manual"));
        let under_way = said(&fetched, true, Some(Repair::UnderWay("r")));
        assert!(under_way.ends_with("SecretRotation r makes a new login"));
        assert!(said(&fetched, true, Some(Repair::Ended("r"))).contains("describe rot r"));
        publish(&mut fetched, &format!("{login}_a"));
        let text = said(&fetched, false, None);
        assert!(!text.contains("put the right password"), "{text}");
        assert!(
            text.contains("what key erp of Secret demo-published holds"),
            "{text}"
        );
    }
}
