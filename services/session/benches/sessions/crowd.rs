//! The eight processes, and whoever logs out everybody.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reportapp_config::DatabaseConfig;
use reportapp_pool::Pool;
use reportapp_pool::testing::TestPostgres;
use reportapp_session::epochs::{
    BootClock, Clock as _, EpochStore as _, Moment, ProcessId, Revision, Scope, SqlEpochStore,
    revoke,
};
use reportapp_session::testing::TestRedis;
use reportapp_session::{Wakes, random};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::PROCESS;
use crate::process::Settings;

const PROCESSES: usize = 8;
const LIMIT: Duration = Duration::from_secs(60);
const TABLES: &str = reportapp_migrations::EPOCHS.postgres;

struct Process {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(settings: &Settings) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([PROCESS, &serde_json::to_string(settings).unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            orders: child.stdin.take().unwrap(),
            answers: answers.lines(),
            _child: child,
        }
    }

    async fn answer(&mut self) -> String {
        self.answers.next_line().await.unwrap().unwrap()
    }
}

pub(crate) struct Crowd {
    pub(crate) store: Arc<SqlEpochStore>,
    wakes: Arc<Wakes>,
    processes: Mutex<Vec<Process>>,
}

impl Crowd {
    pub(crate) async fn start(postgres: &TestPostgres, redis: &TestRedis) -> Self {
        let mut store = postgres.config();
        if let DatabaseConfig::Postgres { pool, .. } = &mut store {
            // All processes together must fit into the server.
            pool.max = 5;
        }
        let pool = Pool::open("store", &store).await.unwrap();
        pool.batch(TABLES).await.unwrap();
        let settings = |number| Settings {
            number,
            store: store.clone(),
            redis: redis.config(),
        };
        let mut processes: Vec<_> = (0..PROCESSES)
            .map(|number| Process::start(&settings(number)))
            .collect();
        for process in &mut processes {
            assert_eq!(process.answer().await, "ready");
        }
        Self {
            store: Arc::new(SqlEpochStore::new(pool)),
            wakes: Arc::new(Wakes::new("shop", &redis.config()).unwrap()),
            processes: Mutex::new(processes),
        }
    }

    pub(crate) async fn issued(&self) -> Revision {
        let nobody = ProcessId::new("bench", 0);
        let reading = self.store.read(&nobody, Revision(u64::MAX >> 1)).await;
        reading.unwrap().revision
    }

    /// Time to the commit, and from there to the last refusal.
    pub(crate) async fn log_out_everybody(&self, with_wakes: bool) -> (Duration, Duration) {
        let mut processes = self.processes.lock().await;
        let order = format!("{}\n", self.issued().await.0);
        for process in processes.iter_mut() {
            process.orders.write_all(order.as_bytes()).await.unwrap();
        }
        for process in processes.iter_mut() {
            assert_eq!(process.answer().await, "accepted");
        }
        let wakes = Arc::clone(&self.wakes);
        let told = std::sync::Once::new();
        let wake = |revision| {
            told.call_once(|| {
                let wakes = Arc::clone(&wakes);
                if with_wakes {
                    tokio::spawn(async move { wakes.tell(revision).await.unwrap() });
                }
            });
        };
        let begun = BootClock.now();
        let everybody = vec![Scope::All];
        let revoked = revoke(
            &*self.store,
            &BootClock,
            &random::id(),
            everybody,
            LIMIT,
            wake,
        )
        .await;
        let committed = begun.after(revoked.unwrap().commit);
        let mut last = Duration::ZERO;
        for process in processes.iter_mut() {
            let refused: u64 = process.answer().await.parse().unwrap();
            last = last.max(Moment::from_nanos(refused).since(committed));
        }
        (committed.since(begun), last)
    }
}
