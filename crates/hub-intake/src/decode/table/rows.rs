//! A table read row by row: of a sheet, or of a text file whose shape only this way tells.

use hub_model::Warning;

use super::{below, layout, sieve::Sieve};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    changes::Changes,
    decode::{Block, Decode, Output, SourceColumn, Understood},
    rows::{Ahead, Row, Rows},
    table::Found,
};

pub(super) struct TableDecoder {
    rows: Ahead,
    sieve: Sieve,
    understood: Understood,
    batch_rows: usize,
    batch_bytes: usize,
    ended: bool,
}

impl TableDecoder {
    pub(super) fn new(
        recognised: &Recognised,
        mut rows: Ahead,
        found: Found,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let understood = layout(recognised, &found, &rows);
        let sieve = below(recognised, &mut rows, found)?;
        let batch_rows = options.rows_for(sieve.found.columns.len());
        let batch_bytes = options.batch_bytes;
        Ok(Self { rows, sieve, understood, batch_rows, batch_bytes, ended: false })
    }
}

impl Decode for TableDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.sieve.found.columns
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn changes(&mut self) -> Changes {
        let mut changes = self.sieve.changes();
        changes.merge(self.rows.changes());
        changes
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.sieve.warnings()
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let mut out = Output::new(self.sieve.found.columns.len());
        let mut row = Row::default();
        while out.len() < self.batch_rows && out.bytes() < self.batch_bytes {
            if self.sieve.give_ready(&mut out) {
                continue;
            }
            if self.ended {
                break;
            }
            if self.rows.next_row(&mut row)? {
                self.sieve.take(&row, &mut out);
            } else {
                self.ended = true;
                self.sieve.end();
            }
        }
        Ok(out.finish().map(Block::Text))
    }
}
