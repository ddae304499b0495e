//! The trail as the API shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::difference::{FieldChange, difference};
use crate::error::ApiError;
use crate::store::StoreError;
use crate::store::audit::{AuditCount, AuditFilter, AuditRow};

/// Which changes to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Name of the table.
    pub table: Option<String>,
    /// Primary key of the row that was changed.
    pub row: Option<String>,
    /// Id of the user who changed it.
    pub user: Option<String>,
    /// Not before this moment, such as `2026-11-29T00:00:00Z`.
    pub from: Option<String>,
    /// Before this moment.
    pub until: Option<String>,
    /// `next` of the page before.
    pub before: Option<i64>,
    /// Changes per page, 1 to 200; 50 by default.
    pub limit: Option<u32>,
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// `before` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<i64>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Ascending number.
    pub id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Name of the table.
    pub table: String,
    /// `INSERT`, `UPDATE` or `DELETE`.
    pub operation: String,
    /// Primary key of the row.
    pub row: Option<String>,
    /// Id of the user who did it.
    pub user: Option<String>,
    /// Tenant of the row.
    pub tenant: Option<String>,
    /// The program.
    pub service: Option<String>,
    /// Login of the database.
    pub db_user: String,
    /// The request it was part of.
    pub request: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// The columns that differ.
    pub changes: Vec<FieldChange>,
}

/// How much was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditSummary {
    /// By table, then by operation.
    pub tables: Vec<AuditTotal>,
}

/// How often one table was changed in one way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditTotal {
    /// Name of the table.
    pub table: String,
    /// `INSERT`, `UPDATE` or `DELETE`.
    pub operation: String,
    /// How often.
    pub count: i64,
    /// The last time.
    #[schema(value_type = String, format = DateTime)]
    pub last: Timestamp,
}

const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

impl AuditQuery {
    /// The filter of the store.
    ///
    /// # Errors
    /// `InvalidMoment` naming the field.
    pub fn filter(&self) -> Result<AuditFilter, ApiError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Ok(AuditFilter {
            table: given(&self.table),
            row: given(&self.row),
            user: given(&self.user),
            from: moment("from", self.from.as_deref())?,
            until: moment("until", self.until.as_deref())?,
            before: self.before,
        })
    }

    /// Changes per page.
    ///
    /// # Errors
    /// `InvalidLimit`.
    pub fn page(&self) -> Result<u32, ApiError> {
        let limit = self.limit.unwrap_or(PAGE);
        if (1..=LARGEST_PAGE).contains(&limit) {
            return Ok(limit);
        }
        let message = format!("The limit {limit} is not one of 1 to {LARGEST_PAGE}.");
        Err(ApiError::invalid("InvalidLimit", "limit", message))
    }
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| {
        let message =
            format!("`{field}` is not a moment; write it as 2026-11-29T00:00:00Z, with its zone.");
        ApiError::invalid("InvalidMoment", field, message)
    })
}

impl AuditPage {
    /// A page of `size` from rows of which there is one more if there is a next page.
    ///
    /// # Errors
    /// A row that is not what the triggers write.
    pub fn new(mut rows: Vec<AuditRow>, size: u32) -> Result<Self, StoreError> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| has_more).map(|row| row.id);
        let entries = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { entries, next })
    }
}

impl From<AuditCount> for AuditTotal {
    fn from(count: AuditCount) -> Self {
        Self {
            table: count.table,
            operation: count.operation,
            count: count.count,
            last: count.last,
        }
    }
}

fn entry(row: AuditRow) -> Result<AuditEntry, StoreError> {
    let corrupt = |_| StoreError::Corrupt {
        detail: "audit_logs_dml.old_data, new_data or changed_fields",
    };
    let read = |text: Option<String>| -> Result<Option<Map<String, Value>>, StoreError> {
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(corrupt)
    };
    let (old, new) = (read(row.old)?, read(row.new)?);
    let changed: Option<Vec<String>> = row
        .changed
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(corrupt)?;
    Ok(AuditEntry {
        changes: difference(old.as_ref(), new.as_ref(), &changed.unwrap_or_default()),
        id: row.id,
        at: row.at,
        table: row.table,
        operation: row.operation,
        row: row.row,
        user: row.user,
        tenant: row.tenant,
        service: row.service,
        db_user: row.db_user,
        request: row.request,
        address: row.address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64) -> AuditRow {
        AuditRow {
            id,
            table: "clients".to_owned(),
            operation: "UPDATE".to_owned(),
            row: Some("acme".to_owned()),
            old: Some("{\"name\": \"A\"}".to_owned()),
            new: Some("{\"name\": \"B\"}".to_owned()),
            changed: Some("[\"name\"]".to_owned()),
            user: None,
            tenant: Some("acme".to_owned()),
            service: None,
            db_user: "store_a".to_owned(),
            request: None,
            address: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_page_ends_with_the_number_to_continue_before_if_there_is_more() {
        let page = AuditPage::new(vec![row(9), row(8), row(7)], 2).unwrap();
        assert_eq!((page.entries.len(), page.next), (2, Some(8)));
        assert_eq!(page.entries[0].changes[0].field, "name");
        let last = AuditPage::new(vec![row(7)], 2).unwrap();
        assert_eq!((last.entries.len(), last.next), (1, None));
    }

    #[test]
    fn a_moment_without_a_zone_and_a_page_too_large_are_named() {
        let query = AuditQuery {
            until: Some("2026-11-29".to_owned()),
            limit: Some(201),
            ..AuditQuery::default()
        };
        let error = query.filter().unwrap_err();
        assert!(matches!(
            error,
            ApiError::Invalid {
                field: Some("until"),
                ..
            }
        ));
        let error = query.page().unwrap_err();
        assert!(matches!(
            error,
            ApiError::Invalid {
                field: Some("limit"),
                ..
            }
        ));
    }
}
