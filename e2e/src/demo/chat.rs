//! `cargo e2e chat`: plays a person who writes to the demo's bot.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::backends::{self, Backend};
use crate::cluster::{Cluster, DEFAULT_NAME, Forward, Target};

/// How long the bot may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the chat is looked at.
const PERIOD: Duration = Duration::from_millis(100);

/// Arguments of `cargo e2e chat`.
#[derive(Args, Debug, Clone)]
pub struct ChatArgs {
    /// Name of the cluster in which the demo runs.
    #[arg(long, default_value = DEFAULT_NAME, env = "REPORTAPP_CLUSTER")]
    pub name: String,

    /// Number of the chat; each is another person.
    #[arg(long, default_value_t = 1)]
    pub chat: i64,

    /// Press the button with this label instead of writing.
    #[arg(long, value_name = "LABEL", conflicts_with = "text")]
    pub press: Option<String>,

    /// What to write, for example "/start CODE" or "/help".
    #[arg(required_unless_present = "press")]
    pub text: Option<String>,
}

/// Writes to the bot, or presses one of its buttons, and prints what it answers.
///
/// # Errors
/// When the demo does not run, there is no such button, or the bot is silent for ten seconds.
pub async fn chat(args: ChatArgs) -> Result<ExitCode> {
    let cluster = Cluster::attach(&args.name)
        .await
        .context("start the demo first: cargo e2e demo")?;
    let answers = match (&args.press, &args.text) {
        (Some(label), _) => press(&cluster, args.chat, label).await?,
        (None, text) => converse(&cluster, args.chat, text.as_deref().unwrap_or_default()).await?,
    };
    for message in answers {
        show(&message);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes `text` to the bot and gives the messages it answers with.
///
/// # Errors
/// When the bot is silent for ten seconds.
pub async fn converse(cluster: &Cluster, chat: i64, text: &str) -> Result<Vec<Value>> {
    let phone = Phone::open(cluster, chat).await?;
    phone.act("say", json!({"chat": chat, "text": text})).await
}

/// Presses the latest button `label` and gives the messages that came or changed.
///
/// # Errors
/// When there is no such button, or nothing happens for ten seconds.
pub async fn press(cluster: &Cluster, chat: i64, label: &str) -> Result<Vec<Value>> {
    let phone = Phone::open(cluster, chat).await?;
    phone
        .act("press", json!({"chat": chat, "button": label}))
        .await
}

/// One person's side of the Telegram stand-in.
struct Phone {
    http: reqwest::Client,
    control: String,
    chat: i64,
    /// Keeps the way to the stand-in open.
    _forward: Forward,
}

impl Phone {
    async fn open(cluster: &Cluster, chat: i64) -> Result<Self> {
        let telegram = Target::service(backends::NAMESPACE, Backend::Telegram.name(), 8082);
        let forward = cluster.forward(telegram).await?;
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .context("failed to set up an HTTP client")?;
        let control = format!("http://{}/control", forward.local());
        Ok(Self {
            http,
            control,
            chat,
            _forward: forward,
        })
    }

    /// Does something and gives the messages that are new or different afterwards.
    async fn act(&self, what: &str, body: Value) -> Result<Vec<Value>> {
        let before = self.messages().await?;
        let answer = self
            .http
            .post(format!("{}/{what}", self.control))
            .json(&body)
            .send()
            .await
            .context("failed to reach the Telegram stand-in")?;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "the Telegram stand-in answered {status}: {}",
            answer.text().await.unwrap_or_default()
        );
        let answered = async {
            loop {
                let now = self.messages().await?;
                if now != before {
                    return anyhow::Ok(now);
                }
                tokio::time::sleep(PERIOD).await;
            }
        };
        let now = tokio::time::timeout(PATIENCE, answered).await.context(
            "the bot did not answer; look at it with: \
             cargo e2e kubectl -n reports logs deploy/demo-bot",
        )??;
        Ok(now
            .into_iter()
            .filter(|message| !before.contains(message))
            .collect())
    }

    /// Everything the bot wrote to the chat, as it stands now.
    async fn messages(&self) -> Result<Vec<Value>> {
        let address = format!("{}/outbox?chat={}", self.control, self.chat);
        let answer = self
            .http
            .get(address)
            .send()
            .await
            .context("failed to read the chat")?;
        answer
            .json()
            .await
            .context("the Telegram stand-in answered with something unknown")
    }
}

/// A message with its buttons in brackets.
#[expect(clippy::print_stdout, reason = "the result of a command")]
fn show(message: &Value) {
    println!("{}", message["text"].as_str().unwrap_or_default());
    for row in message["keyboard"].as_array().into_iter().flatten() {
        let labels = row
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|button| button["text"].as_str());
        let labels: Vec<String> = labels.map(|label| format!("[{label}]")).collect();
        println!("  {}", labels.join(" "));
    }
}
