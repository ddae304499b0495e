//! The operator dies at any message to a real store, in the course of every effect that actions have there:
//! what it asked arrives, and it hears no more. Another one repeats the effect, and the end is the same as
//! undisturbed, with nothing done twice.
//!
//! ```text
//! first operator ── gate, closed after message k ── store ── second operator ── counts
//! ```

use super::*;
use crate::gate::Gate;

/// What an action does in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    EndSessions,
    RenewPermissions,
    Disable,
    ForceReset,
    PutBack,
    EmptyMemories,
}

const EFFECTS: [Effect; 6] = [
    Effect::EndSessions,
    Effect::RenewPermissions,
    Effect::Disable,
    Effect::ForceReset,
    Effect::PutBack,
    Effect::EmptyMemories,
];

/// How long an operator that hears no more goes on.
const BRIEF: Duration = Duration::from_millis(200);
/// Messages that an effect needs at least: what is known is looked for, and written.
const LEAST: usize = 2;

/// One user, whom one action concerns.
struct Attempt {
    effect: Effect,
    user: String,
    uid: String,
}

impl Attempt {
    /// With a user who has a session, and whom an action has locked if another one is to undo that.
    async fn new(scene: &Scene, effect: Effect, number: usize) -> Self {
        let user = format!("{effect:?}-{number}").to_lowercase();
        let uid = format!("uid-{user}");
        let insert = format!(
            "INSERT INTO users_enhanced (id, username, username_key, name, password_hash, created_at)
             VALUES ('{user}', '{user}', '{user}', '{user}', '', now());
             INSERT INTO user_sessions (id, user_id, issued, family_hash, token_hash, token_prefix,
                                        created_at, last_activity_at, expires_at)
             VALUES ('s-{user}', '{user}', 0, '{user}', '{user}', '', now(), now(),
                     now() + interval '1 day');"
        );
        scene.pool.batch(&insert).await.unwrap();
        let attempt = Self { effect, user, uid };
        if effect == Effect::PutBack {
            let store = scene.open().await;
            let (lock, change) = (attempt.lock(), disable(&attempt.user));
            store.change(&lock, &change, LIMIT).await.unwrap();
        }
        attempt
    }

    /// The action that is undone.
    fn lock(&self) -> String {
        format!("lock-{}", self.uid)
    }

    async fn happen(&self, store: &AppStore, limit: Duration) -> Result<(), Trouble> {
        let change = |change| UserChange {
            user: self.user.clone(),
            change,
            duration: None,
        };
        let uid = &self.uid;
        match self.effect {
            Effect::EndSessions => {
                let target = sessions(user(&self.user));
                store.invalidate(uid, &target, limit).await.map(drop)
            }
            Effect::RenewPermissions => {
                let target = Target::Permissions(Holders::User(self.user.clone()));
                store.invalidate(uid, &target, limit).await.map(drop)
            }
            Effect::Disable => {
                let disable = change(Change::Disable { force: false });
                store.change(uid, &disable, limit).await.map(drop)
            }
            Effect::ForceReset => {
                let reset = change(Change::ForceReset);
                store.change(uid, &reset, limit).await.map(drop)
            }
            Effect::PutBack => {
                let undone = Undone {
                    name: "lock".to_owned(),
                    uid: self.lock(),
                    user: self.user.clone(),
                };
                store.put_back(uid, &undone, limit).await.map(drop)
            }
            Effect::EmptyMemories => store.empty_caches(uid, limit).await.map(drop),
        }
    }

    /// May sign in, must choose a password, open sessions, snapshots that were taken, and put back.
    fn expected(&self) -> (bool, bool, i64, i64, i64) {
        match self.effect {
            // Sessions that are ended by their epoch alone stay listed until they expire.
            Effect::EndSessions | Effect::RenewPermissions | Effect::EmptyMemories => {
                (true, false, 1, 0, 0)
            }
            Effect::Disable => (false, false, 0, 1, 0),
            Effect::ForceReset => (true, true, 0, 1, 0),
            Effect::PutBack => (true, false, 0, 1, 1),
        }
    }

    async fn found(&self, scene: &Scene) -> (bool, bool, i64, i64, i64) {
        let sql = format!(
            "SELECT u.is_active, u.must_reset_password,
                    (SELECT count(*) FROM user_sessions s
                     WHERE s.user_id = u.id AND s.is_active) AS sessions,
                    (SELECT count(*) FROM incident_snapshots i WHERE i.user_id = u.id) AS taken,
                    (SELECT count(i.undone_at) FROM incident_snapshots i
                     WHERE i.user_id = u.id) AS put_back
             FROM users_enhanced u WHERE u.id = '{}'",
            self.user
        );
        let rows = scene.pool.query(&sql, &[]).await.unwrap();
        let is = |column| rows[0].get::<bool>(column).unwrap();
        let count = |column| rows[0].get::<i64>(column).unwrap();
        let (sessions, taken, put_back) = (count("sessions"), count("taken"), count("put_back"));
        (
            is("is_active"),
            is("must_reset_password"),
            sessions,
            taken,
            put_back,
        )
    }
}

/// The number of the last revocation.
async fn revision(scene: &Scene) -> i64 {
    let sql = "SELECT revision FROM epoch_state";
    let rows = scene.pool.query(sql, &[]).await.unwrap();
    rows[0].get("revision").unwrap()
}

/// Whether there was a message at which the operator died.
async fn dies(scene: &Scene, effect: Effect, number: usize) -> bool {
    let what = format!("{effect:?}, died at message {number}");
    let attempt = Attempt::new(scene, effect, number).await;
    let before = revision(scene).await;

    let gate = Gate::to(scene.server.port()).await;
    let first = scene.connect_to(gate.port, PASSWORD).await.unwrap();
    gate.close_after(number);
    let death = async {
        gate.is_shut().await;
        tokio::time::sleep(BRIEF).await;
    };
    // Until then it has the time it needs, on a machine that may be busy.
    let outcome = tokio::select! {
        outcome = attempt.happen(&first, LIMIT) => outcome,
        () = death => Ok(()),
    };
    let died = !gate.is_armed();
    assert!(died || outcome.is_ok(), "{what}: {outcome:?}");
    first.close().await;
    let at_death = revision(scene).await;

    let second = scene.open().await;
    attempt.happen(&second, LIMIT).await.unwrap();
    second.close().await;
    let after = revision(scene).await;
    assert!(after > before, "{what}: nothing was revoked");
    assert!(
        at_death == before || at_death == after,
        "{what}: it was revoked twice"
    );
    assert_eq!(attempt.found(scene).await, attempt.expected(), "{what}");
    died
}

#[tokio::test]
async fn an_operator_that_dies_at_any_message_to_the_store_is_gone_on_from() {
    let scene = Scene::start().await;
    let mut deaths = 0;
    for effect in EFFECTS {
        let mut number = 0;
        while dies(&scene, effect, number).await {
            number += 1;
        }
        assert!(number >= LEAST, "{effect:?}: only {number} messages");
        deaths += number;
    }
    println!("operators that died at a message to the store: {deaths}");
}
