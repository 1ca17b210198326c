//! The form that answers leave in: plain Arrow types that every reader knows, and labels that differ.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Fields, Schema, SchemaRef},
};
use arrow_schema::ArrowError;

use super::Said;
use crate::units::UNIT_KEY;

/// About how many bytes of text one batch of an answer holds.
const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

/// How each batch of an answer is brought into form.
#[derive(Debug)]
pub(crate) struct Shape {
    schema: SchemaRef,
}

impl Shape {
    /// The form for answers of this schema, of which this is said.
    pub(crate) fn new(planned: &Schema, said: Said) -> Self {
        let mut taken = HashSet::new();
        let fields = planned.fields().iter().enumerate().map(|(place, field)| {
            let shown = said.labels.iter().find(|(label, _)| label == field.name());
            let shown = shown.map_or(field.name().as_str(), |(_, shown)| shown.as_str());
            let mut name = shown.to_owned();
            let mut count = 1;
            while !taken.insert(name.clone()) {
                count += 1;
                name = format!("{shown}_{count}");
            }
            let mut metadata = field.metadata().clone();
            if let Some(unit) = said.units.as_ref().and_then(|units| units.get(place)) {
                metadata.remove(UNIT_KEY);
                metadata.extend(unit.iter().map(|unit| (UNIT_KEY.to_owned(), unit.to_string())));
            }
            let data_type = plain(field.data_type());
            Field::new(name, data_type, field.is_nullable()).with_metadata(metadata)
        });
        let fields: Vec<_> = fields.collect();
        Self { schema: Arc::new(Schema::new_with_metadata(fields, said.metadata)) }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The batch in as many parts as keep each within [`MAX_BATCH_BYTES`]. Views share their text between
    /// rows, and plain text does not.
    pub(crate) fn parts(&self, batch: &RecordBatch) -> Vec<RecordBatch> {
        let bytes: usize = batch
            .columns()
            .iter()
            .map(|column| match column.data_type() {
                DataType::Utf8View => column.as_string_view().lengths().map(|l| l as usize).sum(),
                DataType::BinaryView => column.as_binary_view().lengths().map(|l| l as usize).sum(),
                _ => 0,
            })
            .sum();
        let parts = bytes.div_ceil(MAX_BATCH_BYTES).max(1);
        let rows = batch.num_rows().div_ceil(parts).max(1);
        (0..batch.num_rows())
            .step_by(rows)
            .map(|from| batch.slice(from, rows.min(batch.num_rows() - from)))
            .collect()
    }

    pub(crate) fn apply(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast(column, field.data_type())
            }
        });
        let options =
            arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(
            self.schema(),
            columns.collect::<Result<Vec<_>, _>>()?,
            &options,
        )
    }
}

/// The type without views and dictionaries, which older readers do not know.
pub(crate) fn plain(data_type: &DataType) -> DataType {
    let element = |field: &Arc<Field>| {
        Arc::new(field.as_ref().clone().with_data_type(plain(field.data_type())))
    };
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain(value),
        DataType::List(field) | DataType::ListView(field) => DataType::List(element(field)),
        DataType::LargeList(field) | DataType::LargeListView(field) => {
            DataType::LargeList(element(field))
        }
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(element(field), *size),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(element).collect::<Fields>())
        }
        DataType::Map(field, sorted) => DataType::Map(element(field), *sorted),
        other => other.clone(),
    }
}
