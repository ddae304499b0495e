//! Finds the columns of a file by the names in its header.

use csv::ByteRecord;

use crate::import::Problem;

const REQUIRED: [&str; 4] = ["date", "account", "debit", "credit"];
const OPTIONAL: [&str; 2] = ["name", "text"];
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Where each column is.
pub(super) struct Columns {
    count: usize,
    date: usize,
    account: usize,
    debit: usize,
    credit: usize,
    name: Option<usize>,
    text: Option<usize>,
}

/// The trimmed fields of one line.
pub(super) struct Fields<'a> {
    pub(super) date: &'a str,
    pub(super) account: &'a str,
    pub(super) debit: &'a str,
    pub(super) credit: &'a str,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl Columns {
    pub(super) fn find(header: &ByteRecord) -> Result<Self, Vec<Problem>> {
        let names: Vec<String> = header
            .iter()
            .map(|name| {
                String::from_utf8_lossy(name)
                    .trim_start_matches(BYTE_ORDER_MARK)
                    .trim()
                    .to_lowercase()
            })
            .collect();
        let mut reasons = Vec::new();
        if names.iter().all(String::is_empty) {
            reasons.push("the file is empty".to_owned());
        } else if names.len() == 1 && names[0].contains([';', '\t']) {
            reasons.push(
                "the fields are not separated by commas; save the file with commas".to_owned(),
            );
        } else {
            for name in names.iter().filter(|name| {
                !REQUIRED.contains(&name.as_str()) && !OPTIONAL.contains(&name.as_str())
            }) {
                reasons.push(format!(
                    "unknown column {name:?}; known are date, account, name, debit, credit, text"
                ));
            }
            for name in REQUIRED
                .iter()
                .filter(|name| !names.iter().any(|have| have == *name))
            {
                reasons.push(format!("the column {name} is missing"));
            }
            for name in REQUIRED.iter().chain(&OPTIONAL) {
                if names.iter().filter(|have| have == name).count() > 1 {
                    reasons.push(format!("the column {name} is there twice"));
                }
            }
        }
        if !reasons.is_empty() {
            return Err(reasons
                .into_iter()
                .map(|reason| Problem {
                    line: Some(1),
                    reason,
                })
                .collect());
        }
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let required = |wanted: &str| place(wanted).expect("missing columns were refused above");
        Ok(Self {
            count: names.len(),
            date: required("date"),
            account: required("account"),
            debit: required("debit"),
            credit: required("credit"),
            name: place("name"),
            text: place("text"),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn fields<'a>(
        &self,
        record: &'a ByteRecord,
    ) -> Result<Fields<'a>, std::str::Utf8Error> {
        let field =
            |place: usize| str::from_utf8(record.get(place).unwrap_or_default()).map(str::trim);
        let optional = |place: Option<usize>| place.map_or(Ok(""), field);
        Ok(Fields {
            date: field(self.date)?,
            account: field(self.account)?,
            debit: field(self.debit)?,
            credit: field(self.credit)?,
            name: optional(self.name)?,
            text: optional(self.text)?,
        })
    }
}
