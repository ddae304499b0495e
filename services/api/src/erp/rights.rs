//! What the login of an ERP database may do besides reading.

use reportapp_pool::{Engine, Pool, PoolError};

/// What a login may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing but read.
    Reads,
    /// Everything.
    Superuser,
    /// Change a table, and perhaps others.
    Writes {
        /// The first of them.
        table: String,
    },
}

/// The first table, in the order of names, that the login may change in part or whole.
const WRITABLE: &str = "\
SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       (SELECT min(format('%I.%I', n.nspname, c.relname))
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT LIKE 'pg\\_%'
           AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'USAGE')
           AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) AS writable";

/// Asks the database what its login may do. A SQLite file has no logins: connections that read say so.
///
/// # Errors
/// When the database fails.
pub async fn of_login(pool: &Pool) -> Result<Rights, PoolError> {
    if pool.engine() == Engine::Sqlite {
        return Ok(Rights::Reads);
    }
    let Some(row) = pool.query_opt(WRITABLE, &[]).await? else {
        return Ok(Rights::Reads);
    };
    if row.get("is_superuser")? {
        return Ok(Rights::Superuser);
    }
    let writable: Option<String> = row.get("writable")?;
    Ok(writable.map_or(Rights::Reads, |table| Rights::Writes { table }))
}

#[cfg(test)]
mod tests {
    use reportapp_pool::testing::TestPostgres;

    use super::*;

    #[tokio::test]
    async fn a_login_that_may_change_a_table_is_told_from_one_that_only_reads() {
        let server = TestPostgres::start().await;
        let admin = Pool::open("admin", &server.config()).await.unwrap();
        assert_eq!(of_login(&admin).await.unwrap(), Rights::Superuser);
        admin
            .batch(
                "CREATE TABLE facts (n integer, note text);
                 CREATE ROLE reader LOGIN PASSWORD 'secret-of-reader';
                 GRANT SELECT ON facts TO reader;",
            )
            .await
            .unwrap();
        let config = server.config_for("reader", "secret-of-reader");
        let reader = Pool::open("reader", &config).await.unwrap();
        assert_eq!(of_login(&reader).await.unwrap(), Rights::Reads);
        for (grant, revoke) in [
            (
                "GRANT DELETE ON facts TO reader",
                "REVOKE DELETE ON facts FROM reader",
            ),
            (
                "GRANT UPDATE (note) ON facts TO PUBLIC",
                "REVOKE UPDATE (note) ON facts FROM PUBLIC",
            ),
        ] {
            admin.batch(grant).await.unwrap();
            let table = "public.facts".to_owned();
            assert_eq!(
                of_login(&reader).await.unwrap(),
                Rights::Writes { table },
                "{grant}"
            );
            admin.batch(revoke).await.unwrap();
        }
        assert_eq!(of_login(&reader).await.unwrap(), Rights::Reads);
    }
}
