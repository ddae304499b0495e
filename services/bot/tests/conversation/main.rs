//! The bot in conversation with a strict Bot API and a stand-in for the internal API: what people
//! read, what is confirmed, and what it reports when something is wrong.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod internal_api;

use std::process::Stdio;
use std::time::Duration;

use fake_telegram::{FakeTelegram, Fault, Sent, Server};
use reportapp_config::BotConfig;
use reportapp_config::bot::{InternalApi as ApiConfig, Telegram as TelegramConfig};
use reportapp_config::status::{DependencyState, Reason};
use reportapp_telemetry::Health;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::internal_api::{CODE, InternalApi, SERVER_NAME, TOKEN};

/// Generous: only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);
const BOT_TOKEN: &str = "7000000001:canary-bot-token";
const CHAT: i64 = 42;

/// The two servers the bot talks to, and its files.
struct World {
    telegram: FakeTelegram,
    api: InternalApi,
    config: BotConfig,
    files: TempDir,
}

struct Bot {
    health: Health,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        reportapp_telemetry::install_crypto_provider();
        let server = Server::bind(([127, 0, 0, 1], 0).into(), BOT_TOKEN)
            .await
            .unwrap();
        let (telegram, address) = (server.telegram(), server.local_addr().unwrap());
        tokio::spawn(server.run());
        let api = InternalApi::start().await;
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name);
        std::fs::write(path("ca.crt"), &api.ca).unwrap();
        for (folder, token) in [("bot", BOT_TOKEN), ("internal", TOKEN)] {
            std::fs::create_dir(path(folder)).unwrap();
            std::fs::write(path(folder).join("token"), format!("{token}\n")).unwrap();
        }
        let config = BotConfig {
            app: "demo".to_owned(),
            health: ([127, 0, 0, 1], 0).into(),
            api: ApiConfig {
                url: format!("https://{}/", api.address),
                ca_file: path("ca.crt"),
                server_name: SERVER_NAME.to_owned(),
                credential: path("internal"),
            },
            telegram: TelegramConfig {
                api_url: Some(format!("http://{address}")),
                credential: path("bot"),
            },
            drain_seconds: 5,
        };
        Self {
            telegram,
            api,
            config,
            files,
        }
    }

    fn start_bot(&self) -> Bot {
        let health = Health::new("reportapp-bot", "0.0.0");
        let stop = CancellationToken::new();
        let (config, running, stopped) = (self.config.clone(), health.clone(), stop.clone());
        let task = tokio::spawn(async move {
            reportapp_bot::run(&config, running, stopped).await.unwrap();
        });
        Bot { health, stop, task }
    }

    /// Says something and returns the outbox once it has `count` messages.
    async fn say(&self, text: &str, language: &str, count: usize) -> Vec<Sent> {
        self.telegram.say(CHAT, text, language);
        self.outbox(count).await
    }

    async fn outbox(&self, count: usize) -> Vec<Sent> {
        let is_enough = |sent: &[Sent]| sent.len() >= count;
        let sent = self
            .telegram
            .wait_for_outbox(CHAT, PATIENCE, is_enough)
            .await;
        assert!(
            sent.len() >= count,
            "only {} of {count} messages: {sent:?}",
            sent.len()
        );
        sent
    }

    /// Presses a button and returns once the bot released it.
    async fn press(&self, label: &str) {
        let callback = self.telegram.press(CHAT, label).unwrap();
        let released = self
            .telegram
            .wait_until(|| self.telegram.is_answered(&callback));
        timeout(PATIENCE, released).await.unwrap();
    }

    async fn link(&self) {
        self.say(&format!("/start {CODE}"), "en", 2).await;
    }
}

impl Bot {
    async fn until(&self, what: &str, is_so: impl Fn(&Health) -> bool) {
        let mut polls = interval(Duration::from_millis(10));
        let waited = timeout(PATIENCE, async {
            while !is_so(&self.health) {
                polls.tick().await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "never {what}: {:?}",
            self.health.status()
        );
    }

    async fn until_failing(&self, reason: Reason) {
        self.until(reason.as_str(), |health| {
            health
                .status()
                .dependencies
                .iter()
                .any(|d| d.reason == Some(reason))
        })
        .await;
    }

    async fn until_all_ok(&self) {
        self.until("all ok", |health| {
            health
                .status()
                .dependencies
                .iter()
                .all(|d| d.state == DependencyState::Ok)
        })
        .await;
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_chat_is_linked_chooses_a_company_and_reads_its_balance() {
    let world = World::new().await;
    let _bot = world.start_bot();
    let code = world.telegram.say(CHAT, &format!("/start {CODE}"), "ro");
    let sent = world.outbox(2).await;
    assert_eq!(sent[0].text, "Chatul este legat de contul Ana <Pop>.");
    assert!(
        !world.telegram.has_said(CHAT, code),
        "the message with the code still stands"
    );
    let labels: Vec<_> = sent[1]
        .keyboard
        .iter()
        .map(|row| row[0].text.as_str())
        .collect();
    assert_eq!(labels, ["Alfa SRL", "Beta & Fiii SRL"]);
    world.press("Beta & Fiii SRL").await;
    let is_chosen = |sent: &[Sent]| sent[1].text.contains("Firma aleasă: Beta & Fiii SRL");
    let sent = world
        .telegram
        .wait_for_outbox(CHAT, PATIENCE, is_chosen)
        .await;
    assert!(is_chosen(&sent), "{sent:?}");
    assert!(sent[1].keyboard.is_empty());
    let sent = world.say("/balance", "ro", 3).await;
    assert_eq!(
        sent[2].text,
        "Beta & Fiii SRL\nCasă și bănci, iunie 2026\n\n5121 Conturi la bănci în lei: 1.234.567,50 \
         RON\n5311: -67,50 RON\n\nTotal: 1.234.500,00 RON"
    );
    let sent = world.say("/password", "en", 4).await;
    assert!(sent[3].text.contains("ABCDEF-234567"), "{}", sent[3].text);
    world.api.state.lock().unwrap().is_of_erp = true;
    let sent = world.say("/password", "en", 5).await;
    assert!(sent[4].text.contains("change it there"), "{}", sent[4].text);
    let sent = world.say("/unlink", "en", 6).await;
    assert!(
        sent[5].text.contains("no longer linked"),
        "{}",
        sent[5].text
    );
    for (command, number) in [("/balance", 7), ("/password", 8)] {
        let sent = world.say(command, "en", number).await;
        let last = &sent[number - 1].text;
        assert!(last.contains("not linked"), "{last}");
    }
}

#[tokio::test]
async fn people_without_a_link_are_told_how_to_get_one() {
    let world = World::new().await;
    let _bot = world.start_bot();
    assert!(
        world.say("/start", "en", 1).await[0]
            .text
            .contains("/start CODE")
    );
    assert!(
        world.say("/start", "ro", 2).await[1]
            .text
            .contains("/start COD")
    );
    assert!(
        world.say("/start WRONGONE", "en", 3).await[2]
            .text
            .contains("not valid")
    );
    assert!(
        world.say("/companies", "en", 4).await[3]
            .text
            .contains("not linked")
    );
    assert!(
        world.say("/help", "ro", 5).await[4]
            .text
            .contains("/balance")
    );
    assert!(
        world.say("hello <b>", "en", 6).await[5]
            .text
            .contains("did not understand")
    );
}

#[tokio::test]
async fn a_balance_without_a_company_asks_for_one() {
    let world = World::new().await;
    let _bot = world.start_bot();
    world.link().await;
    let sent = world.say("/balance", "en", 3).await;
    assert_eq!(sent[2].text, "Choose a company:");
    assert_eq!(sent[2].keyboard.len(), 2);
}

#[tokio::test]
async fn failures_of_the_api_reach_people_as_plain_sentences() {
    let world = World::new().await;
    let bot = world.start_bot();
    world.link().await;
    world.api.state.lock().unwrap().is_down = true;
    let sent = world.say("/balance", "en", 3).await;
    assert!(
        sent[2].text.starts_with("The service is not available"),
        "{}",
        sent[2].text
    );
    world.api.state.lock().unwrap().refuses_token = true;
    let sent = world.say("/balance", "ro", 4).await;
    assert!(
        sent[3].text.starts_with("Serviciul nu este disponibil"),
        "{}",
        sent[3].text
    );
    bot.until_failing(Reason::ApiUnreachable).await;
    *world.api.state.lock().unwrap() = internal_api::State::default();
    bot.until_all_ok().await;
}

#[tokio::test]
async fn the_bot_is_ready_after_telegram_and_the_api_both_answered() {
    let world = World::new().await;
    world.api.state.lock().unwrap().refuses_token = true;
    let bot = world.start_bot();
    bot.until_failing(Reason::ApiUnreachable).await;
    assert!(!bot.health.is_ready());
    world.api.state.lock().unwrap().refuses_token = false;
    bot.until("ready", Health::is_ready).await;
    assert!(world.telegram.commands("").is_some() && world.telegram.commands("ro").is_some());
    bot.end().await;
}

#[tokio::test]
async fn an_api_with_another_certificate_is_not_trusted_until_the_authority_is_replaced() {
    let world = World::new().await;
    let stranger = InternalApi::start().await;
    std::fs::write(&world.config.api.ca_file, &stranger.ca).unwrap();
    let bot = world.start_bot();
    bot.until_failing(Reason::ApiUnreachable).await;
    let status = bot.health.status();
    assert!(
        status.dependencies[0].message.contains("certificate"),
        "{status:?}"
    );
    std::fs::write(&world.config.api.ca_file, &world.api.ca).unwrap();
    bot.until_all_ok().await;
}

#[tokio::test]
async fn an_api_whose_certificate_carries_another_name_is_not_trusted() {
    let mut world = World::new().await;
    world.config.api.server_name = "localhost".to_owned();
    let bot = world.start_bot();
    bot.until_failing(Reason::ApiUnreachable).await;
    let status = bot.health.status();
    assert!(
        status.dependencies[0].message.contains("certificate"),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_refused_token_is_reported_and_used_again_once_it_is_good() {
    let world = World::new().await;
    world.telegram.set_token("7000000001:replaced");
    let bot = world.start_bot();
    bot.until_failing(Reason::TelegramTokenRefused).await;
    assert!(!bot.health.is_ready());
    world.telegram.set_token(BOT_TOKEN);
    bot.until_all_ok().await;
    world.telegram.set_token("7000000001:replaced");
    world.telegram.say(CHAT, "/help", "en");
    bot.until_failing(Reason::TelegramTokenRefused).await;
    assert!(
        bot.health.is_ready(),
        "a later loss must not unready the pod"
    );
}

#[tokio::test]
async fn a_second_poller_is_reported_as_a_conflict_and_both_keep_trying() {
    let world = World::new().await;
    let first = world.start_bot();
    first.until_all_ok().await;
    let second = world.start_bot();
    first.until_failing(Reason::TelegramConflict).await;
    second.end().await;
    world.say("/help", "en", 1).await;
    first.until_all_ok().await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_reported_as_unreachable() {
    let mut world = World::new().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    world.config.telegram.api_url = Some(format!("http://{gone}"));
    let bot = world.start_bot();
    bot.until_failing(Reason::TelegramUnreachable).await;
}

#[tokio::test]
async fn too_many_requests_are_waited_out() {
    let world = World::new().await;
    let _bot = world.start_bot();
    let method = Some("sendMessage".to_owned());
    world.telegram.inject(Fault {
        method,
        code: 429,
        retry_after: 1,
        times: 2,
    });
    let sent = world.say("/help", "en", 1).await;
    assert_eq!(sent.len(), 1);
}

#[tokio::test]
async fn a_person_who_blocked_the_bot_does_not_hold_up_the_others() {
    let world = World::new().await;
    world.telegram.say(7, "/help", "en");
    world.telegram.set_blocked(7, true);
    let _bot = world.start_bot();
    world.say("/help", "en", 1).await;
    assert!(world.telegram.outbox(7).is_empty());
}

#[tokio::test]
async fn an_end_confirms_what_was_handled_and_loses_nothing() {
    let world = World::new().await;
    let bot = world.start_bot();
    world.say("/help", "en", 1).await;
    bot.end().await;
    assert_eq!(world.telegram.pending_updates(), 0);
    world.telegram.say(CHAT, "/help", "en");
    assert_eq!(world.telegram.pending_updates(), 1);
    let bot = world.start_bot();
    assert_eq!(world.outbox(2).await.len(), 2);
    bot.end().await;
    assert_eq!(world.telegram.pending_updates(), 0);
}

#[tokio::test]
async fn no_answer_and_no_status_shows_a_token() {
    let world = World::new().await;
    let bot = world.start_bot();
    bot.until_all_ok().await;
    world.link().await;
    world.api.state.lock().unwrap().refuses_token = true;
    world.say("/balance", "en", 3).await;
    world.telegram.set_token("7000000001:replaced");
    bot.until_failing(Reason::TelegramTokenRefused).await;
    let said = format!(
        "{:?} {:?}",
        world.telegram.outbox(CHAT),
        bot.health.status()
    );
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn the_program_shows_no_token_even_when_it_logs_everything() {
    let world = World::new().await;
    let file = world.files.path().join("config.yaml");
    // JSON is YAML.
    std::fs::write(&file, serde_json::to_string(&world.config).unwrap()).unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_reportapp-bot"))
        .arg("--config")
        .arg(&file)
        .args(["--log-level", "trace", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    world.link().await;
    world.telegram.set_token("7000000001:replaced");
    world.api.state.lock().unwrap().refuses_token = true;
    world.telegram.say(CHAT, "/balance", "en");
    let pid = program.id().unwrap().to_string();
    let signalled = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .unwrap();
    assert!(signalled.success());
    let output = timeout(PATIENCE, program.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(log.lines().count() > 2, "{log}");
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
    for secret in ["canary", CODE] {
        assert!(!log.contains(secret), "{secret} stands in the log:\n{log}");
    }
}
