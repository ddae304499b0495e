//! The XML of a workbook but for its rows.

use std::borrow::Cow;

/// What closes a sheet: A4 across, as many pages down as it takes.
pub(super) const SHEET_END: &str = "</sheetData>\
    <pageMargins left=\"0.4\" right=\"0.4\" top=\"0.5\" bottom=\"0.5\" header=\"0.3\" footer=\"0.3\"/>\
    <pageSetup paperSize=\"9\" orientation=\"landscape\" fitToWidth=\"1\" fitToHeight=\"0\"/>\
    <headerFooter><oddFooter>&amp;R&amp;P / &amp;N</oddFooter></headerFooter></worksheet>";

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
/// Characters of the longest text of a cell, and of the longest name of a sheet.
const LONGEST_TEXT: usize = 32_767;
const LONGEST_NAME: usize = 31;

/// How a cell looks; the number is that of its `xf` in [`STYLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Title,
    Heading,
    Amount,
    Date,
    Integer,
    Total,
    TotalAmount,
    TotalInteger,
    /// A text that stays one when somebody edits it, though it looks like a formula.
    Guarded,
}

const STYLES: &str = "<fonts count=\"3\">\
    <font><sz val=\"10\"/><name val=\"Calibri\"/><family val=\"2\"/></font>\
    <font><b/><sz val=\"10\"/><name val=\"Calibri\"/><family val=\"2\"/></font>\
    <font><b/><sz val=\"14\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>\
    <fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill>\
    <fill><patternFill patternType=\"gray125\"/></fill>\
    <fill><patternFill patternType=\"solid\"><fgColor rgb=\"FFEDF0F4\"/></patternFill></fill></fills>\
    <borders count=\"3\"><border/>\
    <border><bottom style=\"thin\"><color rgb=\"FF8A94A6\"/></bottom></border>\
    <border><top style=\"thin\"><color rgb=\"FF8A94A6\"/></top></border></borders>\
    <cellStyleXfs count=\"1\"><xf/></cellStyleXfs>\
    <cellXfs count=\"10\"><xf/>\
    <xf fontId=\"2\" applyFont=\"1\"/>\
    <xf fontId=\"1\" fillId=\"2\" borderId=\"1\" applyFont=\"1\" applyFill=\"1\" applyBorder=\"1\" applyAlignment=\"1\">\
    <alignment vertical=\"center\" wrapText=\"1\"/></xf>\
    <xf numFmtId=\"4\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"14\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"1\" applyNumberFormat=\"1\"/>\
    <xf fontId=\"1\" borderId=\"2\" applyFont=\"1\" applyBorder=\"1\"/>\
    <xf numFmtId=\"4\" fontId=\"1\" borderId=\"2\" applyNumberFormat=\"1\" applyFont=\"1\" applyBorder=\"1\"/>\
    <xf numFmtId=\"1\" fontId=\"1\" borderId=\"2\" applyNumberFormat=\"1\" applyFont=\"1\" applyBorder=\"1\"/>\
    <xf quotePrefix=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

impl Style {
    pub(super) fn index(self) -> u8 {
        self as u8
    }
}

/// What stands before the rows of a sheet: what stays in sight above them, and the width of each column.
pub(super) fn sheet_opening(
    is_first: bool,
    heading_row: u32,
    columns: impl Iterator<Item = (usize, bool)>,
) -> String {
    let columns = columns.enumerate().map(|(index, (width, is_hidden))| {
        let (number, hidden) = (index + 1, if is_hidden { " hidden=\"1\"" } else { "" });
        format!(
            "<col min=\"{number}\" max=\"{number}\" width=\"{width}\" customWidth=\"1\"{hidden}/>"
        )
    });
    let (columns, below) = (columns.collect::<String>(), heading_row + 1);
    let selected = if is_first { " tabSelected=\"1\"" } else { "" };
    format!(
        "{XML}<worksheet xmlns=\"{MAIN}\"><sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr>\
         <sheetViews><sheetView{selected} workbookViewId=\"0\"><pane ySplit=\"{heading_row}\" \
         topLeftCell=\"A{below}\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
         <sheetFormatPr defaultRowHeight=\"14\"/><cols>{columns}</cols><sheetData>"
    )
}

/// The parts beside the sheets, by their names.
pub(super) fn package(title: &str, sheets: u32, heading_row: u32) -> [(String, String); 5] {
    let numbers = || 1..=sheets;
    let overrides = numbers().map(|number| {
        format!(
            "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" \
             ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"
        )
    });
    let overrides: String = overrides.collect();
    let types = format!(
        "{XML}<Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml\"/>{overrides}</Types>"
    );
    let relationship = |id: String, kind: &str, target: String| {
        format!("<Relationship Id=\"{id}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>")
    };
    let wrapped = |inside: String| {
        format!("{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{inside}</Relationships>")
    };
    let root = relationship("rId1".into(), "officeDocument", "xl/workbook.xml".into());
    let inside = numbers().map(|number| {
        relationship(
            format!("rId{number}"),
            "worksheet",
            format!("worksheets/sheet{number}.xml"),
        )
    });
    let styles = relationship(format!("rId{}", sheets + 1), "styles", "styles.xml".into());
    let inside: String = inside.chain([styles]).collect();
    [
        (
            "xl/workbook.xml".to_owned(),
            workbook(title, sheets, heading_row),
        ),
        (
            "xl/styles.xml".to_owned(),
            format!("{XML}<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>"),
        ),
        ("xl/_rels/workbook.xml.rels".to_owned(), wrapped(inside)),
        ("_rels/.rels".to_owned(), wrapped(root)),
        ("[Content_Types].xml".to_owned(), types),
    ]
}

/// The sheets, and that their headings are printed on every page.
fn workbook(title: &str, sheets: u32, heading_row: u32) -> String {
    let entries = (1..=sheets).map(|number| {
        let name = sheet_name(title, number);
        let name = escaped(&name);
        format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>")
    });
    let printed = (1..=sheets).map(|number| {
        let (name, id) = (sheet_name(title, number), number - 1);
        let name = escaped(&name);
        format!(
            "<definedName name=\"_xlnm.Print_Titles\" localSheetId=\"{id}\">\
             '{name}'!${heading_row}:${heading_row}</definedName>"
        )
    });
    let (entries, printed): (String, String) = (entries.collect(), printed.collect());
    format!(
        "{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONSHIPS}\"><sheets>{entries}</sheets>\
         <definedNames>{printed}</definedNames></workbook>"
    )
}

/// A title without what Excel forbids in names of sheets, with a number from the second sheet on.
fn sheet_name(title: &str, number: u32) -> String {
    let suffix = match number {
        1 => String::new(),
        number => format!(" {number}"),
    };
    let allowed = title
        .chars()
        .filter(|letter| !"[]:*?/\\'".contains(*letter));
    let name: String = allowed.take(LONGEST_NAME - suffix.len()).collect();
    format!("{}{suffix}", name.trim())
}

/// A text as XML content or attribute: cut where Excel would refuse it, without what XML cannot say.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| {
        !matches!(letter, '&' | '<' | '>' | '"' | '\u{fffe}' | '\u{ffff}') && letter >= ' '
    };
    if text.len() <= LONGEST_TEXT && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars().take(LONGEST_TEXT) {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(letter),
            // A line end is one character in a cell; a bare return would be read as one.
            '\r' => escaped.push_str("&#13;"),
            other if is_plain(other) => escaped.push(other),
            _ => escaped.push('\u{fffd}'),
        }
    }
    Cow::Owned(escaped)
}
