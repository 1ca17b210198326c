//! What the newest time of each series is, and which files have rows of it. It is found for one file at a
//! time, from its rollup by series or else from the columns that matter, and remembered: files never change,
//! so that a new version costs a look at its new files alone.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, RecordBatch,
        TimestampMicrosecondArray, UInt32Array,
    },
    compute::{cast, max, partition, take},
    datatypes::{Date32Type, Int32Type, TimestampMicrosecondType},
    row::{OwnedRow, RowConverter, SortField},
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use datafusion::common::Result;
use futures::{StreamExt, TryStreamExt, stream};
use hub_lake::{DataFile, LAST_TIME, RollupLevel};
use hub_model::FieldType;
use object_store::path::Path;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};

use crate::{
    engine::Inner,
    kept::Kept,
    table::{Prepared, ScanShared},
};

/// Series of one file, or of one version, that are remembered; where there are more, rows are asked.
const MAX_SERIES: usize = 100_000;

/// Bytes that are remembered, about.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a series takes in memory beside its columns, about.
const SERIES_BYTES: usize = 64;

/// Files that are looked at together.
const AT_ONCE: usize = 8;

/// Stretches of time that a scan is told to look at.
const MAX_SPANS: usize = 16;

/// The newest times in one file.
#[derive(Debug)]
struct Lasts {
    /// The columns of the series, as a scan has them.
    series: Vec<ArrayRef>,
    /// The newest time of each; none where it has no row with a time. A series may come more than once.
    times: Vec<Option<i64>>,
}

/// The newest times in a dataset version.
#[derive(Debug)]
pub(super) struct Newest {
    /// One row for each series: its columns, and its newest time.
    pub(super) rows: RecordBatch,
    /// Of each file whether it has one of these rows.
    pub(super) files: Vec<bool>,
    /// Stretches of time, each from its first to its last instant, that hold all newest times; none where
    /// a series has no time at all.
    pub(super) spans: Option<Vec<(i64, i64)>>,
}

/// A file, and the columns that are looked at.
type FileColumns = (Path, Arc<[String]>);

/// The files' newest times of late.
#[derive(Debug)]
pub(crate) struct KnownLasts {
    files: moka::future::Cache<FileColumns, Option<Arc<Lasts>>>,
}

impl KnownLasts {
    pub(crate) fn new() -> Self {
        let weigh = |_: &_, lasts: &Option<Arc<Lasts>>| {
            let bytes = lasts.as_ref().map_or(0, |lasts| lasts.bytes()) + SERIES_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            files: moka::future::Cache::builder().weigher(weigh).max_capacity(MAX_BYTES).build(),
        }
    }

    /// The newest time of each series, in columns whose names begin with `label`; none where that is found
    /// quicker, or in less memory, from the rows.
    pub(super) async fn newest(
        &self,
        prepared: &Prepared,
        engine: &Inner,
        label: &str,
    ) -> Result<Option<Newest>> {
        let Some(columns) = Columns::of(prepared) else { return Ok(None) };
        if prepared.snapshot.files.is_empty() {
            return Ok(None);
        }
        let names: Arc<[String]> = columns.names();
        let files = prepared.snapshot.files.iter();
        let looks: Vec<_> =
            files.map(|file| self.of_file(file, &columns, Arc::clone(&names), engine)).collect();
        let found: Vec<Option<Arc<Lasts>>> =
            stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        let Some(found) = found.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
        columns.joined(&found, label).map_err(Into::into)
    }

    async fn of_file(
        &self,
        file: &DataFile,
        columns: &Columns,
        names: Arc<[String]>,
        engine: &Inner,
    ) -> Result<Option<Arc<Lasts>>> {
        let key = (file.path.clone(), names);
        if let Some(known) = self.files.get(&key).await {
            return Ok(known);
        }
        let lasts = columns.lasts(file, engine).await?.map(Arc::new);
        self.files.insert(key, lasts.clone()).await;
        Ok(lasts)
    }
}

impl Lasts {
    fn bytes(&self) -> usize {
        let columns: usize = self.series.iter().map(|column| column.get_array_memory_size()).sum();
        columns + self.times.len() * SERIES_BYTES
    }
}

/// The columns that matter.
struct Columns {
    series: Vec<Field>,
    time: Field,
}

impl Columns {
    /// Those of a version; none where series are told apart by numbers that are equal in several ways.
    fn of(prepared: &Prepared) -> Option<Self> {
        let contract = &prepared.contract;
        let field = |field: &hub_model::Field| {
            prepared.scan_schema.field_with_name(field.storage_name()).ok().cloned()
        };
        if contract.series_fields().any(|series| series.field_type == FieldType::Number) {
            return None;
        }
        let series: Vec<Field> = contract.series_fields().map(field).collect::<Option<_>>()?;
        Some(Self { series, time: field(contract.time_field()?)? }).filter(|c| !c.series.is_empty())
    }

    fn names(&self) -> Arc<[String]> {
        self.series.iter().chain([&self.time]).map(|field| field.name().clone()).collect()
    }

    /// One file's newest times; none where there are too many series, or columns are lacking.
    async fn lasts(&self, file: &DataFile, engine: &Inner) -> Result<Option<Lasts>> {
        let scans = engine.scans.as_ref();
        let rollups = file.rollups.as_ref().filter(|rollups| {
            engine.uses_rollups()
                && rollups.time == *self.time.name()
                && rollups.series.iter().eq(self.series.iter().map(Field::name))
        });
        if let Some(kept) = rollups.and_then(|rollups| rollups.file(RollupLevel::Series))
            && scans.proofs.sound(kept, &scans.store).await?
        {
            return self.read(&kept.path, kept.bytes, LAST_TIME, scans).await;
        }
        self.read(&file.path, file.bytes, self.time.name(), scans).await
    }

    async fn read(
        &self,
        path: &Path,
        bytes: u64,
        time: &str,
        scans: &ScanShared,
    ) -> Result<Option<Lasts>> {
        let file = Kept::new(Arc::clone(&scans.store), path.clone(), bytes);
        let builder = ParquetRecordBatchStreamBuilder::new(file).await?;
        let wanted: Vec<&str> =
            self.series.iter().map(|field| field.name().as_str()).chain([time]).collect();
        let mask = ProjectionMask::columns(builder.parquet_schema(), wanted.iter().copied());
        let mut batches = builder.with_projection(mask).build()?;
        let mut series: Vec<Vec<ArrayRef>> = vec![Vec::new(); self.series.len()];
        let mut times: Vec<Option<i64>> = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            let columns: Option<Vec<ArrayRef>> =
                wanted.iter().map(|name| batch.column_by_name(name).cloned()).collect();
            let Some(mut columns) = columns.filter(|_| batch.num_rows() > 0) else {
                return Ok(None);
            };
            let Some(stamps) = columns.pop() else { return Ok(None) };
            let ranges = partition(&columns)?.ranges();
            let begins: UInt32Array = ranges.iter().map(|range| range.start as u32).collect();
            for (pieces, column) in series.iter_mut().zip(&columns) {
                pieces.push(take(column, &begins, None)?);
            }
            for range in ranges {
                let Some(last) = last_of(&stamps.slice(range.start, range.len())) else {
                    return Ok(None);
                };
                times.push(last);
            }
            if times.len() > MAX_SERIES {
                return Ok(None);
            }
        }
        let whole = series.iter().zip(&self.series).map(|(pieces, field)| {
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            cast(&arrow::compute::concat(&pieces)?, field.data_type())
        });
        if times.is_empty() {
            return Ok(None);
        }
        Ok(Some(Lasts { series: whole.collect::<Result<_, ArrowError>>()?, times }))
    }

    /// What the files say together.
    fn joined(&self, files: &[Arc<Lasts>], label: &str) -> Result<Option<Newest>, ArrowError> {
        let fields = self.series.iter().map(|field| SortField::new(field.data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let mut newest: HashMap<OwnedRow, (Option<i64>, Vec<usize>)> = HashMap::new();
        for (number, file) in files.iter().enumerate() {
            let rows = converter.convert_columns(&file.series)?;
            for (row, time) in rows.iter().zip(&file.times) {
                let (known, of) = newest.entry(row.owned()).or_default();
                if of.is_empty() || *time > *known {
                    *known = *time;
                    of.clear();
                }
                if *time == *known && of.last() != Some(&number) {
                    of.push(number);
                }
            }
            if newest.len() > MAX_SERIES {
                return Ok(None);
            }
        }
        let mut wanted = vec![false; files.len()];
        let mut times = Vec::with_capacity(newest.len());
        for (time, of) in newest.values() {
            times.push(*time);
            of.iter().for_each(|file| wanted[*file] = true);
        }
        let mut columns = converter.convert_rows(newest.keys().map(OwnedRow::row))?;
        columns.push(times_of(&times, self.time.data_type())?);
        let series = self.series.iter().enumerate();
        let series = series.map(|(at, field)| field.clone().with_name(format!("{label}_{at}")));
        let mut fields: Vec<Field> = series.collect();
        fields.push(self.time.clone().with_name(label).with_nullable(true));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Some(Newest { rows, files: wanted, spans: spans(times) }))
    }
}

/// The newest of a column's times; nothing of a type that times don't have.
fn last_of(times: &ArrayRef) -> Option<Option<i64>> {
    Some(match times.data_type() {
        DataType::Timestamp(..) => max(times.as_primitive_opt::<TimestampMicrosecondType>()?),
        DataType::Date32 => max(times.as_primitive_opt::<Date32Type>()?).map(i64::from),
        DataType::Int32 => max(times.as_primitive_opt::<Int32Type>()?).map(i64::from),
        _ => return None,
    })
}

fn times_of(times: &[Option<i64>], data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let narrow = || times.iter().map(|time| time.and_then(|time| i32::try_from(time).ok()));
    let column: ArrayRef = match data_type {
        DataType::Date32 => Arc::new(narrow().collect::<Date32Array>()),
        DataType::Int32 => Arc::new(narrow().collect::<Int32Array>()),
        DataType::Timestamp(_, zone) => {
            let instants: TimestampMicrosecondArray = times.iter().copied().collect();
            Arc::new(instants.with_timezone_opt(zone.clone()))
        }
        _ => Arc::new(times.iter().copied().collect::<Int64Array>()),
    };
    cast(&column, data_type)
}

/// Few stretches that hold all times, with the longest gaps between them left out.
fn spans(times: Vec<Option<i64>>) -> Option<Vec<(i64, i64)>> {
    let mut times = times.into_iter().collect::<Option<Vec<i64>>>()?;
    times.sort_unstable();
    times.dedup();
    let mut gaps: Vec<(i64, usize)> = times
        .windows(2)
        .enumerate()
        .map(|(at, pair)| (pair[1].saturating_sub(pair[0]), at + 1))
        .collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    gaps.truncate(MAX_SPANS - 1);
    let mut begins: Vec<usize> = gaps.into_iter().map(|(_, at)| at).chain([0]).collect();
    begins.sort_unstable();
    let ends = begins.iter().skip(1).copied().chain([times.len()]);
    Some(begins.iter().zip(ends).map(|(begin, end)| (times[*begin], times[end - 1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_every_time_and_leave_out_the_longest_gaps() {
        assert_eq!(spans(vec![Some(7)]), Some(vec![(7, 7)]));
        assert_eq!(spans(vec![Some(7), None]), None);
        let many: Vec<_> =
            (0..100).map(|n| Some(n * 10 + if n >= 60 { 5_000 } else { 0 })).collect();
        let found = spans(many.clone()).unwrap();
        assert_eq!(found.len(), MAX_SPANS);
        assert!(many.iter().flatten().all(|t| found.iter().any(|(a, b)| (a..=b).contains(&t))));
        assert!(!found.iter().any(|(a, b)| *a < 2_000 && *b > 2_000), "{found:?}");
    }
}
