//! One SQLite connection and the statements run on it; everything here blocks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Statement};

use super::Role;
use super::error::Context;
use super::types::{Kind, bind, read};
use super::worker::Leave;
use crate::settings::SqliteSettings;
use crate::slots::Reusable;
use crate::{PoolError, Question, Row, Value};

/// How long a statement waits for another process that locks the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Virtual machine instructions between two looks at the clock: some tens of microseconds.
const INSTRUCTIONS_PER_LOOK: i32 = 10_000;
/// Prepared statements remembered per connection.
const STATEMENTS_MAX: usize = 128;

/// An open file.
pub(super) struct SqliteConnection {
    inner: Connection,
    context: Context,
}

impl SqliteConnection {
    pub(super) fn open(
        pool: &str,
        settings: &SqliteSettings,
        role: Role,
    ) -> Result<Self, PoolError> {
        let limit = settings.limits.statement_timeout;
        let context = Context {
            pool: pool.to_owned(),
            limit_ms: millis(limit),
        };
        let access = if settings.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            // Readers may be the first to open the file, and WAL needs its side files written.
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        let open = || {
            let inner = Connection::open_with_flags(
                &settings.path,
                access | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            inner.busy_timeout(BUSY_TIMEOUT.min(limit))?;
            inner.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
            inner.pragma_update(None, "foreign_keys", true)?;
            inner.pragma_update(None, "temp_store", "MEMORY")?;
            if !settings.read_only {
                inner.pragma_update(None, "journal_mode", "WAL")?;
                // A commit that was acknowledged survives a power cut.
                inner.pragma_update(None, "synchronous", "FULL")?;
            }
            if role == Role::Reader {
                inner.pragma_update(None, "query_only", true)?;
            }
            Ok(inner)
        };
        match open() {
            Ok(inner) => Ok(Self { inner, context }),
            Err(error) => Err(context.open_error(&error)),
        }
    }

    /// Lets statements run until the deadline or until nobody waits for them.
    pub(super) fn allow(&mut self, leave: Leave) -> Result<(), PoolError> {
        let Leave { gone, limit, until } = leave;
        self.context.limit_ms = millis(limit);
        let stop = move || gone.load(Ordering::Relaxed) || Instant::now() >= until;
        self.inner
            .progress_handler(INSTRUCTIONS_PER_LOOK, Some(stop))
            .map_err(|error| self.context.statement_error(&error))
    }

    /// Runs a statement unless it would write.
    pub(super) fn query_if_readonly(
        &mut self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<Vec<Row>>, PoolError> {
        let mut statement = self
            .inner
            .prepare_cached(sql)
            .map_err(|error| self.context.statement_error(&error))?;
        if !statement.readonly() {
            return Ok(None);
        }
        collect(&self.context, &mut statement, params).map(Some)
    }

    /// Answers questions from one state of the file and refuses what would write.
    pub(super) fn read_only(&mut self, questions: &[Question]) -> Result<Vec<Vec<Row>>, PoolError> {
        self.batch("BEGIN")?;
        let answers = questions.iter().map(|question| {
            let rows = self.query_if_readonly(&question.sql, &question.params)?;
            rows.ok_or_else(would_write)
        });
        let answers = answers.collect();
        // A connection that cannot end its transaction is not used again.
        self.roll_back();
        answers
    }

    /// As [`SqliteConnection::each`], in a transaction; refuses what would write.
    pub(super) fn read_only_each(
        &mut self,
        question: &Question,
        sink: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), PoolError> {
        self.batch("BEGIN")?;
        let outcome = self.each_if_readonly(question, sink);
        // A connection that cannot end its transaction is not used again.
        self.roll_back();
        outcome
    }

    fn each_if_readonly(
        &mut self,
        question: &Question,
        sink: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), PoolError> {
        let mut statement = self
            .inner
            .prepare_cached(&question.sql)
            .map_err(|error| self.context.statement_error(&error))?;
        if !statement.readonly() {
            return Err(would_write());
        }
        each(&self.context, &mut statement, &question.params, sink)
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, PoolError> {
        let mut statement = self
            .inner
            .prepare_cached(sql)
            .map_err(|error| self.context.statement_error(&error))?;
        collect(&self.context, &mut statement, params)
    }

    /// Runs a statement and hands every row to `sink` until that returns false.
    pub(super) fn each(
        &mut self,
        sql: &str,
        params: &[Value],
        sink: &mut dyn FnMut(Row) -> bool,
    ) -> Result<(), PoolError> {
        let mut statement = self
            .inner
            .prepare_cached(sql)
            .map_err(|error| self.context.statement_error(&error))?;
        each(&self.context, &mut statement, params, sink)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, PoolError> {
        let mut statement = self
            .inner
            .prepare_cached(sql)
            .map_err(|error| self.context.statement_error(&error))?;
        bind(&self.context, &mut statement, params)?;
        if statement.column_count() > 0 {
            let mut changed = 0;
            let mut rows = statement.raw_query();
            while rows
                .next()
                .map_err(|error| self.context.statement_error(&error))?
                .is_some()
            {
                changed += 1;
            }
            return Ok(changed);
        }
        let changed = statement
            .raw_execute()
            .map_err(|error| self.context.statement_error(&error))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), PoolError> {
        self.inner
            .execute_batch(sql)
            .map_err(|error| self.context.statement_error(&error))
    }

    /// Inserts rows through one prepared statement.
    pub(super) fn bulk_insert(
        &mut self,
        table: &str,
        columns: &[String],
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<u64, PoolError> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let names = columns
            .iter()
            .map(|column| quoted(column))
            .collect::<Vec<_>>()
            .join(", ");
        let places = (1..=columns.len())
            .map(|place| format!("${place}"))
            .collect::<Vec<_>>()
            .join(", ");
        let sql = format!("INSERT INTO {} ({names}) VALUES ({places})", quoted(table));
        let mut statement = self
            .inner
            .prepare_cached(&sql)
            .map_err(|error| self.context.statement_error(&error))?;
        let mut inserted = 0;
        for row in rows {
            bind(&self.context, &mut statement, &row)?;
            statement
                .raw_execute()
                .map_err(|error| self.context.statement_error(&error))?;
            inserted += 1;
        }
        Ok(inserted)
    }

    /// Ends an open transaction; false if that fails.
    pub(super) fn roll_back(&mut self) -> bool {
        if self.inner.is_autocommit() {
            return true;
        }
        // The handler of the abandoned statement would stop the rollback too.
        let unbounded: Option<fn() -> bool> = None;
        self.inner.progress_handler(0, unbounded).is_ok()
            && self.inner.execute_batch("ROLLBACK").is_ok()
    }
}

impl Reusable for SqliteConnection {
    fn reusable(&self) -> bool {
        self.inner.is_autocommit()
    }
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

fn would_write() -> PoolError {
    PoolError::usage("the statement would write; only reading is allowed here")
}

fn collect(
    context: &Context,
    statement: &mut Statement<'_>,
    params: &[Value],
) -> Result<Vec<Row>, PoolError> {
    let mut rows = Vec::new();
    each(context, statement, params, &mut |row| {
        rows.push(row);
        true
    })?;
    Ok(rows)
}

fn each(
    context: &Context,
    statement: &mut Statement<'_>,
    params: &[Value],
    sink: &mut dyn FnMut(Row) -> bool,
) -> Result<(), PoolError> {
    bind(context, statement, params)?;
    let kinds: Vec<Kind> = statement
        .columns()
        .map(|column| Kind::declared(column.decl_type()))
        .collect();
    let names: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    while let Some(row) = rows
        .next()
        .map_err(|error| context.statement_error(&error))?
    {
        let values = kinds.iter().enumerate().map(|(index, kind)| {
            let raw = row
                .get_ref(index)
                .map_err(|error| context.statement_error(&error))?;
            read(&names[index], *kind, raw)
        });
        if !sink(Row::new(names.clone(), values.collect::<Result<_, _>>()?)) {
            return Ok(());
        }
    }
    Ok(())
}
