//! Users, roles, tenants and permissions as JSON.

use jiff::Timestamp;
use reportapp_session::access::{Permissions, UserKind};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::erp::to_the_second;
use crate::store::roles::{Catalogue, Module, Role};
use crate::store::tenants::Tenant;
use crate::store::users::manage::{Account, Named};

use super::OwnSession;

/// The kind of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// May do everything, on the whole platform.
    EnterpriseAdmin,
    /// May do everything in the tenants that are theirs.
    SuperAdmin,
    /// May do what their roles say, in their tenant.
    User,
}

impl From<UserKind> for UserType {
    fn from(kind: UserKind) -> Self {
        match kind {
            UserKind::EnterpriseAdmin => Self::EnterpriseAdmin,
            UserKind::SuperAdmin => Self::SuperAdmin,
            UserKind::User => Self::User,
        }
    }
}

impl From<UserType> for UserKind {
    fn from(kind: UserType) -> Self {
        match kind {
            UserType::EnterpriseAdmin => Self::EnterpriseAdmin,
            UserType::SuperAdmin => Self::SuperAdmin,
            UserType::User => Self::User,
        }
    }
}

/// Something with an id and a name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NamedView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl From<Named> for NamedView {
    fn from(named: Named) -> Self {
        Self {
            id: named.id,
            name: named.name,
        }
    }
}

/// What the caller may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnPermissions {
    /// The kind of user.
    pub user_type: UserType,
    /// Id of the tenant the caller belongs to.
    pub tenant: Option<String>,
    /// How high the caller stands, 0 to 100: nobody changes somebody above themselves.
    pub level: i64,
    /// As `route:action`, each of which may be `*`.
    pub permissions: Vec<String>,
}

/// A user as administrators see them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Stable id.
    pub id: String,
    /// Name to sign in with.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// Address of mail.
    pub email: Option<String>,
    /// What kind of user.
    pub user_type: UserType,
    /// The tenant the user belongs to.
    pub tenant: Option<NamedView>,
    /// The roles the user holds, by name.
    pub roles: Vec<NamedView>,
    /// Whether the user is not locked; their tenant may be.
    pub is_active: bool,
    /// The user should choose a new password.
    pub must_change_password: bool,
    /// The present password is not accepted any more.
    pub must_reset_password: bool,
    /// Name of the ERP server where the user signs in, which keeps the password; null for an account of the
    /// application.
    pub erp_server: Option<String>,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            username: account.username,
            display_name: account.name,
            email: account.email,
            user_type: account.kind.into(),
            tenant: account.tenant.map(NamedView::from),
            roles: account.roles.into_iter().map(NamedView::from).collect(),
            is_active: account.is_active,
            must_change_password: account.must_change_password,
            must_reset_password: account.must_reset_password,
            erp_server: account.erp_server,
            created_at: to_the_second(account.created_at),
        }
    }
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// A part of a name or address, in any case.
    #[param(nullable = false)]
    pub search: Option<String>,
    /// Id of a tenant: only its users.
    #[param(nullable = false)]
    pub tenant: Option<String>,
    /// Only users of this kind.
    #[serde(rename = "userType")]
    #[param(nullable = false)]
    pub user_type: Option<UserType>,
    /// `next` of the page before.
    #[param(nullable = false)]
    pub after: Option<String>,
    /// Users per page, 1 to 200; 50 if absent.
    #[param(nullable = false)]
    pub limit: Option<i64>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    /// By name.
    pub users: Vec<AccountView>,
    /// To be sent as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// A user to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUserRequest {
    /// Name to sign in with: 1 to 64 characters, unique on the platform without regard to case.
    pub username: String,
    /// Name to show; the name to sign in with if absent.
    #[serde(default)]
    #[schema(nullable = false)]
    pub display_name: Option<String>,
    /// Address of mail.
    #[serde(default)]
    pub email: Option<String>,
    /// The kind of user; `user` if absent.
    #[serde(default)]
    #[schema(nullable = false)]
    pub user_type: Option<UserType>,
    /// Id of the tenant; the caller's own if absent.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub tenant: Option<Option<String>>,
    /// Ids of the roles the user gets.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// A user that was created.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUserResponse {
    /// The user.
    pub user: AccountView,
    /// The password to begin with, shown this once.
    pub start_password: String,
}

/// What to change of a user; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserPatch {
    /// Name to show.
    #[serde(default)]
    #[schema(nullable = false)]
    pub display_name: Option<String>,
    /// Address of mail; `null` takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    /// The kind of user.
    #[serde(default)]
    #[schema(nullable = false)]
    pub user_type: Option<UserType>,
    /// Id of the tenant; `null`: none. Roles of the former tenant go.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub tenant: Option<Option<String>>,
    /// Whether the user may sign in; locking ends all sessions.
    #[serde(default)]
    #[schema(nullable = false)]
    pub is_active: Option<bool>,
    /// Ids of all roles the user holds from now on.
    #[serde(default)]
    #[schema(nullable = false)]
    pub roles: Option<Vec<String>>,
}

/// Where a user is signed in.
#[derive(Serialize, ToSchema)]
pub struct UserSessions {
    /// Oldest first.
    pub sessions: Vec<OwnSession>,
}

/// A role and what it permits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Stable id.
    pub id: String,
    /// The tenant it belongs to; `null`: the whole platform.
    pub tenant: Option<NamedView>,
    /// Name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How high its holders stand, 0 to 100.
    pub level: i64,
    /// Belongs to the product, and cannot be changed.
    pub is_system: bool,
    /// As `route:action`, each of which may be `*`.
    pub permissions: Vec<String>,
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        Self {
            id: role.id,
            tenant: role.tenant.map(NamedView::from),
            name: role.name,
            description: role.description,
            level: role.level,
            is_system: role.is_system,
            permissions: written(&role.permissions),
        }
    }
}

/// The roles, and what there is to permit.
#[derive(Serialize, ToSchema)]
pub struct RoleList {
    /// Highest level first.
    pub roles: Vec<RoleView>,
    /// The modules of the API.
    pub routes: Vec<RouteView>,
    /// What may be done in them.
    pub actions: Vec<String>,
}

impl RoleList {
    pub(crate) fn new(roles: Vec<Role>, catalogue: Catalogue) -> Self {
        Self {
            roles: roles.into_iter().map(RoleView::from).collect(),
            routes: catalogue.modules.into_iter().map(RouteView::from).collect(),
            actions: catalogue.actions,
        }
    }
}

/// A module of the API.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// First part of its permissions.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// A role below this level may hold no permission of it.
    pub min_role_level: i64,
}

impl From<Module> for RouteView {
    fn from(module: Module) -> Self {
        Self {
            name: module.route.name,
            description: module.description,
            min_role_level: module.route.min_role_level,
        }
    }
}

/// A role to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRoleRequest {
    /// Name: 1 to 64 characters, unique in its tenant without regard to case.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Id of the tenant; the caller's own if absent, `null`: the whole platform.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub tenant: Option<Option<String>>,
    /// How high its holders stand, 0 to 100.
    pub level: i64,
    /// As `route:action`, each of which may be `*`.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// What to change of a role; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolePatch {
    /// Name.
    #[serde(default)]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default)]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// How high its holders stand, 0 to 100.
    #[serde(default)]
    #[schema(nullable = false)]
    pub level: Option<i64>,
    /// All its holders may do from now on.
    #[serde(default)]
    #[schema(nullable = false)]
    pub permissions: Option<Vec<String>>,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Stable id.
    pub id: String,
    /// Name.
    pub name: String,
    /// The super administrator whose it is.
    pub super_admin: Option<NamedView>,
    /// Whether its users may sign in.
    pub is_active: bool,
    /// How many users it has.
    pub users: i64,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            super_admin: tenant.super_admin.map(NamedView::from),
            is_active: tenant.is_active,
            users: tenant.users,
            created_at: to_the_second(tenant.created_at),
        }
    }
}

/// The tenants.
#[derive(Serialize, ToSchema)]
pub struct TenantList {
    /// By name.
    pub tenants: Vec<TenantView>,
}

/// A tenant to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTenantRequest {
    /// Name: 1 to 64 characters, unique without regard to case.
    pub name: String,
    /// Id of the super administrator whose it is.
    #[serde(default)]
    pub super_admin: Option<String>,
}

/// What to change of a tenant; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantPatch {
    /// Name.
    #[serde(default)]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Id of the super administrator whose it is; `null`: nobody's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub super_admin: Option<Option<String>>,
    /// Whether its users may sign in; locking ends all their sessions.
    #[serde(default)]
    #[schema(nullable = false)]
    pub is_active: Option<bool>,
}

/// Permissions as people write them.
pub(crate) fn written(permissions: &Permissions) -> Vec<String> {
    permissions.iter().map(ToString::to_string).collect()
}

/// Tells `null` from absent.
#[allow(
    clippy::option_option,
    reason = "the outer level is whether the field is there"
)]
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
