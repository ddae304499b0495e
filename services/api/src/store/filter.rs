//! Conditions of a list, with their parameters numbered as they come.

use reportapp_pool::Value;
use reportapp_session::access::Reach;

use super::text;

/// All of them must hold.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    conditions: Vec<String>,
    params: Vec<Value>,
}

impl Filter {
    /// What somebody may see: `column` holds the tenant a row belongs to.
    pub(crate) fn reach(&mut self, column: &str, reach: &Reach) {
        match reach {
            Reach::Everything => {}
            Reach::NoTenant => self.conditions.push(format!("{column} IS NULL")),
            Reach::Tenants(tenants) => self.one_of(column, tenants),
        }
    }

    /// As [`Filter::reach`], and what belongs to the platform, which everybody may see.
    pub(crate) fn reach_or_platform(&mut self, column: &str, reach: &Reach) {
        if let Reach::Tenants(tenants) = reach {
            self.one_of(column, tenants);
            let reached = self.conditions.pop().unwrap_or_default();
            self.conditions
                .push(format!("({column} IS NULL OR {reached})"));
        } else {
            self.reach(column, reach);
        }
    }

    fn one_of(&mut self, column: &str, values: &[String]) {
        let places: Vec<String> = values.iter().map(|value| self.place(text(value))).collect();
        self.conditions.push(match places.is_empty() {
            true => "1 = 0".to_owned(),
            false => format!("{column} IN ({})", places.join(", ")),
        });
    }

    pub(crate) fn equals(&mut self, column: &str, value: &str) {
        let place = self.place(text(value));
        self.conditions.push(format!("{column} = {place}"));
    }

    pub(crate) fn after(&mut self, column: &str, value: &str) {
        let place = self.place(text(value));
        self.conditions.push(format!("{column} > {place}"));
    }

    /// One of the columns, in lower case already, contains this in any case.
    pub(crate) fn contains(&mut self, columns: &[&str], part: &str) {
        let escaped: String = part
            .trim()
            .to_lowercase()
            .chars()
            .flat_map(|c| {
                matches!(c, '%' | '_' | '\\')
                    .then_some('\\')
                    .into_iter()
                    .chain([c])
            })
            .collect();
        let place = self.place(text(format!("%{escaped}%")));
        let columns = columns.iter();
        let any: Vec<String> = columns
            .map(|column| format!("{column} LIKE {place} ESCAPE '\\'"))
            .collect();
        self.conditions.push(format!("({})", any.join(" OR ")));
    }

    fn place(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    /// To stand behind `WHERE`.
    pub(crate) fn sql(&self) -> String {
        match self.conditions.is_empty() {
            true => "1 = 1".to_owned(),
            false => self.conditions.join(" AND "),
        }
    }

    pub(crate) fn params(self) -> Vec<Value> {
        self.params
    }
}
