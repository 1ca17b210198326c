//! CSV in UTF-8: RFC 4180 with any line end, a mark at the start or not. Records are found in large
//! reads by looking at eight bytes at a time, and cells stay where they were read.
//!
//! A blank line is no row, also in a table of one column, where `""` writes an empty cell. A quote
//! within a cell that does not begin with one is an ordinary character.

mod scan;

use std::io::Read;

use hub_model::MAX_FIELDS;
use scan::{End, Scan};

use super::{Block, Decode, SourceColumn, TextBlock, Understood};
use crate::{IntakeError, IntakeOptions, encoding::TextEncoding};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The least and the most that is read for a block; between them it follows the length of records.
const READ: std::ops::RangeInclusive<usize> = (64 << 10)..=(8 << 20);

pub(crate) struct CsvDecoder {
    file: Box<dyn Read + Send>,
    columns: Vec<SourceColumn>,
    encoding: TextEncoding,
    /// Read and not yet given out.
    pending: Vec<u8>,
    at_end: bool,
    /// The line that `pending` begins in.
    line: u64,
    /// How much to read for the next block.
    target: usize,
    batch_rows: usize,
    max_record_bytes: usize,
}

impl CsvDecoder {
    /// Reads text that is UTF-8 by now, whatever encoding the file has.
    pub(crate) fn open(
        file: Box<dyn Read + Send>,
        encoding: TextEncoding,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let mut decoder = Self {
            file,
            columns: Vec::new(),
            encoding,
            pending: Vec::new(),
            at_end: false,
            line: 1,
            target: options.batch_rows.saturating_mul(64).clamp(*READ.start(), 1 << 20),
            batch_rows: options.batch_rows.max(1),
            max_record_bytes: options.max_record_bytes.min(1 << 30),
        };
        decoder.read_header()?;
        Ok(decoder)
    }

    fn read_header(&mut self) -> Result<(), IntakeError> {
        self.fill()?;
        if self.pending.starts_with(BOM) {
            self.pending.drain(..BOM.len());
        }
        let mut block = TextBlock { width: MAX_FIELDS + 1, ..TextBlock::default() };
        let mut cells = self.scan(&mut block, Some(1))?.cells;
        while cells == 0 && !(self.at_end && self.pending.is_empty()) {
            self.fill()?;
            cells = self.scan(&mut block, Some(1))?.cells;
        }
        if cells == 0 {
            return Err(IntakeError::unreadable(
                "ファイルに何も書かれていません。1行目に列の見出しを書いてください",
                "there is nothing in the file; write the columns' names in the first line",
            ));
        }
        if cells > MAX_FIELDS {
            return Err(IntakeError::unreadable(
                format!("列が{MAX_FIELDS}を超えています。列を減らすか、縦長の表にしてください"),
                format!(
                    "the header has more than {MAX_FIELDS} columns; leave some out, or turn them into rows"
                ),
            ));
        }
        self.columns = (0..cells)
            .map(|column| {
                let (start, end) = block.spans[column];
                let name = std::str::from_utf8(&block.bytes[start as usize..end as usize])
                    .map_err(|_| {
                        IntakeError::unsupported(
                            "見出しがUTF-8ではありません。文字コードをUTF-8にしたCSVで保存して送ってください",
                            "the header is not in UTF-8; save the file as CSV in UTF-8 and send that",
                        )
                    })?;
                Ok(SourceColumn::text(name.trim(), Some(column as u32)))
            })
            .collect::<Result<_, IntakeError>>()?;
        self.refuse_odd_header()
    }

    fn refuse_odd_header(&self) -> Result<(), IntakeError> {
        if let [only] = self.columns.as_slice()
            && let Some((ja, en)) = [(";", "セミコロン", "semicolons"), ("\t", "タブ", "tabs")]
                .iter()
                .find(|(mark, _, _)| only.name.contains(mark))
                .map(|(_, ja, en)| (ja, en))
        {
            return Err(IntakeError::unsupported(
                format!(
                    "列が{ja}で区切られているようです。コンマ区切りのCSVで保存して送ってください"
                ),
                format!(
                    "the columns seem to be separated by {en}; save the file with commas and send that"
                ),
            ));
        }
        if let Some(index) = self.columns.iter().position(|c| c.name.is_empty()) {
            let column = index + 1;
            return Err(IntakeError::unreadable(
                format!(
                    "{column}列目に見出しがありません。1行目のすべての列に名前を書いてください"
                ),
                format!("column {column} has no name; the first line must name every column"),
            ));
        }
        Ok(())
    }

    /// Reads until a block's bytes are there or the file ends.
    fn fill(&mut self) -> Result<(), IntakeError> {
        let wanted = self.target.saturating_sub(self.pending.len());
        self.read_more(wanted)
    }

    fn read_more(&mut self, wanted: usize) -> Result<(), IntakeError> {
        if wanted == 0 || self.at_end {
            return Ok(());
        }
        let had = self.pending.len();
        // The spare keeps the file's own end from doubling the buffer.
        self.pending.reserve_exact(wanted + 64);
        let read =
            Read::by_ref(&mut self.file).take(wanted as u64).read_to_end(&mut self.pending)?;
        self.at_end = read < wanted;
        if self.pending[had..].contains(&0)
            && let Some(at) = self.pending[had..].iter().position(|b| *b == 0)
        {
            let before = self.pending[..had + at].iter().filter(|b| **b == b'\n').count();
            let line = self.line + before as u64;
            return Err(IntakeError::unreadable(
                format!(
                    "{line}行目に文字ではないデータ（NUL）があります。UTF-8のCSVで保存し直して送ってください"
                ),
                format!(
                    "line {line} has a NUL byte, which is no text; save the file as CSV in UTF-8 and send that"
                ),
            ));
        }
        Ok(())
    }

    /// Takes whole records off `pending` into the block, reading on until there is at least one or the
    /// file ends.
    fn scan(
        &mut self,
        block: &mut TextBlock,
        max_rows: Option<usize>,
    ) -> Result<scan::Outcome, IntakeError> {
        loop {
            let outcome = Scan {
                bytes: &mut self.pending,
                first_line: self.line,
                at_end: self.at_end,
                max_rows: max_rows.unwrap_or(self.batch_rows),
                header: max_rows.is_some(),
                max_record_bytes: self.max_record_bytes,
            }
            .run(block);
            match outcome.end {
                End::TooLong { line, quoted } => return Err(self.too_long(line, quoted)),
                End::OpenQuote { line } => {
                    return Err(IntakeError::unreadable(
                        format!(
                            "{line}行目で始まる引用符（\"）が閉じられていません。引用符を閉じるか、取り除いてください"
                        ),
                        format!(
                            "the quote that opens in line {line} is never closed; close it or take it out"
                        ),
                    ));
                }
                End::Done if outcome.consumed == 0 && !self.at_end => {
                    let more = self.pending.len().max(*READ.start());
                    self.read_more(more)?;
                }
                End::Done => {
                    let rest = self.pending[outcome.consumed..].to_vec();
                    self.pending.truncate(outcome.consumed);
                    block.bytes = std::mem::replace(&mut self.pending, rest);
                    self.line = outcome.next_line;
                    return Ok(outcome);
                }
            }
        }
    }

    fn too_long(&self, line: u64, quoted: bool) -> IntakeError {
        let limit = super::show_size(self.max_record_bytes as u64);
        if quoted {
            IntakeError::unreadable(
                format!(
                    "{line}行目で始まる行が{limit}を超えています。引用符（\"）が閉じられているか確かめてください"
                ),
                format!(
                    "the record that begins in line {line} is longer than {limit}; check that its quote is closed"
                ),
            )
        } else {
            IntakeError::unreadable(
                format!("{line}行目が{limit}を超えています。改行があるか確かめてください"),
                format!("line {line} is longer than {limit}; check that the file has line ends"),
            )
        }
    }
}

impl Decode for CsvDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        Understood { encoding: Some(self.encoding.name().to_owned()), layout: None }
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        loop {
            self.fill()?;
            if self.pending.is_empty() && self.at_end {
                return Ok(None);
            }
            let mut block = TextBlock { width: self.columns.len(), ..TextBlock::default() };
            self.scan(&mut block, None)?;
            let rows = block.rows() + block.broken.len();
            if rows == 0 {
                continue;
            }
            let record = block.bytes.len() / rows + 1;
            self.target = record.saturating_mul(self.batch_rows).clamp(*READ.start(), *READ.end());
            return Ok(Some(Block::Text(block)));
        }
    }
}
