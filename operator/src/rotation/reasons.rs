//! Words that stand as reasons in the conditions of a `SecretRotation`. They are part of the API, so each
//! has its row in `docs/reference/rotation-stalls.md`, which the test here holds against the code.

/// An enum of reasons that knows all of them: one that is added cannot be left out of `ALL`, and so not
/// out of the documentation.
macro_rules! reasons {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$means:meta])* $reason:ident,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$means])* $reason,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$reason),+];
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(self, formatter)
            }
        }
    };
}

pub(super) use reasons;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::status::standing::Standing;
    use super::super::trouble::Reason;

    #[test]
    fn every_reason_has_its_row_in_the_reference_and_every_row_its_reason() {
        let page = include_str!("../../../docs/reference/rotation-stalls.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        let seen = Reason::ALL.iter().filter(|reason| !reason.is_passing());
        let known: BTreeSet<_> = seen
            .map(ToString::to_string)
            .chain(Standing::ALL.iter().map(ToString::to_string))
            .collect();
        let once: BTreeSet<_> = documented.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(once, known, "left: documented, right: in the code");
        assert_eq!(documented.len(), once.len(), "a reason has two rows");
    }
}
