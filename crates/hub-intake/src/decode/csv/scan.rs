//! Where records and cells begin and end in a buffer of delimited text.

use super::{TextBlock, marks::Marks};
use crate::decode::{BrokenRow, RowFault};

/// How a scan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With the last whole record, or the last that was wanted.
    Done,
    /// In a record that is longer than allowed.
    TooLong { line: u64, quoted: bool },
    /// In a quote that the file's end leaves open.
    OpenQuote { line: u64 },
}

/// How many cells beyond the header's are remembered of a row that has too many.
const MORE_CELLS: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// Bytes of whole records.
    pub(super) consumed: usize,
    /// The line after them.
    pub(super) next_line: u64,
}

pub(super) struct Scan<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) first_line: u64,
    /// Whether the file ends with the buffer.
    pub(super) at_end: bool,
    pub(super) max_rows: usize,
    /// Where records may be of any width: how each came out.
    pub(super) ragged: Option<&'a mut Vec<Ragged>>,
    pub(super) max_record_bytes: usize,
    pub(super) delimiter: u8,
    pub(super) quote: u8,
}

/// A record that is as wide as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ragged {
    pub(crate) cells: usize,
    /// The line in which it ends.
    pub(crate) last_line: u64,
    pub(crate) text_after_quote: bool,
}

/// The record being taken apart.
struct Record {
    /// Where it begins.
    start: usize,
    line: u64,
    /// Where its current cell begins.
    cell: usize,
    /// Cells before the current one.
    cells: usize,
    /// Spans in the block before its own.
    spans: usize,
    /// Where the current cell's closing quote stands, once it has been met.
    closed: Option<usize>,
    /// Whether a cell of it holds doubled quotes.
    doubled: bool,
    text_after_quote: bool,
}

impl Record {
    fn new(start: usize, line: u64, spans: usize) -> Self {
        Self {
            start,
            line,
            cell: start,
            cells: 0,
            spans,
            closed: None,
            doubled: false,
            text_after_quote: false,
        }
    }

    fn is_blank(&self, end: usize) -> bool {
        self.cells == 0 && self.closed.is_none() && self.cell == end
    }
}

impl Scan<'_> {
    /// Adds whole records to the block's spans and lines. Nothing of a record that the buffer does not
    /// hold whole is kept or changed, so that it can be scanned again when more was read.
    pub(super) fn run(mut self, block: &mut TextBlock) -> Outcome {
        let len = self.bytes.len();
        let mut line = self.first_line;
        let mut record = Record::new(0, line, block.spans.len());
        let mut in_quotes = false;
        let mut records = 0;
        let (delimiter, quote) = (self.delimiter, self.quote);
        let mut marks = Marks::new(delimiter, quote);
        let mut whole = true;
        while records < self.max_rows {
            let Some(at) = marks.next(self.bytes) else {
                whole = false;
                break;
            };
            let byte = self.bytes[at];
            if in_quotes {
                match byte {
                    byte if byte == quote && self.bytes.get(at + 1) == Some(&quote) => {
                        record.doubled = true;
                        marks.next(self.bytes);
                    }
                    byte if byte == quote => {
                        in_quotes = false;
                        record.closed = Some(at);
                    }
                    b'\n' => line += 1,
                    b'\r' if self.bytes.get(at + 1) != Some(&b'\n') => line += 1,
                    _ => {}
                }
                continue;
            }
            match byte {
                byte if byte == delimiter => end_cell(self.bytes, &mut record, at, block),
                byte if byte == quote => {
                    if at == record.cell && record.closed.is_none() {
                        in_quotes = true;
                    }
                }
                _ => {
                    if byte == b'\r' {
                        match self.bytes.get(at + 1) {
                            Some(b'\n') => {
                                marks.next(self.bytes);
                            }
                            // The line feed that belongs to it may come with the next read.
                            None if !self.at_end => {
                                whole = false;
                                break;
                            }
                            _ => {}
                        }
                    }
                    let next = marks.position();
                    line += 1;
                    if record.is_blank(at) {
                        record = Record::new(next, line, block.spans.len());
                        continue;
                    }
                    if at - record.start > self.max_record_bytes {
                        return too_long(&record, line, false);
                    }
                    end_cell(self.bytes, &mut record, at, block);
                    self.end_record(&record, line - 1, block);
                    records += 1;
                    record = Record::new(next, line, block.spans.len());
                }
            }
        }
        let mut end = End::Done;
        if !whole && self.at_end && record.start < len {
            if len - record.start > self.max_record_bytes {
                return too_long(&record, line, in_quotes);
            }
            if in_quotes {
                end = End::OpenQuote { line: record.line };
            } else {
                end_cell(self.bytes, &mut record, len, block);
                self.end_record(&record, line, block);
                record = Record::new(len, line + 1, block.spans.len());
            }
        } else {
            block.spans.truncate(record.spans);
            if !whole && len - record.start > self.max_record_bytes {
                return too_long(&record, line, in_quotes);
            }
        }
        Outcome { end, consumed: record.start, next_line: record.line }
    }

    fn end_record(&mut self, record: &Record, last_line: u64, block: &mut TextBlock) {
        if record.doubled {
            undouble(self.bytes, &mut block.spans[record.spans..], self.quote);
        }
        if let Some(ragged) = &mut self.ragged {
            let (cells, text_after_quote) = (record.cells, record.text_after_quote);
            ragged.push(Ragged { cells, last_line, text_after_quote });
            block.lines.push(record.line);
            return;
        }
        let fault = if record.text_after_quote {
            Some(RowFault::TextAfterQuote)
        } else if record.cells != block.width && !has_only_delimiters_more(record, block) {
            Some(RowFault::Cells(record.cells as u64))
        } else {
            None
        };
        match fault {
            None => block.lines.push(record.line),
            Some(fault) => {
                let first = block.broken_spans.len();
                block.broken_spans.extend(block.spans.drain(record.spans..));
                let cells = (first, block.broken_spans.len());
                let rows_before = block.lines.len();
                block.broken.push(BrokenRow { rows_before, line: record.line, fault, cells });
            }
        }
    }
}

/// Whether what a record has beyond its table is delimiters alone, as spreadsheets leave them; they go.
fn has_only_delimiters_more(record: &Record, block: &mut TextBlock) -> bool {
    let width = block.width;
    let beyond = record.spans + width;
    let is_seen = record.cells > width && record.cells <= width + MORE_CELLS;
    let is_padded = is_seen && block.spans[beyond..].iter().all(|(start, end)| start == end);
    if is_padded {
        block.spans.truncate(beyond);
    }
    is_padded
}

fn too_long(record: &Record, line: u64, quoted: bool) -> Outcome {
    Outcome { end: End::TooLong { line: record.line, quoted }, consumed: 0, next_line: line }
}

/// Ends the current cell at a delimiter, a line's end or the file's.
fn end_cell(bytes: &[u8], record: &mut Record, at: usize, block: &mut TextBlock) {
    let (start, end) = match record.closed.take() {
        None => (record.cell, at),
        Some(quote) => {
            if bytes[quote + 1..at].iter().any(|b| *b != b' ' && *b != b'\t') {
                record.text_after_quote = true;
            }
            (record.cell + 1, quote)
        }
    };
    // Some cells too many are kept to show them; a row that is whole has none.
    if record.cells < block.width + MORE_CELLS {
        block.spans.push((start as u32, end as u32));
    }
    record.cells += 1;
    record.cell = at + 1;
}

/// Makes doubled quotes within the quoted cells of a record one quote, in place.
fn undouble(bytes: &mut [u8], spans: &mut [(u32, u32)], quote: u8) {
    for (start, end) in spans {
        let (from, to) = (*start as usize, *end as usize);
        if from == 0 || bytes[from - 1] != quote {
            continue;
        }
        let mut write = from;
        let mut read = from;
        while read < to {
            bytes[write] = bytes[read];
            read += if bytes[read] == quote && read + 1 < to { 2 } else { 1 };
            write += 1;
        }
        *end = write as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use crate::{
        IntakeOptions,
        decode::{Block, Decode, csv::CsvDecoder},
        dialect::Dialect,
        encoding::TextEncoding,
    };

    /// All records as csv-core reads them.
    fn by_csv_core(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv_core::Reader::new();
        let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = text;
        loop {
            let mut out = [0; 16];
            let (result, read, written) = reader.read_field(rest, &mut out);
            rest = &rest[read..];
            cell.extend_from_slice(&out[..written]);
            match result {
                csv_core::ReadFieldResult::Field { record_end } => {
                    record.push(std::mem::take(&mut cell));
                    if record_end {
                        records.push(std::mem::take(&mut record));
                    }
                }
                csv_core::ReadFieldResult::End => return records,
                _ => {}
            }
        }
    }

    fn by_decoder(text: &[u8], batch_rows: usize) -> Vec<Vec<Vec<u8>>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let text = TextEncoding::Utf8.read(file).unwrap();
        let options = IntakeOptions { batch_rows, ..IntakeOptions::default() };
        let mut decoder =
            CsvDecoder::open(text, TextEncoding::Utf8, Dialect::COMMAS, &options).unwrap();
        let header = decoder.columns().iter().map(|c| c.name.clone().into_bytes()).collect();
        let mut records = vec![header];
        while let Some(Block::Text(block)) = decoder.next_block().unwrap() {
            assert!(block.broken.is_empty(), "{:?}", block.broken);
            assert!(block.rows() <= batch_rows);
            for row in 0..block.rows() {
                records.push((0..block.width).map(|c| block.cell(row, c).to_vec()).collect());
            }
        }
        records
    }

    fn cell() -> impl Strategy<Value = (String, bool)> {
        ("[a-z ,\"\r\n水]{0,12}", any::<bool>())
    }

    proptest! {
        #[test]
        fn records_are_those_that_csv_core_finds(
            rows in proptest::collection::vec(proptest::collection::vec(cell(), 3), 0..30),
            line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            ends in any::<bool>(),
            batch_rows in 1usize..20,
        ) {
            let mut text = format!("a,b,c{line_end}");
            for row in &rows {
                let cells: Vec<String> = row
                    .iter()
                    .map(|(cell, quoted)| {
                        if *quoted || cell.contains(['"', ',', '\r', '\n']) {
                            format!("\"{}\"", cell.replace('"', "\"\""))
                        } else {
                            cell.clone()
                        }
                    })
                    .collect();
                text.push_str(&cells.join(","));
                text.push_str(line_end);
            }
            if !ends {
                text.truncate(text.len() - line_end.len());
            }
            prop_assert_eq!(by_decoder(text.as_bytes(), batch_rows), by_csv_core(text.as_bytes()));
        }
    }

    #[test]
    fn delimiters_beyond_the_table_are_no_cells() {
        let records = by_decoder(b"a,b\n1,2,\n3,4,,\"\"\n5,6\n", 10);
        let rows: Vec<_> = records.iter().map(|row| row.concat()).collect();
        assert_eq!(rows, [&b"ab"[..], b"12", b"34", b"56"]);
    }

    #[test]
    fn the_mark_that_ends_a_file_of_old_is_no_record_and_no_part_of_one() {
        for text in ["a,b\r\n1,2\r\n\x1A", "a,b\n1,2\x1A\x1A", "a,b\n1,\"2\"\n\x1A\x1A\x1A"] {
            let records = by_decoder(text.as_bytes(), 10);
            assert_eq!(records[1..], [[&b"1"[..], b"2"]], "{text:?}");
        }
        // Also where the first read ends right before it.
        let mut text = format!("a,b\n{}", "1,22\n".repeat(64 << 10)).into_bytes();
        text.truncate(64 << 10);
        text.push(0x1A);
        assert!(by_decoder(&text, 10).iter().flatten().flatten().all(|byte| *byte != 0x1A));
    }

    #[test]
    fn records_are_the_same_however_reads_cut_them() {
        // Longer than the first read, with quotes, doubled quotes and line ends at its every place.
        let mut text = String::from("a,b\n");
        let mut row = 0;
        while text.len() < 400_000 {
            let filler = "x".repeat(row % 23);
            text.push_str(&format!("\"{filler}\"\"\r\n,\",{row}\r\n"));
            row += 1;
        }
        for batch_rows in [7, 1_000, 100_000] {
            let records = by_decoder(text.as_bytes(), batch_rows);
            assert_eq!(records, by_csv_core(text.as_bytes()));
        }
    }
}
