//! Rows that are kept back from publication, and a CSV of them that can be mended and sent again.

use std::io::{self, Write};

use hub_model::CellError;
use serde::{Deserialize, Serialize};

use crate::sheet::SheetWriter;

/// The columns that [`KeptBackCsv`] adds. A file that is sent again may still have them.
pub(crate) const ADDED: [&str; 2] = ["__元の行番号", "__直すところ"];

/// Some rows of a file that break the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBack {
    /// The file's columns; those of the table where the file is in a publisher's own layout.
    pub columns: Vec<String>,
    /// The rows, in the order of the file.
    pub rows: Vec<Quarantined>,
}

/// A row that breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The row as a person counts it in the file.
    pub row: u64,
    /// All its cells as they stand in the file, which can be fewer or more than there are columns.
    pub cells: Vec<String>,
    /// What is wrong with it.
    pub reasons: Vec<CellError>,
}

/// Writes kept-back rows as a CSV under the file's own header, with the row and the reasons in two columns
/// more, such as spreadsheet programs open. It is a file of the same dataset once its cells are mended: the
/// two columns may stay.
#[derive(Debug)]
pub struct KeptBackCsv<W: Write> {
    sheet: SheetWriter<W>,
    width: Option<usize>,
}

impl<W: Write> KeptBackCsv<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self { sheet: SheetWriter::new(out), width: None }
    }

    /// Adds rows; the first call writes the header.
    pub fn push(&mut self, kept: &KeptBack) -> io::Result<()> {
        let width = match self.width {
            Some(width) => width,
            None => {
                let header = kept.columns.iter().map(String::as_str);
                self.sheet.row(header.chain(ADDED))?;
                *self.width.insert(kept.columns.len())
            }
        };
        for row in &kept.rows {
            let number = row.row.to_string();
            let reasons: Vec<String> = row
                .reasons
                .iter()
                .map(|reason| format!("{}。{}", reason.message.ja, reason.fix.ja))
                .collect();
            let reasons = reasons.join(" / ");
            // The two columns keep their place where cells are missing; cells too many follow them.
            let (cells, beyond) = row.cells.split_at(row.cells.len().min(width));
            let filled = std::iter::repeat_n("", width - cells.len());
            let cells = cells.iter().map(String::as_str).chain(filled);
            let added = [number.as_str(), reasons.as_str()];
            self.sheet.row(cells.chain(added).chain(beyond.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    /// Flushes and gives back what was written to.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}
