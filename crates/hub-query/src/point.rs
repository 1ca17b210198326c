//! Point lookups: rows of named series, in a span of time, out of pages that are kept in memory.
//!
//! A plan costs about a millisecond to make and to start, most of what a station's day takes to read. Where
//! the filters name values of the columns that files are sorted by, their rows stand together: page indexes
//! and a search in the sorted columns find them, and nothing else is decoded. What is not kept of the files,
//! or would take long, is left to a plan.

mod pages;
mod reach;

use std::{ops::Range, sync::Arc};

use arrow::{array::RecordBatch, compute::concat_batches};
use arrow_schema::ArrowError;
use datafusion::{
    datasource::{
        listing::PartitionedFile, physical_plan::parquet::metadata::CachedParquetMetaData,
    },
    execution::cache::Cache,
};
use parquet::file::metadata::ParquetMetaData;

pub(crate) use pages::PageCache;
pub(crate) use reach::Reach;

use crate::table::{Prepared, ScanShared};
use pages::Group;

/// The most rows that are decoded of one sorted column to find a place in it.
const MAX_SEARCHED_ROWS: usize = 65_536;

/// The most values that are decoded of all columns of the rows found. It bounds the time that a lookup keeps
/// its thread, to about a millisecond.
const MAX_VALUES: usize = 65_536;

/// The most files that a lookup looks into.
const MAX_FILES: usize = 32;

/// Which of the rows within reach are wanted of each file, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    First(usize),
    Last(usize),
}

/// The rows within reach, with the columns of the scan's schema and in no order; none where a plan does
/// better.
pub(crate) async fn lookup(
    shared: &ScanShared,
    prepared: &Prepared,
    reach: &Reach,
    wanted: Wanted,
) -> Option<RecordBatch> {
    let schema = &prepared.scan_schema;
    let files = prepared.snapshot.files.iter().zip(&prepared.files);
    let files: Vec<_> = files.filter(|(known, _)| reach.may_touch(known, schema)).collect();
    if files.len() > MAX_FILES {
        return None;
    }
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let mut left = MAX_VALUES;
    let mut found = Vec::new();
    for (_, file) in &files {
        let metadata = kept_metadata(shared, file)?;
        let groups = metadata.num_row_groups();
        let mut more = match wanted {
            Wanted::All => usize::MAX,
            Wanted::First(rows) | Wanted::Last(rows) => rows,
        };
        for number in 0..groups {
            let index =
                if matches!(wanted, Wanted::Last(_)) { groups - 1 - number } else { number };
            let group = Group::new(shared, &file.object_meta.location, &metadata, schema, index)?;
            let rows = search(&group, reach).await?;
            let there = count(&rows);
            let rows = match wanted {
                Wanted::All => rows,
                Wanted::First(_) => part(&rows, 0..more),
                Wanted::Last(_) => part(&rows, there.saturating_sub(more)..there),
            };
            let taken = count(&rows);
            left = left.checked_sub(taken.checked_mul(columns.len())?)?;
            if taken > 0 {
                found.push(group.read(&columns, &rows).await?);
            }
            more -= taken;
            if more == 0 {
                break;
            }
        }
    }
    shared.counters.count_files(files.len(), prepared.files.len() - files.len());
    put_together(schema, &found).ok()
}

fn put_together(
    schema: &arrow_schema::SchemaRef,
    found: &[RecordBatch],
) -> Result<RecordBatch, ArrowError> {
    match found {
        // What stands in one place needs no copy.
        [only] => RecordBatch::try_new(Arc::clone(schema), only.columns().to_vec()),
        several => concat_batches(schema, several),
    }
}

/// What is kept of a file since a plan has opened it.
fn kept_metadata(shared: &ScanShared, file: &PartitionedFile) -> Option<Arc<ParquetMetaData>> {
    let kept = shared.metadata.get(&file.object_meta.location)?;
    if !kept.is_valid_for(&file.object_meta) {
        return None;
    }
    let metadata = kept.file_metadata.as_any().downcast_ref::<CachedParquetMetaData>()?;
    Some(Arc::clone(metadata.parquet_metadata()))
}

/// The rows of a row group that are within reach.
async fn search(group: &Group<'_>, reach: &Reach) -> Option<Vec<Range<usize>>> {
    let mut rows = vec![0..group.rows()];
    for span in reach.spans() {
        let (whole, parts) = group.told_by_pages(span, &rows)?;
        rows = in_order(whole, parts);
    }
    for span in reach.spans() {
        let (whole, parts) = group.told_by_pages(span, &rows)?;
        let parts = match count(&parts) {
            0 => parts,
            many if many > MAX_SEARCHED_ROWS => return None,
            _ => {
                let column = group.read(&[span.column()], &parts).await?;
                part(&parts, span.within(column.column(0))?)
            }
        };
        rows = in_order(whole, parts);
    }
    Some(rows)
}

fn count(rows: &[Range<usize>]) -> usize {
    rows.iter().map(Range::len).sum()
}

fn in_order(mut some: Vec<Range<usize>>, mut others: Vec<Range<usize>>) -> Vec<Range<usize>> {
    some.append(&mut others);
    some.sort_unstable_by_key(|range| range.start);
    some
}

/// The rows at these places of all that the ranges hold.
fn part(rows: &[Range<usize>], places: Range<usize>) -> Vec<Range<usize>> {
    let mut before = 0;
    let mut kept = Vec::new();
    for range in rows {
        let (from, to) = (places.start.max(before), places.end.min(before + range.len()));
        if from < to {
            kept.push(range.start + from - before..range.start + to - before);
        }
        before += range.len();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_over_all_ranges() {
        let rows = [10..20, 30..35, 50..60];
        assert_eq!(part(&rows, 0..25), rows);
        assert_eq!(part(&rows, 8..17), [18..20, 30..35, 50..52]);
        assert_eq!(part(&rows, 10..15), [30..35]);
        assert!(part(&rows, 12..12).is_empty());
    }
}
