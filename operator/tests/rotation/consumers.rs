//! Pods: each holds the files it was started with and a session opened with them, and is replaced
//! only when the test lets it. A probe logs in with everything a live process may present.

use std::collections::BTreeMap;
use std::sync::Mutex as StdMutex;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use rcgen::KeyPair;
use redis::aio::MultiplexedConnection;
use reportapp_operator::rotation::ledger::SecretText;
use reportapp_operator::rotation::machine::Rollout;
use reportapp_operator::rotation::plan::Backend;
use reportapp_operator::rotation::target::{Strategy, Target};
use reportapp_operator::rotation::world::World as _;
use tokio::sync::Mutex;
use tokio_postgres::Client;

use crate::sandbox::{Files, Sandbox};
use crate::scenes::{Credential, HOLD};
use crate::servers::Servers;

/// Pods per credential.
const PODS: usize = 2;
/// Tokens live a little shorter than the old key is kept.
const TOKEN_LIFE: u64 = HOLD.as_secs() - 2;

/// What an open session is made of; it ends when dropped.
#[expect(dead_code, reason = "held, not read")]
pub enum Session {
    Postgres(Client),
    Redis(MultiplexedConnection),
    None,
}

struct Pod {
    files: Files,
    _session: Option<Session>,
}

/// All pods, and what they complained of.
#[derive(Default)]
pub struct Consumers {
    pods: Mutex<BTreeMap<String, Vec<Pod>>>,
    failures: StdMutex<Vec<String>>,
    /// Public key and when a token was signed with it last.
    tokens: StdMutex<BTreeMap<String, Timestamp>>,
    held: StdMutex<bool>,
    sick: StdMutex<Option<String>>,
}

impl Consumers {
    /// Opens a session as the application would.
    pub async fn login(
        &self,
        servers: &Servers,
        credential: &Credential,
        user: &str,
        secret: &str,
    ) -> Result<Session, String> {
        match &credential.backend {
            Backend::Postgres(_) => {
                let client = servers.postgres_login(user, secret).await?;
                let row = client.query_one("SELECT current_user::text", &[]).await;
                let became: String = row.map_err(|error| error.to_string())?.get(0);
                if Some(&became) != credential.target.role.as_ref() {
                    return Err(format!("{user} runs as {became}"));
                }
                Ok(Session::Postgres(client))
            }
            Backend::Redis(_) => {
                let connection = servers.redis.login(user, secret).await;
                connection
                    .map(Session::Redis)
                    .map_err(|error| error.to_string())
            }
            Backend::None => Ok(Session::None),
        }
    }

    /// What failed so far.
    pub fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }

    /// Forgets what failed so far.
    pub fn forgive(&self) {
        self.failures.lock().unwrap().clear();
    }

    /// Keeps pods as they are, or lets them move.
    pub fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
    }

    /// Makes pods with what rotation `id` published fail to become ready.
    pub fn sicken(&self, id: &str) {
        *self.sick.lock().unwrap() = Some(id.to_owned());
    }

    /// Tokens that were signed so far are given up, as an emergency does.
    pub fn forget_tokens(&self) {
        self.tokens.lock().unwrap().clear();
    }

    fn fail(&self, when: &str, what: &str) {
        let failure = format!("{when}: {what}");
        self.failures.lock().unwrap().push(failure);
    }
}

fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    files.get(name).map_or("", SecretText::expose)
}

impl Sandbox {
    /// The first pods.
    pub async fn start_pods(&self) {
        for credential in &self.credentials {
            let files = self.given(&credential.target).files;
            let mut pods = Vec::new();
            for _ in 0..PODS {
                pods.push(self.pod(credential, &files, "at first").await);
            }
            let name = credential.target.name.clone();
            self.consumers.pods.lock().await.insert(name, pods);
        }
    }

    async fn pod(&self, credential: &Credential, files: &Files, when: &str) -> Pod {
        let (user, secret) = (text(files, "username"), text(files, credential.target.file));
        let session = self
            .consumers
            .login(&self.servers, credential, user, secret);
        let session = session.await;
        if let Err(error) = &session {
            let what = format!(
                "a new pod of {} cannot log in: {error}",
                credential.target.name
            );
            self.consumers.fail(when, &what);
        }
        Pod {
            files: files.clone(),
            _session: session.ok(),
        }
    }

    /// Replaces one pod of each credential whose version is not the published one; the new one
    /// starts before the old one ends.
    pub async fn move_pods(&self) {
        if *self.consumers.held.lock().unwrap() {
            return;
        }
        let mut all = self.consumers.pods.lock().await;
        for credential in &self.credentials {
            let wanted = self.given(&credential.target).files;
            if self.is_sick(&credential.target) {
                continue;
            }
            let pods = all.get_mut(&credential.target.name).unwrap();
            if let Some(old) = pods.iter_mut().find(|pod| pod.files != wanted) {
                *old = self.pod(credential, &wanted, "in a roll-out").await;
            }
        }
    }

    fn is_sick(&self, target: &Target) -> bool {
        let sick = self.consumers.sick.lock().unwrap().clone();
        let published = self.given(target).published;
        sick.is_some_and(|id| published.is_some_and(|published| published.rotation == id))
    }

    /// What the pods do; of a sick version none becomes ready, so the old ones stay.
    pub async fn rollout_of(&self, target: &Target) -> Rollout {
        let wanted = self.given(target).files;
        let all = self.consumers.pods.lock().await;
        let old = all[&target.name].iter().filter(|pod| pod.files != wanted);
        let old_pods = u32::try_from(old.count()).unwrap();
        let message = "old pods are left".to_owned();
        match old_pods {
            0 => Rollout::Complete,
            _ if self.is_sick(target) => Rollout::Unhealthy { old_pods, message },
            _ => Rollout::Moving { old_pods, message },
        }
    }

    /// Logs in with what every pod holds, with what a pod started now would get, with what a place
    /// beyond the pods holds, and with what the ledger calls current.
    pub async fn probe(&self, when: &str) {
        for credential in &self.credentials {
            let target = &credential.target;
            let mut presented = vec![self.given(target).files];
            {
                let all = self.consumers.pods.lock().await;
                presented.extend(all[&target.name].iter().map(|pod| pod.files.clone()));
            }
            if target.strategy == Strategy::KeyOverlap {
                self.probe_tokens(target, &presented, when);
                continue;
            }
            let mut logins: Vec<_> = presented
                .iter()
                .map(|files| (text(files, "username"), text(files, target.file)))
                .map(|(user, secret)| (user.to_owned(), secret.to_owned()))
                .collect();
            let outside = Some(self.outside(target));
            for value in [self.entry(target).current, outside].into_iter().flatten() {
                let secret = value.secret.expose().to_owned();
                logins.push((value.username.unwrap_or_default(), secret));
            }
            logins.sort();
            logins.dedup();
            for (user, secret) in &logins {
                let tried = self
                    .consumers
                    .login(&self.servers, credential, user, secret);
                if let Err(error) = tried.await {
                    self.consumers.fail(when, &error);
                }
            }
        }
    }

    /// Every pod signs a token, and every pod must accept all that have not expired.
    fn probe_tokens(&self, target: &Target, pods: &[Files], when: &str) {
        let now = self.now();
        let mut tokens = self.consumers.tokens.lock().unwrap();
        // The first is what a pod started now would get; it signs nothing yet.
        for files in &pods[1..] {
            tokens.insert(public(text(files, target.file)), now);
        }
        let life = SignedDuration::from_secs(i64::try_from(TOKEN_LIFE).unwrap());
        for files in pods {
            let own = public(text(files, target.file));
            let refused = tokens.iter().any(|(key, signed)| {
                now.duration_since(*signed) < life
                    && *key != own
                    && files.values().all(|file| file.expose() != key)
            });
            if refused {
                self.consumers
                    .fail(when, "a token that is still valid is refused");
            }
        }
    }
}

fn public(private: &str) -> String {
    KeyPair::from_pem(private).unwrap().public_key_pem()
}
