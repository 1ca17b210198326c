//! A sheet's rows from its first to its last, gaps and merged cells filled, whatever kind of workbook it
//! is in.

use hub_model::LayoutReport;

use super::merges::Merges;
use crate::{
    IntakeError,
    changes::Changes,
    rows::{Row, Rows},
};

/// Rows and columns of the largest sheet that Excel knows.
pub(crate) const MAX_ROWS: u64 = 1_048_576;
pub(crate) const MAX_COLUMNS: u32 = 16_384;

/// The most bytes of a row's text.
pub(crate) const MAX_ROW_BYTES: usize = 8 << 20;

/// The most bytes of all rows' text: a text that many cells share counts as often as it is shown.
const MAX_SHEET_BYTES: u64 = 32 << 30;

/// The cells of a sheet.
pub(crate) trait SheetCells: Send {
    /// Puts the next row that the sheet has into `row`, its number greater than the last one's; false at
    /// the end.
    fn next(&mut self, row: &mut Row) -> Result<bool, IntakeError>;
}

/// All rows of a sheet.
pub(crate) struct SheetRows {
    cells: Box<dyn SheetCells>,
    merges: Merges,
    changes: Changes,
    layout: LayoutReport,
    /// The row that comes next, and the one that was read, which may be further down.
    number: u64,
    read: Option<Row>,
    spare: Row,
    bytes: u64,
}

impl SheetRows {
    pub(crate) fn new(cells: Box<dyn SheetCells>, merges: Merges, layout: LayoutReport) -> Self {
        Self {
            cells,
            merges,
            changes: Changes::default(),
            layout,
            number: 0,
            read: None,
            spare: Row::default(),
            bytes: 0,
        }
    }
}

impl Rows for SheetRows {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        if self.read.is_none() {
            let mut read = std::mem::take(&mut self.spare);
            if !self.cells.next(&mut read)? {
                return Ok(false);
            }
            self.read = Some(read);
        }
        self.number += 1;
        match self.read.take_if(|read| read.number() <= self.number) {
            Some(read) => self.spare = std::mem::replace(row, read),
            None => row.restart(self.number),
        }
        self.merges.fill(row, &mut self.changes)?;
        if row.bytes() > MAX_ROW_BYTES {
            return Err(row_too_long(self.number));
        }
        self.bytes += row.bytes() as u64;
        if self.bytes > MAX_SHEET_BYTES {
            return Err(crate::decode::unpacks_too_large(MAX_SHEET_BYTES));
        }
        Ok(true)
    }

    fn layout(&self) -> LayoutReport {
        self.layout.clone()
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }
}

/// The error of a row that is too long to be a row of a table.
pub(crate) fn row_too_long(row: u64) -> IntakeError {
    let limit = crate::decode::show_size(MAX_ROW_BYTES as u64);
    IntakeError::too_large(
        format!(
            "{row}行目の文字が{limit}を超えています。長い文字を短くするか、別のファイルに分けてください"
        ),
        format!(
            "row {row} holds more than {limit} of text; shorten its texts or put them into another file"
        ),
    )
}
