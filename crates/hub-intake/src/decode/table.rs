//! A table somewhere in a file's rows: titles above it, headings over several rows, notes below it.
//!
//! Rows that are no data are left out and counted with examples; rows that sum up others stay and are
//! warned of. A file whose first line is its heading and whose rows are all data takes the fast path
//! instead, which reads the same rows in the same way.

use std::{
    collections::VecDeque,
    io::{Read, Seek, SeekFrom},
};

use hub_model::{ChangeExample, ChangeKind, LayoutReport, MAX_FIELDS, Text, Warning};

use super::{Block, Decode, Output, RowFault, SourceColumn, Understood, csv::CsvDecoder, headings};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    changes::Changes,
    dialect::{Delimiter, Dialect},
    rows::{Ahead, Row, Rows, TextRows},
    show::show_text,
    table::{self, Found, Kind},
};

/// How much of a file's end is looked at for notes.
const FOOT_BYTES: u64 = 64 << 10;
const FOOT_ROWS: usize = 60;

/// The most rows that are held back until it is known whether data follows them.
const MAX_HELD: usize = 1_000;

/// Opens a file of rows: by the fast path where its table is plain.
pub(crate) fn open(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<Box<dyn Decode>, IntakeError> {
    let mut rows = Ahead::new(recognised.rows()?);
    let asked = recognised.header_rows();
    let is_text = recognised.format().is_text();
    let dialect = recognised.dialect();
    let bytes_separate = matches!(dialect.delimiter, Delimiter::Byte(_));
    let found = match rows.peek(table::LOOKED_AT) {
        Ok(head) => {
            let found = table::find(head, asked);
            match found {
                Ok(found) if is_text && bytes_separate && asked.is_none() => {
                    let plain = found.is_plain
                        && is_plain_below(head, &found)
                        && has_plain_foot(recognised, &found)?;
                    if plain { None } else { Some(found) }
                }
                Err(_) if is_text && bytes_separate && is_beyond_search(head) => None,
                found => Some(found?),
            }
        }
        // The fast path says best what is wrong with such a file.
        Err(IntakeError::UnreadableFile { .. } | IntakeError::TooLarge { .. })
            if is_text && bytes_separate && asked.is_none() =>
        {
            None
        }
        Err(error) => return Err(error),
    };
    let Some(found) = found else {
        let encoding = recognised.encoding();
        return Ok(Box::new(CsvDecoder::open(recognised.text()?, encoding, dialect, options)?));
    };
    // The look at the foot has moved the file's position.
    let rows = if is_text { Ahead::new(recognised.rows()?) } else { rows };
    Ok(Box::new(TableDecoder::new(recognised, rows, found, options)?))
}

/// Whether the fast path says better what is wrong: there is nothing, or more than a table can have.
fn is_beyond_search(head: &[Row]) -> bool {
    head.iter().all(|row| row.len() == 0) || head.iter().any(|row| row.len() > MAX_FIELDS)
}

/// Whether the rows looked at are all data of the table's width.
fn is_plain_below(head: &[Row], found: &Found) -> bool {
    head[found.before_data..].iter().all(|row| {
        // Rows of another width are told as such, and blank lines are passed over, by the fast path.
        !matches!(
            table::classify(row, found.width, &found.headings),
            Kind::Note | Kind::Heading | Kind::Total
        )
    })
}

/// Whether the file's last rows are data like the others.
fn has_plain_foot(recognised: &Recognised, found: &Found) -> Result<bool, IntakeError> {
    let mut file = recognised.file()?;
    let length = file.seek(SeekFrom::End(0))?;
    // Two bytes make a character of UTF-16.
    let start = length.saturating_sub(FOOT_BYTES) & !1;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(FOOT_BYTES + 1).read_to_end(&mut bytes)?;
    let text = recognised.encoding().glance(&bytes);
    let lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).collect();
    // The first line is cut, or the heading.
    let lines = &lines[..lines.len().saturating_sub(1).min(FOOT_ROWS)];
    let mut rows = Vec::new();
    for line in lines {
        // Each line by itself: a quote that spans lines must not swallow the rest.
        let line = std::io::Cursor::new(format!("{line}\n").into_bytes());
        let mut row = Row::default();
        if TextRows::new(Box::new(line), recognised.dialect()).next_row(&mut row).is_ok() {
            rows.push(row);
        }
    }
    Ok(!table::looks_like_foot(&rows, found.width))
}

struct TableDecoder {
    rows: Ahead,
    found: Found,
    columns: Vec<SourceColumn>,
    /// Each column's place in the file.
    places: Vec<usize>,
    understood: Understood,
    /// Whether rows are as wide as the table unless cells are missing: sheets have no such thing.
    is_text: bool,
    changes: Changes,
    /// Rows of one cell or none that are data if more data follows.
    held: VecDeque<Row>,
    /// Rows of data that are not given out yet.
    ready: VecDeque<Row>,
    keeps_hollow: bool,
    after_blank: bool,
    totals: u64,
    first_total: Option<(u64, String)>,
    /// The first value that stands outside the table's columns.
    stray: Option<(u64, usize, String)>,
    strays: u64,
    batch_rows: usize,
    batch_bytes: usize,
    ended: bool,
}

impl TableDecoder {
    fn new(
        recognised: &Recognised,
        mut rows: Ahead,
        found: Found,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        if found.columns.iter().any(|column| table::is_undecodable(&column.name)) {
            return Err(headings::undecodable(recognised.encoding()));
        }
        let mut changes = Changes::default();
        let mut row = Row::default();
        for index in 0..found.before_data {
            if !rows.next_row(&mut row)? {
                break;
            }
            // A title that can't be read may be the heading in another encoding.
            if row.cells().any(table::is_undecodable) {
                return Err(headings::undecodable(recognised.encoding()));
            }
            if index < found.above {
                leave_out(&mut changes, &row);
            }
        }
        let is_text = recognised.format().is_text();
        let dialect = recognised.dialect();
        let within = rows.layout();
        let mut notes = within.notes.clone();
        notes.extend(found.notes.iter().cloned());
        let layout = LayoutReport {
            delimiter: (is_text && dialect != Dialect::COMMAS).then(|| dialect.name()),
            header_rows: Some(found.header_rows),
            notes,
            ..within
        };
        let encoding = is_text.then(|| recognised.encoding().name().to_owned());
        let columns = found.columns.clone();
        let places =
            columns.iter().filter_map(|column| column.position).map(|place| place as usize);
        let places = places.collect();
        let keeps_hollow = is_text && found.is_plain;
        let batch_rows = options.rows_for(columns.len());
        Ok(Self {
            rows,
            found,
            columns,
            places,
            understood: Understood { encoding, layout: Some(layout) },
            is_text,
            changes,
            held: VecDeque::new(),
            ready: VecDeque::new(),
            keeps_hollow,
            after_blank: false,
            totals: 0,
            first_total: None,
            stray: None,
            strays: 0,
            batch_rows,
            batch_bytes: options.batch_bytes,
            ended: false,
        })
    }

    fn take(&mut self, row: &Row, out: &mut Output) {
        match table::classify(row, self.found.width, &self.found.headings) {
            // In a table that is plain otherwise these may be rows without values.
            Kind::Blank if self.keeps_hollow && row.len() > 1 && self.held.len() < MAX_HELD => {
                self.held.push_back(row.clone());
                return;
            }
            Kind::Blank => {
                leave_out(&mut self.changes, row);
                self.after_blank = true;
                return;
            }
            Kind::Heading => return leave_out(&mut self.changes, row),
            Kind::Note => {
                self.leave_out_held();
                return leave_out(&mut self.changes, row);
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

    fn leave_out_held(&mut self) {
        while let Some(held) = self.held.pop_front() {
            leave_out(&mut self.changes, &held);
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
        let cells: Vec<&str> = self.places.iter().map(|column| row.raw(*column)).collect();
        out.push(number, None, &cells);
    }
}

/// Counts a row that is left out; a blank one needs no example.
fn leave_out(changes: &mut Changes, row: &Row) {
    if row.is_blank() {
        changes.count(ChangeKind::LeftOut, 1);
        return;
    }
    changes.add(ChangeKind::LeftOut, || {
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

impl Decode for TableDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn changes(&mut self) -> Changes {
        let mut changes = std::mem::take(&mut self.changes);
        changes.merge(self.rows.changes());
        changes
    }

    fn warnings(&mut self) -> Vec<Warning> {
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

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let mut out = Output::new(self.columns.len());
        let mut row = Row::default();
        while !(self.ended && self.ready.is_empty())
            && out.len() < self.batch_rows
            && out.bytes() < self.batch_bytes
        {
            if let Some(row) = self.ready.pop_front() {
                self.give(&row, &mut out);
            } else if self.rows.next_row(&mut row)? {
                self.take(&row, &mut out);
            } else {
                self.ended = true;
                // At the end they are notes and leavings, but for a few that are merely empty.
                if self.held.len() < table::HOLLOW && self.held.iter().all(Row::is_blank) {
                    self.ready.append(&mut self.held);
                }
                self.leave_out_held();
            }
        }
        Ok(out.finish().map(Block::Text))
    }
}
