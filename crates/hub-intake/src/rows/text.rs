//! Rows of a text file whose cells are separated by one character, read leniently: rows may be of any
//! length, and blank lines are rows too.

use std::io::Read;

use super::{Row, Rows};
use crate::IntakeError;

/// The most cells of a row: a layout that a publisher keeps has far fewer.
const MAX_CELLS: usize = 20_000;

pub(crate) struct TextRows {
    reader: csv::Reader<Box<dyn Read + Send>>,
    record: csv::ByteRecord,
    last_line: u64,
    pending: bool,
}

impl TextRows {
    /// Reads text that is UTF-8 by now.
    pub(crate) fn new(text: Box<dyn Read + Send>, delimiter: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(256 << 10)
            .from_reader(text);
        Self { reader, record: csv::ByteRecord::new(), last_line: 0, pending: false }
    }
}

impl Rows for TextRows {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        if !self.pending {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => self.pending = true,
                Ok(false) => return Ok(false),
                Err(error) => return Err(unreadable(&error, self.last_line)),
            }
        }
        let line = self.record.position().map_or(self.last_line + 1, csv::Position::line);
        // The reader passes over blank lines; they count as rows.
        self.last_line += 1;
        row.restart(self.last_line);
        if self.last_line < line {
            return Ok(true);
        }
        self.last_line = line;
        row.restart(line);
        self.pending = false;
        if self.record.len() > MAX_CELLS {
            return Err(IntakeError::too_large(
                format!("{line}行目に{MAX_CELLS}を超える列があります。区切りを確かめてください"),
                format!("line {line} has more than {MAX_CELLS} cells; check what separates them"),
            ));
        }
        self.record.iter().for_each(|cell| row.push(&String::from_utf8_lossy(cell)));
        // A quoted cell may span lines; the next record tells where it begins.
        self.last_line = self.reader.position().line().saturating_sub(1).max(line);
        Ok(true)
    }
}

fn unreadable(error: &csv::Error, line: u64) -> IntakeError {
    let line = line + 1;
    IntakeError::unreadable(
        format!("{line}行目が読めません（{error}）。保存し直して、もう一度送ってください"),
        format!("line {line} can't be read ({error}); save the file anew and send it again"),
    )
}
