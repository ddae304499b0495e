//! The rules over all kinds of users, levels and places, against what they promise as a whole.

use proptest::prelude::*;

use super::grant::{Refusal, Role, Route, Target, change_user, choose_kind, give_role, write_role};
use super::*;

const ROUTES: [&str; 5] = ["reports", "users", "roles", "tenants", "*"];
const ACTIONS: [&str; 4] = ["view", "create", "edit", "*"];
const TENANTS: [&str; 2] = ["acme", "initech"];

fn routes() -> Vec<Route> {
    let levels = [0, 50, 80, 90, 100];
    let routes = ROUTES.into_iter().zip(levels);
    let route = |(name, min_role_level): (&str, i64)| Route {
        name: name.to_owned(),
        min_role_level,
    };
    routes.map(route).collect()
}

fn actions() -> Vec<String> {
    ACTIONS.map(str::to_owned).to_vec()
}

fn permission() -> impl Strategy<Value = Permission> {
    let parts = (
        prop::sample::select(&ROUTES),
        prop::sample::select(&ACTIONS),
    );
    parts.prop_map(|(route, action)| Permission::of(route, action))
}

fn permissions() -> impl Strategy<Value = Permissions> {
    prop::collection::vec(permission(), 0..4).prop_map(Permissions::from_iter)
}

fn tenant() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(&TENANTS).prop_map(str::to_owned))
}

fn kind() -> impl Strategy<Value = UserKind> {
    prop::sample::select(&UserKind::ALL)
}

fn role() -> impl Strategy<Value = Role> {
    (tenant(), 0..=HIGHEST_LEVEL, permissions()).prop_map(|(tenant, level, permissions)| Role {
        tenant,
        level,
        permissions,
    })
}

fn access() -> impl Strategy<Value = Access> {
    let owned = prop::sample::subsequence(&TENANTS, 0..=2);
    let parts = (kind(), tenant(), owned, 0..=HIGHEST_LEVEL, permissions());
    parts.prop_map(|(kind, tenant, owned, role_level, permissions)| Access {
        owned: match kind {
            UserKind::SuperAdmin => owned.into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        },
        kind,
        tenant,
        roles: Vec::new(),
        platform_roles: Vec::new(),
        role_level,
        permissions,
    })
}

/// Somebody who holds this role and nothing else.
fn holder(role: &Role, tenant: Option<String>) -> Access {
    Access {
        kind: UserKind::User,
        tenant,
        owned: Vec::new(),
        roles: Vec::new(),
        platform_roles: Vec::new(),
        role_level: role.level,
        permissions: role.permissions.clone(),
    }
}

/// Whether `one` may do nothing that `other` may not, each where they reach.
fn no_more(one: &Access, other: &Access) -> bool {
    let everything = ROUTES.iter().flat_map(|route| {
        let actions = ACTIONS.iter();
        actions.map(|action| Permission::of(route, action))
    });
    one.level() <= other.level()
        && everything
            .filter(|p| one.allows(p))
            .all(|p| other.allows(&p))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn who_is_given_a_role_can_do_no_more_than_who_gave_it(
        actor in access(), role in role(), tenant in tenant()
    ) {
        if give_role(&actor, &role, tenant.as_deref()).is_ok() {
            prop_assert!(no_more(&holder(&role, tenant.clone()), &actor));
            prop_assert!(actor.reaches(tenant.as_deref()));
            prop_assert!(role.tenant.is_none() || role.tenant == tenant);
        }
    }

    #[test]
    fn who_writes_a_role_can_do_all_of_it_and_it_stays_in_their_reach(
        actor in access(), role in role()
    ) {
        if write_role(&actor, &role, &routes(), &actions()).is_ok() {
            prop_assert!(no_more(&holder(&role, role.tenant.clone()), &actor));
            prop_assert!(actor.reaches(role.tenant.as_deref()));
            let platform = actor.kind == UserKind::EnterpriseAdmin;
            prop_assert!(platform || role.tenant.is_some());
        }
    }

    #[test]
    fn a_chain_of_grants_never_ends_higher_than_it_began(
        first in access(), chain in prop::collection::vec((role(), tenant()), 1..6)
    ) {
        let mut actor = first.clone();
        for (role, tenant) in chain {
            if give_role(&actor, &role, tenant.as_deref()).is_ok() {
                actor = holder(&role, tenant);
                prop_assert!(no_more(&actor, &first));
            }
        }
    }

    #[test]
    fn nobody_changes_somebody_above_them_or_out_of_reach(
        actor in access(), kind in kind(), tenant in tenant(), level in 0..=HIGHEST_LEVEL
    ) {
        let target = Target { kind, tenant: tenant.clone(), level };
        let allowed = change_user(&actor, &target).is_ok();
        let platform = actor.kind == UserKind::EnterpriseAdmin;
        let expected = platform
            || actor.reaches(tenant.as_deref()) && kind == UserKind::User && level <= actor.level();
        prop_assert_eq!(allowed, expected);
    }

    #[test]
    fn what_is_listed_as_permitted_is_what_is_permitted(actor in access(), needed in permission()) {
        prop_assert_eq!(actor.effective().allow(&needed), actor.allows(&needed));
    }

    #[test]
    fn a_permission_is_read_as_it_is_written(permission in permission()) {
        prop_assert_eq!(permission.to_string().parse(), Ok(permission));
    }

    #[test]
    fn whoever_is_covered_is_covered_by_what_covers_that(
        a in permission(), b in permission(), c in permission()
    ) {
        prop_assert!(a.covers(&a));
        if a.covers(&b) && b.covers(&c) {
            prop_assert!(a.covers(&c));
        }
    }
}

fn user(tenant: Option<&str>, level: i64, permissions: &[&str]) -> Access {
    let role = Role {
        tenant: None,
        level,
        permissions: permissions.iter().map(|p| p.parse().unwrap()).collect(),
    };
    holder(&role, tenant.map(str::to_owned))
}

#[test]
fn wildcards_stand_for_every_action_of_a_route_and_for_everything() {
    let (view, edit) = (
        Permission::of("users", "view"),
        Permission::of("users", "edit"),
    );
    for (held, views, edits) in [
        ("users:view", true, false),
        ("users:*", true, true),
        ("*:*", true, true),
        ("roles:*", false, false),
        ("*:view", true, false),
    ] {
        let access = user(None, 10, &[held]);
        assert_eq!(
            (access.allows(&view), access.allows(&edit)),
            (views, edits),
            "{held}"
        );
    }
    let all = Permission::of("users", "*");
    assert!(!user(None, 10, &["users:view", "users:edit"]).allows(&all));
}

#[test]
fn what_is_not_a_permission_is_refused_with_an_example() {
    for text in [
        "",
        "users",
        "users:",
        ":view",
        "users:view:all",
        "Users:view",
        "users :view",
    ] {
        let error = text.parse::<Permission>().unwrap_err();
        assert!(error.to_string().contains("users:view"), "{text}");
    }
}

#[test]
fn each_kind_reaches_its_own_tenants() {
    let of = |kind, tenant: Option<&str>, owned: &[&str]| Access {
        kind,
        owned: owned.iter().map(|id| (*id).to_owned()).collect(),
        ..user(tenant, 10, &[])
    };
    let places = [None, Some("acme"), Some("initech")];
    for (who, reached) in [
        (of(UserKind::EnterpriseAdmin, None, &[]), [true, true, true]),
        (
            of(UserKind::SuperAdmin, None, &["acme"]),
            [false, true, false],
        ),
        (
            of(UserKind::SuperAdmin, Some("acme"), &[]),
            [false, false, false],
        ),
        (of(UserKind::User, Some("acme"), &[]), [false, true, false]),
        (of(UserKind::User, None, &[]), [true, false, false]),
    ] {
        assert_eq!(places.map(|place| who.reaches(place)), reached, "{who:?}");
    }
}

#[test]
fn a_super_administrator_makes_no_tenants_and_sees_nothing_of_the_platform() {
    let owner = Access {
        kind: UserKind::SuperAdmin,
        ..user(None, 0, &[])
    };
    for (permission, allowed) in [
        ("users:delete", true),
        ("reports:view", true),
        ("tenants:edit", true),
        ("tenants:create", false),
        ("cache:view", false),
        ("security:view", false),
        ("*:*", false),
    ] {
        let permission = permission.parse().unwrap();
        assert_eq!(owner.allows(&permission), allowed, "{permission}");
    }
}

#[test]
fn each_refusal_names_what_stands_in_the_way() {
    let role = |tenant: Option<&str>, level, permissions: &[&str]| Role {
        tenant: tenant.map(str::to_owned),
        level,
        permissions: permissions.iter().map(|p| p.parse().unwrap()).collect(),
    };
    let admin = user(Some("acme"), 80, &["users:*", "roles:*", "reports:*"]);
    let give = |role: Role| give_role(&admin, &role, Some("acme"));
    assert_eq!(give(role(None, 10, &["reports:view"])), Ok(()));
    let too_low = Refusal::RoleLevelTooLow {
        needed: 90,
        level: 80,
    };
    assert_eq!(give(role(None, 90, &[])), Err(too_low.clone()));
    assert_eq!(
        give(role(Some("initech"), 10, &[])),
        Err(Refusal::CrossTenant)
    );
    let lacking = Refusal::NotHeld(Permission::of("tenants", "view"));
    assert_eq!(give(role(None, 10, &["tenants:view"])), Err(lacking));

    let write = |role: Role| write_role(&admin, &role, &routes(), &actions());
    assert_eq!(write(role(Some("acme"), 80, &["roles:view"])), Ok(()));
    let unknown = Refusal::PermissionsNotFound(vec!["shoes:view".into(), "users:tie".into()]);
    let wrong = role(Some("acme"), 80, &["users:tie", "shoes:view", "users:view"]);
    assert_eq!(write(wrong), Err(unknown));
    let below_the_module = Refusal::RoleLevelTooLow {
        needed: 80,
        level: 70,
    };
    assert_eq!(
        write(role(Some("acme"), 70, &["roles:view"])),
        Err(below_the_module)
    );
    assert_eq!(write(role(None, 10, &[])), Err(Refusal::CrossTenant));
    assert_eq!(
        choose_kind(&admin, UserKind::SuperAdmin),
        Err(Refusal::KindReserved)
    );
}
