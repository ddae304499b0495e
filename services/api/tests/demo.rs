//! `reportapp-api --demo` as a newcomer starts it: one process, which says where it is and how to
//! sign in, and what it says is true.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The running demo; killed when dropped.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: tempfile::TempDir,
}

impl Demo {
    /// Starts it with the pages of this folder.
    fn start(pages: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_reportapp-api"))
            .args(["--demo", "--demo-listen", "127.0.0.1:0", "--demo-dir"])
            .arg(folder.path())
            .arg("--web-root")
            .arg(pages)
            .args(["--log-level", "debug"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        Self {
            child,
            lines: BufReader::new(output).lines(),
            folder,
        }
    }

    /// The word after `label` in the next line that has one; the end of the output is an error.
    async fn says(&mut self, label: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            let mut words = line.split_whitespace();
            if words.next() == Some(label) {
                return words.next().unwrap().to_owned();
            }
        }
        panic!("the demo ended without saying {label}");
    }

    /// The next line with `word` in it, without the space around it.
    async fn line_with(&mut self, word: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.contains(word) {
                return line.trim().to_owned();
            }
        }
        panic!("the demo ended without saying {word}");
    }

    /// Ends it as Ctrl-C does; gives how it ended and everything else it wrote.
    async fn end(mut self) -> (ExitStatus, String) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(sent.unwrap().success());
        let mut said = String::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            said.push_str(&line);
        }
        let ended = self.child.wait().await.unwrap();
        said.push_str(&std::fs::read_to_string(self.folder.path().join("log")).unwrap());
        (ended, said)
    }
}

async fn sign_in(url: &str, username: &str, password: &str) -> (StatusCode, Value) {
    let body = json!({ "username": username, "password": password });
    let request = reqwest::Client::new().post(format!("{url}api/auth/login"));
    let answer = request.json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn the_demo_says_how_to_sign_in_and_shows_reports_to_who_does() {
    reportapp_telemetry::install_crypto_provider();
    let pages = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(pages.path());
    let url = demo.says("open").await;
    let username = demo.says("user").await;
    let password = demo.says("password").await;

    let (status, _) = sign_in(&url, &username, "another").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, session) = sign_in(&url, &username, &password).await;
    assert_eq!(status, StatusCode::OK, "{session}");

    let token = session["accessToken"].as_str().unwrap();
    let companies = reqwest::Client::new()
        .get(format!("{url}api/companies"))
        .bearer_auth(token);
    let companies: Value = companies.send().await.unwrap().json().await.unwrap();
    assert_eq!(companies.as_array().unwrap().len(), 3, "{companies}");

    let (ended, log) = demo.end().await;
    assert!(ended.success(), "{ended}: {log}");
    assert!(!log.contains(&password) && !log.contains(token));
}

#[tokio::test]
async fn the_demo_serves_the_pages_it_finds() {
    reportapp_telemetry::install_crypto_provider();
    let pages = tempfile::tempdir().unwrap();
    let index = r#"<base href="__BASE_HREF__"><p>the pages"#;
    std::fs::write(pages.path().join("index.html"), index).unwrap();
    let mut demo = Demo::start(pages.path());
    let url = demo.says("open").await;
    let shown = reqwest::get(&url).await.unwrap();
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(
        shown.text().await.unwrap(),
        r#"<base href="/"><p>the pages"#
    );
    let (_, said) = demo.end().await;
    assert!(!said.contains("npm"), "{said}");
}

#[tokio::test]
async fn without_pages_the_demo_says_what_the_readme_says_to_build_them() {
    reportapp_telemetry::install_crypto_provider();
    let nothing = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(nothing.path());
    demo.says("password").await;
    let line = demo.line_with("npm").await;
    for page in ["README.md", "docs/getting-started/README.md"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = std::fs::read_to_string(root.join(page)).unwrap();
        assert!(page.contains(&line), "{line}");
    }
    demo.end().await;
}
