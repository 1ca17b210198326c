//! Rows of text cells that share one buffer: a cell is a span of it, so that no cell is allocated.

use std::sync::Arc;

/// Why a row could not be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowFault {
    /// It has this many cells, where the header has another number.
    Cells(u64),
    /// Something stands between a closing quote and the next comma.
    TextAfterQuote,
}

/// A row that is not among a block's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenRow {
    /// How many rows of the block stand before it.
    pub(crate) rows_before: usize,
    /// The line it begins in.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) fault: RowFault,
    /// Which of the block's `broken_spans` are its cells; not all where it has very many.
    pub(crate) cells: (usize, usize),
}

/// Some rows of a text table.
#[derive(Debug, Default)]
pub(crate) struct TextBlock {
    pub(crate) bytes: Vec<u8>,
    /// Start and end of each cell, row after row.
    pub(crate) spans: Vec<(u32, u32)>,
    /// Cells in each row.
    pub(crate) width: usize,
    /// The line in which each row begins.
    pub(crate) lines: Vec<u64>,
    pub(crate) broken: Vec<BrokenRow>,
    /// Start and end of each cell of the broken rows, where they are known.
    pub(crate) broken_spans: Vec<(u32, u32)>,
    /// Where rows were made of cells that stood side by side: the column of the file, from 0, that each
    /// row's value comes from. Empty otherwise.
    pub(crate) origins: Vec<u32>,
    /// The file of a container that the rows are of, where there are several.
    pub(crate) file: Option<Arc<str>>,
}

impl TextBlock {
    /// How many rows were taken apart.
    pub(crate) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The cells of a row that is not among the rows.
    pub(crate) fn broken_cells(&self, row: &BrokenRow) -> impl Iterator<Item = &[u8]> {
        let spans = self.broken_spans.get(row.cells.0..row.cells.1).unwrap_or_default();
        spans.iter().map(|(start, end)| &self.bytes[*start as usize..*end as usize])
    }

    /// One cell, without the quotes around it.
    pub(crate) fn cell(&self, row: usize, column: usize) -> &[u8] {
        let (start, end) = self.spans[row * self.width + column];
        &self.bytes[start as usize..end as usize]
    }
}
