//! Rows of text cells as they stand in a file, whatever the file is: what tables are found in, and what
//! publishers' layouts are read from.

mod text;

use std::collections::VecDeque;

pub(crate) use text::TextRows;

use hub_model::LayoutReport;

use crate::{IntakeError, changes::Changes};

/// One row of a file. Its buffers are used again for the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    number: u64,
    text: String,
    ends: Vec<usize>,
    /// Whether something stands between a closing quote and the next delimiter.
    pub(crate) has_text_after_quote: bool,
}

impl Row {
    /// Begins anew as the row that a person counts as `number`.
    pub(crate) fn restart(&mut self, number: u64) {
        self.number = number;
        self.has_text_after_quote = false;
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell on the right.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Adds what `write` writes as the cell of this column, which is right of all others; those between are
    /// empty. Where nothing is written there is no cell.
    pub(crate) fn put(
        &mut self,
        column: usize,
        write: impl FnOnce(&mut String) -> Result<(), IntakeError>,
    ) -> Result<(), IntakeError> {
        let start = self.text.len();
        write(&mut self.text)?;
        if self.text.len() > start {
            self.ends.resize(column.max(self.ends.len()), start);
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// The row as a person counts it: lines of a text file, rows of a sheet, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>()
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell without the spaces around it; empty where there is none.
    pub(crate) fn get(&self, column: usize) -> &str {
        let raw = self.raw(column);
        let is_bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        // Nearly every cell of numbers and codes, and each is looked at several times.
        if is_bare(raw.as_bytes().first()) && is_bare(raw.as_bytes().last()) {
            return raw;
        }
        raw.trim()
    }

    /// A cell as it stands; empty where there is none.
    pub(crate) fn raw(&self, column: usize) -> &str {
        let Some(end) = self.ends.get(column) else { return "" };
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.text[start..*end]
    }

    /// The cells without the spaces around them.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|column| self.get(column))
    }

    /// Whether no cell has anything in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// Rows of a file, one after another, in bounded memory.
pub(crate) trait Rows: Send {
    /// Puts the next row into `row`; false at the end.
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError>;

    /// Where in the file the rows were found, where it has several places for them.
    fn layout(&self) -> LayoutReport {
        LayoutReport::default()
    }

    /// What was changed of the cells so far.
    fn changes(&mut self) -> Changes {
        Changes::default()
    }
}

/// The most bytes of rows that are looked at ahead.
const MAX_HELD_BYTES: usize = 32 << 20;

/// Rows of which the next few can be looked at before they are taken.
pub(crate) struct Ahead {
    rows: Box<dyn Rows>,
    held: VecDeque<Row>,
}

impl Ahead {
    pub(crate) fn new(rows: Box<dyn Rows>) -> Self {
        Self { rows, held: VecDeque::new() }
    }

    /// Up to `count` rows that come next; fewer where rows are so long that they would take much memory.
    pub(crate) fn peek(&mut self, count: usize) -> Result<&[Row], IntakeError> {
        let mut bytes: usize = self.held.iter().map(Row::bytes).sum();
        while self.held.len() < count && bytes < MAX_HELD_BYTES {
            let mut row = Row::default();
            if !self.rows.next_row(&mut row)? {
                break;
            }
            bytes += row.bytes();
            self.held.push_back(row);
        }
        let held = self.held.make_contiguous();
        Ok(&held[..held.len().min(count)])
    }
}

impl Rows for Ahead {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        match self.held.pop_front() {
            Some(held) => {
                *row = held;
                Ok(true)
            }
            None => self.rows.next_row(row),
        }
    }

    fn layout(&self) -> LayoutReport {
        self.rows.layout()
    }

    fn changes(&mut self) -> Changes {
        self.rows.changes()
    }
}

/// A cell as a spreadsheet names it; the row counts from 1, the column from 0.
pub(crate) fn cell_name(row: u64, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.reverse();
    format!("{}{row}", String::from_utf8_lossy(&letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_in_a_spreadsheet() {
        for (column, name) in [(0, "A1"), (25, "Z1"), (26, "AA1"), (701, "ZZ1"), (702, "AAA1")] {
            assert_eq!(cell_name(1, column), name);
        }
    }

    #[test]
    fn a_row_gives_its_cells_and_nothing_beyond() {
        let mut row = Row::default();
        row.restart(3);
        row.push(" 水位 ");
        row.push("");
        assert_eq!(row.cells().collect::<Vec<_>>(), ["水位", ""]);
        assert_eq!((row.raw(0), row.get(2), row.number()), (" 水位 ", "", 3));
    }
}
