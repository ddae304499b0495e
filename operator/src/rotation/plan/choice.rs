//! How a login is rotated, and what decided on that: the spec, or the published places, whose readers
//! learn a new user name or do not. Pure; the plan shows the sentence.

use reportapp_crds::report_app::credential::{Publish, Strategy as Wanted};

use super::super::publish_template::{place_in_words, target_without_username};
use super::super::target::Strategy;

/// A strategy and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How the credential is rotated.
    pub strategy: Strategy,
    /// How, why, and what it costs, in one sentence.
    pub why: String,
}

impl Choice {
    /// Of a login: two users in turn, or `in_place`, which is what its backend offers for one user.
    pub fn of_login(wanted: Wanted, publish: &[Publish], in_place: Strategy) -> Self {
        match (wanted, target_without_username(publish)) {
            (Wanted::InPlace, _) => Self::because(in_place, "the spec says InPlace"),
            (Wanted::AlternatingUsers, _) => {
                Self::because(Strategy::AlternatingUsers, "the spec says AlternatingUsers")
            }
            (Wanted::Auto, None) => Self::because(
                Strategy::AlternatingUsers,
                "every consumer takes the user name from the published value",
            ),
            (Wanted::Auto, Some((index, target))) => {
                let place = place_in_words(target);
                Self::because(
                    in_place,
                    &format!(
                        "publish[{index}] ({place}) does not tell its reader the user name, so it \
                         has to stay"
                    ),
                )
            }
        }
    }

    /// Of a credential whose kind leaves no choice.
    pub fn of_kind(strategy: Strategy) -> Self {
        Self::because(strategy, "there is no other way for its kind")
    }

    fn because(strategy: Strategy, because: &str) -> Self {
        let why = match strategy {
            Strategy::AlternatingUsers => {
                format!("two users in turn, because {because}; no request fails")
            }
            Strategy::TwoPasswords => {
                format!("two passwords on one user, because {because}; no request fails")
            }
            Strategy::InPlace => format!(
                "the password of one user changes in place, because {because}; new connections \
                 fail from the change until a pod has the new value"
            ),
            Strategy::KeyOverlap => {
                "two keys: the new one verifies everywhere first, then signs, then stands alone; no \
                 token is refused"
                    .to_owned()
            }
            Strategy::ValueOnly => {
                "the value is generated and published; nothing else accepts it".to_owned()
            }
        };
        Self { strategy, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password_alone() -> Publish {
        Publish {
            vault_path: None,
            aws_secret: None,
            kubernetes_secret: Some("bisman-db-credentials".to_owned()),
            key: "password".to_owned(),
            template: None,
        }
    }

    fn url() -> Publish {
        Publish {
            vault_path: Some("bisman/production".to_owned()),
            kubernetes_secret: None,
            key: "DATABASE_URL".to_owned(),
            template: Some("postgresql://{{ username }}:{{ password }}@db/erp".to_owned()),
            ..password_alone()
        }
    }

    #[test]
    fn the_sentence_names_what_decided() {
        let untold = "because publish[1] (Secret bisman-db-credentials, key password) does not tell \
                      its reader the user name, so it has to stay;";
        let told = "because every consumer takes the user name from the published value;";
        let cases = [
            (Wanted::Auto, vec![], Strategy::AlternatingUsers, told),
            (Wanted::Auto, vec![url()], Strategy::AlternatingUsers, told),
            (
                Wanted::Auto,
                vec![url(), password_alone()],
                Strategy::InPlace,
                untold,
            ),
            (
                Wanted::InPlace,
                vec![url(), password_alone()],
                Strategy::InPlace,
                "because the spec says InPlace;",
            ),
            (
                Wanted::AlternatingUsers,
                vec![password_alone()],
                Strategy::AlternatingUsers,
                "because the spec says AlternatingUsers;",
            ),
        ];
        for (wanted, publish, strategy, because) in cases {
            let choice = Choice::of_login(wanted, &publish, Strategy::InPlace);
            assert_eq!(choice.strategy, strategy, "{wanted:?} {publish:?}");
            assert!(choice.why.contains(because), "{}", choice.why);
        }
    }

    #[test]
    fn one_user_is_rotated_as_its_backend_can() {
        let redis =
            |publish: &[Publish]| Choice::of_login(Wanted::Auto, publish, Strategy::TwoPasswords);
        assert_eq!(redis(&[url()]).strategy, Strategy::AlternatingUsers);
        let fixed = redis(&[password_alone()]);
        assert_eq!(fixed.strategy, Strategy::TwoPasswords);
        assert!(fixed.why.starts_with(
            "two passwords on one user, because publish[0] (Secret bisman-db-credentials, key \
             password)"
        ));
        assert!(fixed.why.ends_with("no request fails"), "{}", fixed.why);
    }
}
