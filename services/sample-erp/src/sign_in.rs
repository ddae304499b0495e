//! People who sign in at the sample ERP: the schema they live in, three users, and who may ask for them.
//!
//! Only on PostgreSQL. Passwords are the caller's, or random and given back once; their hashes are computed
//! in the database by the function that checks them, from a parameter, never from the text of a statement.

use std::collections::BTreeMap;

use reportapp_pool::{Engine, Pool, PoolError, Transaction, Value};
use reportapp_session::random;
use thiserror::Error;

/// Repetitions of the hash: some ten milliseconds per guess.
const ITERATIONS: i64 = 20_000;
/// Of thirty letters and digits: 78 random bits.
const PASSWORD_LENGTH: usize = 16;

/// A user of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleUser {
    /// Name to sign in with.
    pub username: &'static str,
    /// Name to show.
    pub name: &'static str,
    /// Ids of the companies they may read.
    pub companies: &'static [&'static str],
}

/// The users of the sample.
pub const USERS: [SampleUser; 3] = [
    SampleUser {
        username: "maria",
        name: "Maria Ionescu",
        companies: &["carpati", "delta", "stejarul"],
    },
    SampleUser {
        username: "andrei",
        name: "Andrei Popa",
        companies: &["carpati"],
    },
    SampleUser {
        username: "ioana",
        name: "Ioana Dumitru",
        companies: &["delta", "stejarul"],
    },
];

/// What became of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// Who.
    pub user: SampleUser,
    /// The password, if it was set; `None`: the user was there and keeps theirs.
    pub password: Option<String>,
}

/// Why no user was written; nothing was changed then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignInError {
    /// SQLite has no functions.
    #[error("people sign in at a PostgreSQL only; give --postgres-config")]
    NotPostgres,
    /// There is no such role.
    #[error("--grant-to {role}: there is no such role; create it first")]
    UnknownRole {
        /// The name.
        role: String,
    },
    /// A password for nobody.
    #[error(
        "the passwords name {username}, who is no user of the sample; the users are maria, andrei and ioana"
    )]
    UnknownUser {
        /// The name.
        username: String,
    },
    /// The database failed.
    #[error("failed to write the users of the sample")]
    Database(#[from] PoolError),
}

/// Creates the schema of signing in where it is missing and the users of the sample, and lets `role` call the
/// functions. `given` are passwords by user name; who has none gets a random one, or keeps theirs.
///
/// # Errors
/// See [`SignInError`].
pub async fn create_users(
    pool: &Pool,
    role: &str,
    given: &BTreeMap<String, String>,
) -> Result<Vec<Written>, SignInError> {
    if pool.engine() != Engine::Postgres {
        return Err(SignInError::NotPostgres);
    }
    let known = |name: &&String| USERS.iter().any(|user| user.username == name.as_str());
    if let Some(username) = given.keys().find(|name| !known(name)) {
        let username = username.clone();
        return Err(SignInError::UnknownUser { username });
    }
    let mut transaction = pool.begin().await?;
    let quoted = quote(&mut transaction, role).await?;
    transaction.batch(include_str!("sign_in.sql")).await?;
    let mut written = Vec::new();
    for user in USERS {
        let given = given.get(user.username).map(String::as_str);
        let password = write(&mut transaction, user, given).await?;
        written.push(Written { user, password });
    }
    let grants = format!(
        "GRANT USAGE ON SCHEMA pack_drepturi TO {quoted};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pack_drepturi TO {quoted};"
    );
    transaction.batch(&grants).await?;
    transaction.commit().await?;
    Ok(written)
}

/// The role as it is written in statements.
async fn quote(transaction: &mut Transaction, role: &str) -> Result<String, SignInError> {
    let sql = "SELECT quote_ident(rolname) AS quoted FROM pg_roles WHERE rolname = $1";
    let row = transaction.query_opt(sql, &[Value::from(role)]).await?;
    let unknown = || SignInError::UnknownRole {
        role: role.to_owned(),
    };
    Ok(row.ok_or_else(unknown)?.get("quoted")?)
}

/// Gives the password that was set, if one was.
async fn write(
    transaction: &mut Transaction,
    user: SampleUser,
    given: Option<&str>,
) -> Result<Option<String>, PoolError> {
    let sql = "SELECT id FROM contafin_oracle.utilizatori WHERE lower(utilizator) = $1";
    let name = Value::from(user.username);
    let found = transaction
        .query_opt(sql, std::slice::from_ref(&name))
        .await?;
    let password = match (&found, given) {
        (Some(_), None) => return Ok(None),
        (_, Some(given)) => given.to_owned(),
        (None, None) => random::password(PASSWORD_LENGTH),
    };
    let sql = match found {
        Some(_) => {
            "UPDATE contafin_oracle.utilizatori AS u
             SET nume = $2, sare = s.sare, iteratii = s.iteratii, activ = true,
                 parola = contafin_oracle.rezumat($3, s.sare, s.iteratii)
             FROM (SELECT uuid_send(gen_random_uuid()) AS sare, $4::bigint::integer AS iteratii) AS s
             WHERE lower(u.utilizator) = $1"
        }
        None => {
            "INSERT INTO contafin_oracle.utilizatori (utilizator, nume, sare, iteratii, parola)
             SELECT $1, $2, s.sare, s.iteratii, contafin_oracle.rezumat($3, s.sare, s.iteratii)
             FROM (SELECT uuid_send(gen_random_uuid()) AS sare, $4::bigint::integer AS iteratii) AS s"
        }
    };
    let secret = Value::from(password.as_str());
    let params = [
        name.clone(),
        Value::from(user.name),
        secret,
        Value::Int(ITERATIONS),
    ];
    transaction.execute(sql, &params).await?;
    for company in user.companies {
        let sql = "INSERT INTO contafin_oracle.drepturi (utilizator, company)
                   SELECT id, $2 FROM contafin_oracle.utilizatori WHERE lower(utilizator) = $1
                   ON CONFLICT DO NOTHING";
        let params = [name.clone(), Value::from(*company)];
        transaction.execute(sql, &params).await?;
    }
    Ok(Some(password))
}
