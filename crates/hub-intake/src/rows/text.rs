//! Rows of a text file whose cells are separated by one character or by spaces: rows may be of any
//! length, and blank lines are rows too.

use std::io::Read;

use super::{Row, Rows};
use crate::{
    IntakeError,
    decode::{Ragged, Records, TextBlock},
    dialect::{Delimiter, Dialect, NO_CHARACTER},
};

/// The most cells of a row: a layout that a publisher keeps has far fewer.
const MAX_CELLS: usize = 20_000;

/// The longest row in bytes.
const MAX_RECORD_BYTES: usize = 8 << 20;

/// How many rows are taken apart at once.
const ROWS: usize = 512;

pub(crate) struct TextRows {
    records: Records,
    spaced: bool,
    block: TextBlock,
    found: Vec<Ragged>,
    /// The next of `found`, and where its cells begin in the block.
    next: usize,
    span: usize,
    last_line: u64,
}

impl TextRows {
    /// Reads text that is UTF-8 by now.
    pub(crate) fn new(text: Box<dyn Read + Send>, dialect: Dialect) -> Self {
        let (delimiter, spaced) = match dialect.delimiter {
            Delimiter::Byte(byte) => (byte, false),
            Delimiter::Spaces => (NO_CHARACTER, true),
        };
        Self {
            records: Records::new(text, delimiter, dialect.quote, ROWS, MAX_RECORD_BYTES),
            spaced,
            block: TextBlock::default(),
            found: Vec::new(),
            next: 0,
            span: 0,
            last_line: 0,
        }
    }

    /// Takes more records apart; false at the end.
    fn read_on(&mut self) -> Result<bool, IntakeError> {
        self.found.clear();
        (self.next, self.span) = (0, 0);
        while self.found.is_empty() {
            self.records.fill()?;
            if self.records.is_done() {
                return Ok(false);
            }
            self.block = TextBlock { width: MAX_CELLS, ..TextBlock::default() };
            self.records.scan(&mut self.block, Some(&mut self.found))?;
        }
        self.records.suit(self.block.bytes.len(), self.found.len());
        Ok(true)
    }
}

impl Rows for TextRows {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, IntakeError> {
        if self.next == self.found.len() && !self.read_on()? {
            return Ok(false);
        }
        let (record, line) = (self.found[self.next], self.block.lines[self.next]);
        // Blank lines are no records; they count as rows.
        self.last_line += 1;
        row.restart(self.last_line);
        if self.last_line < line {
            return Ok(true);
        }
        row.restart(line);
        if record.cells > MAX_CELLS {
            return Err(IntakeError::too_large(
                format!("{line}行目に{MAX_CELLS}を超える列があります。区切りを確かめてください"),
                format!("line {line} has more than {MAX_CELLS} cells; check what separates them"),
            ));
        }
        row.has_text_after_quote = record.text_after_quote;
        for (start, end) in &self.block.spans[self.span..self.span + record.cells] {
            let cell = String::from_utf8_lossy(&self.block.bytes[*start as usize..*end as usize]);
            if self.spaced {
                cell.split_ascii_whitespace().for_each(|word| row.push(word));
            } else {
                row.push(&cell);
            }
        }
        self.last_line = record.last_line;
        self.span += record.cells;
        self.next += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn rows(text: &str, dialect: Dialect) -> Vec<(u64, Vec<String>)> {
        let mut rows = TextRows::new(Box::new(Cursor::new(text.to_owned().into_bytes())), dialect);
        let (mut row, mut all) = (Row::default(), Vec::new());
        while rows.next_row(&mut row).unwrap() {
            all.push((row.number(), row.cells().map(str::to_owned).collect()));
        }
        all
    }

    fn shown(text: &str) -> String {
        format!("{:?}", rows(text, Dialect::COMMAS))
    }

    #[test]
    fn blank_lines_and_lines_within_quotes_are_counted() {
        assert_eq!(
            shown("\u{FEFF}題\n\n\"a\nb\",c\r\n\r\nd\n"),
            r#"[(1, ["題"]), (2, []), (3, ["a\nb", "c"]), (5, []), (6, ["d"])]"#
        );
        assert_eq!(shown(""), "[]");
        assert_eq!(shown(",\n"), r#"[(1, ["", ""])]"#);
    }

    #[test]
    fn rows_go_on_across_reads() {
        let text: String = (0..20_000).map(|row| format!("{row},\"x\"\"{row}\"\n")).collect();
        let rows = rows(&text, Dialect::COMMAS);
        assert_eq!(rows.len(), 20_000);
        assert_eq!(rows[12_345], (12_346, vec!["12345".to_owned(), "x\"12345".to_owned()]));
    }

    #[test]
    fn words_are_cells_where_spaces_separate_them() {
        let dialect = Dialect { delimiter: Delimiter::Spaces, quote: b'"' };
        let rows = rows("a   b\n 1\t 2 \n", dialect);
        assert_eq!(rows[1], (2, vec!["1".to_owned(), "2".to_owned()]));
    }
}
