//! Where everything stands on which page. Lengths are points, 1/72 inch, from the top left corner.

use super::columns::{Column, Fit, GAP, wrapped};
use super::font::{Faces, Weight};
use crate::exports::cover::Cover;

/// A4 upright.
const SHORT: f32 = 595.0;
const LONG: f32 = 842.0;
const MARGIN: f32 = 36.0;
/// Baseline of the footer above the lower edge, and what stays free for it.
const FOOTER: f32 = 24.0;
const FOOTER_ROOM: f32 = 44.0;
/// Line height in parts of the size of the letters, and how much of it is above the baseline.
const LEADING: f32 = 1.3;
const RISE: f32 = 0.98;
/// Above and below the text of a row.
const PADDING: f32 = 2.0;
const HAIRLINE: f32 = 0.4;
const LINE: f32 = 0.8;
/// Of what a page is about.
const TITLE_SIZE: f32 = 13.0;
const FACT_SIZE: f32 = 8.0;

/// All pages.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) pages: Vec<Page>,
}

/// What is on a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) texts: Vec<Text>,
    pub(super) lines: Vec<Line>,
}

/// A text, from its left end on its baseline.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) ink: Ink,
    pub(super) text: String,
}

/// A line, from its upper left corner.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) ink: Ink,
}

/// What something is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Grey,
    Light,
}

/// A row in lines, ready to be placed.
#[derive(Default)]
struct Row {
    /// Lines of each cell.
    cells: Vec<Vec<String>>,
    height: f32,
}

/// The page that is being filled.
struct Writer<'a> {
    cover: &'a Cover,
    faces: &'a Faces,
    columns: &'a [Column],
    fit: Fit,
    layout: Layout,
    headings: Row,
    /// Where the next thing stands.
    y: f32,
}

impl Layout {
    /// The pages of a table; `totals` is a text per column, or nothing.
    pub(super) fn of(cover: &Cover, faces: &Faces, columns: &[Column], totals: &[String]) -> Self {
        let fit = Fit::of(faces, columns, totals);
        let (width, height) = match fit.is_landscape {
            true => (LONG, SHORT),
            false => (SHORT, LONG),
        };
        let mut writer = Writer {
            cover,
            faces,
            columns,
            fit,
            layout: Self {
                width,
                height,
                pages: Vec::new(),
            },
            headings: Row::default(),
            y: 0.0,
        };
        let titles: Vec<&str> = columns.iter().map(|column| column.title.as_str()).collect();
        writer.headings = writer.row(&titles, Weight::Bold);
        writer.begin_page();
        let rows = columns.first().map_or(0, |column| column.cells.len());
        for index in 0..rows {
            let cells: Vec<&str> = columns
                .iter()
                .map(|column| column.cells[index].as_str())
                .collect();
            writer.add(&cells);
        }
        writer.end(totals);
        writer.layout
    }
}

impl Writer<'_> {
    fn page(&mut self) -> &mut Page {
        self.layout.pages.last_mut().expect("there is a page")
    }

    /// What the page is about, and the headings.
    fn begin_page(&mut self) {
        self.layout.pages.push(Page::default());
        let cover = self.cover;
        self.y = MARGIN;
        self.fact(&cover.title, TITLE_SIZE, Weight::Bold, Ink::Black);
        let about = [cover.company_line(), cover.period_line()];
        let about: Vec<String> = about.into_iter().filter(|line| !line.is_empty()).collect();
        self.fact(&about.join(" · "), FACT_SIZE, Weight::Regular, Ink::Black);
        if !cover.chosen.is_empty() {
            self.fact(
                &cover.chosen.join(" · "),
                FACT_SIZE,
                Weight::Regular,
                Ink::Grey,
            );
        }
        self.y += 6.0;
        let headings = std::mem::take(&mut self.headings);
        self.place(&headings, Weight::Bold);
        self.headings = headings;
        self.rule(LINE, Ink::Grey);
    }

    /// A text of its own across the page, in as many lines as it takes.
    fn fact(&mut self, text: &str, size: f32, weight: Weight, ink: Ink) {
        let face = self.faces.of(weight);
        let room = (self.layout.width - 2.0 * MARGIN) / size;
        for line in wrapped(text, room, |text| face.width(text)) {
            let (x, y) = (MARGIN, self.y + size * RISE);
            self.page().texts.push(Text {
                x,
                y,
                size,
                weight,
                ink,
                text: line,
            });
            self.y += size * LEADING;
        }
    }

    fn rule(&mut self, height: f32, ink: Ink) {
        let (x, y, width) = (MARGIN, self.y, self.layout.width - 2.0 * MARGIN);
        self.page().lines.push(Line {
            x,
            y,
            width,
            height,
            ink,
        });
        self.y += height;
    }

    fn row(&self, cells: &[&str], weight: Weight) -> Row {
        let face = self.faces.of(weight);
        let widths = self.fit.widths.iter();
        let cells: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| wrapped(cell, width / self.fit.size, |text| face.width(text)))
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1) as f32;
        let height = lines * self.fit.size * LEADING + 2.0 * PADDING;
        Row { cells, height }
    }

    /// Begins a page if something of this height does not fit on this one.
    fn make_room(&mut self, height: f32) {
        if self.y + height > self.layout.height - FOOTER_ROOM {
            self.begin_page();
        }
    }

    fn add(&mut self, cells: &[&str]) {
        let row = self.row(cells, Weight::Regular);
        self.make_room(row.height + HAIRLINE);
        self.place(&row, Weight::Regular);
        self.rule(HAIRLINE, Ink::Light);
    }

    fn place(&mut self, row: &Row, weight: Weight) {
        let (size, mut x) = (self.fit.size, MARGIN);
        let top = self.y + PADDING;
        let mut texts = Vec::new();
        for (index, lines) in row.cells.iter().enumerate() {
            let width = self.fit.widths[index];
            for (number, line) in lines
                .iter()
                .enumerate()
                .filter(|(_, line)| !line.is_empty())
            {
                let at_right = self.columns[index].is_number;
                let spare = width - self.faces.of(weight).width(line) * size;
                texts.push(Text {
                    x: if at_right { x + spare } else { x },
                    y: top + (number as f32 * LEADING + RISE) * size,
                    size,
                    weight,
                    ink: Ink::Black,
                    text: line.clone(),
                });
            }
            x += width + GAP;
        }
        self.page().texts.append(&mut texts);
        self.y += row.height;
    }

    /// The totals, and what stands at the foot of every page.
    fn end(&mut self, totals: &[String]) {
        if !totals.is_empty() {
            let totals: Vec<&str> = totals.iter().map(String::as_str).collect();
            let row = self.row(&totals, Weight::Bold);
            self.make_room(row.height + LINE);
            self.rule(LINE, Ink::Grey);
            self.place(&row, Weight::Bold);
        }
        let (width, y) = (self.layout.width, self.layout.height - FOOTER);
        let pages = self.layout.pages.len();
        let regular = self.faces.of(Weight::Regular);
        for (index, page) in self.layout.pages.iter_mut().enumerate() {
            let number = self.cover.lang.page(index + 1, pages);
            let right = width - MARGIN - regular.width(&number) * FACT_SIZE;
            for (x, text) in [(MARGIN, self.cover.read_line()), (right, number)] {
                page.texts.push(Text {
                    x,
                    y,
                    size: FACT_SIZE,
                    weight: Weight::Regular,
                    ink: Ink::Grey,
                    text,
                });
            }
        }
    }
}
