//! Every endpoint × every kind of user × their own and a foreign tenant, generated from the OpenAPI
//! document, on SQLite and on a PostgreSQL with row security. The table names every operation; one that is
//! missing fails the test.

use std::collections::BTreeSet;

use http::StatusCode;
use reportapp_pool::Pool;
use reportapp_pool::testing::SUPERUSER;
use reportapp_session::access::UserKind;
use reportapp_session::random;
use serde_json::{Value, json};

use super::tenancy;
use crate::openapi::document;
use crate::store::test_database::{SERVING, TestDatabase};
use crate::test_support::{Answer, TestApp, request};

/// The columns of the table, in order.
const ACTORS: [&str; 7] = [
    "anonymous",
    "locked",
    "nobody",
    "reader",
    "tenant administrator",
    "super administrator",
    "enterprise administrator",
];
/// Those who see into the foreign tenant.
const SEES_ALL: usize = 6;

/// What each actor is answered about what is their own tenant's, and about a foreign tenant's (nothing:
/// the operation is about no tenant).
///
/// `U` not signed in, `F` forbidden, `N` there is no such thing, `Y` done, `P` for everybody, even without
/// signing in, `S` for whoever is signed in, `X` not served to users at all.
const TABLE: &[(&str, &str, &str)] = &[
    ("logIn", "PPPPPPP", ""),
    ("checkIdentity", "PPPPPPP", ""),
    ("listOwnServers", "UUYYYYY", ""),
    ("logOut", "PPPPPPP", ""),
    ("refreshSession", "UUUUUUU", ""),
    ("resetPassword", "PPPPPPP", ""),
    ("getMe", "UUYYYYY", ""),
    ("changePassword", "UUSSSSS", ""),
    ("listSessions", "UUYYYYY", ""),
    ("endSession", "UUNNNNN", "UUNNNNN"),
    ("endOtherSessions", "UUYYYYY", ""),
    ("listCompanies", "UUFYYYY", ""),
    ("getCalendar", "UUFYYYY", ""),
    ("getTrialBalance", "UUFYYYY", ""),
    ("listReports", "UUFYYYY", ""),
    ("getReport", "UUFYYYY", ""),
    ("getDashboard", "UUFYYYY", ""),
    ("listInvoices", "UUFYYYY", ""),
    ("getInvoiceSummary", "UUFYYYY", ""),
    ("getTreasury", "UUFYYYY", ""),
    ("createTelegramCode", "UUFYYYY", ""),
    ("listTelegramChats", "UUFYYYY", ""),
    ("unlinkTelegramChat", "UUFNNNN", ""),
    ("listOwnPermissions", "UUYYYYY", ""),
    ("listUsers", "UUFFYYY", ""),
    ("createUser", "UUFFYYY", "UUFFNNY"),
    ("getUser", "UUFFYYY", "UUFFNNY"),
    ("changeUser", "UUFFYYY", "UUFFNNY"),
    ("deleteUser", "UUFFYYY", "UUFFNNY"),
    ("listUserSessions", "UUFFYYY", "UUFFNNY"),
    ("endUserSessions", "UUFFYYY", "UUFFNNY"),
    ("forcePasswordReset", "UUFFYYY", "UUFFNNY"),
    ("listRoles", "UUFFYYY", ""),
    ("createRole", "UUFFYYY", "UUFFNNY"),
    ("changeRole", "UUFFYYY", "UUFFNNY"),
    ("deleteRole", "UUFFYYY", "UUFFNNY"),
    ("listAuditLogs", "UUFFYYY", ""),
    ("getAuditSummary", "UUFFYYY", ""),
    ("getCacheStats", "UUFFFFY", ""),
    ("clearCache", "UUFFFFY", ""),
    ("getSecurityCache", "UUFFFFY", ""),
    ("listTenants", "UUFFFYY", ""),
    ("createTenant", "UUFFFFY", ""),
    ("changeTenant", "UUFFFYY", "UUFFFNY"),
    ("redeemTelegramCode", "XXXXXXX", ""),
    ("getChat", "XXXXXXX", ""),
    ("listChatCompanies", "XXXXXXX", ""),
    ("chooseChatCompany", "XXXXXXX", ""),
    ("getChatBalance", "XXXXXXX", ""),
    ("unlinkChat", "XXXXXXX", ""),
    ("createResetCodeInChat", "XXXXXXX", ""),
    ("getHealth", "PPPPPPP", ""),
    ("getKeys", "PPPPPPP", ""),
    ("getOpenApi", "PPPPPPP", ""),
];

/// One actor at work on things of one tenant.
struct World {
    test: TestApp,
    /// What somebody types into the store, bound by nothing.
    hand: Pool,
    /// Ids of the actors; the anonymous one has none.
    actors: Vec<Option<String>>,
    #[allow(dead_code, reason = "stops when dropped")]
    database: Option<TestDatabase>,
}

/// What an operation is about, made anew for each cell.
struct Things {
    user: String,
    session: String,
    role: String,
}

/// Operations that list what is in sight, whatever tenant is asked for.
const LISTS: [&str; 5] = [
    "listUsers",
    "listRoles",
    "listTenants",
    "listAuditLogs",
    "getAuditSummary",
];
const OWN: &str = "own-tenant";
const FOREIGN: &str = "foreign-tenant";
/// Part of every name in the foreign tenant.
const CANARY: &str = "canary-foreign";

impl World {
    async fn on_sqlite() -> Self {
        let test = TestApp::start().await;
        let hand = test.store_pool().await;
        Self::start(test, hand, None).await
    }

    /// As a login that only serves.
    async fn on_postgres() -> Self {
        let database = TestDatabase::new().await;
        let test = tenancy::application(&database, SERVING).await;
        let hand = database.pool(SUPERUSER).await;
        Self::start(test, hand, Some(database)).await
    }

    async fn start(test: TestApp, hand: Pool, database: Option<TestDatabase>) -> Self {
        let mut actors = vec![None];
        for (id, name) in [(OWN, "own"), (FOREIGN, CANARY)] {
            let insert = format!(
                "INSERT INTO clients (id, name, name_key, is_active, created_at)
                 VALUES ('{id}', '{name}', '{name}', true, '2026-01-01T00:00:00.000000Z')"
            );
            hand.batch(&insert).await.unwrap();
        }
        for (name, kind, tenant, role) in [
            ("locked", UserKind::User, Some(OWN), Some("reader")),
            ("nobody", UserKind::User, Some(OWN), None),
            ("reader", UserKind::User, Some(OWN), Some("reader")),
            (
                "chief",
                UserKind::User,
                Some(OWN),
                Some("tenant-administrator"),
            ),
            ("owner", UserKind::SuperAdmin, None, None),
            ("enterprise", UserKind::EnterpriseAdmin, None, None),
        ] {
            let id = test.join(name, kind, tenant, role).await;
            actors.push(Some(id));
        }
        let owner = actors[5].as_deref().unwrap();
        let typed = format!(
            "UPDATE clients SET super_admin_id = '{owner}' WHERE id = '{OWN}';
             UPDATE users_enhanced SET is_active = false WHERE username = 'locked'"
        );
        hand.batch(&typed).await.unwrap();
        Self {
            test,
            hand,
            actors,
            database,
        }
    }

    /// Somebody with a session, and a role, of this tenant.
    async fn things(&self, tenant: &str) -> Things {
        let name = format!(
            "{}-{}",
            if tenant == FOREIGN { CANARY } else { "own" },
            random::id()
        );
        let test = &self.test;
        let user = test
            .join(&name, UserKind::User, Some(tenant), Some("reader"))
            .await;
        let session = test.session_of(&user).await.id;
        // What callers send may be repeated to them, so ids carry no canary.
        let role = random::id();
        let insert = format!(
            "INSERT INTO rbac_roles (id, tenant_id, name, level, created_at)
             VALUES ('{role}', '{tenant}', '{name}', 10, '2026-01-01T00:00:00.000000Z')"
        );
        self.hand.batch(&insert).await.unwrap();
        Things {
            user,
            session,
            role,
        }
    }

    async fn ask(&self, operation: &Operation, actor: usize, tenant: &str) -> (Answer, Things) {
        let things = self.things(tenant).await;
        let path = operation.path(&things, tenant);
        let mut request = request(&operation.method, &path, operation.body(tenant));
        if let Some(id) = &self.actors[actor] {
            let token = self.test.token_of(id).await;
            let header = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", header);
        }
        (self.test.call(request).await, things)
    }

    /// All there is to change in both tenants.
    async fn picture(&self) -> String {
        let mut picture = String::new();
        for sql in [
            "SELECT id || username || name || user_type || is_active || coalesce(tenant_id, '') AS x
             FROM users_enhanced ORDER BY id",
            "SELECT id || name || level || coalesce(tenant_id, '') AS x FROM rbac_roles ORDER BY id",
            "SELECT role_id || route || action AS x FROM rbac_permissions ORDER BY 1",
            "SELECT user_id || role_id AS x FROM rbac_user_roles ORDER BY 1",
            "SELECT id || name || is_active || coalesce(super_admin_id, '') AS x FROM clients ORDER BY id",
        ] {
            for row in self.hand.query(sql, &[]).await.unwrap() {
                picture += &row.get::<String>("x").unwrap();
                picture.push('\n');
            }
        }
        picture
    }
}

struct Operation {
    id: String,
    method: String,
    template: String,
}

impl Operation {
    fn all() -> Vec<Self> {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, operation)| Self {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                template: path.clone(),
            })
        });
        operations.collect()
    }

    fn path(&self, things: &Things, tenant: &str) -> String {
        let path = self
            .template
            .replace("{userId}", &things.user)
            .replace("{sessionId}", &things.session)
            .replace("{roleId}", &things.role)
            .replace("{tenantId}", tenant)
            .replace("{chatId}", "7")
            .replace("{reportId}", "client-balances");
        match self.id.as_str() {
            // A list of somebody else's is asked for by name.
            id if LISTS.contains(&id) && tenant == FOREIGN => format!("{path}?tenant={tenant}"),
            "getCalendar" => format!("{path}?company=alfa"),
            "getTrialBalance" | "getReport" | "getDashboard" | "getTreasury" => {
                format!("{path}?company=alfa&year=2025&month=1")
            }
            "listInvoices" | "getInvoiceSummary" => {
                format!("{path}?company=alfa&from=2025-01-01&to=2025-12-31")
            }
            _ => path,
        }
    }

    /// Small changes that would be done if they were allowed.
    fn body(&self, tenant: &str) -> Option<Value> {
        let name = format!("new-{}", random::id());
        Some(match self.id.as_str() {
            "createUser" => json!({"username": name, "tenant": tenant, "roles": ["reader"]}),
            "changeUser" => json!({"isActive": false, "roles": []}),
            "createRole" => {
                json!({"name": name, "tenant": tenant, "level": 10, "permissions": ["reports:view"]})
            }
            "changeRole" => json!({"permissions": ["reports:*"]}),
            "createTenant" => json!({"name": name}),
            "changeTenant" => json!({"name": format!("{tenant}-{name}")}),
            "checkIdentity" => json!({"username": "nobody-at-all"}),
            "logIn" => json!({"username": "nobody-at-all", "password": "x"}),
            "resetPassword" => {
                json!({"username": "x", "code": "x", "new": "a password like no other"})
            }
            "changePassword" => json!({"current": "x", "new": "y"}),
            _ => return None,
        })
    }
}

/// The letter of the table that an answer stands for.
fn letter(answer: &Answer) -> char {
    let code = match answer.text.starts_with('{') {
        true => answer.code(),
        false => String::new(),
    };
    match (answer.status, code.as_str()) {
        (StatusCode::UNAUTHORIZED, "NotSignedIn") => 'U',
        (StatusCode::FORBIDDEN, _) => 'F',
        (StatusCode::NOT_FOUND, "RouteUnknown") | (StatusCode::METHOD_NOT_ALLOWED, _) => 'X',
        (StatusCode::NOT_FOUND, _) => 'N',
        (status, _) if status.is_success() => 'Y',
        _ => 'S',
    }
}

fn fits(expected: char, found: char) -> bool {
    match expected {
        'P' => matches!(found, 'Y' | 'S'),
        expected => expected == found,
    }
}

#[tokio::test]
async fn every_endpoint_answers_every_kind_of_user_as_the_table_says_and_leaks_nothing() {
    every_cell_is_right(World::on_sqlite().await).await;
}

#[tokio::test]
async fn under_row_security_every_endpoint_answers_as_the_table_says_too() {
    every_cell_is_right(World::on_postgres().await).await;
}

async fn every_cell_is_right(world: World) {
    let (mut cells, mut wrong, mut used) = (0, Vec::new(), BTreeSet::new());
    for operation in Operation::all() {
        let id = operation.id.as_str();
        let line = TABLE.iter().find(|(name, ..)| *name == id);
        let (_, own, foreign) = line.unwrap_or_else(|| panic!("{id} has no line in the table"));
        used.insert(id.to_owned());
        let foreign = if LISTS.contains(&id) { own } else { foreign };
        for (tenant, expected) in [(OWN, own), (FOREIGN, foreign)] {
            for (actor, expected) in expected.chars().enumerate() {
                let before = world.picture().await;
                let (answer, things) = world.ask(&operation, actor, tenant).await;
                let found = letter(&answer);
                let who = ACTORS[actor];
                let mut report = |what: &str| {
                    wrong.push(format!("{id}, {who}, {tenant}: {what}: {}", answer.text));
                };
                cells += 1;
                if !fits(expected, found) {
                    report(&format!("{found} instead of {expected}, {}", answer.status));
                }
                if actor < SEES_ALL && answer.text.contains(CANARY) {
                    report("shows what belongs to another tenant");
                }
                if matches!(found, 'U' | 'F' | 'N' | 'X') {
                    if !world.are_left_alone(&things).await {
                        report("refused, and somebody was signed out or given a code");
                    }
                    world.remove(&things).await;
                    if world.picture().await != before {
                        report("refused, and something changed");
                    }
                }
            }
        }
    }
    let named: BTreeSet<String> = TABLE.iter().map(|(id, ..)| (*id).to_owned()).collect();
    assert_eq!(named, used, "the table names operations that do not exist");
    assert!(
        wrong.is_empty(),
        "{} of {cells}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{cells} cells, 0 leaks");
}

impl World {
    /// Whether nothing happened to the session of a user, nor was a code issued for them.
    async fn are_left_alone(&self, things: &Things) -> bool {
        let Things { user, session, .. } = things;
        let sql = format!(
            "SELECT count(*) AS n FROM user_sessions
             WHERE id = '{session}' AND is_active
               AND NOT EXISTS (SELECT 1 FROM epochs
                               WHERE level IN ('user', 'session') AND name IN ('{user}', '{session}'))
               AND NOT EXISTS (SELECT 1 FROM password_resets WHERE user_id = '{user}')"
        );
        let rows = self.hand.query(&sql, &[]).await.unwrap();
        rows[0].get::<i64>("n").unwrap() == 1
    }

    async fn remove(&self, things: &Things) {
        let Things { user, role, .. } = things;
        let typed = format!(
            "DELETE FROM users_enhanced WHERE id = '{user}'; DELETE FROM rbac_roles WHERE id = '{role}'"
        );
        self.hand.batch(&typed).await.unwrap();
    }
}

#[tokio::test]
async fn the_bots_endpoints_refuse_the_token_of_every_user() {
    let world = World::on_sqlite().await;
    let internal = TABLE.iter().filter(|(_, own, _)| own.starts_with('X'));
    let internal: BTreeSet<&str> = internal.map(|(id, ..)| *id).collect();
    let operations = Operation::all();
    let operations = operations
        .iter()
        .filter(|o| internal.contains(o.id.as_str()));
    for operation in operations {
        for id in world.actors.iter().flatten() {
            let token = world.test.token_of(id).await;
            let path = operation.template.replace("{chatId}", "7");
            let answer = world
                .test
                .bot_ask_as(&token, &operation.method, &path)
                .await;
            assert_eq!(
                answer.code(),
                "NotSignedIn",
                "{}: {}",
                operation.id,
                answer.text
            );
        }
    }
}

/// What the document says a `403` needs is what the table's columns were checked against.
#[tokio::test]
async fn every_operation_that_forbids_says_which_permission_it_needs() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    for operation in paths.flat_map(|methods| methods.as_object().unwrap().values()) {
        let id = operation["operationId"].as_str().unwrap();
        let line = TABLE.iter().find(|(name, ..)| *name == id);
        let forbids =
            line.is_some_and(|(_, own, foreign)| own.contains('F') || foreign.contains('F'));
        let said = operation["responses"]["403"]["description"].as_str();
        let needs = said.is_some_and(|said| said.contains("needs `"));
        assert_eq!(forbids, needs, "{id}: {said:?}");
    }
}
