//! Somebody who asks: whose answers they may be given, and how new these have to be.

use std::sync::Arc;

use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::{Cache, Question, Whose, Wish};
use crate::app::App;
use crate::erp::{Books, Server};
use crate::error::ApiError;
use crate::reports::{Ask, Table};
use crate::store::User;

/// The cache as one request uses it.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    cache: Arc<Cache>,
    whose: Whose,
    wish: Wish,
}

impl App {
    /// The cache for a request of this user with these headers.
    pub(crate) fn asking(&self, user: &User, headers: &HeaderMap) -> Asking {
        Asking {
            cache: Arc::clone(&self.cache),
            whose: Whose::of(user),
            wish: wish(headers),
        }
    }
}

impl Asking {
    /// The books of a company that this user may read.
    ///
    /// # Errors
    /// `CompanyUnknown`, or a failing database.
    pub(crate) async fn books(&self, server: &Server, company: &str) -> Result<Books, ApiError> {
        let question = Question::books(&self.whose, server, company);
        let (kept, _) = self.cache.ask(question, self.wish).await?;
        let (company, periods) = kept
            .books()
            .ok_or(ApiError::Internal("another question was answered"))?;
        Ok(Books {
            server: server.clone(),
            company: company.clone(),
            periods: periods.to_vec(),
        })
    }

    /// The answers to some reports, from one state of the server's database. `name` is what they are
    /// together, for whoever empties caches.
    ///
    /// # Errors
    /// As [`crate::reports::run::run`].
    pub(crate) async fn tables(
        &self,
        name: &str,
        server: &Server,
        asks: Vec<Ask>,
    ) -> Result<Vec<Table>, ApiError> {
        let question = Question::tables(name, &self.whose, server, asks);
        let (kept, origin) = self.cache.ask(question, self.wish).await?;
        Ok(kept.tables(origin))
    }

    /// The answer to one report.
    ///
    /// # Errors
    /// As [`Asking::tables`].
    pub(crate) async fn table(&self, server: &Server, ask: &Ask) -> Result<Table, ApiError> {
        let name = &ask.report.definition.id;
        let tables = self.tables(name, server, vec![ask.clone()]).await?;
        let table = tables.into_iter().next();
        table.ok_or(ApiError::Internal("a report was not answered"))
    }
}

/// A client that sends `no-cache` will not have a kept answer (RFC 9111, section 5.2.1.4).
fn wish(headers: &HeaderMap) -> Wish {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(','));
    match directives.any(|word| word.trim().eq_ignore_ascii_case("no-cache")) {
        true => Wish::Fresh,
        false => Wish::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_no_cache_asks_the_database_anew() {
        for (value, expected) in [
            ("no-cache", Wish::Fresh),
            ("max-age=0, No-Cache", Wish::Fresh),
            ("max-age=0", Wish::Any),
            ("no-cached", Wish::Any),
            ("", Wish::Any),
        ] {
            let headers = [(CACHE_CONTROL, value.parse().unwrap())];
            assert_eq!(wish(&headers.into_iter().collect()), expected, "{value}");
        }
        assert_eq!(wish(&HeaderMap::new()), Wish::Any);
    }
}
