//! Rows decoded from pages of a row group that are in memory.

use arrow::array::RecordBatch;
use parquet::{
    arrow::{
        FieldLevels,
        arrow_reader::{ParquetRecordBatchReader, RowGroups, RowSelection},
    },
    column::page::{Page, PageIterator, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::metadata::{ParquetMetaData, RowGroupMetaData},
};

use super::ranges::Ranges;

/// The pages of a column in a row group, of which only those are there that are read.
#[derive(Default)]
pub(super) struct ColumnPages {
    pub(super) dictionary: Option<Page>,
    /// Each with its number of rows.
    pub(super) data: Vec<(usize, Option<Page>)>,
}

/// A row group as far as it is read.
pub(super) struct HeldGroup<'a> {
    pub(super) metadata: &'a ParquetMetaData,
    pub(super) group: &'a RowGroupMetaData,
    pub(super) rows: usize,
    /// The columns that are read, by their numbers.
    pub(super) pages: Vec<(usize, ColumnPages)>,
}

impl HeldGroup<'_> {
    /// These rows of the columns; none where it holds fewer.
    pub(super) fn decode(
        &self,
        levels: &FieldLevels,
        rows: &Ranges,
    ) -> Result<Option<RecordBatch>> {
        let count = rows.count();
        let selection = RowSelection::from_consecutive_ranges(rows.iter(), self.rows);
        let mut reader = ParquetRecordBatchReader::try_new_with_row_groups(
            levels,
            self,
            count,
            Some(selection),
        )?;
        Ok(reader.next().transpose()?.filter(|batch| batch.num_rows() == count))
    }
}

impl RowGroups for HeldGroup<'_> {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let of_it = self.pages.iter().find(|(held, _)| *held == column);
        let (_, pages) =
            of_it.ok_or_else(|| ParquetError::General("a column was not asked for".to_owned()))?;
        let reader = HeldPages {
            dictionary: pages.dictionary.clone(),
            data: pages.data.clone().into_iter(),
            next: None,
        };
        Ok(Box::new(OneChunk(Some(reader))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.group))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

struct OneChunk(Option<HeldPages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(|pages| Ok(Box::new(pages) as Box<dyn PageReader>))
    }
}

impl PageIterator for OneChunk {}

/// Gives the pages of a column one after the other.
struct HeldPages {
    dictionary: Option<Page>,
    data: std::vec::IntoIter<(usize, Option<Page>)>,
    next: Option<(usize, Option<Page>)>,
}

impl PageReader for HeldPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if let Some(dictionary) = self.dictionary.take() {
            return Ok(Some(dictionary));
        }
        match self.next.take().or_else(|| self.data.next()) {
            None => Ok(None),
            Some((_, Some(page))) => Ok(Some(page)),
            Some((_, None)) => {
                Err(ParquetError::General("a page without wanted rows was asked for".to_owned()))
            }
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        if self.dictionary.is_some() {
            return Ok(Some(PageMetadata { num_rows: None, num_levels: None, is_dict: true }));
        }
        if self.next.is_none() {
            self.next = self.data.next();
        }
        let rows = self.next.as_ref().map(|(rows, _)| *rows);
        Ok(rows.map(|rows| PageMetadata { num_rows: Some(rows), num_levels: None, is_dict: false }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.dictionary.take().is_none() && self.next.take().is_none() {
            self.data.next();
        }
        Ok(())
    }
}

impl Iterator for HeldPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
