//! What an ERP says about the people who sign in there: three functions of its schema `pack_drepturi`.
//!
//! | function | answers |
//! |---|---|
//! | `verificautilizator(text, text)` | the id of who has this name and password, or nothing |
//! | `date_utilizator(text)` | what somebody is called, and whether they are active |
//! | `companii(text)` | which companies they may read now |
//!
//! The ERP decides each time; nothing of it is remembered here. A password travels as a parameter, and only
//! to a server that would not write it to its log: whether it would is asked first, on the same connection.

use std::collections::BTreeSet;

use reportapp_pool::{PoolError, Row, Transaction, Value};

use super::Server;
use crate::error::ApiError;

/// Somebody the ERP lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Id at the ERP.
    pub id: String,
    /// Name to sign in with, as the ERP spells it.
    pub username: String,
    /// Name to show.
    pub name: String,
    /// Ids of the companies they may read.
    pub companies: BTreeSet<String>,
}

/// Why nobody can sign in at an ERP whose database answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The functions are missing, not ours to call, or give something else.
    #[error(
        "the login of the application cannot use verificautilizator, date_utilizator and companii of the \
         schema pack_drepturi ({0}); create them, or let the login call them: GRANT USAGE ON SCHEMA \
         pack_drepturi, GRANT EXECUTE ON the functions"
    )]
    Functions(PoolError),
    /// Parameters of statements end up in the log of the server, passwords among them. The remedy is one of
    /// the database: a setting of the role would be in the way of its rotation, whose administrator may not
    /// hand it on.
    #[error(
        "the server would write passwords to its log, so none is sent; a superuser of it runs \
         ALTER DATABASE {database} SET {setting}, which holds for new connections"
    )]
    Logged {
        /// The database, as it is written in statements.
        database: String,
        /// The setting that ends it.
        setting: String,
    },
}

/// What would write the parameters of a statement to the log, and the setting against it. Of a statement
/// that fails the log has none from here to the end of the transaction.
const LOGGED: &str = "
    SELECT set_config('log_parameter_max_length_on_error', '0', true) AS on_error,
           quote_ident(current_database()) AS database,
           CASE
               WHEN current_setting('log_parameter_max_length') <> '0'
                    AND (current_setting('log_statement') = 'all'
                         OR current_setting('log_min_duration_statement') <> '-1'
                         OR current_setting('log_min_duration_sample') <> '-1'
                         OR current_setting('log_transaction_sample_rate') <> '0')
                   THEN 'log_parameter_max_length = 0'
               WHEN coalesce(current_setting('pgaudit.log_parameter', true), 'off') = 'on'
                   THEN 'pgaudit.log_parameter = off'
               WHEN coalesce(nullif(current_setting('auto_explain.log_min_duration', true), ''), '-1') <> '-1'
                   THEN 'auto_explain.log_min_duration = -1'
           END AS setting";

const VERIFY: &str = "SELECT pack_drepturi.verificautilizator($1, $2)::text AS id";

/// The same, asked about nobody: it finds out whether it could be asked.
const COULD_VERIFY: &str =
    "SELECT pack_drepturi.verificautilizator($1, $2)::text AS id WHERE current_user IS NULL";

/// A row per company, or one without any; none for who is not active.
const ACCOUNT: &str = "
    SELECT d.utilizator::text AS username, d.nume::text AS name, c.company::text AS company
    FROM pack_drepturi.date_utilizator($1) AS d
    LEFT JOIN pack_drepturi.companii($1) AS c (company) ON true
    WHERE d.activ";

/// Longer names are cut.
const MAX_NAME: usize = 64;
const MAX_USERNAME: usize = 128;

impl Server {
    /// Who has this name and password at the ERP; `None`: nobody who is active. One call is one guess: it is
    /// never repeated.
    ///
    /// # Errors
    /// `DatabaseUnavailable` or `ErpSignInUnavailable`.
    pub async fn verify(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Option<Account>, ApiError> {
        let asked = async {
            let mut transaction = self.pool.begin().await?;
            if let Some(obstacle) = logged(&mut transaction).await? {
                return Ok(Err(obstacle));
            }
            let params = [Value::from(username), Value::from(password)];
            let row = transaction.query_opt(VERIFY, &params).await?;
            let id: Option<String> = row.map(|row| row.get("id")).transpose()?.flatten();
            let account = match id {
                Some(id) => account(&mut transaction, &id).await?,
                None => None,
            };
            transaction.commit().await?;
            Ok(Ok(account))
        };
        self.told(asked.await)
    }

    /// The account with this id, if the ERP still lets it in.
    ///
    /// # Errors
    /// As [`Server::verify`].
    pub async fn account(&self, id: &str) -> Result<Option<Account>, ApiError> {
        let rows = self.pool.query(ACCOUNT, &[Value::from(id)]).await;
        self.told(rows.and_then(|rows| read(id, &rows)).map(Ok))
    }

    /// Finds out whether people could sign in, without signing anybody in.
    ///
    /// # Errors
    /// As [`Server::verify`].
    pub async fn could_verify(&self) -> Result<(), ApiError> {
        let asked = async {
            let mut transaction = self.pool.begin().await?;
            if let Some(obstacle) = logged(&mut transaction).await? {
                return Ok(Err(obstacle));
            }
            let nobody = [Value::Null, Value::Null];
            transaction.query(COULD_VERIFY, &nobody).await?;
            account(&mut transaction, "").await?;
            transaction.commit().await?;
            Ok(Ok(()))
        };
        self.told(asked.await)
    }

    /// Sorts what went wrong: the weather of the network, or somebody has something to do.
    fn told<T>(&self, asked: Result<Result<T, Obstacle>, PoolError>) -> Result<T, ApiError> {
        let unavailable = |source| ApiError::ErpSignInUnavailable {
            server: self.name.clone(),
            source,
        };
        match asked {
            Ok(answer) => answer.map_err(unavailable),
            Err(source) => Err(match ApiError::erp(&self.name, source) {
                ApiError::ReportFailed { source, .. } => unavailable(Obstacle::Functions(source)),
                error => error,
            }),
        }
    }
}

async fn logged(transaction: &mut Transaction) -> Result<Option<Obstacle>, PoolError> {
    let Some(row) = transaction.query_opt(LOGGED, &[]).await? else {
        return Ok(None);
    };
    let (database, setting) = (row.get("database")?, row.get::<Option<String>>("setting")?);
    Ok(setting.map(|setting| Obstacle::Logged { database, setting }))
}

async fn account(transaction: &mut Transaction, id: &str) -> Result<Option<Account>, PoolError> {
    let rows = transaction.query(ACCOUNT, &[Value::from(id)]).await?;
    read(id, &rows)
}

fn read(id: &str, rows: &[Row]) -> Result<Option<Account>, PoolError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let username: Option<String> = first.get("username")?;
    let username = tidy(&username.unwrap_or_default(), MAX_USERNAME);
    let name: Option<String> = first.get("name")?;
    let name = tidy(&name.unwrap_or_default(), MAX_NAME);
    let companies = rows.iter().map(|row| row.get::<Option<String>>("company"));
    Ok(Some(Account {
        id: id.to_owned(),
        // Whoever has no name is called as the ERP counts them.
        username: if username.is_empty() {
            id.to_owned()
        } else {
            username.clone()
        },
        name: if name.is_empty() { username } else { name },
        companies: companies
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?,
    }))
}

/// A name in one line, without spaces around it.
fn tidy(text: &str, longest: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    let plain: String = plain.take(longest).collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_erp_is_one_line_of_bounded_length() {
        assert_eq!(tidy(" Ana\n\u{7}Pop ", 64), "AnaPop");
        assert_eq!(tidy(&"ă".repeat(200), 64).chars().count(), 64);
    }
}
