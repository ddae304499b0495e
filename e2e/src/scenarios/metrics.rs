//! Reading a page of `/metrics`.

/// Counts the operator's looks at ReportApps.
pub const RECONCILES: &str = "reportapp_operator_reconcile_total";

/// The sum of a metric over all its labels; 0 when the page does not have it.
pub fn sum(page: &str, name: &str) -> f64 {
    sum_of(page, name, "")
}

/// The sum of a metric over the lines with this label, such as `of="a"`; 0 when there are none.
pub fn sum_of(page: &str, name: &str, label: &str) -> f64 {
    let of_metric = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
    };
    page.lines()
        .filter(of_metric)
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_metric_are_added_up() {
        let page =
            "# HELP a_total x\na_total{of=\"b c\"} 2\na_total{of=\"d\"} 1\na_total_more 7\nb 4\n";
        for (name, sum_of_it) in [("a_total", 3), ("b", 4), ("c", 0)] {
            assert!((sum(page, name) - f64::from(sum_of_it)).abs() < f64::EPSILON);
        }
        assert!((sum_of(page, "a_total", r#"of="d""#) - 1.0).abs() < f64::EPSILON);
    }
}
