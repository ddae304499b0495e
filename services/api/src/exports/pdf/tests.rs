//! What is on the pages: texts, totals, page breaks.

use jiff::civil::date;
use rust_decimal::Decimal;

use super::super::testing::cover;
use super::*;
use crate::model::Amount;

fn row(name: &str, hundredths: i64) -> Vec<Cell> {
    vec![
        Cell::Text(name.to_owned()),
        Cell::Date(date(2026, 10, 31)),
        Cell::Amount(Amount(Decimal::new(hundredths, 2))),
    ]
}

fn columns() -> Vec<(&'static str, Kind)> {
    vec![
        ("Partener", Kind::Text),
        ("Data", Kind::Date),
        ("Rest", Kind::Amount),
    ]
}

fn laid_out(columns: &[(&str, Kind)], rows: &[Vec<Cell>]) -> Layout {
    let cover = cover(columns);
    let mut totals = Totals::new(&cover);
    for row in rows {
        totals.add(row).unwrap();
    }
    let (faces, totals) = (Faces::load().unwrap(), shown(&cover, totals.cells()));
    let layout = Layout::of(&cover, &faces, &table(&cover, rows), &totals);
    for text in layout.pages.iter().flat_map(|page| &page.texts) {
        let end = text.x + faces.of(text.weight).width(&text.text) * text.size;
        let inside = text.x >= 35.9 && end <= layout.width - 35.0 && text.y < layout.height;
        assert!(inside, "{text:?} is outside of the page");
    }
    layout
}

fn texts(page: &Page) -> Vec<&str> {
    page.texts.iter().map(|text| text.text.as_str()).collect()
}

#[test]
fn every_page_says_what_it_is_and_the_last_one_the_totals() {
    let rows: Vec<Vec<Cell>> = (0..200)
        .map(|number| row(&format!("P{number}"), 150_000))
        .collect();
    let layout = laid_out(&columns(), &rows);
    let pages = layout.pages.len();
    assert!(
        pages >= 3 && layout.width < layout.height,
        "{pages} upright pages"
    );
    for (index, page) in layout.pages.iter().enumerate() {
        let texts = texts(page);
        assert_eq!(texts[0], "Balanță clienți");
        assert_eq!(
            texts[1],
            "Țesătoria Șoimul SRL · CUI RO123 · RON · octombrie 2026"
        );
        assert_eq!(texts[2..6], ["Cont: 4111", "Partener", "Data", "Rest"]);
        let foot = format!("Pagina {} din {pages}", index + 1);
        assert_eq!(
            texts[texts.len() - 2..],
            ["Citit la 02.11.2026 08:05 UTC", &foot]
        );
    }
    let all: Vec<&str> = layout.pages.iter().flat_map(texts).collect();
    let names = all.into_iter();
    let names: Vec<&str> = names
        .filter(|text| text.starts_with('P') && text.len() <= 4)
        .collect();
    let expected: Vec<String> = (0..200).map(|number| format!("P{number}")).collect();
    assert_eq!(names, expected, "each row is there once, in order");
    let last = texts(&layout.pages[pages - 1]);
    assert_eq!(
        last[last.len() - 4..last.len() - 2],
        ["Total", "300.000,00"]
    );
}

#[test]
fn a_wide_table_turns_the_page_then_wraps_then_gets_smaller() {
    let amounts = |count| vec![("Sold", Kind::Amount); count];
    let cells = |count| vec![Cell::Amount(Amount(Decimal::new(123_456_789_012, 2))); count];
    let size = |layout: &Layout| layout.pages[0].texts.last().unwrap().size;
    for (count, is_landscape) in [(5, false), (9, true), (14, true), (40, true)] {
        let layout = laid_out(&amounts(count), &[cells(count)]);
        assert_eq!(
            layout.width > layout.height,
            is_landscape,
            "{count} columns"
        );
        assert!(size(&layout) > 0.0);
        let shown = texts(&layout.pages[0]);
        let whole = shown
            .iter()
            .filter(|text| **text == "1.234.567.890,12")
            .count();
        // Forty amounts side by side are wrapped even in the smallest letters; nothing is left out.
        assert!(
            count == 40 || whole == 2 * count,
            "{count} columns: {shown:?}"
        );
    }
    let long = "Furnizori debitori pentru prestări de servicii ".repeat(6);
    let layout = laid_out(&columns(), &[row(&long, 1)]);
    let shown = texts(&layout.pages[0]).join(" ");
    assert_eq!(shown.matches("prestări").count(), 6, "{shown}");
}

#[test]
fn a_word_too_long_for_its_column_is_broken_and_a_text_too_long_for_its_cell_ends_in_dots() {
    let count = |text: &str| text.chars().count() as f32;
    let lines = |text: &str| columns::wrapped(text, 5.0, count);
    assert_eq!(lines("ab cd efghijk lm"), ["ab cd", "efghi", "jk lm"]);
    assert_eq!(lines(""), [""]);
    let long = lines(&"abcde ".repeat(20));
    assert_eq!((long.len(), long[11].as_str()), (12, "abcd…"));
}

#[test]
fn the_file_is_a_pdf_with_the_letters_of_romanian() {
    let rows: Vec<Vec<Cell>> = (0..100)
        .map(|number| row("Țânțar ĂÂÎȘȚ ăâîșț", number))
        .collect();
    let bytes = draw(&cover(&columns()), &rows).unwrap();
    assert!(bytes.starts_with(b"%PDF-1."));
    assert!(
        bytes.len() < 100_000,
        "{} bytes: the fonts are whole",
        bytes.len()
    );
    let faces = Faces::load().unwrap();
    for letter in "ĂÂÎȘȚăâîșțŞŢşţ„”–·≠≤≥…".chars() {
        let glyphs = faces.of(font::Weight::Bold).glyphs(&letter.to_string());
        assert_ne!(glyphs[0].glyph_id.to_u32(), 0, "{letter}");
    }
}
