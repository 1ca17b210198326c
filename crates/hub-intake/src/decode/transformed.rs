//! A publisher's rows as rows of a table.

use std::mem;

use hub_model::{Contract, LayoutReport, PresetName};

use super::{Block, BrokenRow, Decode, RowFault, SourceColumn, TextBlock, Understood};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    changes::Changes,
    encoding::UNDECODABLE,
    rows::{Ahead, Row, Rows},
};

/// Turns a publisher's rows, one by one, into rows of the table that its contract describes.
pub(crate) trait Transform: Send {
    /// The table's columns, in the order in which [`Output::push`] is given their cells.
    fn contract(&self) -> &Contract;

    /// Takes the next row of the file, and gives out any number of rows.
    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError>;

    /// The file has ended.
    fn end(&mut self, _out: &mut Output) -> Result<(), IntakeError> {
        Ok(())
    }

    /// What was found of the heading.
    fn layout(&self) -> LayoutReport {
        LayoutReport::default()
    }

    /// What was changed of the cells.
    fn changes(&mut self) -> Changes {
        Changes::default()
    }
}

/// Rows of a table as they are made.
pub(crate) struct Output {
    block: TextBlock,
}

impl Output {
    pub(super) fn new(width: usize) -> Self {
        Self { block: TextBlock { width, ..TextBlock::default() } }
    }

    /// Rows so far, broken ones included.
    pub(super) fn len(&self) -> usize {
        self.block.rows() + self.block.broken.len()
    }

    /// Bytes of cells so far.
    pub(super) fn bytes(&self) -> usize {
        self.block.bytes.len()
    }

    /// Notes that a row can't be taken apart.
    pub(super) fn push_broken(&mut self, row: &Row, fault: RowFault) {
        let block = &mut self.block;
        let first = block.broken_spans.len();
        for column in 0..row.len() {
            let start = block.bytes.len() as u32;
            block.bytes.extend_from_slice(row.raw(column).as_bytes());
            block.broken_spans.push((start, block.bytes.len() as u32));
        }
        let cells = (first, block.broken_spans.len());
        let (rows_before, line) = (block.rows(), row.number());
        block.broken.push(BrokenRow { rows_before, line, fault, cells });
    }

    /// The rows, if there are any.
    pub(super) fn finish(self) -> Option<TextBlock> {
        (self.len() > 0).then_some(self.block)
    }

    /// Adds a row that comes from the file's row `number` and, where one cell of it is the value, from
    /// that cell's column, counted from 0. There must be a cell for each column.
    pub(crate) fn push(&mut self, number: u64, column: Option<usize>, cells: &[&str]) {
        debug_assert_eq!(cells.len(), self.block.width, "a cell for each column");
        if let Some(column) = column {
            self.block.origins.resize(self.block.lines.len(), 0);
            self.block.origins.push(column as u32);
        }
        self.push_all(number, cells.iter().copied());
    }

    /// Adds a row that is the file's row `number`. There must be a cell for each column.
    pub(super) fn push_all<'a>(&mut self, number: u64, cells: impl Iterator<Item = &'a str>) {
        let block = &mut self.block;
        for cell in cells {
            let start = block.bytes.len() as u32;
            push_cell(&mut block.bytes, cell);
            block.spans.push((start, block.bytes.len() as u32));
        }
        block.lines.push(number);
    }
}

/// Adds a cell's text. What could not be decoded becomes a byte that no text has, so that the cell is
/// reported and never kept with a stand-in.
fn push_cell(bytes: &mut Vec<u8>, cell: &str) {
    if cell.is_ascii() {
        bytes.extend_from_slice(cell.as_bytes());
        return;
    }
    let mut parts = cell.split('\u{FFFD}');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        bytes.push(UNDECODABLE);
        bytes.extend_from_slice(part.as_bytes());
    }
}

/// A file in a publisher's layout.
pub(crate) struct Transformed {
    rows: Ahead,
    transform: Box<dyn Transform>,
    columns: Vec<SourceColumn>,
    understood: Understood,
    batch_rows: usize,
    batch_bytes: usize,
    ended: bool,
}

impl Transformed {
    pub(crate) fn new(
        rows: Ahead,
        transform: Box<dyn Transform>,
        preset: PresetName,
        recognised: &Recognised,
        options: &IntakeOptions,
    ) -> Self {
        let fields = &transform.contract().fields;
        let columns: Vec<_> =
            fields.iter().map(|field| SourceColumn::text(&field.name, None)).collect();
        let mut layout = transform.layout();
        let place = rows.layout();
        layout.sheet = layout.sheet.or(place.sheet);
        layout.notes.splice(0..0, place.notes);
        layout.preset = Some(preset);
        let encoding = recognised.format().is_text().then(|| recognised.encoding().name());
        let understood = Understood { encoding: encoding.map(str::to_owned), layout: Some(layout) };
        let batch_rows = options.rows_for(columns.len());
        let batch_bytes = options.batch_bytes;
        Self { rows, transform, columns, understood, batch_rows, batch_bytes, ended: false }
    }
}

impl Decode for Transformed {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn contract(&self) -> Option<&Contract> {
        Some(self.transform.contract())
    }

    fn changes(&mut self) -> Changes {
        let mut changes = self.rows.changes();
        changes.merge(self.transform.changes());
        changes
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let mut out = Output::new(self.columns.len());
        let mut row = Row::default();
        while !self.ended
            && out.block.rows() < self.batch_rows
            && out.block.bytes.len() < self.batch_bytes
        {
            if self.rows.next_row(&mut row)? {
                self.transform.row(&row, &mut out)?;
            } else {
                self.ended = true;
                self.transform.end(&mut out)?;
            }
        }
        let block = mem::take(&mut out.block);
        Ok((block.rows() > 0).then_some(Block::Text(block)))
    }
}
