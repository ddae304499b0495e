//! A whole report as a file: every row that passes the filters, whatever the page.
//!
//! ```text
//! Accept, format, lang ─ format ─▶ Format ──────────────┐
//! Ask ─ run::stream ─▶ rows ─ pump ─▶ Encoder: csv, ndjson, xlsx ─▶ chunks ─▶ body
//!                        └─ collected, at most some thousand ─▶ pdf ─▶ body
//! ```
//!
//! Memory stays flat whatever the report: a client that reads slowly makes the database wait, one that stops
//! reading or goes away ends the query. The first rows are read before the head of the answer is sent, so that
//! a query that fails is a problem document; what fails later breaks the answer off, so that no part of a
//! report looks like the whole. What can be exported, by whom and of which rows is decided where pages are:
//! in [`crate::reports`].

use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use tracing::Instrument;
use warp::reply::Response;

use crate::app::App;
use crate::erp::{Books, Server};
use crate::error::ApiError;
use crate::metrics::ExportTally;
use crate::reports::run::Rows;
use crate::reports::{Ask, Cell, run};
use crate::sessions::user_agent;
use crate::store::security_events::{SecurityEvent, Severity};

mod cover;
mod csv;
mod encoder;
mod file_name;
mod format;
mod ndjson;
mod pdf;
mod pump;
#[cfg(test)]
mod testing;
mod totals;
mod words;
mod xlsx;

use self::csv::Csv;
use cover::Cover;
use encoder::{Encoder, Out};
pub(crate) use format::{Format, wanted, wants_file};
use ndjson::Ndjson;
use pump::{Limits, Pump};
use totals::Totals;
pub(crate) use words::Lang;
use xlsx::Xlsx;

/// Rows read before the head of the answer is sent; column widths go by them.
const SAMPLE_ROWS: usize = 100;
/// Rows of the largest PDF: some hundred pages, and a few megabytes while it is made.
const MOST_PDF_ROWS: usize = 5_000;

/// A report as a file.
///
/// # Errors
/// `TooManyExports`, `ExportTooLarge`, or as a page of the report.
pub(crate) async fn export(
    app: &App,
    headers: &HeaderMap,
    (books, ask): (Books, Ask),
    (format, lang): (Format, Lang),
) -> Result<Response, ApiError> {
    let permit = books.server.export_permit()?;
    let mut tally = app.export_metrics.begin(format.as_str());
    let limits = Limits::default();
    let first = first_rows(&books.server, &ask, limits, format).await;
    let (rows, sample) = first.inspect_err(|_| tally.end("failed"))?;
    note(app, headers, &ask).await;

    let cover = Cover::new(&books, &ask, lang);
    let name = file_name::disposition(&cover, format);
    let out = Out::default();
    let encoder: Box<dyn Encoder> = match format {
        Format::Pdf => {
            drop(rows);
            let bytes = paper(cover, sample, tally).await?;
            return Ok(file(Response::new(bytes.into()), format, name));
        }
        Format::Csv => Box::new(Csv::new(&cover, out.clone())),
        Format::Ndjson => Box::new(Ndjson::new(&cover, out.clone())),
        Format::Xlsx => Box::new(Xlsx::new(cover.clone(), out.clone())),
    };
    let pump = Pump {
        rows,
        sample,
        encoder,
        out,
        totals: Totals::new(&cover),
        tally,
        limits,
    };
    let (body, work) = pump.start();
    let work = async move {
        work.await;
        drop(permit);
    };
    tokio::spawn(work.in_current_span());
    Ok(file(body, format, name))
}

fn file(mut response: Response, format: Format, name: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CONTENT_DISPOSITION, name);
    response
}

/// The rows, and the first of them, which for a PDF are all.
async fn first_rows(
    server: &Server,
    ask: &Ask,
    limits: Limits,
    format: Format,
) -> Result<(Rows, Vec<Vec<Cell>>), ApiError> {
    let most = match format {
        Format::Pdf => MOST_PDF_ROWS + 1,
        _ => SAMPLE_ROWS,
    };
    let mut rows = run::stream(server, ask, limits.whole).await?;
    let mut first = Vec::new();
    while first.len() < most
        && let Some(row) = rows.next().await
    {
        first.push(row?);
    }
    if first.len() > MOST_PDF_ROWS {
        let message = format!(
            "The report has more than {MOST_PDF_ROWS} rows, too many for a PDF; use `format=xlsx` or \
             `format=csv`, or narrow it down."
        );
        return Err(ApiError::invalid("ExportTooLarge", "format", message));
    }
    Ok((rows, first))
}

/// Lays out and draws, on a thread that may be busy for a second.
async fn paper(
    cover: Cover,
    rows: Vec<Vec<Cell>>,
    mut tally: ExportTally,
) -> Result<Bytes, ApiError> {
    let count = rows.len();
    let drawn = tokio::task::spawn_blocking(move || pdf::draw(&cover, &rows)).await;
    let drawn = drawn.unwrap_or(Err(ApiError::Internal("drawing a PDF panicked")));
    let drawn = drawn.inspect_err(|_| tally.end("failed"))?;
    tally.rows(count);
    tally.end("complete");
    Ok(drawn)
}

/// Writes down that figures left the house. Whoever may read the report may have it, also when this is lost.
async fn note(app: &App, headers: &HeaderMap, ask: &Ask) {
    let event = SecurityEvent {
        path: Some(format!("/api/reports/{}", ask.report.definition.id)),
        method: Some("GET".to_owned()),
        user_agent: user_agent(headers),
        ..SecurityEvent::new("report_exported", Severity::Info)
    };
    app.store.note_security_event(&event).await;
}
