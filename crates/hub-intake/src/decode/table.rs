//! A table in rows of cells: the first row with anything in it names the columns, and the others are its
//! rows.

use hub_model::{LayoutReport, MAX_FIELDS};

use super::{Block, BrokenRow, Decode, RowFault, SourceColumn, TextBlock, Understood};
use crate::{
    IntakeError, IntakeOptions,
    changes::Changes,
    rows::{Ahead, Row, Rows},
};

pub(crate) struct Table {
    rows: Ahead,
    columns: Vec<SourceColumn>,
    layout: LayoutReport,
    row: Row,
    batch_rows: usize,
    batch_bytes: usize,
    ended: bool,
}

impl Table {
    pub(crate) fn open(mut rows: Ahead, options: &IntakeOptions) -> Result<Self, IntakeError> {
        let mut row = Row::default();
        loop {
            if !rows.next_row(&mut row)? {
                return Err(IntakeError::unreadable(
                    "何も書かれていません。1行目に列の見出しを書いてください",
                    "there is nothing in it; write the columns' names in the first row",
                ));
            }
            if !row.is_blank() {
                break;
            }
        }
        if row.len() > MAX_FIELDS {
            return Err(IntakeError::unreadable(
                format!("列が{MAX_FIELDS}を超えています。列を減らすか、縦長の表にしてください"),
                format!(
                    "the table has more than {MAX_FIELDS} columns; leave some out, or turn them into rows"
                ),
            ));
        }
        // A column without a name may still hold values, which must not be lost without a word.
        let columns: Vec<_> = row
            .cells()
            .enumerate()
            .map(|(at, name)| SourceColumn::text(name, Some(at as u32)))
            .collect();
        let layout =
            LayoutReport { header_rows: Some((row.number(), row.number())), ..rows.layout() };
        let (batch_rows, batch_bytes) = (options.rows_for(columns.len()), options.batch_bytes);
        Ok(Self { rows, columns, layout, row, batch_rows, batch_bytes, ended: false })
    }
}

impl Decode for Table {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        Understood { encoding: None, layout: Some(self.layout.clone()) }
    }

    fn changes(&mut self) -> Changes {
        self.rows.changes()
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let width = self.columns.len();
        let mut block = TextBlock { width, ..TextBlock::default() };
        while !self.ended && block.rows() < self.batch_rows && block.bytes.len() < self.batch_bytes
        {
            if !self.rows.next_row(&mut self.row)? {
                self.ended = true;
                break;
            }
            if self.row.is_blank() {
                continue;
            }
            if self.row.len() > width
                && (width..self.row.len()).any(|at| !self.row.get(at).is_empty())
            {
                block.broken.push(BrokenRow {
                    rows_before: block.rows(),
                    line: self.row.number(),
                    fault: RowFault::Cells(self.row.len() as u64),
                });
                continue;
            }
            for column in 0..width {
                let start = block.bytes.len() as u32;
                block.bytes.extend_from_slice(self.row.get(column).as_bytes());
                block.spans.push((start, block.bytes.len() as u32));
            }
            block.lines.push(self.row.number());
        }
        Ok((block.rows() + block.broken.len() > 0).then_some(Block::Text(block)))
    }
}
