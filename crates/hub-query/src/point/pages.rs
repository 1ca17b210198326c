//! Pages of Parquet files as they are once decompressed.
//!
//! A page stays encoded, which for observations takes a tenth of the memory of its values; it is the
//! decompression, with all that has to be set up for it, and the way to the store that are spared.

use std::{ops::Range, sync::Arc};

use arrow::array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::{Buf, Bytes};
use object_store::path::Path;
use parquet::{
    arrow::{ProjectionMask, parquet_to_arrow_field_levels},
    basic::Type,
    column::page::{Page, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::ParquetMetaData,
        page_index::offset_index::PageLocation,
        reader::{ChunkReader, Length},
        serialized_reader::SerializedPageReader,
    },
};

use super::{
    held::{ColumnPages, HeldGroup},
    ranges::Ranges,
    reach::{Key, Span, Touch},
};
use crate::table::ScanShared;

/// Pages of late, up to a number of bytes. A path is never written twice, so nothing in it ages.
pub(crate) struct PageCache {
    pages: moka::future::Cache<PageKey, Page>,
    series: moka::future::Cache<SeriesKey, Ranges>,
}

/// How many places of series are remembered, each in some hundred bytes.
const REMEMBERED_SERIES: u64 = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SeriesKey {
    file: Path,
    group: usize,
    /// Of the leading columns that the file is sorted by.
    values: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PageKey {
    file: Path,
    group: usize,
    column: usize,
    /// The number of a data page; none for the dictionary.
    page: Option<usize>,
}

/// The most bytes of text in the pages of one reading. Numbers are bounded by their count.
const MAX_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// What one page takes beside its bytes.
const PAGE_OVERHEAD: usize = 256;

impl PageCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let pages = moka::future::Cache::builder()
            .weigher(|_, page: &Page| {
                u32::try_from(page.buffer().len() + PAGE_OVERHEAD).unwrap_or(u32::MAX)
            })
            .max_capacity(bytes)
            .build();
        Self { pages, series: moka::future::Cache::new(REMEMBERED_SERIES) }
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> u64 {
        self.pages.weighted_size()
    }

    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.pages.invalidate_all();
        self.series.invalidate_all();
    }

    /// Counts what was put in of late.
    #[cfg(test)]
    pub(crate) async fn settle(&self) {
        self.pages.run_pending_tasks().await;
    }
}

/// What an index of pages tells of rows.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Those with values of a span.
    pub(super) whole: Ranges,
    /// Those that may have such values.
    pub(super) parts: Ranges,
}

/// A row group of a file whose columns are those of a scan's schema.
pub(super) struct Group<'a> {
    shared: &'a ScanShared,
    file: &'a Path,
    metadata: &'a Arc<ParquetMetaData>,
    schema: &'a SchemaRef,
    index: usize,
}

impl<'a> Group<'a> {
    /// None where the file has other columns, or no index of its pages.
    pub(super) fn new(
        shared: &'a ScanShared,
        file: &'a Path,
        metadata: &'a Arc<ParquetMetaData>,
        schema: &'a SchemaRef,
        index: usize,
    ) -> Option<Self> {
        let stored = metadata.file_metadata().schema_descr();
        let is_indexed = metadata.column_index().is_some() && metadata.offset_index().is_some();
        (is_indexed && stored.num_columns() == schema.fields().len()).then_some(Self {
            shared,
            file,
            metadata,
            schema,
            index,
        })
    }

    pub(super) fn rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.index).num_rows()).unwrap_or_default()
    }

    fn locations(&self, column: usize) -> Option<&'a [PageLocation]> {
        Some(self.metadata.offset_index()?.get(self.index)?.get(column)?.page_locations())
    }

    /// Which of these rows have values of the span, as far as the index of pages tells.
    pub(super) fn told_by_pages(&self, span: &Span, rows: &Ranges) -> Option<Told> {
        let index = self.metadata.column_index()?.get(self.index)?.get(span.column())?;
        let locations = self.locations(span.column())?;
        let mut told = Told::default();
        for (page, of_page) in page_rows(locations, self.rows()).enumerate() {
            match span.touches_page(index, page) {
                Touch::None => {}
                Touch::Some => told.parts.add_common(rows, &of_page),
                Touch::All => told.whole.add_common(rows, &of_page),
            }
        }
        Some(told)
    }

    fn series_key(&self, fixed: &[Span]) -> SeriesKey {
        let values = fixed.iter().filter_map(Span::value).cloned().collect();
        SeriesKey { file: self.file.clone(), group: self.index, values }
    }

    /// Where a series stands, if it was looked for before.
    pub(super) async fn known_series(&self, fixed: &[Span]) -> Option<Ranges> {
        self.shared.pages.series.get(&self.series_key(fixed)).await
    }

    pub(super) async fn remember_series(&self, fixed: &[Span], rows: &Ranges) {
        self.shared.pages.series.insert(self.series_key(fixed), rows.clone()).await;
    }

    /// Decodes these columns of these rows, of which there is at least one; none where that is not possible,
    /// for whatever reason.
    pub(super) async fn read(&self, columns: &[usize], rows: &Ranges) -> Option<RecordBatch> {
        let pages = self.pages(columns, rows).await?;
        let stored = self.metadata.file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(stored, columns.iter().copied());
        let hint = Some(self.schema.fields());
        let levels = parquet_to_arrow_field_levels(stored, mask, hint).ok()?;
        let group = self.metadata.row_group(self.index);
        let held = HeldGroup { metadata: self.metadata, group, rows: self.rows(), pages };
        let batch = held.decode(&levels, rows).ok()??;
        let is_as_wanted = columns
            .iter()
            .zip(batch.columns())
            .all(|(column, array)| array.data_type() == self.schema.field(*column).data_type());
        is_as_wanted.then_some(batch)
    }

    /// The pages of these columns that hold these rows, those that are not kept from the store.
    async fn pages(&self, columns: &[usize], rows: &Ranges) -> Option<Vec<(usize, ColumnPages)>> {
        let mut found = Vec::with_capacity(columns.len());
        let mut missing = Vec::new();
        let mut text_bytes = 0;
        for (place, column) in columns.iter().enumerate() {
            let locations = self.locations(*column)?;
            let mut pages = ColumnPages::default();
            if self.dictionary(*column, locations).is_some() {
                pages.dictionary = self.kept(*column, None).await;
                if pages.dictionary.is_none() {
                    missing.push((place, *column, None));
                }
            }
            for (number, of_page) in page_rows(locations, self.rows()).enumerate() {
                if !rows.touch(&of_page) {
                    pages.data.push((of_page.len(), None));
                    continue;
                }
                text_bytes += self.text_bytes(*column, number)?;
                let page = self.kept(*column, Some(number)).await;
                if page.is_none() {
                    missing.push((place, *column, Some(number)));
                }
                pages.data.push((of_page.len(), page));
            }
            found.push((*column, pages));
        }
        if text_bytes > MAX_TEXT_BYTES {
            return None;
        }
        if missing.is_empty() {
            return Some(found);
        }
        let wanted: Vec<_> = missing.iter().map(|(_, column, page)| (*column, *page)).collect();
        for ((place, column, number), page) in missing.into_iter().zip(self.load(wanted).await?) {
            let key = self.key(column, number);
            self.shared.pages.pages.insert(key, page.clone()).await;
            let pages = &mut found[place].1;
            match number {
                None => pages.dictionary = Some(page),
                Some(number) => pages.data[number].1 = Some(page),
            }
        }
        Some(found)
    }

    /// The bytes of text in a page; none where the file does not tell.
    fn text_bytes(&self, column: usize, page: usize) -> Option<u64> {
        if self.metadata.row_group(self.index).column(column).column_type() != Type::BYTE_ARRAY {
            return Some(0);
        }
        let index = self.metadata.offset_index()?.get(self.index)?.get(column)?;
        u64::try_from(*index.unencoded_byte_array_data_bytes()?.get(page)?).ok()
    }

    fn key(&self, column: usize, page: Option<usize>) -> PageKey {
        PageKey { file: self.file.clone(), group: self.index, column, page }
    }

    async fn kept(&self, column: usize, page: Option<usize>) -> Option<Page> {
        self.shared.pages.pages.get(&self.key(column, page)).await
    }

    /// Where a column's dictionary stands; none where it has none.
    fn dictionary(&self, column: usize, locations: &[PageLocation]) -> Option<Range<u64>> {
        let (start, _) = self.metadata.row_group(self.index).column(column).byte_range();
        let first = u64::try_from(locations.first()?.offset).ok()?;
        (start < first).then_some(start..first)
    }

    /// Reads pages from the store. Decompressing them is work for a thread of its own.
    async fn load(&self, wanted: Vec<(usize, Option<usize>)>) -> Option<Vec<Page>> {
        let ranges = wanted.iter().map(|(column, page)| {
            let locations = self.locations(*column)?;
            let Some(page) = page else { return self.dictionary(*column, locations) };
            let location = locations.get(*page)?;
            let start = u64::try_from(location.offset).ok()?;
            Some(start..start + u64::try_from(location.compressed_page_size).ok()?)
        });
        let ranges: Vec<Range<u64>> = ranges.collect::<Option<_>>()?;
        let pieces = self.shared.store.get_ranges(self.file, &ranges).await.ok()?;
        let metadata = Arc::clone(self.metadata);
        let group = self.index;
        let work = move || -> Result<Vec<Page>> {
            let pieces = wanted.into_iter().zip(ranges.into_iter().zip(pieces));
            let pages = pieces.map(|((column, page), (range, bytes))| {
                let piece = Piece { at: range.start, bytes };
                decompressed(&metadata, group, column, page, piece)
            });
            pages.collect()
        };
        tokio::task::spawn_blocking(work).await.ok()?.ok()
    }
}

/// The rows of each page, counted in their row group.
fn page_rows(locations: &[PageLocation], rows: usize) -> impl Iterator<Item = Range<usize>> {
    let first =
        move |location: &PageLocation| usize::try_from(location.first_row_index).unwrap_or(rows);
    (0..locations.len()).map(move |page| {
        let end = locations.get(page + 1).map_or(rows, first);
        first(&locations[page]).min(end)..end
    })
}

fn decompressed(
    metadata: &ParquetMetaData,
    group: usize,
    column: usize,
    page: Option<usize>,
    piece: Piece,
) -> Result<Page> {
    let chunk = metadata.row_group(group).column(column);
    let rows = usize::try_from(metadata.row_group(group).num_rows())?;
    let lost = || ParquetError::General("a page is not where the index says".to_owned());
    let locations = metadata.offset_index().ok_or_else(lost)?[group][column].page_locations();
    let locations = match page {
        Some(page) => vec![locations[page].clone()],
        None => locations.clone(),
    };
    let has_dictionary = locations.first().is_some_and(|l| l.offset as u64 != chunk.byte_range().0);
    let mut reader = SerializedPageReader::new(Arc::new(piece), chunk, rows, Some(locations))?;
    if page.is_some() && has_dictionary {
        // Whatever stands before the one page is taken for a dictionary.
        reader.skip_next_page()?;
    }
    let mut page = reader.get_next_page()?.ok_or_else(lost)?;
    if let Page::DataPage { statistics, .. } | Page::DataPageV2 { statistics, .. } = &mut page {
        *statistics = None;
    }
    Ok(page)
}

/// Some bytes of a file.
struct Piece {
    at: u64,
    bytes: Bytes,
}

impl Length for Piece {
    fn len(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

impl ChunkReader for Piece {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = usize::try_from(self.len().saturating_sub(start))?;
        Ok(self.get_bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let beyond = || ParquetError::EOF("a page ends beyond what was read of it".to_owned());
        let from = usize::try_from(start.checked_sub(self.at).ok_or_else(beyond)?)?;
        let to =
            from.checked_add(length).filter(|to| *to <= self.bytes.len()).ok_or_else(beyond)?;
        Ok(self.bytes.slice(from..to))
    }
}
