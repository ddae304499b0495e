//! Logging in to a backend with its own client, as anybody would who found a password. Never through
//! our code, so that "refused" is the word of the backend. Passwords go over standard input.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reportapp_config::Secret;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::control::{self, Backend, Database};
use super::material::REDIS_USERS;
use super::{Backends, command};

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Accepted; the role or user as which the session runs.
    Accepted(String),
    /// Refused, in the backend's words.
    Refused(String),
}

/// Arguments: login name and database. The pod's own address, because its loopback is trusted.
const PSQL: &str = r#"psql --no-psqlrc --no-align --tuples-only --command 'SELECT current_user' \
    "host=$(uname -n) user=$1 dbname=$2 connect_timeout=5 sslmode=verify-ca sslrootcert=/etc/backend/tls/ca.crt" 2>&1"#;

/// What PostgreSQL says to a wrong or missing password, and to a role without LOGIN.
const POSTGRES_REFUSALS: [&str; 2] = [
    "password authentication failed",
    "is not permitted to log in",
];

/// The same login, kept until standard input ends. Not by `exec`: psql in the place of the shell ends at
/// once. Its errors are told where its answers are.
const PSQL_SESSION: &str = r#"read -r PGPASSWORD; export PGPASSWORD
psql --no-psqlrc --no-align --tuples-only --quiet --command 'SELECT session_user' --file - \
    "host=$(uname -n) user=$1 dbname=$2 connect_timeout=5 sslmode=verify-ca sslrootcert=/etc/backend/tls/ca.crt" 2>&1"#;

const REDIS_CLI: &str = "redis-cli --tls --cacert /etc/backend/tls/ca.crt --no-auth-warning";

impl Backends {
    /// Logs in to a database once.
    ///
    /// # Errors
    /// When the database gives no clear answer.
    pub async fn log_in(
        &self,
        database: Database,
        username: &str,
        password: &Secret,
    ) -> Result<Attempt> {
        let script = format!("read -r PGPASSWORD; export PGPASSWORD\n{PSQL} || true");
        let said = self.psql_as(&script, database, username, password).await?;
        postgres_answer(&said)
    }

    /// Logs in to a database again and again until it refuses. The login must work at first.
    ///
    /// # Errors
    /// When it still works after `patience`, or the database answers something else.
    pub async fn until_refused(
        &self,
        database: Database,
        username: &str,
        password: &Secret,
        patience: Duration,
    ) -> Result<()> {
        let script = format!(
            "read -r PGPASSWORD; export PGPASSWORD\n\
             while said=$({PSQL}); do sleep 0.05; done\nprintf '%s' \"$said\""
        );
        let refused = self.psql_as(&script, database, username, password);
        let said = tokio::time::timeout(patience, refused)
            .await
            .with_context(|| {
                format!("{username} may still log in after {} s", patience.as_secs())
            })??;
        match postgres_answer(&said)? {
            Attempt::Refused(_) => Ok(()),
            Attempt::Accepted(role) => bail!("logged in as {role} and stopped all the same"),
        }
    }

    async fn psql_as(
        &self,
        script: &str,
        database: Database,
        username: &str,
        password: &Secret,
    ) -> Result<String> {
        let (deployment, name) = database.place();
        let mut exec = self.exec(deployment, "postgres");
        exec.args(["sh", "-c", script, "log-in", username, name]);
        control::exec_with_input(&mut exec, line(password).as_bytes()).await
    }

    /// Logs in to a database and stays, as a program does that nobody told of a new password.
    ///
    /// # Errors
    /// When the login is refused.
    pub async fn stay_logged_in(
        &self,
        database: Database,
        username: &str,
        password: &Secret,
    ) -> Result<OpenSession> {
        let (deployment, name) = database.place();
        let mut exec = self.exec(deployment, "postgres");
        exec.args(["sh", "-c", PSQL_SESSION, "stay", username, name]);
        let (child, mut stdin, mut stdout) = conversation(&mut exec)?;
        stdin.write_all(line(password).as_bytes()).await?;
        let mut said = String::new();
        stdout.read_line(&mut said).await?;
        ensure!(
            said.trim() == username,
            "{username} is not let in to stay: {}",
            said.trim()
        );
        Ok(OpenSession { child, stdin })
    }

    /// Logs in to Redis once.
    ///
    /// # Errors
    /// When Redis gives no clear answer.
    pub async fn log_in_to_redis(&self, username: &str, password: &Secret) -> Result<Attempt> {
        let script = format!(
            "read -r REDISCLI_AUTH; export REDISCLI_AUTH\n{REDIS_CLI} --user \"$1\" ping 2>&1 || true"
        );
        let mut exec = self.exec(Backend::Redis.name(), "redis");
        exec.args(["sh", "-c", &script, "log-in", username]);
        let said = control::exec_with_input(&mut exec, line(password).as_bytes()).await?;
        redis_answer(&said, username)
    }

    /// Gives Redis a command as its administrator, and gives the answer.
    ///
    /// # Errors
    /// When Redis refuses.
    pub async fn redis(&self, command: &[&str]) -> Result<String> {
        let password = self.secret(REDIS_USERS, "admin").await?;
        let script = format!(
            "read -r REDISCLI_AUTH; export REDISCLI_AUTH\nexec {REDIS_CLI} -e --user admin \"$@\""
        );
        let mut exec = self.exec(Backend::Redis.name(), "redis");
        exec.args(["sh", "-c", &script, "redis-cli"]).args(command);
        let said = control::exec_with_input(&mut exec, line(&password).as_bytes()).await;
        let said = said.with_context(|| format!("Redis refuses {}", command.join(" ")))?;
        Ok(said.trim().to_owned())
    }

    /// Lets a database log every statement, or what it logs by default.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn log_statements(&self, database: Database, all: bool) -> Result<()> {
        let change = if all {
            "SET log_statement = 'all'"
        } else {
            "RESET log_statement"
        };
        let sql = format!("ALTER SYSTEM {change};\nSELECT pg_reload_conf();\n");
        self.psql(database, &sql).await.map(drop)
    }

    /// Everything a backend has said since it started.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn logs(&self, backend: Backend) -> Result<String> {
        let mut logs = self.kubectl();
        let deployment = format!("deployment/{}", backend.name());
        logs.args(["logs", &deployment, "--all-containers", "--tail=-1"]);
        command::run(&mut logs).await
    }

    /// Records every command Redis is given from now on.
    ///
    /// # Errors
    /// When Redis refuses its administrator.
    pub async fn monitor_redis(&self) -> Result<Monitor> {
        let password = self.secret(REDIS_USERS, "admin").await?;
        let script = format!(
            "read -r REDISCLI_AUTH; export REDISCLI_AUTH\n\
             exec timeout 900 {REDIS_CLI} --user admin monitor"
        );
        let mut exec = self.exec(Backend::Redis.name(), "redis");
        let (child, mut stdin, mut stdout) = conversation(exec.args(["sh", "-c", &script]))?;
        stdin.write_all(line(&password).as_bytes()).await?;
        drop(stdin);
        let mut first = String::new();
        stdout.read_line(&mut first).await?;
        ensure!(first.trim() == "OK", "Redis does not let itself be watched");
        let said = tokio::spawn(async move {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).await?;
            Ok(String::from_utf8_lossy(&said).into_owned())
        });
        Ok(Monitor { child, said })
    }
}

/// Starts a program in a pod that is told and tells more than once.
fn conversation(command: &mut Command) -> Result<(Child, ChildStdin, BufReader<ChildStdout>)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("failed to start kubectl")?;
    let stdin = child.stdin.take().expect("standard input was asked for");
    let stdout = child.stdout.take().expect("standard output was asked for");
    Ok((child, stdin, BufReader::new(stdout)))
}

/// A login to a database that stays.
pub struct OpenSession {
    child: Child,
    stdin: ChildStdin,
}

impl OpenSession {
    /// Logs out.
    ///
    /// # Errors
    /// When the client does not end.
    pub async fn end(mut self) -> Result<()> {
        drop(self.stdin);
        self.child.wait().await.context("psql does not end")?;
        Ok(())
    }
}

/// A recording of what Redis is given.
pub struct Monitor {
    child: Child,
    said: JoinHandle<std::io::Result<String>>,
}

impl Monitor {
    /// Ends the recording and gives it.
    ///
    /// # Errors
    /// When it could not be read.
    pub async fn stop(mut self) -> Result<String> {
        self.child.kill().await.context("failed to end kubectl")?;
        Ok(self.said.await??)
    }
}

/// The one line a script reads.
fn line(password: &Secret) -> String {
    format!("{}\n", password.expose())
}

fn postgres_answer(said: &str) -> Result<Attempt> {
    let said = said.trim();
    if POSTGRES_REFUSALS.iter().any(|words| said.contains(words)) {
        return Ok(Attempt::Refused(said.to_owned()));
    }
    ensure!(
        !said.is_empty() && !said.contains(char::is_whitespace),
        "PostgreSQL gives no clear answer to a login: {said}"
    );
    Ok(Attempt::Accepted(said.to_owned()))
}

fn redis_answer(said: &str, username: &str) -> Result<Attempt> {
    if said.trim() == "PONG" {
        return Ok(Attempt::Accepted(username.to_owned()));
    }
    ensure!(
        said.contains("WRONGPASS"),
        "Redis gives no clear answer to a login: {said}"
    );
    Ok(Attempt::Refused(said.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgresql_accepts_with_a_role_and_refuses_in_two_ways() {
        let role = Attempt::Accepted("reportapp_store".to_owned());
        assert_eq!(postgres_answer("reportapp_store\n").unwrap(), role);
        for said in [
            "psql: error: FATAL:  password authentication failed for user \"x\"",
            "psql: error: FATAL:  role \"x\" is not permitted to log in",
        ] {
            assert!(matches!(
                postgres_answer(said).unwrap(),
                Attempt::Refused(_)
            ));
        }
    }

    #[test]
    fn a_server_that_is_away_neither_accepts_nor_refuses() {
        assert!(postgres_answer("psql: error: connection refused").is_err());
        assert!(postgres_answer("").is_err());
        assert!(redis_answer("Could not connect to Redis", "x").is_err());
    }

    #[test]
    fn redis_answers_ping_or_refuses_the_password() {
        assert!(matches!(
            redis_answer("PONG\n", "x").unwrap(),
            Attempt::Accepted(_)
        ));
        let said = "AUTH failed: WRONGPASS invalid username-password pair\nNOAUTH needed";
        assert!(matches!(
            redis_answer(said, "x").unwrap(),
            Attempt::Refused(_)
        ));
    }
}
