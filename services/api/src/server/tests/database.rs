//! What becomes of a statement when its request ends early.

use reportapp_pool::testing::TestPostgres;
use reportapp_pool::{Pool, Question};

use super::*;
use crate::erp::Server;

async fn pool(database: &TestPostgres) -> Pool {
    Pool::open("test", &database.config()).await.unwrap()
}

fn ask(sql: &str) -> [Question; 1] {
    [Question {
        sql: sql.to_owned(),
        params: Vec::new(),
    }]
}

/// `/sleep` is at the database for ten minutes; `/late` asks what time a statement is given two seconds
/// before the deadline of its request.
fn routes(erp: &Server) -> Route {
    let server = erp.clone();
    let sleep = warp::path!("sleep").then(move || {
        let server = server.clone();
        async move {
            let rows = server.read(&ask("SELECT pg_sleep(600)")).await;
            rows.map(|_| "done".into_response())
        }
    });
    let server = erp.clone();
    let late = warp::path!("late").then(move || {
        let server = server.clone();
        async move {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(58)).await;
            tokio::time::resume();
            let sql = "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'";
            let tables = server.read(&ask(sql)).await?;
            let limit: String = tables[0][0].get("setting").unwrap();
            Ok(limit.into_response())
        }
    });
    let late = endpoint("/late", late);
    endpoint("/sleep", sleep).or(late).unify().boxed()
}

async fn until_asleep(admin: &Pool, wanted: i64) {
    let sql = "SELECT count(*) AS n FROM pg_stat_activity \
               WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
    let wait = async {
        while admin.query(sql, &[]).await.unwrap()[0]
            .get::<i64>("n")
            .unwrap()
            != wanted
        {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
    waited.unwrap_or_else(|_| panic!("not {wanted} statements that sleep"));
}

#[tokio::test]
async fn a_statement_lives_no_longer_than_its_client_and_its_deadline() {
    let database = TestPostgres::start().await;
    let admin = pool(&database).await;
    let erp = Server::new("erp", pool(&database).await);
    let running = run(None, routes(&erp)).await;

    let url = format!("http://{}/sleep", running.address);
    let client = tokio::spawn(reqwest::get(url));
    until_asleep(&admin, 1).await;
    client.abort();
    until_asleep(&admin, 0).await;

    let url = format!("http://{}/late", running.address);
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let limit_ms: u64 = answer.text().await.unwrap().parse().unwrap();
    assert!((1..=2_000).contains(&limit_ms), "{limit_ms}");
    running.end.stop.cancel();
}
