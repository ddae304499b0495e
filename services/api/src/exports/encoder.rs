//! What every format does with rows, and where the bytes go meanwhile.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::reports::Cell;

/// Turns rows into the bytes of a file, piece by piece.
pub(super) trait Encoder: Send {
    /// Writes what stands above the rows. `sample` are the first of them; they come again as rows.
    fn begin(&mut self, sample: &[Vec<Cell>]) -> io::Result<()>;

    /// Writes a row.
    fn row(&mut self, cells: &[Cell]) -> io::Result<()>;

    /// Writes what stands below the rows, with a total for each column that has one.
    fn finish(self: Box<Self>, totals: &[Cell]) -> io::Result<()>;
}

/// Bytes that an encoder has written and nobody has taken yet. A clone is the same place.
#[derive(Clone, Debug, Default)]
pub(super) struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Takes them.
    pub(super) fn take(&self) -> Bytes {
        std::mem::take(&mut *self.bytes()).into()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
