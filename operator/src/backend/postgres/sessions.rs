//! Who is still logged in, and putting an end to it.

use std::time::Duration;

use tokio::time::Instant;

use super::Postgres;
use super::link::{Link, statement_error};
use crate::backend::BackendError;
use crate::backend::Session;

/// How long sessions may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks.
const END_INTERVAL: Duration = Duration::from_millis(50);

const LIST: &str = "\
SELECT coalesce(application_name, ''), host(client_addr), count(*)
  FROM pg_stat_activity WHERE usename = $1::text AND pid <> pg_backend_pid()
 GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2";

/// Signals each session once per round; gives their process ids.
const END: &str = "\
SELECT pid, pg_terminate_backend(pid)
  FROM pg_stat_activity WHERE usename = $1::text AND pid <> pg_backend_pid()";

/// The sessions of a user.
pub(super) async fn list(
    postgres: &Postgres,
    username: &str,
) -> Result<Vec<Session>, BackendError> {
    let link = postgres.open_admin().await?;
    let rows = link.client.query(LIST, &[&username]).await;
    let sessions = rows.and_then(|rows| {
        let sessions = rows.iter().map(|row| {
            let application: String = row.try_get(0)?;
            // Absent for local sockets, and where the administrator may not see it (pg_read_all_stats).
            let address: Option<String> = row.try_get(1)?;
            let client = [Some(application).filter(|name| !name.is_empty()), address];
            let client: Vec<_> = client.into_iter().flatten().collect();
            Ok(Session {
                client: if client.is_empty() {
                    "unknown".to_owned()
                } else {
                    client.join(" at ")
                },
                count: u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(u32::MAX),
            })
        });
        sessions.collect()
    });
    link.close().await;
    sessions.map_err(|error| statement_error(&error, "reading pg_stat_activity"))
}

/// Ends the sessions of a user.
pub(super) async fn end(postgres: &Postgres, username: &str) -> Result<u32, BackendError> {
    postgres.check_target(username)?;
    let link = postgres.open_admin().await?;
    let outcome = end_over(&link, username).await;
    link.close().await;
    outcome.map_err(|error| match error {
        BackendError::RightMissing(_) => BackendError::RightMissing(format!(
            "the administrator may not end sessions of {username:?}; run: GRANT pg_signal_backend \
             TO {};",
            super::statements::identifier(postgres.admin_name())
        )),
        other => other,
    })
}

async fn end_over(link: &Link, username: &str) -> Result<u32, BackendError> {
    let deadline = Instant::now() + END_TIMEOUT;
    let mut ended = std::collections::BTreeSet::<i32>::new();
    loop {
        let rows = link
            .client
            .query(END, &[&username])
            .await
            .map_err(|error| statement_error(&error, "SELECT pg_terminate_backend(pid)"))?;
        if rows.is_empty() {
            return Ok(u32::try_from(ended.len()).unwrap_or(u32::MAX));
        }
        for row in &rows {
            ended
                .insert(row.try_get(0).map_err(|error| {
                    statement_error(&error, "SELECT pg_terminate_backend(pid)")
                })?);
        }
        if Instant::now() >= deadline {
            return Err(BackendError::Unreachable(format!(
                "{} sessions of {username:?} have not ended {} s after they were told to",
                rows.len(),
                END_TIMEOUT.as_secs()
            )));
        }
        tokio::time::sleep(END_INTERVAL).await;
    }
}
