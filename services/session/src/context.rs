//! For whom a transaction on the store acts: what row security goes by, and what audit rows name.
//!
//! ```text
//! Context ─ opening ─▶ set_config(…, true) × 11 ─▶ policies and triggers of migration 0006
//! ```
//!
//! The settings last for one transaction. All spellings are set each time, the unused ones to nothing, so
//! that what somebody left on a pooled connection is never used.

use reportapp_pool::{Opening, Value};

const SETTINGS: &str = "SELECT
    set_config('app.tenant_id', $1, true),
    set_config('app.current_tenant', '', true),
    set_config('app.current_tenant_id', '', true),
    set_config('app.super_admin_id', $2, true),
    set_config('app.is_platform_admin', $3, true),
    set_config('app.user_id', $4, true),
    set_config('app.current_user_id', '', true),
    set_config('app.service_name', $5, true),
    set_config('app.request_id', $6, true),
    set_config('app.client_ip', $7, true),
    set_config('app.without_tenant', $8, true)";

/// Whose rows a transaction sees and may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nobody's.
    Nothing,
    /// Those of one tenant, by its id.
    Tenant(String),
    /// What belongs to no tenant, as somebody of no tenant sees it.
    NoTenant,
    /// Those of the tenants of a super admin, by the user's id.
    SuperAdmin(String),
    /// Everybody's, if the database login belongs to the owner of the tables or to a platform role.
    Platform,
}

/// For whom a transaction acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Whose rows it sees.
    pub sight: Sight,
    /// The user who caused it, by id.
    pub user: Option<String>,
    /// The program.
    pub service: &'static str,
    /// The request it is part of.
    pub request: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
}

impl Context {
    /// The program itself, with the whole platform in sight.
    pub fn system(service: &'static str) -> Self {
        Self {
            sight: Sight::Platform,
            user: None,
            service,
            request: None,
            address: None,
        }
    }

    /// The one tenant in sight.
    pub fn tenant(&self) -> Option<&str> {
        match &self.sight {
            Sight::Tenant(id) => Some(id),
            Sight::Nothing | Sight::NoTenant | Sight::SuperAdmin(_) | Sight::Platform => None,
        }
    }

    /// The statement a transaction begins with.
    pub fn opening(&self) -> Opening {
        let (tenant, super_admin, platform) = match &self.sight {
            Sight::Nothing | Sight::NoTenant => ("", "", ""),
            Sight::Tenant(id) => (id.as_str(), "", ""),
            Sight::SuperAdmin(id) => ("", id.as_str(), ""),
            Sight::Platform => ("", "", "on"),
        };
        let given = |value: &Option<String>| value.clone().unwrap_or_default();
        let params = [
            tenant.to_owned(),
            super_admin.to_owned(),
            platform.to_owned(),
            given(&self.user),
            self.service.to_owned(),
            given(&self.request),
            given(&self.address),
            if self.sight == Sight::NoTenant {
                "on"
            } else {
                ""
            }
            .to_owned(),
        ];
        Opening {
            sql: SETTINGS,
            params: params.map(Value::Text).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions of the parameters that open anything.
    const OPENING: [usize; 4] = [0, 1, 2, 7];

    fn opened(sight: Sight) -> Vec<usize> {
        let context = Context {
            sight,
            ..Context::system("test")
        };
        let params = context.opening().params;
        let is_set = |position: &usize| params[*position] != Value::Text(String::new());
        OPENING.into_iter().filter(is_set).collect()
    }

    #[test]
    fn each_sight_opens_one_thing_and_no_sight_opens_nothing() {
        assert!(opened(Sight::Nothing).is_empty());
        assert_eq!(opened(Sight::Tenant("t".to_owned())), [0]);
        assert_eq!(opened(Sight::SuperAdmin("s".to_owned())), [1]);
        assert_eq!(opened(Sight::Platform), [2]);
        assert_eq!(opened(Sight::NoTenant), [7]);
    }
}
