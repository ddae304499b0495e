//! Reading a page of `/metrics`.

/// Counts the operator's looks at ReportApps.
pub const RECONCILES: &str = "reportapp_operator_reconcile_total";

/// The sum of a metric over all its labels; 0 when the page does not have it.
pub fn sum(page: &str, name: &str) -> f64 {
    let of_metric = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
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
    }
}
