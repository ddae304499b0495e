//! Under which name an answer is kept: everything its figures depend on is part of it.
//!
//! `report:treasury:v1:<digest>`; in Redis behind the name of the application. The first word is a namespace
//! that emptying caches knows, the second what the answer is called: the id of a report, or [`DASHBOARD`].

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

use crate::erp::Server;
use crate::reports::Ask;
use crate::store::User;

/// The format of a kept answer, and of what its digest is made of.
const FORMAT: &str = "v1";
/// The name of the answer that several reports make.
pub(crate) const DASHBOARD: &str = "dashboard";
/// The name of companies with their months.
pub(super) const BOOKS: &str = "books";

/// For whom an answer was read. Nobody's answer is given to somebody of another tenant, nor to somebody whose
/// sight another system decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    tenant: Option<String>,
    /// The server where the account is kept; `None`: it is one of the application.
    account_of: Option<String>,
}

impl Whose {
    /// Those who see what this user sees.
    pub(crate) fn of(user: &User) -> Self {
        Self {
            tenant: user.tenant.clone(),
            account_of: user.erp.as_ref().map(|erp| erp.server.clone()),
        }
    }

    #[cfg(test)]
    pub(super) fn test(tenant: Option<&str>, account_of: Option<&str>) -> Self {
        Self {
            tenant: tenant.map(str::to_owned),
            account_of: account_of.map(str::to_owned),
        }
    }
}

/// The name of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Arc<str>);

impl Key {
    /// Of tables that were read together.
    pub(super) fn of_tables(name: &str, whose: &Whose, server: &Server, asks: &[Ask]) -> Self {
        let mut print = Fingerprint::new(whose, server);
        for ask in asks {
            print.part(&ask.report.definition.id);
            print.part(&ask.report.digest);
            print.number(ask.arguments.len());
            for (name, value) in &ask.arguments {
                print.part(name);
                print.part(&format!("{value:?}"));
            }
            print.part(&format!("{:?}", ask.view));
        }
        let namespace = if name == DASHBOARD { "dash" } else { "report" };
        print.key(namespace, name)
    }

    /// Of a company and its months.
    pub(super) fn of_books(whose: &Whose, server: &Server, company: &str) -> Self {
        let mut print = Fingerprint::new(whose, server);
        print.part(company);
        print.key("meta", BOOKS)
    }

    /// What the answer is called.
    pub(super) fn name(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// The whole of it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Patterns of the keys of one name, or of all.
pub(super) fn patterns(name: Option<&str>) -> Vec<String> {
    let name = name.unwrap_or("*");
    ["dash", "report", "meta"]
        .map(|namespace| format!("{namespace}:{name}:{FORMAT}:*"))
        .into()
}

/// What a digest is made of: parts with their lengths, so that no two lists of them are alike.
struct Fingerprint(Context);

impl Fingerprint {
    fn new(whose: &Whose, server: &Server) -> Self {
        let mut print = Self(Context::new(&SHA256));
        // Another release may spell a part in another way.
        print.part(env!("CARGO_PKG_VERSION"));
        print.opt(whose.tenant.as_deref());
        print.opt(whose.account_of.as_deref());
        print.part(&server.name);
        print.part(server.pool.engine().as_str());
        print
    }

    fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn part(&mut self, part: &str) {
        self.number(part.len());
        self.0.update(part.as_bytes());
    }

    fn opt(&mut self, part: Option<&str>) {
        self.number(usize::from(part.is_some()));
        self.part(part.unwrap_or_default());
    }

    fn key(self, namespace: &str, name: &str) -> Key {
        let digest = hex::encode(&self.0.finish().as_ref()[..16]);
        Key(format!("{namespace}:{name}:{FORMAT}:{digest}").into())
    }
}
