//! The commands of a rotation, as a reader of its plan sees them: in order, without values.

use crate::backend::Outline;

const SAVE: &str = "ACL SAVE (or CONFIG REWRITE), on every node";

/// From user `from` to user `to`; both the same where one user carries two passwords.
pub(super) fn commands(base: &str, from: Option<&str>, to: &str) -> Outline {
    let save = || SAVE.to_owned();
    if from == Some(to) {
        return Outline {
            accept: vec![
                format!("ACL SETUSER {to} on #<sha256 of the new password>, on every node"),
                save(),
            ],
            retire: vec![
                format!("ACL SETUSER {to} !<sha256 of the old password>, on every node"),
                save(),
            ],
        };
    }
    let accept = vec![
        format!(
            "ACL SETUSER {to} reset <the rules of {base}> #<sha256 of the new password> on, on \
             every node"
        ),
        save(),
    ];
    let retire = from.map(|from| {
        vec![
            format!("CLIENT LIST, until no connection of {from} is left"),
            format!("ACL SETUSER {from} off resetpass, on every node"),
            save(),
            format!("CLIENT KILL USER {from}"),
        ]
    });
    Outline {
        accept,
        retire: retire.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn the_old_user_is_switched_off_when_the_new_one_is_in_use() {
        let plan = commands("shop", Some("shop"), "shop_a");
        assert!(plan.accept[0].starts_with("ACL SETUSER shop_a reset <the rules of shop>"));
        assert_eq!(plan.retire[3], "CLIENT KILL USER shop");
        assert!(commands("shop", None, "shop_a").retire.is_empty());
    }

    #[test]
    fn one_user_gets_a_password_before_it_loses_one() {
        let plan = commands("shop", Some("shop"), "shop");
        assert!(plan.accept[0].contains(" #<sha256 of the new password>"));
        assert!(plan.retire[0].contains(" !<sha256 of the old password>"));
    }
}
