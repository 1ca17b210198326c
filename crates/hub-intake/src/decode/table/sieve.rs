//! What of a table's rows is data and what is left out: notes, headings that are repeated, rows of
//! nothing. Rows that sum up others stay and are warned of. It knows rows, and not where they come from.

use std::collections::VecDeque;

use hub_model::{ChangeExample, ChangeKind, Text, Warning};

use crate::{
    changes::Changes,
    decode::{Output, RowFault},
    rows::Row,
    show::show_text,
    table::{self, Found, Kind},
};

/// The most rows that are held back until it is known whether data follows them.
const MAX_HELD: usize = 1_000;

pub(super) struct Sieve {
    pub(super) found: Found,
    /// Each column's place in the file.
    places: Vec<usize>,
    /// Whether rows are as wide as the table unless cells are missing: sheets have no such thing.
    is_text: bool,
    changes: Changes,
    /// Rows of one cell or none that are data if more data follows.
    held: VecDeque<Row>,
    /// Rows of data that were held back and are to be given out before any other is taken.
    ready: VecDeque<Row>,
    keeps_hollow: bool,
    after_blank: bool,
    totals: u64,
    first_total: Option<(u64, String)>,
    /// The first value that stands outside the table's columns.
    stray: Option<(u64, usize, String)>,
    strays: u64,
}

impl Sieve {
    pub(super) fn new(found: Found, is_text: bool) -> Self {
        let places = found.columns.iter().filter_map(|column| column.position);
        Self {
            places: places.map(|place| place as usize).collect(),
            keeps_hollow: is_text && found.is_plain,
            found,
            is_text,
            changes: Changes::default(),
            held: VecDeque::new(),
            ready: VecDeque::new(),
            after_blank: false,
            totals: 0,
            first_total: None,
            stray: None,
            strays: 0,
        }
    }

    /// Whether rows of nothing may be rows whose values are all missing.
    pub(super) fn keeps_hollow(&self) -> bool {
        self.keeps_hollow
    }

    /// Takes the next row, and gives it out if it is data. What was held back before it waits for
    /// [`Self::give_ready`], and the row behind that.
    pub(super) fn take(&mut self, row: &Row, out: &mut Output) {
        match table::classify(row, self.found.width, &self.found.headings) {
            // In a table that is plain otherwise these may be rows without values.
            Kind::Blank if self.keeps_hollow && row.len() > 1 && self.held.len() < MAX_HELD => {
                self.held.push_back(row.clone());
                return;
            }
            Kind::Blank => {
                self.leave_out(row);
                self.after_blank = true;
                return;
            }
            Kind::Heading => {
                self.leave_out(row);
                return;
            }
            Kind::Note => {
                self.leave_out_held();
                self.leave_out(row);
                return;
            }
            Kind::Lone if self.held.len() < MAX_HELD => {
                // In a text file whose other cells are there and empty it is a key without values; where
                // they are not there, and in a sheet after a blank row, it is a note.
                let is_padded = self.is_text && row.len() >= self.found.width;
                let is_note = self.after_blank || table::is_sentence(row.get(0));
                if !is_padded && (is_note || !self.held.is_empty()) {
                    self.held.push_back(row.clone());
                    return;
                }
            }
            Kind::Total => {
                self.totals += 1;
                let first = row.cells().find(|cell| !cell.is_empty()).unwrap_or_default();
                self.first_total.get_or_insert_with(|| (row.number(), show_text(first)));
            }
            Kind::Lone | Kind::Data => {}
        }
        self.after_blank = false;
        if self.held.is_empty() {
            self.give(row, out);
        } else {
            self.ready.append(&mut self.held);
            self.ready.push_back(row.clone());
        }
    }

    /// The file has ended: what is held back is notes and leavings, but for a few rows that are merely
    /// empty.
    pub(super) fn end(&mut self) {
        if self.held.len() < table::HOLLOW && self.held.iter().all(Row::is_blank) {
            self.ready.append(&mut self.held);
        }
        self.leave_out_held();
    }

    /// Gives out one row that was held back; false where there is none.
    pub(super) fn give_ready(&mut self, out: &mut Output) -> bool {
        let Some(row) = self.ready.pop_front() else { return false };
        self.give(&row, out);
        true
    }

    fn leave_out_held(&mut self) {
        while let Some(held) = self.held.pop_front() {
            self.leave_out(&held);
        }
    }

    fn give(&mut self, row: &Row, out: &mut Output) {
        let width = self.found.width;
        let number = row.number();
        let beyond = (width..row.len()).rev().find(|column| !row.get(*column).is_empty());
        let fault = if row.has_text_after_quote {
            Some(RowFault::TextAfterQuote)
        } else if let Some(last) = beyond {
            Some(RowFault::Cells(last as u64 + 1))
        } else if self.is_text && row.len() < width {
            Some(RowFault::Cells(row.len() as u64))
        } else {
            None
        };
        if let Some(fault) = fault {
            out.push_broken(row, fault);
            return;
        }
        if self.places.len() < width {
            let is_kept = |column: usize| self.places.binary_search(&column).is_ok();
            let stray = (0..width).find(|c| !row.get(*c).is_empty() && !is_kept(*c));
            if let Some(column) = stray {
                self.strays += 1;
                self.stray.get_or_insert_with(|| (number, column, show_text(row.get(column))));
            }
        }
        out.push_all(number, self.places.iter().map(|column| row.raw(*column)));
    }

    /// Counts a row that is left out; a blank one needs no example.
    pub(super) fn leave_out(&mut self, row: &Row) {
        if row.is_blank() {
            self.changes.count(ChangeKind::LeftOut, 1);
            return;
        }
        self.changes.add(ChangeKind::LeftOut, || {
            let mut cells: Vec<&str> = row.cells().filter(|cell| !cell.is_empty()).collect();
            cells.dedup();
            cells.truncate(8);
            ChangeExample {
                row: Some(row.number()),
                column: None,
                cell: None,
                before: show_text(&cells.join(" ")),
                after: String::new(),
            }
        });
    }

    /// What was left out.
    pub(super) fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// What looks wrong in the table as a whole.
    pub(super) fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some((row, value)) = self.first_total.take() {
            let count = self.totals;
            warnings.push(Warning {
                row: Some(row),
                column: None,
                value: Some(value),
                message: Text::new(
                    format!(
                        "合計と見られる行が{count}行あり、ほかの行と同じデータとして読みました"
                    ),
                    format!("{count} rows seem to sum up others and were read as data like them"),
                ),
                fix: Text::new(
                    "集計で二重に数えないよう、要らなければファイルから除いて送り直してください",
                    "take them out and send the file again if sums should not count them twice",
                ),
            });
        }
        if let Some((row, column, value)) = self.stray.take() {
            let (column, count) = (column + 1, self.strays);
            warnings.push(Warning {
                row: Some(row),
                column: None,
                value: Some(value),
                message: Text::new(
                    format!("見出しのない{column}列目などに値のある行が{count}行あり、その値は読みませんでした"),
                    format!("{count} rows have a value in a column without heading, such as column {column}, which was not read"),
                ),
                fix: Text::new(
                    "要る値なら、その列に見出しを付けて送り直してください",
                    "if the value is needed, give the column a heading and send the file again",
                ),
            });
        }
        warnings
    }
}
