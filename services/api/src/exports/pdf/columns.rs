//! How wide the columns of a table are, and how their texts wrap. Lengths are points, 1/72 inch.

use super::font::{Faces, Weight};

/// Room for the table across an A4 page, upright and turned.
const ROOM: [f32; 2] = [523.0, 770.0];
/// Sizes of letters, from the one we like to the smallest a person can read.
const SIZES: [f32; 5] = [8.0, 7.0, 6.0, 5.0, 4.0];
/// Between two columns.
pub(super) const GAP: f32 = 8.0;
/// A text column gets no more before it wraps, and is not wrapped below the other, both at 8 points.
const WIDEST_TEXT: f32 = 190.0;
const NARROWEST_TEXT: f32 = 50.0;
/// Lines of a cell; an ellipsis stands for the rest.
const MOST_LINES: usize = 12;

/// A column and its texts.
pub(super) struct Column {
    pub(super) title: String,
    /// Stands at the right, and is not wrapped.
    pub(super) is_number: bool,
    pub(super) cells: Vec<String>,
}

/// How a table fits on paper.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) is_landscape: bool,
    /// Size of the letters.
    pub(super) size: f32,
    /// Of the columns, without the gaps; with them they fill the page.
    pub(super) widths: Vec<f32>,
}

/// What a column would like and what it needs, in parts of the size of the letters.
struct Want {
    least: f32,
    most: f32,
}

impl Fit {
    /// Upright if every column gets what it likes there; else turned, with texts wrapped, then with smaller
    /// letters.
    pub(super) fn of(faces: &Faces, columns: &[Column], totals: &[String]) -> Self {
        let wants: Vec<Want> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| Want::of(faces, column, totals.get(index)))
            .collect();
        let gaps = GAP * (columns.len().max(1) - 1) as f32;
        let liked: f32 = wants.iter().map(|want| want.most).sum();
        let [upright, turned] = ROOM;
        if liked * SIZES[0] + gaps <= upright {
            let widths = stretched(&wants, SIZES[0], upright - gaps);
            return Self {
                is_landscape: false,
                size: SIZES[0],
                widths,
            };
        }
        let needed: f32 = wants.iter().map(|want| want.least).sum();
        let fits = |size: &&f32| needed * **size + gaps <= turned;
        let smallest = SIZES[SIZES.len() - 1];
        let size = SIZES.iter().find(fits).copied().unwrap_or(smallest);
        let widths = stretched(&wants, size, (turned - gaps).max(1.0));
        Self {
            is_landscape: true,
            size,
            widths,
        }
    }
}

impl Want {
    fn of(faces: &Faces, column: &Column, total: Option<&String>) -> Self {
        let (regular, bold) = (faces.of(Weight::Regular), faces.of(Weight::Bold));
        let cells = column.cells.iter().map(|cell| regular.width(cell));
        let cells = cells.chain(total.map(|total| bold.width(total)));
        let widest = cells.fold(0.0, f32::max);
        let words = column.title.split(' ').map(|word| bold.width(word));
        let heading = words.fold(0.0, f32::max);
        let (least, most) = match column.is_number {
            true => (widest, widest),
            false => (
                widest.min(NARROWEST_TEXT / SIZES[0]),
                widest.min(WIDEST_TEXT / SIZES[0]),
            ),
        };
        Self {
            least: least.max(heading),
            most: most.max(heading),
        }
    }
}

/// Widths that fill the room: what each column needs and the same share for all of what it would like more, or
/// the same share more than it likes. Too little room for what is needed is shared too.
fn stretched(wants: &[Want], size: f32, room: f32) -> Vec<f32> {
    let sum = |part: fn(&Want) -> f32| wants.iter().map(part).sum::<f32>() * size;
    let (least, most) = (sum(|want| want.least), sum(|want| want.most));
    let width = |want: &Want| {
        let (needs, likes) = (want.least * size, want.most * size);
        if room >= most {
            likes * room / most.max(1.0)
        } else if room >= least {
            needs + (likes - needs) * (room - least) / (most - least).max(f32::EPSILON)
        } else {
            needs * room / least.max(f32::EPSILON)
        }
    };
    wants.iter().map(width).collect()
}

/// A text in lines that are no wider than `room`, in parts of the size of the letters: broken between words, and
/// inside a word that is too long.
pub(super) fn wrapped(text: &str, room: f32, width: impl Fn(&str) -> f32) -> Vec<String> {
    // What was rounded on the way must not break a number that fits.
    let room = room + 0.01;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        let gap = if line.is_empty() { "" } else { " " };
        if width(line) + width(gap) + width(word) <= room {
            line.push_str(gap);
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for letter in word.chars() {
            let line = lines.last_mut().expect("there is a first line");
            let letter = letter.to_string();
            if !line.is_empty() && width(line) + width(&letter) > room {
                lines.push(letter);
            } else {
                line.push_str(&letter);
            }
        }
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        let last = lines.last_mut().expect("there is a first line");
        last.pop();
        last.push('…');
    }
    lines
}
