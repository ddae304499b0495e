//! Something the ERP can be asked whose answer may be kept.

use std::time::Duration;

use jiff::Timestamp;
use reportapp_session::epochs::Revision;

use super::kept::{Kept, What};
use super::key::{BOOKS, Key, Whose};
use crate::erp::Server;
use crate::error::ApiError;
use crate::reports::{Ask, run};

/// A month that was posted for the first time can be chosen after so long.
const BOOKS_LIFE: Duration = Duration::from_secs(60);

/// A question to one server, asked for somebody.
pub(crate) struct Question {
    name: String,
    whose: Whose,
    server: Server,
    subject: Subject,
}

enum Subject {
    Tables(Vec<Ask>),
    Books(String),
}

impl Question {
    /// Reports, answered from one state of the database, under a name.
    pub(crate) fn tables(name: &str, whose: &Whose, server: &Server, asks: Vec<Ask>) -> Self {
        Self {
            name: name.to_owned(),
            whose: whose.clone(),
            server: server.clone(),
            subject: Subject::Tables(asks),
        }
    }

    /// A company and the months it has postings in.
    pub(crate) fn books(whose: &Whose, server: &Server, company: &str) -> Self {
        Self {
            name: BOOKS.to_owned(),
            whose: whose.clone(),
            server: server.clone(),
            subject: Subject::Books(company.to_owned()),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn key(&self) -> Key {
        match &self.subject {
            Subject::Tables(asks) => Key::of_tables(&self.name, &self.whose, &self.server, asks),
            Subject::Books(company) => Key::of_books(&self.whose, &self.server, company),
        }
    }

    /// How long the answer may be given: as long as each of the report files says. Zero: not again.
    pub(super) fn life(&self) -> Duration {
        match &self.subject {
            Subject::Tables(asks) => {
                let lives = asks
                    .iter()
                    .map(|ask| ask.report.definition.cache.unwrap_or(0));
                Duration::from_secs(lives.min().unwrap_or(0).into())
            }
            Subject::Books(_) => BOOKS_LIFE,
        }
    }

    /// Whether other processes are given the answer: companies cost little, and change as people work.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.subject, Subject::Tables(_))
    }

    /// The reports that are asked for.
    pub(super) fn asks(&self) -> &[Ask] {
        match &self.subject {
            Subject::Tables(asks) => asks,
            Subject::Books(_) => &[],
        }
    }

    /// Asks the ERP.
    ///
    /// # Errors
    /// What it says.
    pub(super) async fn read(&self, loaded: Revision) -> Result<Kept, ApiError> {
        let read_at = Timestamp::now();
        let what = match &self.subject {
            Subject::Tables(asks) => What::Tables(run::run(&self.server, asks).await?),
            Subject::Books(company) => {
                let books = self.server.books(company).await?;
                What::Books(books.company, books.periods)
            }
        };
        Ok(Kept::new(what, read_at, loaded, self.life()))
    }
}
