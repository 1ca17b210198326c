//! Point lookups: rows of named series, in a span of time, out of pages that are kept in memory.
//!
//! A plan costs about a millisecond to make and to start, most of what a station's day takes to read. Where
//! the filters name values of the columns that files are sorted by, their rows stand together: page indexes
//! and a search in the sorted columns find them, and nothing else is decoded. What is not kept of the files,
//! or would take long, is left to a plan.

mod held;
mod pages;
mod ranges;
mod reach;

use std::sync::Arc;

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
use ranges::Ranges;
use reach::Span;

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
            let there = rows.count();
            let rows = match wanted {
                Wanted::All => rows,
                Wanted::First(_) => rows.part(0..more),
                Wanted::Last(_) => rows.part(there.saturating_sub(more)..there),
            };
            let taken = rows.count();
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
async fn search(group: &Group<'_>, reach: &Reach) -> Option<Ranges> {
    let mut rows = Ranges::of(0..group.rows());
    let (fixed, span) = reach.fixed_and_last();
    if !fixed.is_empty() {
        rows = of_series(group, fixed, rows).await?;
    }
    match span {
        Some(span) => narrowed(group, span, &rows).await,
        None => Some(rows),
    }
}

/// Those of a row group with one value in each of its leading columns. Where they stand is remembered.
async fn of_series(group: &Group<'_>, fixed: &[Span], mut rows: Ranges) -> Option<Ranges> {
    for span in fixed {
        let told = group.told_by_pages(span, &rows)?;
        rows = told.whole.and(told.parts);
        if rows.count() == 0 {
            return Some(rows);
        }
    }
    if let Some(known) = group.known_series(fixed).await {
        return Some(known);
    }
    for span in fixed {
        rows = narrowed(group, span, &rows).await?;
    }
    group.remember_series(fixed, &rows).await;
    Some(rows)
}

/// Those of the rows with values of the span, by whose column they are sorted.
async fn narrowed(group: &Group<'_>, span: &Span, rows: &Ranges) -> Option<Ranges> {
    let told = group.told_by_pages(span, rows)?;
    let parts = match told.parts.count() {
        0 => told.parts,
        many if many > MAX_SEARCHED_ROWS => return None,
        _ => {
            let column = group.read(&[span.column()], &told.parts).await?;
            told.parts.part(span.within(column.column(0))?)
        }
    };
    Some(told.whole.and(parts))
}
