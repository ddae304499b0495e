//! The commands of a rotation, as a reader of its plan sees them: in order, without values.

const SAVE: &str = "ACL SAVE (or CONFIG REWRITE), on every node";

/// From user `from` to user `to`; both the same where one user carries two passwords.
pub(super) fn commands(base: &str, from: Option<&str>, to: &str) -> Vec<String> {
    if from == Some(to) {
        return vec![
            format!("ACL SETUSER {to} on #<sha256 of the new password>, on every node"),
            SAVE.to_owned(),
            format!("CLIENT LIST, until no connection of {to} is older than the roll-out"),
            format!("ACL SETUSER {to} !<sha256 of the old password>, on every node"),
            SAVE.to_owned(),
        ];
    }
    let mut commands = vec![
        format!(
            "ACL SETUSER {to} reset <the rules of {base}> #<sha256 of the new password> on, on \
             every node"
        ),
        SAVE.to_owned(),
    ];
    if let Some(from) = from {
        commands.extend([
            format!("CLIENT LIST, until no connection of {from} is left"),
            format!("ACL SETUSER {from} off resetpass, on every node"),
            SAVE.to_owned(),
            format!("CLIENT KILL USER {from}"),
        ]);
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn the_old_user_is_switched_off_when_the_new_one_is_in_use() {
        let plan = commands("shop", Some("shop"), "shop_a");
        assert!(plan[0].starts_with("ACL SETUSER shop_a reset <the rules of shop>"));
        assert_eq!(plan[5], "CLIENT KILL USER shop");
        assert_eq!(commands("shop", None, "shop_a").len(), 2);
    }

    #[test]
    fn one_user_gets_a_password_before_it_loses_one() {
        let plan = commands("shop", Some("shop"), "shop");
        assert!(plan[0].contains(" #<sha256 of the new password>"));
        assert!(plan[3].contains(" !<sha256 of the old password>"));
    }
}
