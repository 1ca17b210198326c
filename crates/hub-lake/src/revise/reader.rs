//! A stored file's rows, batch by batch in their order, in today's schema.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_schema::{DataType, SchemaRef};
use futures::StreamExt;
use hub_model::DatasetId;
use object_store::{ObjectStore, path::Path};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::statistics::StatisticsConverter,
        async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder},
    },
    errors::ParquetError,
};
use tokio::runtime::Handle;

use crate::{
    Bound, ColumnStatistics, LakeError,
    compact::conform,
    revise::{
        ranges::Ranges,
        reach::{Columns, apart},
    },
};

/// Rows of a batch: enough for columns to be worked on as such, few enough for many files at once.
const BATCH_ROWS: usize = 16_384;

/// Where files are read from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) dataset: DatasetId,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) runtime: Handle,
    /// The schema that batches are given in.
    pub(crate) schema: SchemaRef,
}

/// Which rows of a file are of interest.
pub(crate) struct Wanted<'a> {
    /// The columns to read, by name; all where nothing is said.
    pub(crate) columns: Option<&'a [String]>,
    /// Groups of rows that can't hold any of these values are passed over.
    pub(crate) reach: &'a [Columns],
}

/// The rows of one file. Everything it does blocks.
pub(crate) struct Batches {
    source: Source,
    stream: ParquetRecordBatchStream<Ranges>,
    schema: SchemaRef,
}

impl Source {
    pub(crate) fn read(
        &self,
        path: &Path,
        bytes: u64,
        wanted: &Wanted<'_>,
    ) -> Result<Batches, LakeError> {
        let failed = || |error| failure(&self.dataset, error);
        let reader = Ranges { store: Arc::clone(&self.store), path: path.clone(), bytes };
        let builder = self
            .runtime
            .block_on(ParquetRecordBatchStreamBuilder::new(reader))
            .map_err(failed())?
            .with_batch_size(BATCH_ROWS);
        let groups = if wanted.reach.is_empty() {
            None
        } else {
            let stored = row_groups(&builder).map_err(failed())?;
            Some(reachable(&stored, wanted.reach))
        };
        let builder = match groups {
            Some(groups) => builder.with_row_groups(groups),
            None => builder,
        };
        let (builder, schema) = match wanted.columns {
            None => (builder, Arc::clone(&self.schema)),
            Some(names) => {
                let names = names.iter().map(String::as_str);
                let mask = ProjectionMask::columns(builder.parquet_schema(), names.clone());
                let fields: Vec<_> = names
                    .filter_map(|name| self.schema.field_with_name(name).ok().cloned())
                    .collect();
                (builder.with_projection(mask), Arc::new(arrow_schema::Schema::new(fields)))
            }
        };
        let stream = builder.build().map_err(failed())?;
        Ok(Batches { source: self.clone(), stream, schema })
    }
}

impl Batches {
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let failed = || LakeError::rows(&self.source.dataset, "read");
        match self.source.runtime.block_on(self.stream.next()) {
            None => Ok(None),
            Some(batch) => {
                let batch = batch.map_err(|error| failure(&self.source.dataset, error))?;
                conform(&batch, &self.schema).map(Some).map_err(failed())
            }
        }
    }
}

/// A file that can't be read because the store fails is not a broken file.
fn failure(dataset: &DatasetId, error: ParquetError) -> LakeError {
    match error {
        ParquetError::External(source) if source.is::<object_store::Error>() => LakeError::Store {
            action: "reading a file",
            source: object_store::Error::Generic { store: "lake", source },
        },
        other => LakeError::rows(dataset, "read")(other),
    }
}

/// What a file says of each group of its rows.
fn row_groups(
    builder: &ParquetRecordBatchStreamBuilder<Ranges>,
) -> Result<Vec<Columns>, ParquetError> {
    let groups = builder.metadata().row_groups();
    let mut known = vec![Columns::new(); groups.len()];
    for field in builder.schema().fields() {
        let statistics =
            StatisticsConverter::try_new(field.name(), builder.schema(), builder.parquet_schema())?;
        let least = statistics.row_group_mins(groups)?;
        let greatest = statistics.row_group_maxes(groups)?;
        for (place, columns) in known.iter_mut().enumerate() {
            let column = ColumnStatistics {
                minimum: bound(&least, place),
                maximum: bound(&greatest, place),
                exact: false,
                nulls: None,
            };
            columns.insert(field.name().clone(), column);
        }
    }
    Ok(known)
}

fn reachable(groups: &[Columns], reach: &[Columns]) -> Vec<usize> {
    let may_meet = |group: &Columns, other: &Columns| {
        !other.iter().any(|(name, column)| group.get(name).is_some_and(|own| apart(own, column)))
    };
    (0..groups.len())
        .filter(|place| reach.iter().any(|other| may_meet(&groups[*place], other)))
        .collect()
}

fn bound(values: &ArrayRef, place: usize) -> Option<Bound> {
    if values.is_null(place) {
        return None;
    }
    match values.data_type() {
        DataType::Boolean => Some(Bound::Boolean(values.as_boolean().value(place))),
        DataType::Utf8 => Some(Bound::Text(values.as_string::<i32>().value(place).to_owned())),
        DataType::Int64 => Some(Bound::Integer(values.as_primitive::<Int64Type>().value(place))),
        DataType::Int32 => {
            Some(Bound::Integer(i64::from(values.as_primitive::<Int32Type>().value(place))))
        }
        DataType::Float64 => Some(Bound::Number(values.as_primitive::<Float64Type>().value(place))),
        DataType::Date32 => Some(Bound::Date(values.as_primitive::<Date32Type>().value(place))),
        DataType::Timestamp(..) => {
            Some(Bound::Instant(values.as_primitive::<TimestampMicrosecondType>().value(place)))
        }
        _ => None,
    }
}
