//! Delimited text with a header in its first line, in UTF-8 by the time it arrives here: RFC 4180 with any
//! line end, a mark at the start or not. Records are found in large reads by looking at eight bytes at a
//! time, and cells stay where they were read.
//!
//! A blank line is no row, also in a table of one column, where `""` writes an empty cell. A quote
//! within a cell that does not begin with one is an ordinary character.

mod marks;
mod records;
mod scan;

use std::io::Read;

use hub_model::{LayoutReport, MAX_FIELDS, Text};
pub(crate) use records::Records;
pub(crate) use scan::Ragged;

use super::{Block, Decode, SourceColumn, TextBlock, Understood, headings};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    dialect::{Delimiter, Dialect},
    encoding::TextEncoding,
};

pub(crate) struct CsvDecoder {
    records: Records,
    columns: Vec<SourceColumn>,
    encoding: TextEncoding,
    dialect: Dialect,
    /// What was decided of the headings.
    notes: Vec<Text>,
}

impl CsvDecoder {
    /// Reads text that is UTF-8 by now, whatever encoding the file has.
    pub(crate) fn open(
        file: Box<dyn Read + Send>,
        encoding: TextEncoding,
        dialect: Dialect,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let mut decoder = Self::new(file, encoding, dialect, options)?;
        decoder.read_header()?;
        decoder.records.set_batch_rows(options.rows_for(decoder.columns.len()));
        Ok(decoder)
    }

    /// Reads what stands below the file's first `records` records, which are titles and headings, as these
    /// columns, which are all that the file has.
    pub(crate) fn below(
        recognised: &Recognised,
        (records, columns): (usize, Vec<SourceColumn>),
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let (encoding, dialect) = (recognised.encoding(), recognised.dialect());
        let mut decoder = Self::new(recognised.text()?, encoding, dialect, options)?;
        let mut block = TextBlock { width: MAX_FIELDS + 1, ..TextBlock::default() };
        let mut passed = Vec::new();
        while passed.len() < records && !decoder.records.is_done() {
            decoder.records.fill()?;
            decoder.records.scan(&mut block, Some(&mut passed))?;
            block.spans.clear();
        }
        decoder.columns = columns;
        decoder.records.set_batch_rows(options.rows_for(decoder.columns.len()));
        Ok(decoder)
    }

    fn new(
        text: Box<dyn Read + Send>,
        encoding: TextEncoding,
        dialect: Dialect,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let Delimiter::Byte(delimiter) = dialect.delimiter else {
            return Err(IntakeError::Internal("spaces separate no plain CSV".to_owned()));
        };
        let records = Records::new(text, delimiter, dialect.quote, 1, options.max_record_bytes);
        Ok(Self { records, columns: Vec::new(), encoding, dialect, notes: Vec::new() })
    }

    /// The next rows, or `None` at the end.
    pub(crate) fn next_text(&mut self) -> Result<Option<TextBlock>, IntakeError> {
        loop {
            self.records.fill()?;
            if self.records.is_done() {
                return Ok(None);
            }
            let mut block = TextBlock { width: self.columns.len(), ..TextBlock::default() };
            self.records.scan(&mut block, None)?;
            let rows = block.rows() + block.broken.len();
            if rows == 0 {
                continue;
            }
            self.records.suit(block.bytes.len(), rows);
            return Ok(Some(block));
        }
    }

    fn read_header(&mut self) -> Result<(), IntakeError> {
        let mut block = TextBlock { width: MAX_FIELDS + 1, ..TextBlock::default() };
        let mut found = Vec::new();
        while found.is_empty() && !self.records.is_done() {
            self.records.fill()?;
            self.records.scan(&mut block, Some(&mut found))?;
        }
        let Some(header) = found.first() else {
            return Err(IntakeError::unreadable(
                "ファイルに何も書かれていません。1行目に列の見出しを書いてください",
                "there is nothing in the file; write the columns' names in the first line",
            ));
        };
        if header.cells > MAX_FIELDS {
            return Err(headings::too_many());
        }
        let names = (0..header.cells)
            .map(|column| {
                let (start, end) = block.spans[column];
                let name = std::str::from_utf8(&block.bytes[start as usize..end as usize])
                    .map_err(|_| headings::undecodable(self.encoding))?;
                Ok(name.trim().to_owned())
            })
            .collect::<Result<Vec<_>, IntakeError>>()?;
        self.refuse_odd_header(&names)?;
        self.columns = headings::columns(names.into_iter().enumerate().collect(), &mut self.notes);
        Ok(())
    }

    fn refuse_odd_header(&self, names: &[String]) -> Result<(), IntakeError> {
        if let [only] = names
            && let Some((ja, en)) = [(";", "セミコロン", "semicolons"), ("\t", "タブ", "tabs")]
                .iter()
                .find(|(mark, _, _)| only.contains(mark))
                .map(|(_, ja, en)| (ja, en))
        {
            return Err(IntakeError::unsupported(
                format!(
                    "列が{ja}で区切られているようです。区切りの指定を直すか、コンマ区切りのCSVで保存して送ってください"
                ),
                format!(
                    "the columns seem to be separated by {en}; give that as the delimiter, or save the file with commas and send that"
                ),
            ));
        }
        Ok(())
    }
}

impl Decode for CsvDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        let is_usual = self.dialect == Dialect::COMMAS && self.notes.is_empty();
        let layout = (!is_usual).then(|| LayoutReport {
            delimiter: (self.dialect != Dialect::COMMAS).then(|| self.dialect.name()),
            quote: self.dialect.quote_name(),
            notes: self.notes.clone(),
            ..LayoutReport::default()
        });
        Understood { encoding: Some(self.encoding.name().to_owned()), layout }
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        Ok(self.next_text()?.map(Block::Text))
    }
}
