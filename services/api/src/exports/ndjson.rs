//! JSON line by line (`application/x-ndjson`): an object per row, with the names and the values of the cells
//! that a page has.

use std::io::{self, Write};

use super::cover::Cover;
use super::encoder::{Encoder, Out};
use crate::reports::Cell;

/// Writes JSON lines.
pub(super) struct Ndjson {
    out: Out,
    /// What stands before each cell: `{"cont":`, then `,"sold":`.
    keys: Vec<String>,
    /// Kept, so that a row costs no allocation.
    line: Vec<u8>,
}

impl Ndjson {
    pub(super) fn new(cover: &Cover, out: Out) -> Self {
        let names = cover.columns.iter().enumerate();
        let keys = names.map(|(index, column)| {
            let before = if index == 0 { '{' } else { ',' };
            format!("{before}{}:", serde_json::Value::from(column.name.as_str()))
        });
        Self {
            out,
            keys: keys.collect(),
            line: Vec::new(),
        }
    }
}

impl Encoder for Ndjson {
    fn begin(&mut self, _: &[Vec<Cell>]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        self.line.clear();
        for (key, cell) in self.keys.iter().zip(cells) {
            self.line.extend_from_slice(key.as_bytes());
            serde_json::to_writer(&mut self.line, cell)?;
        }
        self.line.extend_from_slice(b"}\n");
        self.out.write_all(&self.line)
    }

    fn finish(self: Box<Self>, _: &[Cell]) -> io::Result<()> {
        Ok(())
    }
}
