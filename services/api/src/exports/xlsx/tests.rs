//! Workbooks as another reader finds them.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx as Workbook, open_workbook_from_rs};

use super::super::testing::cover;
use super::*;
use crate::model::Amount;

fn columns() -> Vec<(&'static str, Kind)> {
    vec![
        ("Partener", Kind::Text),
        ("Data", Kind::Date),
        ("Rest", Kind::Amount),
        ("Zile", Kind::Integer),
        ("Plătit", Kind::Boolean),
    ]
}

fn row(name: &str, hundredths: i64) -> Vec<Cell> {
    vec![
        Cell::Text(name.to_owned()),
        Cell::Date(date(2026, 10, 31)),
        Cell::Amount(Amount(Decimal::new(hundredths, 2))),
        Cell::Integer(-3),
        Cell::Boolean(true),
    ]
}

/// The file, with so many rows to a sheet.
fn written(rows: &[Vec<Cell>], totals: &[Cell], most_rows: u32) -> Vec<u8> {
    let out = Out::default();
    let mut xlsx = Box::new(Xlsx::new(cover(&columns()), out.clone()));
    xlsx.most_rows = most_rows;
    xlsx.begin(rows).unwrap();
    for row in rows {
        xlsx.row(row).unwrap();
    }
    xlsx.finish(totals).unwrap();
    out.take().to_vec()
}

fn read(bytes: &[u8]) -> Workbook<Cursor<&[u8]>> {
    open_workbook_from_rs(Cursor::new(bytes)).unwrap()
}

fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    std::io::read_to_string(archive.by_name(name).unwrap()).unwrap()
}

#[test]
fn a_workbook_has_title_headings_typed_cells_and_totals() {
    let amount = |hundredths| Cell::Amount(Amount(Decimal::new(hundredths, 2)));
    let totals = [
        Cell::Nothing,
        Cell::Nothing,
        amount(-12_345),
        Cell::Nothing,
        Cell::Nothing,
    ];
    let rows = [row("Șoimul & <fiii> \"SRL\"", -12_345), row("=1+1", 0)];
    let bytes = written(&rows, &totals, MOST_ROWS);
    let mut workbook = read(&bytes);
    assert_eq!(workbook.sheet_names(), ["Balanță clienți"]);
    let sheet = workbook.worksheet_range("Balanță clienți").unwrap();
    let at = |row, column| {
        sheet
            .get_value((row, column))
            .cloned()
            .unwrap_or(Data::Empty)
    };
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(at(0, 0), text("Balanță clienți"));
    assert_eq!(at(1, 0), text("Țesătoria Șoimul SRL · CUI RO123 · RON"));
    assert_eq!(at(2, 0), text("octombrie 2026"));
    assert_eq!(at(3, 0), text("Cont: 4111"));
    assert_eq!(at(4, 0), text("Citit la 02.11.2026 08:05 UTC"));
    assert_eq!(at(5, 0), Data::Empty);
    assert_eq!(at(6, 2), text("Rest"));
    assert_eq!(at(7, 0), text("Șoimul & <fiii> \"SRL\""));
    match at(7, 1) {
        Data::DateTime(day) => assert_eq!(day.as_f64(), 46_326.0),
        other => panic!("{other:?} is no date"),
    }
    assert_eq!(at(7, 2), Data::Float(-123.45));
    assert_eq!(at(7, 3), Data::Float(-3.0));
    assert_eq!(at(7, 4), Data::Bool(true));
    assert_eq!(at(8, 0), text("=1+1"));
    assert_eq!((at(9, 0), at(9, 2)), (text("Total"), Data::Float(-123.45)));

    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("ySplit=\"7\"") && sheet.contains("state=\"frozen\""));
    assert!(
        sheet.contains("<c r=\"A9\" s=\"9\""),
        "a formula is guarded"
    );
    assert!(part(&bytes, "xl/workbook.xml").contains("'Balanță clienți'!$7:$7"));
}

#[test]
fn a_full_sheet_is_followed_by_another_with_the_same_headings() {
    let rows: Vec<Vec<Cell>> = (0..10)
        .map(|number| row(&format!("P{number}"), number))
        .collect();
    let mut found = Vec::new();
    // Seven rows stand above the first, and one is left for the totals.
    let bytes = written(&rows, &[const { Cell::Nothing }; 5], 12);
    let mut workbook = read(&bytes);
    let names = workbook.sheet_names();
    assert_eq!(
        names,
        ["Balanță clienți", "Balanță clienți 2", "Balanță clienți 3"]
    );
    for name in names {
        let sheet = workbook.worksheet_range(&name).unwrap();
        assert!(sheet.height() <= 12, "{name}: {}", sheet.height());
        assert_eq!(
            sheet.get_value((6, 0)),
            Some(&Data::String("Partener".to_owned()))
        );
        found.extend(sheet.rows().skip(7).map(|row| row[0].to_string()));
    }
    let expected: Vec<String> = (0..10).map(|number| format!("P{number}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_xml_or_a_double_cannot_say_is_said_otherwise() {
    let mut odd = row("a\u{1}b\tc\r\n", 0);
    odd[1] = Cell::Date(date(1899, 5, 1));
    odd[2] = Cell::Amount(Amount("12345678901234567.89".parse().unwrap()));
    odd[3] = Cell::Integer(i64::MIN);
    let bytes = written(
        &[odd, row(&"x".repeat(40_000), 0)],
        &[const { Cell::Nothing }; 5],
        MOST_ROWS,
    );
    let sheet = read(&bytes).worksheet_range_at(0).unwrap().unwrap();
    let at = |row, column| sheet.get_value((row, column)).unwrap().to_string();
    assert_eq!(at(7, 0), "a\u{fffd}b\tc\r\n");
    assert_eq!(at(7, 1), "1899-05-01");
    assert_eq!(at(7, 2), "12345678901234567.89");
    assert_eq!(at(7, 3), i64::MIN.to_string());
    assert_eq!(at(8, 0).len(), 32_767);
}

#[test]
fn columns_are_lettered_as_excel_does() {
    let names = [0, 25, 26, 51, 52, 701, 702].map(letters);
    assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
}
