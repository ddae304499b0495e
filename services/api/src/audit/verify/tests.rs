//! The chain on a real PostgreSQL: what a verification finds, what a late commit changes, and what
//! retention removes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::Registry;
use reportapp_pool::testing::SUPERUSER;
use reportapp_session::Sight;

use super::*;
use crate::audit::sealer::{remove_old, seal, watch};
use crate::metrics::AuditMetrics;
use crate::store::Store;
use crate::store::test_database::{OWNER, READER, SERVING, TestDatabase, seeing, tenant, texts};

struct Trail {
    database: TestDatabase,
    store: Store,
    /// Gets around everything, as an intruder with the rights of a superuser.
    intruder: Pool,
    metrics: AuditMetrics,
}

impl Trail {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        Self {
            store: database.store().await,
            intruder: database.pool(SUPERUSER).await,
            metrics: AuditMetrics::register(&Registry::new()).unwrap(),
            database,
        }
    }

    /// Writes `rows` audit rows and seals them as one batch.
    async fn batch(&self, rows: usize) {
        let pool = self.database.pool(OWNER).await;
        for number in 0..rows {
            let sql = format!("UPDATE users_enhanced SET name = '{number}' WHERE id = 'ana'");
            pool.execute_after(&tenant("acme").opening(), &sql, &[])
                .await
                .unwrap();
        }
        seal(&self.store, &self.metrics).await.unwrap();
    }

    async fn verdict(&self, noted: &[Noted]) -> Verdict {
        verify(&self.intruder, noted).await.unwrap()
    }

    async fn differs(&self) -> (i64, String) {
        match self.verdict(&[]).await {
            Verdict::Differs { batch, because } => (batch, because),
            intact => panic!("not found: {intact:?}"),
        }
    }

    async fn all(&self, sql: &str) -> Vec<String> {
        texts(&self.intruder, &seeing(Sight::Platform), sql).await
    }
}

#[tokio::test]
async fn rows_that_are_altered_deleted_inserted_or_moved_are_found_in_their_batch() {
    let trail = Trail::new().await;
    trail.batch(0).await;
    for rows in [3, 3, 3] {
        trail.batch(rows).await;
    }
    let Verdict::Intact {
        batches: 4,
        unsealed: 0,
        ..
    } = trail.verdict(&[]).await
    else {
        panic!("{:?}", trail.verdict(&[]).await);
    };
    let intact = trail
        .all("SELECT array_agg(a ORDER BY id)::text FROM audit_logs_dml a")
        .await;
    let row = "(SELECT min(id) + 1 FROM audit_logs_dml WHERE batch = 3)";
    for (tampering, expected) in [
        (
            format!("UPDATE audit_logs_dml SET user_id = 'zoe' WHERE id = {row}"),
            3,
        ),
        (
            format!(
                "UPDATE audit_logs_dml SET created_at = created_at + interval '1 us' WHERE id = {row}"
            ),
            3,
        ),
        (
            format!("UPDATE audit_logs_dml SET old_data = NULL WHERE id = {row}"),
            3,
        ),
        (format!("DELETE FROM audit_logs_dml WHERE id = {row}"), 3),
        (
            format!("UPDATE audit_logs_dml SET batch = NULL WHERE id = {row}"),
            3,
        ),
        (
            format!("UPDATE audit_logs_dml SET batch = 2 WHERE id = {row}"),
            3,
        ),
        ("DELETE FROM audit_batches WHERE id = 3".to_owned(), 3),
        (
            "UPDATE audit_batches SET removed_at = now() WHERE id = 3".to_owned(),
            3,
        ),
        (
            "DELETE FROM audit_logs_dml WHERE batch = 3;
             UPDATE audit_batches SET removed_at = now() WHERE id = 3"
                .to_owned(),
            3,
        ),
        (
            "DELETE FROM audit_logs_dml WHERE batch = 1;
             UPDATE audit_batches SET removed_at = now() WHERE id = 1"
                .to_owned(),
            1,
        ),
        (
            "UPDATE audit_batches SET head = repeat('0', 64) WHERE id = 3".to_owned(),
            3,
        ),
        (
            "INSERT INTO audit_logs_dml (table_name, operation, db_user, effective_role, batch)
          VALUES ('x', 'INSERT', 'x', 'x', 4)"
                .to_owned(),
            5,
        ),
    ] {
        // Undone afterwards, so that each is alone; triggers of the tables do not see it either.
        let mut transaction = trail.intruder.begin().await.unwrap();
        transaction.batch("CREATE TABLE kept AS TABLE audit_logs_dml; CREATE TABLE chain AS TABLE audit_batches").await.unwrap();
        transaction.batch(&tampering).await.unwrap();
        transaction.commit().await.unwrap();
        let (batch, because) = trail.differs().await;
        assert_eq!(batch, expected, "{tampering}: {because}");
        let restore = "TRUNCATE audit_logs_dml, audit_batches;
            INSERT INTO audit_batches TABLE chain;
            INSERT INTO audit_logs_dml (id, table_name, operation, row_id, old_data, new_data, changed_fields,
                user_id, tenant_id, service_name, application_name, db_user, effective_role, request_id,
                ip_address, created_at, transaction_id, batch)
              OVERRIDING SYSTEM VALUE
              SELECT id, table_name, operation, row_id, old_data, new_data, changed_fields, user_id, tenant_id,
                service_name, application_name, db_user, effective_role, request_id, ip_address, created_at,
                transaction_id, batch FROM kept;
            DROP TABLE kept, chain";
        trail.intruder.batch(restore).await.unwrap();
        let restored = trail
            .all("SELECT array_agg(a ORDER BY id)::text FROM audit_logs_dml a")
            .await;
        assert_eq!(restored, intact);
    }
}

#[tokio::test]
async fn a_chain_that_was_made_anew_as_a_whole_is_found_by_a_head_that_was_noted() {
    let trail = Trail::new().await;
    trail.batch(3).await;
    trail.batch(3).await;
    let Verdict::Intact { batches, head, .. } = trail.verdict(&[]).await else {
        panic!("intact so far");
    };
    let noted = Noted {
        batch: batches,
        head,
    };
    assert!(matches!(
        trail.verdict(std::slice::from_ref(&noted)).await,
        Verdict::Intact { .. }
    ));
    let anew = "UPDATE audit_logs_dml SET user_id = 'zoe', batch = NULL; DELETE FROM audit_batches";
    trail.intruder.batch(anew).await.unwrap();
    trail.batch(0).await;
    assert!(
        matches!(trail.verdict(&[]).await, Verdict::Intact { .. }),
        "nothing else tells"
    );
    let found = trail.verdict(&[noted]).await;
    assert!(matches!(found, Verdict::Differs { .. }), "{found:?}");
}

#[tokio::test]
async fn a_row_committed_late_is_waited_for_and_lost_by_no_batch() {
    let trail = Trail::new().await;
    trail.batch(1).await;
    let pool = trail.database.pool(OWNER).await;
    let write = |user: &str| format!("UPDATE users_enhanced SET name = 'late' WHERE id = '{user}'");
    // Takes the smaller id and commits after the greater one was to be sealed.
    let mut slow = pool.begin_after(&tenant("acme").opening()).await.unwrap();
    slow.execute(&write("ana"), &[]).await.unwrap();
    pool.execute_after(&tenant("zeta").opening(), &write("zoe"), &[])
        .await
        .unwrap();
    seal(&trail.store, &trail.metrics).await.unwrap();
    let unsealed = "SELECT row_id FROM audit_logs_dml WHERE batch IS NULL ORDER BY id";
    assert_eq!(
        trail.all(unsealed).await,
        ["zoe"],
        "not before the one that may come before it"
    );
    slow.commit().await.unwrap();
    seal(&trail.store, &trail.metrics).await.unwrap();
    let last = "SELECT row_id FROM audit_logs_dml WHERE batch = (SELECT max(id) FROM audit_batches) ORDER BY id";
    assert_eq!(trail.all(last).await, ["ana", "zoe"]);
    let verdict = trail.verdict(&[]).await;
    assert!(
        matches!(verdict, Verdict::Intact { unsealed: 0, .. }),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn sealers_at_the_same_time_make_one_chain() {
    let trail = Trail::new().await;
    let pool = trail.database.pool(SERVING).await;
    let store = Arc::new(Store::new(pool.clone()));
    store.migrate().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (pool, store) = (pool.clone(), Arc::clone(&store));
        tasks.spawn(async move {
            if number % 2 == 0 {
                let sql = format!("UPDATE users_enhanced SET name = '{number}' WHERE id = 'ana'");
                pool.execute_after(&tenant("acme").opening(), &sql, &[])
                    .await
                    .unwrap();
            } else {
                store.seal_audit_rows(3).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    seal(&trail.store, &trail.metrics).await.unwrap();
    let verdict = trail.verdict(&[]).await;
    assert!(
        matches!(verdict, Verdict::Intact { unsealed: 0, .. }),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn retention_removes_whole_sealed_batches_and_the_chain_goes_on() {
    let trail = Trail::new().await;
    let age = |days: u32, rows: &str| {
        format!(
            "UPDATE audit_logs_dml SET created_at = now() - interval '{days} days' WHERE {rows}"
        )
    };
    trail
        .intruder
        .batch(&age(100, "batch IS NULL"))
        .await
        .unwrap();
    trail.batch(0).await;
    // One row of the second batch is young: the batch stays, all of it.
    trail.batch(1).await;
    let pool = trail.database.pool(OWNER).await;
    let write = "UPDATE users_enhanced SET name = 'x' WHERE id = 'ana'";
    pool.execute_after(&tenant("acme").opening(), write, &[])
        .await
        .unwrap();
    trail
        .intruder
        .batch(&age(100, "batch IS NULL"))
        .await
        .unwrap();
    assert_eq!(remove_old(&trail.store, 90).await, Ok(1));
    let left = "SELECT DISTINCT coalesce(batch::text, 'none') FROM audit_logs_dml ORDER BY 1";
    assert_eq!(
        trail.all(left).await,
        ["2", "none"],
        "what is not sealed stays, however old"
    );
    seal(&trail.store, &trail.metrics).await.unwrap();
    assert_eq!(
        remove_old(&trail.store, 90).await,
        Ok(0),
        "a young batch is in the way"
    );
    let verdict = trail.verdict(&[]).await;
    assert!(
        matches!(
            verdict,
            Verdict::Intact {
                batches: 3,
                rows: 2,
                ..
            }
        ),
        "{verdict:?}"
    );
    assert!(
        trail.store.remove_oldest_audit_batch(29).await.is_err(),
        "30 days at least"
    );
}

#[tokio::test]
async fn whoever_watches_the_trail_seals_it_and_removes_what_is_old() {
    let trail = Trail::new().await;
    let old = "UPDATE audit_logs_dml SET created_at = now() - interval '100 days'";
    trail.intruder.batch(old).await.unwrap();
    trail.batch(0).await;
    let young = "UPDATE users_enhanced SET name = 'x' WHERE id = 'ana'";
    trail.intruder.batch(young).await.unwrap();
    let store = Store::new(trail.database.pool(SERVING).await);
    store.migrate().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    let often = Duration::from_millis(1);
    watch(
        &mut tasks,
        &Arc::new(store),
        trail.metrics.clone(),
        90,
        often,
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left = "SELECT DISTINCT coalesce(batch::text, 'none') FROM audit_logs_dml";
        let left = trail.all(left).await;
        if left == ["2"] {
            break;
        }
        assert!(Instant::now() < deadline, "{left:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_head_leaves_the_database_as_a_metric() {
    let trail = Trail::new().await;
    let registry = Registry::new();
    let metrics = AuditMetrics::register(&registry).unwrap();
    seal(&trail.store, &metrics).await.unwrap();
    trail.batch(1).await;
    let head = trail
        .all("SELECT head FROM audit_batches WHERE id = 1")
        .await
        .remove(0);
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&registry.gather())
        .unwrap();
    assert!(
        text.contains(&format!("reportapp_audit_head{{head=\"{head}\"}} 1")),
        "{text}"
    );
}

#[tokio::test]
async fn a_login_that_does_not_see_everything_verifies_nothing() {
    let trail = Trail::new().await;
    trail.batch(1).await;
    let reader = trail.database.pool(READER).await;
    let error = verify(&reader, &[]).await.unwrap_err();
    assert!(format!("{error:?}").contains("whole platform"), "{error:?}");
    let serving = trail.database.pool(SERVING).await;
    assert!(matches!(
        verify(&serving, &[]).await,
        Ok(Verdict::Intact { .. })
    ));
}
