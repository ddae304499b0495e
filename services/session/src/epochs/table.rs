//! The epochs that were ever raised, as one process knows them.
//!
//! Most tenants, users and sessions never had theirs raised and take no space: an absent entry is
//! epoch zero. An entry is 16 bytes, a keyed hash of the id and a revision; two ids with the same
//! hash would share the greater epoch, which refuses too much and never too little. Raising everybody
//! forgets all entries below it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::{Bearer, Kept, Remembered, Revision, Scope};

/// Epochs of all levels. Grows only: merging in any order, or twice, gives the same.
#[derive(Clone, Debug, Default)]
pub struct Epochs {
    hash: RandomState,
    all: Revision,
    tenants: HashMap<u64, Revision>,
    users: HashMap<u64, Revision>,
    sessions: HashMap<u64, Revision>,
    permissions: Revision,
    role_permissions: HashMap<u64, Revision>,
    user_permissions: HashMap<u64, Revision>,
    caches: Revision,
    caches_of: HashMap<u64, Revision>,
}

impl Epochs {
    /// Whether an epoch on any level is greater than the revision the token was issued under.
    pub fn revoked(&self, token: &Bearer<'_>) -> bool {
        self.levels(token)
            .into_iter()
            .any(|epoch| epoch > token.issued)
    }

    /// Whether something changed since what a process remembers of a user was read.
    pub fn stale(&self, memory: &Remembered<'_>) -> bool {
        let tenant = memory.tenant.map(|id| self.epoch(&self.tenants, id));
        let own = [
            self.all,
            self.permissions,
            tenant.unwrap_or_default(),
            self.epoch(&self.users, memory.user),
            self.epoch(&self.user_permissions, memory.user),
        ];
        let roles = memory.roles.iter();
        let roles = roles.map(|id| self.epoch(&self.role_permissions, id));
        own.into_iter()
            .chain(roles)
            .any(|epoch| epoch > memory.loaded)
    }

    /// Whether a kept answer is not to be given any more. What ends everybody's sessions empties caches too:
    /// a store forgets all other epochs by it.
    pub fn outdated(&self, kept: &Kept<'_>) -> bool {
        let of_name = self.epoch(&self.caches_of, kept.name);
        self.all.max(self.caches).max(of_name) > kept.loaded
    }

    /// The epochs that concern a token: everybody's, its tenant's, its user's, its session's.
    pub(super) fn levels(&self, token: &Bearer<'_>) -> [Revision; 4] {
        let tenant = token.tenant.map(|id| self.epoch(&self.tenants, id));
        [
            self.all,
            tenant.unwrap_or_default(),
            self.epoch(&self.users, token.user),
            self.epoch(&self.sessions, token.session),
        ]
    }

    fn epoch(&self, level: &HashMap<u64, Revision>, id: &str) -> Revision {
        if level.is_empty() {
            return Revision::default();
        }
        level
            .get(&self.hash.hash_one(id))
            .copied()
            .unwrap_or_default()
    }

    /// Takes in what a store said was raised. Every epoch up to `settled` counts as raised for
    /// everybody: all tokens from before it have expired.
    pub fn merge(&mut self, settled: Revision, raised: &[(Scope, Revision)]) {
        let before = self.all;
        self.all = self.all.max(settled);
        for (scope, epoch) in raised {
            let (level, id) = match scope {
                Scope::All => {
                    self.all = self.all.max(*epoch);
                    continue;
                }
                Scope::Tenant(id) => (&mut self.tenants, id),
                Scope::User(id) => (&mut self.users, id),
                Scope::Session(id) => (&mut self.sessions, id),
                Scope::Permissions => {
                    self.permissions = self.permissions.max(*epoch);
                    continue;
                }
                Scope::RolePermissions(id) => (&mut self.role_permissions, id),
                Scope::UserPermissions(id) => (&mut self.user_permissions, id),
                Scope::Caches => {
                    self.caches = self.caches.max(*epoch);
                    continue;
                }
                Scope::CachesOf(name) => (&mut self.caches_of, name),
            };
            let entry = level.entry(self.hash.hash_one(id)).or_default();
            *entry = (*entry).max(*epoch);
        }
        if self.all > before {
            let all = self.all;
            for level in [
                &mut self.tenants,
                &mut self.users,
                &mut self.sessions,
                &mut self.role_permissions,
                &mut self.user_permissions,
                &mut self.caches_of,
            ] {
                level.retain(|_, epoch| *epoch > all);
            }
        }
    }

    /// The epoch of everybody.
    pub(super) fn all(&self) -> Revision {
        self.all
    }

    /// How many tenants, users, sessions, roles and caches have an epoch of their own.
    pub fn len(&self) -> usize {
        self.tenants.len()
            + self.users.len()
            + self.sessions.len()
            + self.role_permissions.len()
            + self.user_permissions.len()
            + self.caches_of.len()
    }

    /// Whether nobody has an epoch of their own.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn token(issued: u64) -> Bearer<'static> {
        Bearer {
            tenant: Some("acme"),
            user: "ana",
            session: "5ad0-71",
            issued: Revision(issued),
        }
    }

    #[test]
    fn each_level_alone_ends_a_token() {
        for scope in [
            Scope::All,
            Scope::Tenant("acme".into()),
            Scope::User("ana".into()),
            Scope::Session("5ad0-71".into()),
        ] {
            let mut epochs = Epochs::default();
            epochs.merge(Revision(0), &[(scope, Revision(7))]);
            assert!(epochs.revoked(&token(6)) && !epochs.revoked(&token(7)));
        }
    }

    #[test]
    fn what_makes_permissions_be_read_anew_ends_no_token() {
        let mut epochs = Epochs::default();
        let raised = [
            Scope::Permissions,
            Scope::RolePermissions("ana".into()),
            Scope::UserPermissions("ana".into()),
        ];
        let raised = raised.map(|scope| (scope, Revision(7)));
        epochs.merge(Revision(0), &raised);
        assert!(!epochs.revoked(&token(0)));
    }

    #[test]
    fn a_kept_answer_is_outdated_by_what_concerns_it_and_ends_no_token() {
        let kept = |loaded| Kept {
            name: "treasury",
            loaded: Revision(loaded),
        };
        for (scope, concerns) in [
            (Scope::Caches, true),
            (Scope::CachesOf("treasury".into()), true),
            (Scope::CachesOf("invoices".into()), false),
            (Scope::Permissions, false),
            (Scope::User("treasury".into()), false),
        ] {
            let mut epochs = Epochs::default();
            epochs.merge(Revision(0), &[(scope.clone(), Revision(7))]);
            assert_eq!(epochs.outdated(&kept(6)), concerns, "{scope:?}");
            assert!(!epochs.outdated(&kept(7)) && !epochs.revoked(&token(0)));
        }
        let mut epochs = Epochs::default();
        epochs.merge(Revision(0), &[(Scope::All, Revision(7))]);
        assert!(
            epochs.outdated(&kept(6)),
            "the store has forgotten the others"
        );
    }

    #[test]
    fn an_id_means_nothing_on_another_level() {
        let mut epochs = Epochs::default();
        let raised = ["ana", "5ad0-71"].map(|id| (Scope::Tenant(id.into()), Revision(7)));
        epochs.merge(Revision(0), &raised);
        assert!(!epochs.revoked(&token(0)));
    }

    #[test]
    fn an_epoch_never_goes_back() {
        let mut epochs = Epochs::default();
        let user = || Scope::User("ana".into());
        epochs.merge(Revision(0), &[(user(), Revision(9)), (user(), Revision(4))]);
        epochs.merge(Revision(0), &[(user(), Revision(5))]);
        assert!(epochs.revoked(&token(8)));
    }

    #[test]
    fn raising_everybody_forgets_what_it_covers_and_nothing_else() {
        let mut epochs = Epochs::default();
        let raised = [
            (Scope::User("bob".into()), Revision(3)),
            (Scope::User("ana".into()), Revision(9)),
        ];
        epochs.merge(Revision(0), &raised);
        epochs.merge(Revision(5), &[]);
        assert_eq!(epochs.len(), 1);
        assert!(epochs.revoked(&token(8)) && !epochs.revoked(&token(9)));
        epochs.merge(Revision(5), &[(Scope::All, Revision(10))]);
        assert!(epochs.is_empty() && epochs.revoked(&token(9)));
    }

    #[test]
    fn a_million_revoked_sessions_are_told_from_all_others() {
        const COUNT: u64 = 1_000_000;
        let mut epochs = Epochs::default();
        let raised: Vec<_> = (1..=COUNT)
            .map(|n| (Scope::Session(format!("session-{n}")), Revision(n)))
            .collect();
        epochs.merge(Revision(0), &raised);
        assert_eq!(epochs.len(), 1_000_000);
        for n in (1..=COUNT).step_by(997) {
            let session = format!("session-{n}");
            let is_revoked = |issued| {
                let session = &session;
                epochs.revoked(&Bearer {
                    session,
                    ..token(issued)
                })
            };
            assert!(is_revoked(n - 1) && !is_revoked(n), "{session}");
        }
        let session = "session-0";
        assert!(!epochs.revoked(&Bearer {
            session,
            ..token(0)
        }));
    }
}
