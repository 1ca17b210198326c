//! One span of rows: sorted, encoded as Parquet, and put into the store under a new name.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch, UInt32Array},
    compute::{concat, max, max_string, min, min_string, take},
    datatypes::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::DataType;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{
        metadata::SortingColumn,
        properties::{EnabledStatistics, WriterProperties},
    },
};
use sha2::{Digest, Sha256};

use crate::{
    Bound, ColumnStatistics, LakeError,
    log::new_data_file,
    rollup::{self, FileRollups, Roller},
    stage::{Plan, RowNumbers, StagedFile, order::order},
    statistics,
};

/// Rows of a group: enough to compress well, few enough that a group is a unit of parallel reading.
const GROUP_ROWS: usize = 262_144;
/// Rows of a page, the least that a reader can skip.
const PAGE_ROWS: usize = 20_000;

/// A file that was written, and the rows in it that repeat a key, as pairs of row numbers.
pub(crate) struct Written {
    pub(crate) file: StagedFile,
    pub(crate) repeated: Vec<(u64, u64)>,
}

/// Sorts rows and writes them as one file.
pub(crate) fn write(plan: &Plan, pieces: Vec<RecordBatch>) -> Result<Written, LakeError> {
    let failed = || LakeError::rows(plan.dataset(), "sorted");
    let rows: usize = pieces.iter().map(RecordBatch::num_rows).sum();
    let mut columns = by_column(plan, &pieces);
    drop(pieces);
    let whole = |parts: &[ArrayRef]| {
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        concat(&parts)
    };
    for place in &plan.sort {
        columns[*place] = vec![whole(&columns[*place]).map_err(failed())?];
    }
    let sort: Vec<ArrayRef> =
        plan.sort.iter().map(|place| Arc::clone(&columns[*place][0])).collect();
    let order = order(&sort, rows, plan.key).map_err(failed())?;
    drop(sort);
    let mut repeated = Vec::new();
    let mut row_numbers = None;
    if let Some(numbers) = columns.get(plan.schema.fields().len()) {
        let numbers = whole(numbers).map_err(failed())?;
        let numbers = numbers.as_primitive::<arrow::datatypes::UInt64Type>();
        let number = |index: u32| numbers.value(index as usize);
        let pairs = order.repeated.iter();
        repeated.extend(pairs.map(|(first, again)| (number(*first), number(*again))));
        let folder = &plan.options.scratch;
        row_numbers = Some(match &order.indices {
            Some(indices) => RowNumbers::write(folder, indices.iter().map(|index| number(*index))),
            None => RowNumbers::write(folder, numbers.values().iter().copied()),
        }?);
    }
    let indices = order.indices.map(UInt32Array::from);
    columns.truncate(plan.schema.fields().len());
    let mut sorted = Vec::with_capacity(columns.len());
    let mut known = Vec::with_capacity(columns.len());
    for (parts, field) in columns.into_iter().zip(plan.schema.fields()) {
        let column = match parts.as_slice() {
            [one] => Arc::clone(one),
            several => whole(several).map_err(failed())?,
        };
        drop(parts);
        known.push((field.name().clone(), column_statistics(&column)));
        sorted.push(match &indices {
            Some(indices) => take(&column, indices, None).map_err(failed())?,
            None => column,
        });
    }
    let batch = RecordBatch::try_new(Arc::clone(&plan.schema), sorted).map_err(failed())?;
    let encoded = encode(plan, &batch)?;
    let name = new_data_file();
    let rollups = rolled_up(plan, &batch, &name)?;
    drop(batch);
    let sha256 = hex(&Sha256::digest(&encoded));
    let file = StagedFile {
        name,
        rows: rows as u64,
        bytes: encoded.len() as u64,
        sha256,
        stats: statistics::to_log(rows as u64, &known),
        columns: known.into_iter().collect(),
        row_numbers,
        rollups,
    };
    put(plan, &file.name, encoded)?;
    Ok(Written { file, repeated })
}

fn rolled_up(
    plan: &Plan,
    batch: &RecordBatch,
    name: &str,
) -> Result<Option<Arc<FileRollups>>, LakeError> {
    let Some(spec) = plan.rollup.as_ref() else { return Ok(None) };
    if (batch.num_rows() as u64) < plan.options.rollup_rows {
        return Ok(None);
    }
    let Some(mut roller) = Roller::new(spec, &plan.schema) else { return Ok(None) };
    roller.push(batch).map_err(LakeError::rows(plan.dataset(), "summed up"))?;
    rollup::put(plan, spec, roller, name)
}

pub(crate) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_column(plan: &Plan, pieces: &[RecordBatch]) -> Vec<Vec<ArrayRef>> {
    (0..plan.waiting.fields().len())
        .map(|place| pieces.iter().map(|piece| Arc::clone(piece.column(place))).collect())
        .collect()
}

fn encode(plan: &Plan, batch: &RecordBatch) -> Result<Vec<u8>, LakeError> {
    let failed = || LakeError::rows(plan.dataset(), "written");
    let properties = properties(&plan.sort, plan.options.zstd_level).map_err(failed())?;
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&plan.schema), Some(properties))
        .map_err(failed())?;
    writer.write(batch).map_err(failed())?;
    writer.into_inner().map_err(failed())
}

/// How every file of the lake is written.
pub(crate) fn properties(
    sort: &[usize],
    zstd_level: i32,
) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let level = ZstdLevel::try_new(zstd_level)?;
    let sorting = sort
        .iter()
        .filter_map(|place| i32::try_from(*place).ok())
        .map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: false });
    Ok(WriterProperties::builder()
        .set_created_by("mochiyori".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting.collect()))
        .build())
}

fn put(plan: &Plan, name: &str, encoded: Vec<u8>) -> Result<(), LakeError> {
    let path = plan.table.folder.clone().join(name);
    plan.runtime
        .block_on(plan.table.store.put(&path, PutPayload::from(encoded)))
        .map_err(LakeError::store("writing a file"))?;
    Ok(())
}

/// The least and the greatest of a column's values, as they are.
pub(crate) fn column_statistics(column: &ArrayRef) -> ColumnStatistics {
    let (minimum, maximum) = match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let bound = |text: Option<&str>| text.map(|text| Bound::Text(text.to_owned()));
            (bound(min_string(texts)), bound(max_string(texts)))
        }
        DataType::Int64 => bounds::<Int64Type>(column, Bound::Integer),
        DataType::Int32 => bounds::<Int32Type>(column, |v| Bound::Integer(i64::from(v))),
        DataType::Date32 => bounds::<Date32Type>(column, Bound::Date),
        DataType::Timestamp(..) => bounds::<TimestampMicrosecondType>(column, Bound::Instant),
        DataType::Float64 => {
            let (least, greatest) = bounds::<Float64Type>(column, Bound::Number);
            let number = |bound: &Option<Bound>| matches!(bound, Some(Bound::Number(value)) if value.is_finite());
            // A NaN or an infinity at either end can't be written down; nothing is said then.
            if number(&least) && number(&greatest) { (least, greatest) } else { (None, None) }
        }
        _ => (None, None),
    };
    ColumnStatistics { minimum, maximum, exact: true, nulls: Some(column.null_count() as u64) }
}

fn bounds<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    bound: impl Fn(T::Native) -> Bound,
) -> (Option<Bound>, Option<Bound>)
where
    T::Native: arrow::array::ArrowNativeTypeOp,
{
    let values = column.as_primitive::<T>();
    (min(values).map(&bound), max(values).map(&bound))
}
