//! A table of plain rows that has titles above it or notes below it, read as fast as a plain file. Its
//! heading was found by looking at rows; its last rows are held back until the file has ended, since
//! only then are they known to be the foot. Of the rows between them only those are looked at once more
//! that are not as full as data is.

use std::collections::VecDeque;

use hub_model::Warning;

use super::{FOOT_ROWS, below, layout, sieve::Sieve};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    changes::Changes,
    decode::{
        Block, BrokenRow, Decode, Output, RowFault, SourceColumn, TextBlock, Understood,
        csv::CsvDecoder,
    },
    rows::{Ahead, Row},
    table::{self, Found, Kind},
};

pub(super) struct FootedDecoder {
    csv: CsvDecoder,
    sieve: Sieve,
    understood: Understood,
    /// What was decoded and may reach into the foot.
    waiting: VecDeque<TextBlock>,
    /// What is left to give out once the file has ended.
    last: VecDeque<TextBlock>,
    batch_rows: usize,
    ended: bool,
}

impl FootedDecoder {
    /// `rows` are the file's from its first.
    pub(super) fn new(
        recognised: &Recognised,
        mut rows: Ahead,
        found: Found,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let understood = layout(recognised, &found, &rows);
        let columns = found.columns.clone();
        // A blank line is a row, and no record.
        let head = rows.peek(found.before_data)?;
        let records = head.iter().filter(|row| row.len() > 0).count();
        let sieve = below(recognised, &mut rows, found)?;
        // One reader at a time, since they share the file's position.
        drop(rows);
        let csv = CsvDecoder::below(recognised, (records, columns), options)?;
        let batch_rows = options.rows_for(sieve.found.columns.len());
        let (waiting, last) = (VecDeque::new(), VecDeque::new());
        Ok(Self { csv, sieve, understood, waiting, last, batch_rows, ended: false })
    }

    /// Takes rows out of a block that are no data.
    fn sift(&mut self, block: TextBlock) -> TextBlock {
        let mut row = Row::default();
        let mut left_out = Vec::new();
        for at in 0..block.rows() {
            if self.is_odd(&block, at) {
                whole_row(&block, at, &mut row);
                if self.is_left_out(&row) {
                    left_out.push(at);
                }
            }
        }
        let mut broken = Vec::new();
        for faulty in &block.broken {
            broken_row(&block, faulty, &mut row);
            if !self.is_left_out(&row) {
                broken.push(*faulty);
            }
        }
        without(block, &left_out, broken)
    }

    /// Whether a row may be something else than data: it ends with nothing, or begins as the heading does.
    fn is_odd(&self, block: &TextBlock, row: usize) -> bool {
        let cells = &block.spans[row * block.width..(row + 1) * block.width];
        let is_empty = |(start, end): &(u32, u32)| start == end;
        let last = if cells.len() > 2 { 2 } else { 1 };
        if cells.iter().rev().take(last).all(is_empty) {
            return true;
        }
        let first = block.cell(row, 0);
        self.sieve.found.headings.iter().any(|heading| {
            heading.first().is_some_and(|cell| !cell.is_empty() && cell.as_bytes() == first)
        })
    }

    /// Whether a row that stands among data is none.
    fn is_left_out(&mut self, row: &Row) -> bool {
        let found = &self.sieve.found;
        let is_none = match table::classify(row, found.width, &found.headings) {
            Kind::Note | Kind::Heading => true,
            Kind::Blank => !self.sieve.keeps_hollow(),
            Kind::Lone | Kind::Total | Kind::Data => false,
        };
        if is_none {
            self.sieve.leave_out(row);
        }
        is_none
    }

    /// Gives the foot to the sieve, and what stands above it out as it is.
    fn end(&mut self) {
        let all: usize = self.waiting.iter().map(records).sum();
        let mut above = all.saturating_sub(FOOT_ROWS);
        let mut foot = VecDeque::new();
        let mut out = Output::new(self.sieve.found.columns.len());
        let mut row = Row::default();
        let mut next_line = None;
        while let Some(mut block) = self.waiting.pop_front() {
            let order = order(&block);
            let kept = above.min(order.len());
            above -= kept;
            for place in &order[kept..] {
                match place {
                    Place::Row(at) => whole_row(&block, *at, &mut row),
                    Place::Broken(at) => broken_row(&block, &block.broken[*at], &mut row),
                }
                // Blank lines are no records, and yet they part a table from its notes.
                if next_line.is_some_and(|next| row.number() > next) {
                    self.sieve.take(&Row::default(), &mut out);
                }
                next_line = Some(row.number() + 1 + line_ends(&row));
                self.sieve.take(&row, &mut out);
                self.give_ready(&mut out, &mut foot);
            }
            let rows = order[..kept].iter().filter(|place| matches!(place, Place::Row(_))).count();
            block.spans.truncate(rows * block.width);
            block.lines.truncate(rows);
            block.broken.truncate(kept - rows);
            let block = self.sift(block);
            if records(&block) > 0 {
                self.last.push_back(block);
            }
        }
        self.sieve.end();
        self.give_ready(&mut out, &mut foot);
        self.last.append(&mut foot);
        self.last.extend(out.finish());
    }

    /// Gives out what the sieve has, in blocks of no more rows than are asked for.
    fn give_ready(&mut self, out: &mut Output, full: &mut VecDeque<TextBlock>) {
        loop {
            if out.len() >= self.batch_rows {
                let width = self.sieve.found.columns.len();
                full.extend(std::mem::replace(out, Output::new(width)).finish());
            }
            if !self.sieve.give_ready(out) {
                return;
            }
        }
    }
}

impl Decode for FootedDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.sieve.found.columns
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn changes(&mut self) -> Changes {
        self.sieve.changes()
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.sieve.warnings()
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        loop {
            if let Some(block) = self.last.pop_front() {
                return Ok(Some(Block::Text(block)));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(block) = self.csv.next_text()? else {
                self.ended = true;
                self.end();
                continue;
            };
            self.waiting.push_back(block);
            let behind: usize = self.waiting.iter().skip(1).map(records).sum();
            if behind >= FOOT_ROWS
                && let Some(block) = self.waiting.pop_front()
            {
                let block = self.sift(block);
                if records(&block) > 0 {
                    return Ok(Some(Block::Text(block)));
                }
            }
        }
    }
}

/// How many rows a block has, broken ones included.
fn records(block: &TextBlock) -> usize {
    block.rows() + block.broken.len()
}

/// Where a record stands in a block.
#[derive(Debug, Clone, Copy)]
enum Place {
    Row(usize),
    Broken(usize),
}

/// The records of a block in the order of the file.
fn order(block: &TextBlock) -> Vec<Place> {
    let mut order = Vec::with_capacity(records(block));
    let mut broken = block.broken.iter().enumerate().peekable();
    for row in 0..=block.rows() {
        while let Some((at, _)) = broken.next_if(|(_, broken)| broken.rows_before <= row) {
            order.push(Place::Broken(at));
        }
        if row < block.rows() {
            order.push(Place::Row(row));
        }
    }
    order
}

fn whole_row(block: &TextBlock, at: usize, row: &mut Row) {
    row.restart(block.lines[at]);
    for column in 0..block.width {
        row.push(&String::from_utf8_lossy(block.cell(at, column)));
    }
}

fn broken_row(block: &TextBlock, broken: &BrokenRow, row: &mut Row) {
    row.restart(broken.line);
    for cell in block.broken_cells(broken) {
        row.push(&String::from_utf8_lossy(cell));
    }
    row.has_text_after_quote = broken.fault == RowFault::TextAfterQuote;
}

/// How many line ends a row's cells hold.
fn line_ends(row: &Row) -> u64 {
    (0..row.len())
        .map(|column| row.raw(column).replace("\r\n", "\n"))
        .map(|cell| cell.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64)
        .sum()
}

/// The block without some of its rows, and with these of its broken ones.
fn without(mut block: TextBlock, left_out: &[usize], broken: Vec<BrokenRow>) -> TextBlock {
    block.broken = broken;
    if left_out.is_empty() {
        return block;
    }
    for broken in &mut block.broken {
        broken.rows_before -= left_out.partition_point(|row| *row < broken.rows_before);
    }
    let is_kept = |row: &usize| left_out.binary_search(row).is_err();
    let kept: Vec<usize> = (0..block.rows()).filter(is_kept).collect();
    let width = block.width;
    block.spans = kept
        .iter()
        .flat_map(|row| block.spans[row * width..(row + 1) * width].iter().copied())
        .collect();
    block.lines = kept.iter().map(|row| block.lines[*row]).collect();
    block
}
