//! Which ReportApps an object of somebody else lends itself to: its annotation `reportapp.dev/allow`
//! lists their names. Pure.

use reportapp_crds::ALLOW_ANNOTATION;

/// Whether an object whose annotation says `list` lends itself to `app`.
pub fn is_lent(list: Option<&str>, app: &str) -> bool {
    list.is_some_and(|list| names(list).any(|name| name == app))
}

/// The command by which the owner of an object lends it to `app` as well; `kind` is as `kubectl` has
/// it.
pub fn command(namespace: &str, kind: &str, name: &str, list: Option<&str>, app: &str) -> String {
    let allowed: Vec<_> = names(list.unwrap_or_default()).chain([app]).collect();
    format!(
        "kubectl -n {namespace} annotate {kind} {name} {ALLOW_ANNOTATION}={} --overwrite",
        allowed.join(",")
    )
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_lends_itself_only_to_the_applications_in_its_list() {
        for (list, lent) in [
            (Some("reports"), true),
            (Some("other, reports"), true),
            (Some("reports-2"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_lent(list, "reports"), lent, "{list:?}");
        }
    }

    #[test]
    fn the_remedy_keeps_the_other_names() {
        let remedy = |list| command("reports", "deployment", "shop", list, "demo");
        let start = "kubectl -n reports annotate deployment shop reportapp.dev/allow=";
        assert_eq!(
            remedy(Some("other, , second")),
            format!("{start}other,second,demo --overwrite")
        );
        assert_eq!(remedy(None), format!("{start}demo --overwrite"));
    }
}
