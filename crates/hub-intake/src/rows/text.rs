//! Rows of a text file whose cells are separated by one character, read leniently: rows may be of any
//! length, and blank lines are rows too.

use std::io::Read;

use super::{Row, Rows};
use crate::IntakeError;

/// The most cells of a row: a layout that a publisher keeps has far fewer.
const MAX_CELLS: usize = 20_000;

pub(crate) struct TextRows {
    reader: csv::Reader<LineFeeds>,
    record: csv::ByteRecord,
    last_line: u64,
    /// A record was read that begins in `line` and has so many line ends within it.
    pending: bool,
    line: u64,
    inner: u64,
}

impl TextRows {
    /// Reads text that is UTF-8 by now.
    pub(crate) fn new(text: Box<dyn Read + Send>, delimiter: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(256 << 10)
            .from_reader(LineFeeds { text, held: None });
        Self {
            reader,
            record: csv::ByteRecord::new(),
            last_line: 0,
            pending: false,
            line: 0,
            inner: 0,
        }
    }
}

/// Text whose lines end in line feeds alone. The reader counts a line once it has read past the feed,
/// which it does too late where a carriage return ends a record before it.
struct LineFeeds {
    text: Box<dyn Read + Send>,
    /// A byte that was read to see what follows a carriage return at a buffer's end.
    held: Option<u8>,
}

impl Read for LineFeeds {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match self.held.take() {
            Some(held) => {
                buffer[0] = held;
                1
            }
            None => self.text.read(buffer)?,
        };
        if read > 0 && buffer[read - 1] == b'\r' {
            let mut next = [0];
            if self.text.read(&mut next)? == 1 {
                if next[0] == b'\n' {
                    buffer[read - 1] = b'\n';
                } else {
                    self.held = Some(next[0]);
                }
            }
        }
        let mut kept = 0;
        for at in 0..read {
            if buffer[at] != b'\r' || at + 1 == read || buffer[at + 1] != b'\n' {
                buffer[kept] = buffer[at];
                kept += 1;
            }
        }
        Ok(kept)
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
            // The reader knows the line that it has come to; a quoted cell may span several.
            self.inner = self.record.as_slice().iter().filter(|b| **b == b'\n').count() as u64;
            let come_to = self.reader.position().line();
            self.line = come_to.saturating_sub(1 + self.inner).max(self.last_line + 1);
        }
        // The reader passes over blank lines; they count as rows.
        self.last_line += 1;
        row.restart(self.last_line);
        if self.last_line < self.line {
            return Ok(true);
        }
        self.pending = false;
        let line = self.line;
        self.last_line = line + self.inner;
        if self.record.len() > MAX_CELLS {
            return Err(IntakeError::too_large(
                format!("{line}行目に{MAX_CELLS}を超える列があります。区切りを確かめてください"),
                format!("line {line} has more than {MAX_CELLS} cells; check what separates them"),
            ));
        }
        self.record.iter().for_each(|cell| row.push(&String::from_utf8_lossy(cell)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_lines_whatever_ends_them() {
        for newline in ["\n", "\r\n"] {
            let text = ["a,1", "", "\"b", "c\",2", "d"].join(newline);
            let mut rows = TextRows::new(Box::new(std::io::Cursor::new(text)), b',');
            let (mut row, mut found) = (Row::default(), Vec::new());
            while rows.next_row(&mut row).unwrap() {
                found.push((row.number(), row.get(0).to_owned()));
            }
            let expected = [(1, "a"), (2, ""), (3, "b\nc"), (5, "d")];
            assert_eq!(found, expected.map(|(line, cell)| (line, cell.to_owned())), "{newline:?}");
        }
    }
}
