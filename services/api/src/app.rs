//! What all handlers share, made once at start and handed to the router.

use std::sync::Arc;
use std::time::Duration;

use reportapp_config::credential::Secret;
use reportapp_session::access::Memories;
use reportapp_session::{Passwords, SessionStore, Throttle, ThrottleLimits, Tokens};

use crate::admission::Admission;
use crate::cache::Cache;
use crate::epochs::Epochs;
use crate::erp::Servers;
use crate::metrics::{ExportMetrics, HttpMetrics, SessionMetrics};
use crate::peer::Cidr;
use crate::reports::Catalogue;
use crate::store::{Person, Store};
use crate::web::WebUi;

/// Guesses at one user: ten at once, then one per half minute. From a known device the same, apart.
const IDENTITY_LIMITS: ThrottleLimits = ThrottleLimits {
    burst: 10,
    refill: Duration::from_secs(30),
    keys: 20_000,
};

/// Guesses from one address, which may be a whole office: thirty at once, then one per five seconds.
const ADDRESS_LIMITS: ThrottleLimits = ThrottleLimits {
    burst: 30,
    refill: Duration::from_secs(5),
    keys: 20_000,
};

/// Codes tried in one chat: five at once, then one per minute.
const CHAT_LIMITS: ThrottleLimits = ThrottleLimits {
    burst: 5,
    refill: Duration::from_secs(60),
    keys: 20_000,
};

/// The shared state of the application.
pub struct App {
    /// Name of the application.
    pub name: String,
    /// Path below which it is served, `/` or `/x/`.
    pub path_prefix: String,
    /// Whether clients reach us over TLS, so that cookies can insist on it.
    pub secure: bool,
    /// Proxies whose headers are believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Users, links, audit.
    pub store: Arc<Store>,
    /// What was revoked.
    pub epochs: Arc<Epochs>,
    /// What this process remembers of users.
    pub people: Memories<Person>,
    /// Sessions near at hand; the truth is in the store.
    pub sessions: Arc<dyn SessionStore>,
    /// Access tokens.
    pub tokens: Tokens,
    /// Password hashes.
    pub passwords: Passwords,
    /// ERP databases.
    pub servers: Servers,
    /// What they can be asked.
    pub catalogue: Arc<Catalogue>,
    /// What they answered.
    pub cache: Arc<Cache>,
    /// How often who may guess.
    pub throttles: Throttles,
    /// Token of the internal listener; `None`: there is none.
    pub internal_token: Option<InternalToken>,
    /// Name of the bot; `None`: linking is switched off or has no deep link.
    pub bot_username: Option<String>,
    /// The built web UI.
    pub web: WebUi,
    /// Who is let in under load.
    pub admission: Arc<Admission>,
    /// Counters and histograms of HTTP.
    pub metrics: HttpMetrics,
    /// How exports ended.
    pub export_metrics: ExportMetrics,
    /// Where sessions were found, and how they were renewed.
    pub session_metrics: SessionMetrics,
}

/// How often a secret may be guessed before its guesser has to wait.
pub struct Throttles {
    /// Per name, for everybody who was never here before.
    pub identity: Throttle,
    /// Per address.
    pub address: Throttle,
    /// Per known device and name, and per user who is signed in.
    pub device: Throttle,
    /// Per chat.
    pub chat: Throttle,
}

impl Default for Throttles {
    fn default() -> Self {
        Self {
            identity: Throttle::new(IDENTITY_LIMITS),
            address: Throttle::new(ADDRESS_LIMITS),
            device: Throttle::new(IDENTITY_LIMITS),
            chat: Throttle::new(CHAT_LIMITS),
        }
    }
}

/// The bearer token of the bot.
#[derive(Debug)]
pub struct InternalToken(Secret);

impl InternalToken {
    /// Wraps a token.
    pub fn new(token: Secret) -> Self {
        Self(token)
    }

    /// Compares without telling by its time how much was right.
    pub fn matches(&self, presented: &str) -> bool {
        let (own, presented) = (self.0.expose().as_bytes(), presented.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(own, presented).is_ok()
    }
}
