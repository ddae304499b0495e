//! PDF for people: A4, across when the table is wide, with the headings and what it is about on every page.
//!
//! ```text
//! rows as texts ─ columns ─▶ widths, size of letters ─ layout ─▶ pages of texts and lines ─ draw ─▶ bytes
//! ```
//!
//! Nothing of a cell is cut off at its side: texts wrap, and when all numbers together are too wide for the
//! paper, all letters get smaller. The font is DejaVu Sans Condensed, which has every Romanian letter; only the
//! letters that are used become part of a file.

use bytes::Bytes;
use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;

use super::cover::Cover;
use super::totals::Totals;
use crate::error::ApiError;
use crate::reports::Cell;
use crate::reports::file::Kind;

mod columns;
mod font;
mod layout;

use columns::Column;
use font::{Face, Faces};
use layout::{Ink, Layout, Page};

/// The file.
///
/// # Errors
/// When a total is too large, or the PDF cannot be written.
pub(super) fn draw(cover: &Cover, rows: &[Vec<Cell>]) -> Result<Bytes, ApiError> {
    let mut totals = Totals::new(cover);
    for row in rows {
        totals.add(row)?;
    }
    let faces = Faces::load()?;
    let layout = Layout::of(
        cover,
        &faces,
        &table(cover, rows),
        &shown(cover, totals.cells()),
    );
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(cover.title.clone())
            .language(cover.lang.code().to_owned())
            .creator("ReportApp".to_owned()),
    );
    for page in &layout.pages {
        let settings = PageSettings::from_wh(layout.width, layout.height);
        let mut sheet = document.start_page_with(settings.ok_or(UNDRAWN)?);
        let mut surface = sheet.surface();
        ink(&mut surface, &faces, page);
        surface.finish();
        sheet.finish();
    }
    let bytes = document.finish().map_err(|error| {
        tracing::warn!(?error, "a PDF could not be written");
        UNDRAWN
    })?;
    Ok(bytes.into())
}

const UNDRAWN: ApiError = ApiError::Internal("a PDF could not be written");

/// The shown columns with their texts.
fn table(cover: &Cover, rows: &[Vec<Cell>]) -> Vec<Column> {
    let columns = cover.columns.iter().enumerate();
    let shown = columns.filter(|(_, column)| !column.hidden);
    let shown = shown.map(|(index, column)| Column {
        title: column.title.clone(),
        is_number: matches!(column.kind, Kind::Amount | Kind::Integer),
        cells: rows
            .iter()
            .map(|row| column.show(&row[index], cover.lang))
            .collect(),
    });
    shown.collect()
}

/// The texts of the totals below the shown columns; none if nothing has a total.
fn shown(cover: &Cover, totals: &[Cell]) -> Vec<String> {
    let columns = cover.columns.iter().zip(totals);
    let shown = columns.filter(|(column, _)| !column.hidden);
    let mut texts: Vec<String> = shown
        .map(|(column, total)| column.show(total, cover.lang))
        .collect();
    if texts.iter().all(String::is_empty) {
        return Vec::new();
    }
    if let Some(first) = texts.first_mut().filter(|first| first.is_empty()) {
        "Total".clone_into(first);
    }
    texts
}

fn ink(surface: &mut Surface<'_>, faces: &Faces, page: &Page) {
    for line in &page.lines {
        fill(surface, line.ink);
        let rect = Rect::from_xywh(line.x, line.y, line.width, line.height);
        let path = rect.and_then(|rect| {
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            path.finish()
        });
        if let Some(path) = path {
            surface.draw_path(&path);
        }
    }
    for text in &page.texts {
        fill(surface, text.ink);
        let face: &Face = faces.of(text.weight);
        let at = Point::from_xy(text.x, text.y);
        let glyphs = face.glyphs(&text.text);
        surface.draw_glyphs(at, &glyphs, face.font(), &text.text, text.size, false);
    }
}

fn fill(surface: &mut Surface<'_>, ink: Ink) {
    let color = match ink {
        Ink::Black => rgb::Color::new(0x17, 0x1b, 0x22),
        Ink::Grey => rgb::Color::new(0x5a, 0x64, 0x75),
        Ink::Light => rgb::Color::new(0xd5, 0xda, 0xe2),
    };
    surface.set_fill(Some(Fill {
        paint: color.into(),
        ..Fill::default()
    }));
}

#[cfg(test)]
mod tests;
