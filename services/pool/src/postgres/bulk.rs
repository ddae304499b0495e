//! Many rows at once: `COPY … FROM STDIN` in text form (PostgreSQL manual, "COPY", File Formats).

use std::fmt::Write as _;

use bytes::Bytes;
use futures::SinkExt;

use super::connection::PgConnection;
use crate::{PoolError, Value};

/// Rows are sent in pieces of about this size.
const CHUNK: usize = 64 * 1024;

/// Copies rows into a table; returns their number.
pub(super) async fn copy(
    connection: &mut PgConnection,
    table: &str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>> + Send,
) -> Result<u64, PoolError> {
    let columns_sql = columns
        .iter()
        .map(|column| quoted(column))
        .collect::<Vec<_>>()
        .join(", ");
    let statement = format!("COPY {} ({columns_sql}) FROM STDIN", quoted(table));
    let context = &connection.context;
    let failed = |error| context.statement_error(&error);
    let sink = connection
        .client
        .copy_in::<_, Bytes>(&statement)
        .await
        .map_err(failed)?;
    let mut sink = Box::pin(sink);
    let mut chunk = String::with_capacity(CHUNK + 1024);
    for row in rows {
        if row.len() != columns.len() {
            return Err(PoolError::usage(
                "a row has not as many values as there are columns",
            ));
        }
        write_row(&mut chunk, &row);
        if chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut chunk, String::with_capacity(CHUNK + 1024));
            sink.send(Bytes::from(full)).await.map_err(failed)?;
        }
    }
    sink.send(Bytes::from(chunk)).await.map_err(failed)?;
    sink.as_mut().finish().await.map_err(failed)
}

/// An identifier as written, schema and table apart.
fn quoted(identifier: &str) -> String {
    let parts = identifier
        .split('.')
        .map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

fn write_row(out: &mut String, row: &[Value]) {
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push('\t');
        }
        write_value(out, value);
    }
    out.push('\n');
}

fn write_value(out: &mut String, value: &Value) {
    // Writing to a String cannot fail.
    let _infallible = match value {
        Value::Null => out.write_str("\\N"),
        Value::Bool(truth) => out.write_str(if *truth { "t" } else { "f" }),
        Value::Int(number) => write!(out, "{number}"),
        Value::Decimal(number) => write!(out, "{number}"),
        Value::Date(date) => write!(out, "{date}"),
        Value::Timestamp(moment) => write!(out, "{moment}"),
        Value::Bytes(bytes) => {
            out.push_str("\\\\x");
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        Value::Text(text) => {
            escape(out, text);
            Ok(())
        }
    };
}

fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_its_text_holds() {
        let mut line = String::new();
        write_row(
            &mut line,
            &[
                Value::from("a\tb\\c\nd\re"),
                Value::Null,
                Value::from(vec![1_u8, 255]),
            ],
        );
        assert_eq!(line, "a\\tb\\\\c\\nd\\re\t\\N\t\\\\x01ff\n");
    }

    #[test]
    fn identifiers_are_quoted_part_by_part() {
        assert_eq!(quoted("erp.post\"ings"), "\"erp\".\"post\"\"ings\"");
    }
}
