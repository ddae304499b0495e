//! Redis: two ACL users in turn, `<user>_a` and `<user>_b`, each with exactly the rules of the base
//! user. The base user is the one that was adopted; it is switched off when the first twin takes
//! over and keeps its rules, because twins copy from it. Where the name is fixed, one user carries
//! two passwords for a while instead.
//!
//! A verb dials the named primary and every replica it shows, since Redis replicates keys but not
//! users. A change goes through [`change`]: fenced, applied on the primary, saved, then on each
//! replica, and marked as unfinished until all of that is done, so that [`Redis::login`] tells after
//! a crash that it has to be repeated. Passwords leave as SHA-256; only a login carries one in plain.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::{Instant, sleep};

use self::acl::AclUser;
use self::change::Change;
use self::clients::Client;
use self::connection::{Address, Dialer, Node};
use super::{Admin, BackendError, Endpoint, Login, Outline, Session, identities, twins};

mod acl;
pub mod caches;
mod change;
mod clients;
mod connection;
mod info;
mod login;
mod nodes;
mod plan;
mod preflight;
mod save;
pub mod wake;

/// How long [`Redis::end_sessions`] may take.
const END_WITHIN: Duration = Duration::from_secs(5);
/// How soon it looks again; a killed connection is gone when the server has served its event loop.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The user of connections that name none.
const DEFAULT_USER: &str = "default";

/// One credential of a Redis server.
#[derive(Debug)]
pub struct Redis {
    dialer: Dialer,
    home: Address,
    admin: Option<Admin>,
    user: String,
    key: String,
}

impl Redis {
    /// A credential whose base user is `user`; `key` (`<namespace>/<app>/<credential>`) names its
    /// fence. Nothing is dialled.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when the authority is no PEM certificate or the user name none.
    pub fn new(
        endpoint: Endpoint,
        admin: Admin,
        user: String,
        key: String,
    ) -> Result<Self, BackendError> {
        Ok(Self {
            admin: Some(admin),
            ..Self::for_logins(endpoint, user, key)?
        })
    }

    /// As [`Redis::new`] without an administrator: only [`Redis::visit`] can succeed.
    ///
    /// # Errors
    /// As [`Redis::new`].
    pub fn for_logins(endpoint: Endpoint, user: String, key: String) -> Result<Self, BackendError> {
        if user.is_empty() || user.contains(char::is_whitespace) {
            return Err(BackendError::Refused(format!(
                "{user:?} cannot be the name of a Redis user: it is empty or contains a space"
            )));
        }
        let home = Address {
            host: endpoint.host.clone(),
            port: endpoint.port,
        };
        Ok(Self {
            dialer: Dialer::new(endpoint)?,
            home,
            admin: None,
            user,
            key,
        })
    }

    /// Checks that the administrator can do all that a rotation needs, and that what is changed
    /// outlives a restart; gives what a reader of the plan should know. Each node saves its users
    /// once, as they are: nothing less proves that it can.
    ///
    /// # Errors
    /// What is missing, with the remedy.
    pub async fn preflight(&self) -> Result<Vec<String>, BackendError> {
        preflight::run(self).await
    }

    /// Gives twin `username` the rules of the base user, `password` as its only password, and
    /// switches it on, everywhere.
    ///
    /// # Errors
    /// [`BackendError::Fenced`] when a newer rotation has changed this credential;
    /// [`BackendError::Refused`] when the base user is gone or a node cannot save.
    pub async fn prepare(
        &self,
        fence: u64,
        username: &str,
        password: &str,
    ) -> Result<(), BackendError> {
        if self.user == DEFAULT_USER {
            return Err(BackendError::Refused(
                "the Redis user default has no twins, because a connection that names no user is \
                 this one: rotate it with two passwords, or give the application a named user"
                    .to_owned(),
            ));
        }
        if !twins(&self.user).iter().any(|twin| twin == username) {
            return Err(self.stranger(username));
        }
        let mut nodes = self.nodes().await?;
        let base = find(&mut nodes, &self.user)
            .await?
            .ok_or_else(|| self.base_is_gone())?;
        let edit = base.rules.twin(username, &hash(password));
        let edits = nodes.iter().map(|_| Some(edit.clone())).collect();
        self.change(fence, username).run(&mut nodes, edits).await
    }

    /// Tries a login on every node and compares what it may do with the base user.
    ///
    /// # Errors
    /// When a node does not answer or refuses the administrator.
    pub async fn login(&self, username: &str, password: &str) -> Result<Login, BackendError> {
        login::check(self, username, password).await
    }

    /// Tries a login where the application does, at the named server alone; needs no administrator.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn visit(&self, username: &str, password: &str) -> Result<Login, BackendError> {
        let entered = self.dialer.enter(&self.home, username, password).await?;
        Ok(if entered.is_some() {
            Login::Accepted
        } else {
            Login::Refused
        })
    }

    /// Connections of `username` on all nodes, by client name or else address.
    ///
    /// # Errors
    /// When a node does not answer or refuses the administrator.
    pub async fn sessions(&self, username: &str) -> Result<Vec<Session>, BackendError> {
        Ok(clients::group(&self.clients(username).await?))
    }

    /// Connections of `user` that are certainly older than `age`. Where the name is fixed, none from
    /// before a password was handed out is the evidence that the one before it is out of use.
    ///
    /// Redis tells an age as the difference of two times in whole seconds, which may be one too many;
    /// so a connection that is less than two seconds older is left out.
    ///
    /// # Errors
    /// When a node does not answer or refuses the administrator.
    pub async fn sessions_older_than(
        &self,
        user: &str,
        age: Duration,
    ) -> Result<Vec<Session>, BackendError> {
        let mut clients = self.clients(user).await?;
        clients.retain(|client| client.age_s > age.as_secs() + 1);
        Ok(clients::group(&clients))
    }

    /// Switches `username` off and takes its passwords; its rules stay. A user that does not exist
    /// is as good as switched off. Open connections stay: see [`Redis::end_sessions`].
    ///
    /// # Errors
    /// [`BackendError::Fenced`] when a newer rotation has changed this credential;
    /// [`BackendError::Refused`] when a node cannot save.
    pub async fn disable(&self, fence: u64, username: &str) -> Result<(), BackendError> {
        if !identities(&self.user).contains(username) {
            return Err(self.stranger(username));
        }
        let mut nodes = self.nodes().await?;
        let mut edits = Vec::new();
        for node in &mut nodes {
            let found = node.user(username).await?;
            edits.push(found.map(|_| acl::set(username, ["off", "resetpass"])));
        }
        self.change(fence, username).run(&mut nodes, edits).await
    }

    /// Ends all connections of `username`, again and again for up to 5 s until none is left; gives
    /// how many it ended. Only a user that is switched off stays away.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when connections are still there after that time.
    pub async fn end_sessions(&self, username: &str) -> Result<u32, BackendError> {
        let mut nodes = self.nodes().await?;
        let deadline = Instant::now() + END_WITHIN;
        let mut ended = 0;
        loop {
            let mut left = 0;
            for node in &mut nodes {
                ended += clients::kill(node, username).await?;
                left += clients::of(node, username).await?.len();
            }
            if left == 0 {
                return Ok(ended);
            }
            if Instant::now() >= deadline {
                return Err(BackendError::Refused(format!(
                    "{left} connections of the Redis user {username} are back as soon as they are \
                     ended: switch the user off first (ACL SETUSER {username} off)"
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Gives `user` one password more, wherever it exists, and switches it on.
    ///
    /// # Errors
    /// As [`Redis::prepare`]; also when the user takes any password, since it would not any more.
    pub async fn add_password(
        &self,
        fence: u64,
        user: &str,
        new: &str,
    ) -> Result<(), BackendError> {
        let hash = hash(new);
        self.edit_passwords(fence, user, |_, found| {
            if found.nopass {
                return Err(takes_any_password(user));
            }
            Ok(Some(acl::set(user, ["on", &format!("#{hash}")])))
        })
        .await
    }

    /// Takes password `old` from `user`, wherever it has it. Connections made with it stay.
    ///
    /// # Errors
    /// As [`Redis::prepare`]; also when it is the only password.
    pub async fn remove_password(
        &self,
        fence: u64,
        user: &str,
        old: &str,
    ) -> Result<(), BackendError> {
        let hash = hash(old);
        self.edit_passwords(fence, user, |node, found| match found.passwords.as_slice() {
            [only] if *only == hash => Err(BackendError::Refused(format!(
                "the old password is the only one of the Redis user {user} at {node}: the new one \
                 must be added before"
            ))),
            all if !all.contains(&hash) => Ok(None),
            _ => Ok(Some(acl::set(user, [format!("!{hash}")]))),
        })
        .await
    }

    /// The commands of a rotation from user `from` to user `to`, in order, without values.
    pub fn plan(&self, from: Option<&str>, to: &str) -> Outline {
        plan::commands(&self.user, from, to)
    }

    async fn nodes(&self) -> Result<Vec<Node>, BackendError> {
        nodes::all(&self.dialer, &self.home, self.admin()?).await
    }

    fn admin(&self) -> Result<&Admin, BackendError> {
        self.admin.as_ref().ok_or_else(|| {
            BackendError::AdminRefused(format!(
                "no administrator is named who may change the Redis user {}; name one under `admin`",
                self.user
            ))
        })
    }

    fn change<'a>(&'a self, fence: u64, username: &'a str) -> Change<'a> {
        Change::new(&self.key, fence, username)
    }

    async fn clients(&self, username: &str) -> Result<Vec<Client>, BackendError> {
        let mut clients = Vec::new();
        for node in &mut self.nodes().await? {
            clients.extend(clients::of(node, username).await?);
        }
        Ok(clients)
    }

    /// Changes the passwords of `user` where it exists; the primary must know it.
    async fn edit_passwords(
        &self,
        fence: u64,
        user: &str,
        edit: impl Fn(&Address, &AclUser) -> Result<Option<Vec<String>>, BackendError>,
    ) -> Result<(), BackendError> {
        if user != self.user {
            return Err(self.stranger(user));
        }
        let mut nodes = self.nodes().await?;
        let mut edits = Vec::new();
        for (index, node) in nodes.iter_mut().enumerate() {
            edits.push(match node.user(user).await? {
                Some(found) => edit(node.address(), &found)?,
                None if index == 0 => return Err(self.base_is_gone()),
                None => None,
            });
        }
        self.change(fence, user).run(&mut nodes, edits).await
    }

    fn stranger(&self, username: &str) -> BackendError {
        BackendError::Refused(format!(
            "the Redis user {username} does not belong to {}: a rotation changes only {0} and its \
             twins",
            self.user
        ))
    }

    fn base_is_gone(&self) -> BackendError {
        let user = &self.user;
        BackendError::Refused(format!(
            "the Redis user {user} does not exist at {}: its twins get their rules from it, so \
             create it again, switched off (ACL SETUSER {user} off <its rules>)",
            self.home
        ))
    }
}

/// What makes a user accept a known password again; without that password.
pub fn set_back(username: &str) -> String {
    format!("ACL SETUSER {username} on ><that password>")
}

/// The user as the primary knows it, which is the first node.
async fn find(nodes: &mut [Node], username: &str) -> Result<Option<AclUser>, BackendError> {
    let primary = nodes.first_mut().expect("the primary is the first node");
    primary.user(username).await
}

/// The form in which Redis itself keeps a password.
fn hash(password: &str) -> String {
    hex::encode(digest(&SHA256, password.as_bytes()))
}

fn takes_any_password(user: &str) -> BackendError {
    BackendError::Refused(format!(
        "the Redis user {user} takes any password (nopass): give it one, and its clients as well, \
         before it is rotated (ACL SETUSER {user} resetpass ><a password>)"
    ))
}
