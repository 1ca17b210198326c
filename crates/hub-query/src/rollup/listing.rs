//! Which values a column has, and in how many rows each: what joins are advised from.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use futures::TryStreamExt;

use super::days::Summing;
use crate::{
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::column,
};

impl QueryEngine {
    /// In how many rows a column has each of its values, as text; rows without a value aside. None where it
    /// has more than `most` different ones, or the contract has no such column. Columns of the series are
    /// read from rollups where these tell.
    pub async fn rows_by_value(
        &self,
        table: ReadableTable,
        name: &str,
        most: usize,
    ) -> Result<Option<BTreeMap<String, u64>>, QueryError> {
        let Some(field) = table.contract.fields.iter().find(|field| field.name == name).cloned()
        else {
            return Ok(None);
        };
        let mut batches = self
            .summed(table, move |_| {
                let mut summing = Summing::default();
                summing.group(column(&field), &field.name);
                summing.rows();
                Ok(summing)
            })
            .await?;
        let mut values = BTreeMap::new();
        while let Some(batch) = batches.try_next().await? {
            let text = |at, data_type| cast(batch.column(at), data_type);
            let keys = text(0, &DataType::Utf8).map_err(QueryError::internal)?;
            let rows = text(1, &DataType::Int64).map_err(QueryError::internal)?;
            let (keys, rows) = (keys.as_string::<i32>(), rows.as_primitive::<Int64Type>());
            for row in (0..batch.num_rows()).filter(|row| keys.is_valid(*row)) {
                values.insert(keys.value(row).to_owned(), rows.value(row).unsigned_abs());
            }
            if values.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(values))
    }
}
