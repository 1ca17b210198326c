//! A stream of delimited text cut into records: large reads, whole records, bounded memory.

use std::io::Read;

use super::scan::{End, Ragged, Scan};
use crate::{
    IntakeError,
    decode::{TextBlock, show_size},
};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What programs of old write behind a file's last line, and is none of it.
const END_OF_FILE: u8 = 0x1A;

/// The least and the most that is read for a block; between them it follows the length of records.
const READ: std::ops::RangeInclusive<usize> = (64 << 10)..=(8 << 20);

pub(crate) struct Records {
    file: Box<dyn Read + Send>,
    delimiter: u8,
    quote: u8,
    /// Read and not yet given out.
    pending: Vec<u8>,
    is_fresh: bool,
    at_end: bool,
    /// The line that `pending` begins in.
    line: u64,
    /// How much to read for the next block.
    target: usize,
    batch_rows: usize,
    max_record_bytes: usize,
}

impl Records {
    /// Reads text that is UTF-8 by now.
    pub(crate) fn new(
        file: Box<dyn Read + Send>,
        delimiter: u8,
        quote: u8,
        batch_rows: usize,
        max_record_bytes: usize,
    ) -> Self {
        Self {
            file,
            delimiter,
            quote,
            pending: Vec::new(),
            is_fresh: true,
            at_end: false,
            line: 1,
            target: batch_rows.saturating_mul(64).clamp(*READ.start(), 1 << 20),
            batch_rows: batch_rows.max(1),
            max_record_bytes: max_record_bytes.min(1 << 30),
        }
    }

    /// How many records a block has at most, from now on.
    pub(crate) fn set_batch_rows(&mut self, batch_rows: usize) {
        self.batch_rows = batch_rows.max(1);
    }

    /// Reads until a block's bytes are there or the file ends.
    pub(crate) fn fill(&mut self) -> Result<(), IntakeError> {
        let wanted = self.target.saturating_sub(self.pending.len());
        self.read_more(wanted)?;
        if self.line == 1 && self.is_fresh {
            self.is_fresh = false;
            if self.pending.starts_with(BOM) {
                self.pending.drain(..BOM.len());
            }
        }
        Ok(())
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.at_end
    }

    /// Sets how much is read for a block by the records of the last one.
    pub(crate) fn suit(&mut self, bytes: usize, rows: usize) {
        let record = bytes / rows.max(1) + 1;
        self.target = record.saturating_mul(self.batch_rows).clamp(*READ.start(), *READ.end());
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
        while self.at_end && self.pending.last() == Some(&END_OF_FILE) {
            self.pending.pop();
        }
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
    /// file ends. Where records may be of any width, no fault is found in them.
    pub(crate) fn scan(
        &mut self,
        block: &mut TextBlock,
        mut ragged: Option<&mut Vec<Ragged>>,
    ) -> Result<(), IntakeError> {
        loop {
            let outcome = Scan {
                bytes: &mut self.pending,
                first_line: self.line,
                at_end: self.at_end,
                max_rows: self.batch_rows,
                ragged: ragged.as_deref_mut(),
                max_record_bytes: self.max_record_bytes,
                delimiter: self.delimiter,
                quote: self.quote,
            }
            .run(block);
            match outcome.end {
                End::TooLong { line, quoted } => return Err(self.too_long(line, quoted)),
                End::OpenQuote { line } => {
                    let quote = char::from(self.quote);
                    return Err(IntakeError::unreadable(
                        format!(
                            "{line}行目で始まる引用符（{quote}）が閉じられていません。引用符を閉じるか、取り除いてください"
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
                    return Ok(());
                }
            }
        }
    }

    fn too_long(&self, line: u64, quoted: bool) -> IntakeError {
        let limit = show_size(self.max_record_bytes as u64);
        if quoted {
            let quote = char::from(self.quote);
            IntakeError::unreadable(
                format!(
                    "{line}行目で始まる行が{limit}を超えています。引用符（{quote}）が閉じられているか確かめてください"
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
