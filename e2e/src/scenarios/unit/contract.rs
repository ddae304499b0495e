//! The API against its own OpenAPI document: Schemathesis asks what the document allows and what it does not,
//! and every answer must have a documented status and form, and none be our fault.
//!
//! By hand with more: `REPORTAPP_CONTRACT_CASES=20000 cargo e2e test --tier unit --filter "generated requests"`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::cluster::{Toolchain, command};
use crate::scenarios::world::World;

/// How many requests are made at least; the number is that of the variable of this name, if it is set.
const CASES: (&str, usize) = ("REPORTAPP_CONTRACT_CASES", 2_000);
/// Requests that may end the session they are made with, asked last.
const ENDING: &str =
    r"^/api/(auth/(logout|sessions/\{)|users/\{userId\}/(sessions|password-reset))";
/// Everything else but what the internal listener answers.
const OTHERS: &str = r"^(?!/api/(telegram/internal/|auth/(logout|sessions/\{)|users/\{userId\}/(sessions|password-reset)))";
/// What each value and each limit of the document makes once, before values are invented.
const COVERED: usize = 800;
/// The checks that say something about every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// The token is given in a variable: arguments of processes can be read by others.
const CONFIGURATION: &str = "headers = { Authorization = \"Bearer ${TOKEN}\" }\n";

/// Of what Schemathesis says, when it finds something.
const TOLD_LINES: usize = 400;

pub(super) async fn check(world: &World) -> Result<()> {
    let python = Toolchain::locate()?
        .schemathesis_python(world.progress())
        .await?;
    let folder = tempfile::tempdir()?;
    let demo = Demo::start(&world.program("reportapp-api").await?, folder.path()).await?;
    let client = reqwest::Client::new();
    let token = demo.sign_in(&client).await?;
    let document = client.get(demo.document()).send().await?;
    let varied = count_varied(&document.json::<Value>().await?);
    let cases = match std::env::var(CASES.0) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{} is {text:?}; give a number", CASES.0))?,
        Err(_) => CASES.1,
    };
    let asked = Asked {
        python,
        folder: folder.path(),
        document: demo.document(),
        token,
    };
    let each = cases.saturating_sub(COVERED).div_ceil(varied).max(1);
    let made = asked.for_all(OTHERS, each).await? + asked.for_all(ENDING, each).await?;
    ensure!(made >= cases, "only {made} of {cases} cases were made");
    world.progress().note(&format!("{made} cases, no fault"));
    Ok(())
}

/// An API that is asked.
struct Asked<'a> {
    python: PathBuf,
    folder: &'a Path,
    /// Where its OpenAPI document is.
    document: String,
    token: String,
}

impl Asked<'_> {
    /// Makes so many cases or more for each operation on the chosen paths; gives their number.
    async fn for_all(&self, chosen: &str, each: usize) -> Result<usize> {
        let configuration = self.folder.join("schemathesis.toml");
        std::fs::write(&configuration, CONFIGURATION)?;
        let output = Command::new(&self.python)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(&configuration)
            .arg("run")
            .arg(&self.document)
            .args(["--include-path-regex", chosen, "--checks", CHECKS])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--continue-on-failure", "--no-color"])
            .args(["--generation-database", "none"])
            .arg(format!("--max-examples={each}"))
            .env("TOKEN", &self.token)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("failed to start Schemathesis")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "{}{}",
            command::tail(&said, TOLD_LINES),
            String::from_utf8_lossy(&output.stderr)
        );
        made(&said).context("Schemathesis does not say how many cases it made")
    }
}

/// The demo with data of its own, and what it says about itself.
struct Demo {
    _process: Child,
    /// Kept open: the demo says more than is read, and ends when it cannot.
    _output: Lines<BufReader<ChildStdout>>,
    url: String,
    password: String,
}

impl Demo {
    async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["--demo", "--demo-listen", "127.0.0.1:0", "--demo-dir"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("log"))?)
            .kill_on_drop(true)
            .spawn()
            .context("failed to start reportapp-api")?;
        let output = process.stdout.take().context("the output is piped")?;
        let mut lines = BufReader::new(output).lines();
        let mut url = None;
        while let Some(line) = lines.next_line().await? {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), &url) {
                (Some("open"), Some(address), _) => url = Some(address.to_owned()),
                (Some("password"), Some(password), Some(url)) => {
                    return Ok(Self {
                        _process: process,
                        _output: lines,
                        url: url.clone(),
                        password: password.to_owned(),
                    });
                }
                _ => {}
            }
        }
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        bail!("the demo ended: {}", command::tail(&log, 20))
    }

    /// Where its OpenAPI document is.
    fn document(&self) -> String {
        format!("{}api/openapi.json", self.url)
    }

    async fn sign_in(&self, client: &reqwest::Client) -> Result<String> {
        let answer = client
            .post(format!("{}api/auth/login", self.url))
            .json(&serde_json::json!({"username": "admin", "password": self.password}))
            .send()
            .await?
            .error_for_status()?;
        let token = answer.json::<Value>().await?["accessToken"].clone();
        let token = token.as_str().context("a sign-in gives no token")?;
        Ok(token.to_owned())
    }
}

/// The operations that are asked and have something to vary.
fn count_varied(document: &Value) -> usize {
    let paths = document["paths"].as_object().into_iter().flatten();
    let asked = paths.filter(|(path, _)| !path.starts_with("/api/telegram/internal/"));
    let operations = asked.filter_map(|(_, item)| item.as_object()).flatten();
    let varied = operations.filter(|(_, operation)| {
        operation["parameters"].is_array() || operation["requestBody"].is_object()
    });
    varied.count().max(1)
}

/// The number before the word "generated" in the summary; warnings speak of generated data, too.
fn made(said: &str) -> Option<usize> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let mut pairs = words.windows(2);
    pairs.find_map(|pair| match pair {
        [number, word] if word.starts_with("generated") => number.replace(',', "").parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_how_many_cases_there_were() {
        let said = "2 operations mostly rejected generated data\nTest cases:\n  2,345 generated, 2 skipped";
        assert_eq!(made(said), Some(2_345));
        assert_eq!(made("No operations"), None);
    }

    #[test]
    fn only_what_is_asked_and_varies_is_counted() {
        let document = serde_json::json!({"paths": {
            "/api/users": {"get": {"parameters": []}, "post": {"requestBody": {}}},
            "/api/roles": {"get": {}},
            "/api/telegram/internal/redeem": {"post": {"requestBody": {}}},
        }});
        assert_eq!(count_varied(&document), 2);
    }
}
