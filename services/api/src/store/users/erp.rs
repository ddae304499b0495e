//! Users of the store who stand for users of an ERP: they sign in there, and have here what sessions, roles,
//! locks and the audit trail need.
//!
//! A row is made at the first sign-in and follows the names of the ERP at each later one. What it may do is
//! the administrators' business from then on; that it may read reports at first is [`Store::erp_user`]'s.

use reportapp_pool::{Row, Transaction};
use reportapp_session::access::UserKind;
use reportapp_session::directory;

use super::{COLUMNS, NewUser, TABLES, User, insert, parse, username_key};
use crate::store::roles::READER;
use crate::store::{Store, StoreError, text};

/// Who somebody is at an ERP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErpIdentity {
    /// Name of the server in the configuration.
    pub server: String,
    /// Id of the user there.
    pub user: String,
}

impl ErpIdentity {
    pub(super) fn parse(row: &Row) -> Result<Option<Self>, StoreError> {
        let (server, user): (Option<String>, _) = (row.get("erp_server")?, row.get("erp_user")?);
        Ok(server.zip(user).map(|(server, user)| Self { server, user }))
    }
}

/// What a user of an ERP server is called here: no name of one server is one of another.
pub fn qualified(username: &str, server: &str) -> String {
    format!("{}@{server}", username.trim())
}

impl Store {
    /// The user of that name at `server`, if they have signed in before.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn find_erp_user(
        &self,
        server: &str,
        username: &str,
    ) -> Result<Option<User>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE u.username_key = $1 AND u.erp_server = $2"
        );
        let key = username_key(&qualified(username, server));
        let row = self
            .pool()?
            .query_opt(&sql, &[text(key), text(server)])
            .await?;
        row.as_ref().map(parse).transpose()
    }

    /// The user who stands for `identity`, called `username` there and shown as `name`: made, with the least
    /// role that reads reports, at the first sign-in.
    ///
    /// # Errors
    /// When the store cannot answer, or somebody else here has the name.
    pub async fn erp_user(
        &self,
        identity: &ErpIdentity,
        username: &str,
        name: &str,
    ) -> Result<User, StoreError> {
        let called = qualified(username, &identity.server);
        let sql =
            format!("SELECT {COLUMNS} FROM {TABLES} WHERE u.erp_server = $1 AND u.erp_user = $2");
        let params = [text(identity.server.clone()), text(identity.user.clone())];
        let pool = self.pool()?;
        let found = pool.query_opt(&sql, &params).await?;
        let found = found.as_ref().map(parse).transpose()?;
        if let Some(user) = found.filter(|user| user.username == called && user.name == name) {
            return Ok(user);
        }
        let mut transaction = pool.begin().await?;
        // Two first sign-ins at once make one user.
        directory::lock(&mut transaction, pool.engine()).await?;
        match transaction.query_opt(&sql, &params).await? {
            Some(row) => rename(&mut transaction, &parse(&row)?.id, &called, name).await?,
            None => create(&mut transaction, identity, &called, name).await?,
        }
        let row = transaction.query_opt(&sql, &params).await?;
        transaction.commit().await?;
        let missing = StoreError::Corrupt {
            detail: "users_enhanced.erp_user",
        };
        parse(&row.ok_or(missing)?)
    }
}

async fn create(
    transaction: &mut Transaction,
    identity: &ErpIdentity,
    called: &str,
    name: &str,
) -> Result<(), StoreError> {
    let user = NewUser {
        username: called.to_owned(),
        name: name.to_owned(),
        email: None,
        // None will ever be the hash of a password.
        password_hash: String::new(),
        kind: UserKind::User,
        tenant: None,
        roles: vec![READER.to_owned()],
        must_change_password: false,
    };
    let id = insert(transaction, &user, Some(identity), None).await?;
    let server = &identity.server;
    tracing::info!(
        user = id,
        server,
        "a user of an ERP signed in for the first time"
    );
    Ok(())
}

async fn rename(
    transaction: &mut Transaction,
    id: &str,
    called: &str,
    name: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE users_enhanced SET username = $2, username_key = $3, name = $4 WHERE id = $1";
    let params = [
        text(id),
        text(called),
        text(username_key(called)),
        text(name),
    ];
    transaction.execute(sql, &params).await?;
    Ok(())
}
