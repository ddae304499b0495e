//! What is forgotten, and when.

use jiff::{SignedDuration, Timestamp};
use reportapp_pool::Engine;

use super::{Store, StoreError, moment};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Each table, the column with the moment a row ceases to be of use, and how long it is kept beyond.
const OUTDATED: [(&str, &str, i32); 5] = [
    ("login_attempts", "created_at", 90),
    ("telegram_codes", "expires_at", 0),
    ("password_resets", "expires_at", 30),
    ("user_sessions", "expires_at", 7),
    ("known_devices", "last_seen_at", super::devices::KNOWN_DAYS),
];

impl Store {
    /// Deletes what nobody needs any more at `now`.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn delete_outdated(&self, now: Timestamp) -> Result<(), StoreError> {
        let pool = self.pool()?;
        for (table, column, days) in OUTDATED {
            let old = now.checked_sub(DAY * days).unwrap_or(Timestamp::MIN);
            let sql = format!("DELETE FROM {table} WHERE {column} < $1");
            pool.execute(&sql, &[moment(old)]).await?;
        }
        // On PostgreSQL the sealer does it, by a function: whoever serves may not.
        if pool.engine() == Engine::Sqlite {
            let old = now.checked_sub(DAY * 180).unwrap_or(Timestamp::MIN);
            let sql = "DELETE FROM security_events WHERE created_at < $1";
            pool.execute(sql, &[moment(old)]).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use reportapp_session::Sight;

    use super::*;
    use crate::store::test_database::{OWNER, SERVING, TestDatabase, seeing, texts};

    /// A row of each table, of which `WHEN` is the moment that counts and `ID` the key.
    const ROWS: [&str; 5] = [
        "INSERT INTO login_attempts (id, created_at) VALUES ('ID', WHEN)",
        "INSERT INTO telegram_codes (code_hash, user_id, expires_at) VALUES ('ID', 'ana', WHEN)",
        "INSERT INTO password_resets (code_hash, user_id, created_at, expires_at)
         VALUES ('ID', 'ana', now(), WHEN)",
        "INSERT INTO user_sessions (id, user_id, tenant_id, family_hash, token_hash, token_prefix, issued,
                                    created_at, last_activity_at, expires_at)
         VALUES ('ID', 'ana', 'acme', 'ID', 'ID', '', 0, now(), now(), WHEN)",
        "INSERT INTO known_devices (device_hash, user_id, created_at, last_seen_at)
         VALUES ('ID', 'ana', now(), WHEN)",
    ];

    #[tokio::test]
    async fn what_is_outdated_goes_from_every_table_whoever_serves_and_the_rest_stays() {
        for login in [OWNER, SERVING] {
            let database = TestDatabase::new().await;
            let pool = database.pool(login).await;
            let platform = seeing(Sight::Platform);
            for row in ROWS {
                for (id, when) in [
                    ("old", "'2020-01-01'"),
                    ("fresh", "now() + interval '1 day'"),
                ] {
                    let sql = row.replace("ID", id).replace("WHEN", when);
                    let inserted = pool.execute_after(&platform.opening(), &sql, &[]).await;
                    assert_eq!(inserted, Ok(1), "{sql}");
                }
            }
            let store = Store::new(pool.clone());
            store.migrate().await.unwrap();
            store.delete_outdated(Timestamp::now()).await.unwrap();
            for (table, ..) in OUTDATED {
                let key = match table {
                    "login_attempts" | "user_sessions" => "id",
                    "known_devices" => "device_hash",
                    _ => "code_hash",
                };
                let left = texts(&pool, &platform, &format!("SELECT {key} FROM {table}")).await;
                assert_eq!(left, ["fresh"], "{table} as {login}");
            }
            let raised = texts(&pool, &platform, "SELECT level FROM epochs").await;
            assert_eq!(raised, Vec::<String>::new(), "nothing was revoked by it");
        }
    }
}
