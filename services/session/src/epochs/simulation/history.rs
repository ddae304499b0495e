//! What truly happened, in one order, and what of it must not have.

use std::time::Duration;

use super::Nanos;
use crate::epochs::{Bearer, Revision, Scope, Verdict};

/// A token as its owner knows it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    tenant: String,
    user: String,
    session: String,
    issued: Revision,
    /// Its place among issues and commits.
    order: u64,
}

impl Token {
    pub(super) fn bearer(&self) -> Bearer<'_> {
        Bearer {
            tenant: Some(&self.tenant),
            user: &self.user,
            session: &self.session,
            issued: self.issued,
        }
    }

    /// A scope of each size that covers the token.
    pub(super) fn scope(&self, size: u64) -> Scope {
        match size {
            0 => Scope::All,
            1 => Scope::Tenant(self.tenant.clone()),
            2 => Scope::User(self.user.clone()),
            _ => Scope::Session(self.session.clone()),
        }
    }

    fn covered_by(&self, scope: &Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Tenant(id) => *id == self.tenant,
            Scope::User(id) => *id == self.user,
            Scope::Session(id) => *id == self.session,
            Scope::Permissions
            | Scope::RolePermissions(_)
            | Scope::UserPermissions(_)
            | Scope::Caches
            | Scope::CachesOf(_) => false,
        }
    }
}

#[derive(Clone, Debug)]
struct Revocation {
    scope: Scope,
    asked_at: Nanos,
    committed: Option<u64>,
    acknowledged_at: Option<Nanos>,
}

impl Revocation {
    fn ends(&self, token: &Token) -> bool {
        self.committed.is_some_and(|commit| token.order < commit) && token.covered_by(&self.scope)
    }
}

/// A request that was accepted by `process` though it began after the acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    process: usize,
    began: Nanos,
    acknowledged_at: Nanos,
    scope: Scope,
}

/// How requests ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) revoked: u64,
    pub(super) unavailable: u64,
}

#[derive(Debug, Default)]
pub(super) struct History {
    order: u64,
    tokens: Vec<Token>,
    revocations: Vec<Revocation>,
    violations: Vec<Violation>,
    wrongly_refused: u64,
    counts: Counts,
}

impl History {
    fn next(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    pub(super) fn issued(&mut self, tenant: u64, user: u64, issued: Revision) {
        let order = self.next();
        self.tokens.push(Token {
            tenant: format!("t{tenant}"),
            user: format!("u{user}"),
            session: format!("s{order}"),
            issued,
            order,
        });
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Somebody wants this revoked; the number is that of the revocation from now on.
    pub(super) fn asked(&mut self, scope: Scope, now: Nanos) -> usize {
        self.revocations.push(Revocation {
            scope,
            asked_at: now,
            committed: None,
            acknowledged_at: None,
        });
        self.revocations.len() - 1
    }

    /// The raise is visible in the store; a repetition changes nothing.
    pub(super) fn committed(&mut self, revocation: usize) {
        let order = self.next();
        self.revocations[revocation].committed.get_or_insert(order);
    }

    pub(super) fn acknowledge(&mut self, revocation: usize, now: Nanos) {
        let revocation = &mut self.revocations[revocation];
        // Acknowledged before it was committed would be the worst of all.
        if revocation.committed.is_none() {
            revocation.committed = Some(u64::MAX);
        }
        revocation.acknowledged_at.get_or_insert(now);
    }

    /// Tokens this revocation ended and no other: whoever does not know of it takes them for valid.
    pub(super) fn ended_by(&self, revocation: usize) -> Vec<Token> {
        let others = |token: &&Token| {
            let mut others = self.revocations.iter().enumerate();
            !others.any(|(other, r)| other != revocation && r.ends(token))
        };
        let revocation = &self.revocations[revocation];
        let ended = self.tokens.iter().filter(|token| revocation.ends(token));
        ended.filter(others).cloned().collect()
    }

    pub(super) fn judged(&mut self, process: usize, token: &Token, began: Nanos, how: Verdict) {
        let mut ending = self.revocations.iter().filter(|r| r.ends(token));
        match how {
            Verdict::Accept => {
                self.counts.accepted += 1;
                let acknowledged = |r: &Revocation| r.acknowledged_at.filter(|at| *at < began);
                let broken = ending.find_map(|r| Some((acknowledged(r)?, r.scope.clone())));
                if let Some((acknowledged_at, scope)) = broken {
                    self.violations.push(Violation {
                        process,
                        began,
                        acknowledged_at,
                        scope,
                    });
                }
            }
            Verdict::Revoked => {
                self.counts.revoked += 1;
                self.wrongly_refused += u64::from(ending.next().is_none());
            }
            Verdict::Unknown => self.wrongly_refused += 1,
            Verdict::Ask => self.counts.unavailable += 1,
        }
    }

    pub(super) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Tokens that were refused as revoked though nothing had ended them.
    pub(super) fn wrongly_refused(&self) -> u64 {
        self.wrongly_refused
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.revocations.len() - self.open()
    }

    /// Revocations nobody ever acknowledged.
    pub(super) fn open(&self) -> usize {
        let open = |r: &&Revocation| r.acknowledged_at.is_none();
        self.revocations.iter().filter(open).count()
    }

    /// The longest time from the wish to the acknowledgement.
    pub(super) fn slowest(&self) -> Duration {
        let times = self.revocations.iter().map(|r| {
            r.acknowledged_at
                .map_or(u64::MAX, |acknowledged| acknowledged - r.asked_at)
        });
        Duration::from_nanos(times.max().unwrap_or(0))
    }
}
