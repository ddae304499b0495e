//! Long random orders over the four levels, against an independent rule: many tokens, some without a
//! tenant, judged by a process that learns of revocations late, twice, in pieces and out of order.
//!
//! [`super::exhaustive`] tries every short order with one token; this tries a million decisions in long
//! ones. A token that nobody ended must also not be refused, except by what was settled.

use super::simulation::chance::Chance;
use super::{Bearer, Epochs, Revision, Scope};

const DECISIONS: u64 = 1_000_000;
const STEPS: usize = 40;
/// Few ids, so that levels and tokens meet often; the same ids on every level.
const IDS: [&str; 3] = ["a", "b", "c"];

/// A token, and the number of revocations before it was issued.
struct Token {
    tenant: Option<&'static str>,
    user: &'static str,
    session: &'static str,
    issued: Revision,
    after: usize,
}

impl Token {
    fn some(chance: &mut Chance, log: &[(Scope, Revision)]) -> Self {
        let tenant = (!chance.once_in(3)).then(|| id(chance));
        Self {
            tenant,
            user: id(chance),
            session: id(chance),
            issued: log.last().map_or(Revision(0), |(_, revision)| *revision),
            after: log.len(),
        }
    }

    fn bearer(&self) -> Bearer<'_> {
        Bearer {
            tenant: self.tenant,
            user: self.user,
            session: self.session,
            issued: self.issued,
        }
    }

    /// The rule: level by level, whether this names the token.
    fn is_named_by(&self, scope: &Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Tenant(id) => self.tenant == Some(id),
            Scope::User(id) => self.user == id,
            Scope::Session(id) => self.session == id,
            Scope::Permissions
            | Scope::RolePermissions(_)
            | Scope::UserPermissions(_)
            | Scope::Caches
            | Scope::CachesOf(_) => false,
        }
    }
}

fn id(chance: &mut Chance) -> &'static str {
    chance.pick(&IDS).expect("there are ids")
}

fn scope(chance: &mut Chance) -> Scope {
    let id = id(chance).to_owned();
    match chance.below(8) {
        0 => Scope::All,
        1 | 2 => Scope::Tenant(id),
        3 | 4 => Scope::User(id),
        _ => Scope::Session(id),
    }
}

/// One history; returns how many decisions were made, and how many let in or kept out wrongly.
fn history(chance: &mut Chance) -> (u64, u64, u64) {
    let mut log: Vec<(Scope, Revision)> = Vec::new();
    let mut known: Vec<bool> = Vec::new();
    let (mut epochs, mut tokens) = (Epochs::default(), Vec::new());
    let (mut decisions, mut let_in, mut kept_out) = (0, 0, 0);
    for _ in 0..STEPS {
        match chance.below(4) {
            0 => {
                // Revisions are microseconds: they leap, and several scopes may share one.
                let before = log.last().map_or(0, |(_, revision)| revision.0);
                let revision = Revision(before + chance.between(1, 1_000));
                for _ in 0..chance.between(1, 3) {
                    log.push((scope(chance), revision));
                    known.push(false);
                }
            }
            1 => tokens.push(Token::some(chance, &log)),
            _ => {
                let mut news = Vec::new();
                for (position, entry) in log.iter().enumerate() {
                    if chance.once_in(2) {
                        known[position] = true;
                        news.push(entry.clone());
                    }
                }
                if chance.once_in(2) {
                    news.reverse();
                }
                epochs.merge(Revision(0), &news);
            }
        }
        for token in &tokens {
            let ended = (token.after..log.len())
                .any(|position| known[position] && token.is_named_by(&log[position].0));
            let refused = epochs.revoked(&token.bearer());
            decisions += 1;
            let_in += u64::from(ended && !refused);
            kept_out += u64::from(!ended && refused);
        }
    }
    (decisions, let_in, kept_out)
}

#[test]
fn in_a_million_decisions_of_long_random_orders_none_is_wrong() {
    let (mut decisions, mut let_in, mut kept_out) = (0, 0, 0);
    for seed in 0.. {
        let counts = history(&mut Chance::new(seed));
        decisions += counts.0;
        let_in += counts.1;
        kept_out += counts.2;
        if decisions >= DECISIONS {
            break;
        }
    }
    println!("{decisions} decisions: {let_in} let in wrongly, {kept_out} kept out wrongly");
    assert_eq!((let_in, kept_out), (0, 0));
}
