//! What Redis carries beside records: wake-ups between the processes of an application, and requests
//! that somebody types on the channels of the original system.
//!
//! Redis delivers a message to whoever listens at that moment, at most once. A wake-up therefore says
//! only that there may be news: lost, doubled, late or invented, it changes when a process reads the
//! store and nothing else. A request is heard by every process, and [`Wakes::name`] gives all of them
//! one name for it, under which the store takes it once.
//!
//! [`Wakes::listen`] is one connection from dialling to its end; whoever drives it pauses and calls it
//! again. Each time the credential is read anew, so a login that was replaced is not dialled again.

use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Msg, ProtocolVersion, PushInfo, PushKind, RedisError, pipe};
use reportapp_config::api::RedisConfig;
use tokio::sync::mpsc;

use crate::SessionError;
use crate::epochs::Revision;
use crate::random;
use crate::store::redis::link::{self, Link};
use crate::store::redis::target;

pub mod caches;

/// A silent connection is asked this often whether it is still one.
const LOOK: Duration = Duration::from_secs(5);
/// The same words on the same channel within this time are one request.
const WINDOW: Duration = Duration::from_secs(2);

/// A channel of the original system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `permissions:invalidate`.
    Permissions,
    /// `sessions:invalidate`.
    Sessions,
    /// `cache:invalidate`.
    Caches,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Permissions, Self::Sessions, Self::Caches];

    /// The name in Redis.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permissions => "permissions:invalidate",
            Self::Sessions => "sessions:invalidate",
            Self::Caches => "cache:invalidate",
        }
    }
}

/// What a listening process hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It listens from now on, for requests too if the login may.
    Listening {
        /// Whether requests are heard, and if not, why.
        requests: Result<(), SessionError>,
    },
    /// Somebody says that there is this revision.
    News(Revision),
    /// Somebody asks for something.
    Request {
        /// Where.
        channel: Channel,
        /// In what words; any bytes at all.
        payload: Vec<u8>,
    },
}

/// One name that all processes use for a request they heard at about the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Whether it was this process that gave it, so that somebody does what need be done only once.
    pub is_ours: bool,
}

/// The channel of the wake-ups of `app`: a message is a revision.
pub fn channel_of(app: &str) -> String {
    format!("{app}:epochs")
}

/// Wake-ups and requests of one application in one Redis.
pub struct Wakes {
    app: String,
    config: RedisConfig,
    link: Link,
}

impl Wakes {
    /// Reads the credential; the server need not be up.
    ///
    /// # Errors
    /// [`SessionError::Misconfigured`] when the credential folder or the CA file is unusable.
    pub fn new(app: impl Into<String>, config: &RedisConfig) -> Result<Self, SessionError> {
        Ok(Self {
            app: app.into(),
            config: config.clone(),
            link: Link::new(target::resolve(config, ProtocolVersion::RESP2)?),
        })
    }

    /// The name of the application.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The channel of our own wake-ups.
    pub fn channel(&self) -> String {
        channel_of(&self.app)
    }

    /// Tells all processes that there is this revision.
    ///
    /// # Errors
    /// When Redis does not answer or the login may not; nothing is lost but time.
    pub async fn tell(&self, revision: Revision) -> Result<(), SessionError> {
        let mut pipeline = pipe();
        pipeline.publish(self.channel(), revision.0).ignore();
        self.link.ask(&pipeline).await
    }

    /// The name of the request with this digest. The first process that asks gives it, and for two
    /// seconds all others are told the same.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn name(&self, digest: &str) -> Result<Name, SessionError> {
        let key = format!("{}:request:{digest}", self.app);
        let ours = random::id();
        let mut pipeline = pipe();
        let set = pipeline.cmd("SET").arg(&key).arg(&ours);
        set.arg("NX").arg("PX").arg(WINDOW.as_millis() as u64);
        pipeline.ignore().get(&key);
        let (known,): (Option<String>,) = self.link.ask(&pipeline).await?;
        let given = known.unwrap_or_else(|| ours.clone());
        Ok(Name {
            is_ours: given == ours,
            text: format!("request-{digest}-{given}"),
        })
    }

    /// Listens on a new connection until it breaks, and says why it did.
    pub async fn listen(&self, mut heard: impl FnMut(Heard)) -> SessionError {
        let (hear, mut messages) = mpsc::unbounded_channel();
        let mut connection = match self.subscribe(hear).await {
            Ok((connection, requests)) => {
                heard(Heard::Listening { requests });
                connection
            }
            Err(error) => return error,
        };
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) if message.kind != PushKind::Disconnection => {
                        self.understand(message).into_iter().for_each(&mut heard);
                    }
                    _ => return lost("the server closed the connection"),
                },
                () = tokio::time::sleep(LOOK) => {
                    if let Err(error) = self.look(&mut connection).await {
                        return link::sort(&error);
                    }
                }
            }
        }
    }

    /// Our own channel is all that is needed. The others may be refused without harm to it.
    async fn subscribe(
        &self,
        hear: mpsc::UnboundedSender<PushInfo>,
    ) -> Result<(MultiplexedConnection, Result<(), SessionError>), SessionError> {
        let target = target::resolve(&self.config, ProtocolVersion::RESP3)?;
        let config = link::patient().set_push_sender(hear);
        let mut connection = link::dial(&target, config).await?;
        let refused = |error: RedisError| link::sort(&error);
        let own = connection.subscribe(self.channel()).await;
        own.map_err(refused)?;
        let names = Channel::ALL.map(Channel::as_str);
        let requests = connection.subscribe(&names).await.map_err(refused);
        Ok((connection, requests))
    }

    fn understand(&self, message: PushInfo) -> Option<Heard> {
        let message = Msg::from_push_info(message)?;
        let (name, payload) = (message.get_channel_name(), message.get_payload_bytes());
        if name == self.channel() {
            let text = std::str::from_utf8(payload).ok()?;
            return text
                .parse()
                .ok()
                .map(|number| Heard::News(Revision(number)));
        }
        let mut channels = Channel::ALL.into_iter();
        Some(Heard::Request {
            channel: channels.find(|channel| channel.as_str() == name)?,
            payload: payload.to_vec(),
        })
    }

    /// Asks something on the listening connection: a server that is gone without a word is noticed
    /// by nothing else.
    async fn look(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let key = format!("{}:session:probe", self.app);
        let (_none,): (Option<String>,) = pipe().get(key).query_async(connection).await?;
        Ok(())
    }
}

impl std::fmt::Debug for Wakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakes")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

fn lost(detail: &str) -> SessionError {
    SessionError::Unreachable {
        detail: detail.to_owned(),
    }
}
