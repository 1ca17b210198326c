//! A page out of the rows that a point lookup finds, without a plan.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::Float64Array,
    array::{Array, AsArray, RecordBatch, Scalar},
    compute::{
        LexicographicalComparator, SortColumn, SortOptions, filter_record_batch,
        kernels::numeric::add, lexsort_to_indices, take_record_batch,
    },
};
use arrow_schema::{ArrowError, DataType};
use datafusion::{
    common::{DFSchema, DataFusionError},
    logical_expr::{Expr, utils::conjunction},
};

use super::{Direction, RowsRequest, TotalOrder};
use crate::{
    classify::classify,
    engine::QueryEngine,
    error::QueryError,
    limits::{OutputBudget, Running},
    point::{Reach, lookup},
    stream::{Said, Shape},
    table::{Exposed, SnapshotTable},
};

impl QueryEngine {
    /// The rows of a page, one more than it has where more follow; none where a plan does better. `after` are
    /// the conditions of the cursor, and `skip` rows that fulfil them were read before.
    pub(super) async fn at_once(
        &self,
        request: &RowsRequest,
        shown: &[Exposed],
        order: &TotalOrder<'_>,
        after: &[Expr],
        skip: usize,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let inner = &self.inner;
        if inner.config.page_cache_bytes == 0 {
            return Ok(None);
        }
        let fault = |error| classify(&error, &inner.limits_context());
        let prepared = inner.tables.prepare(&request.table).await.map_err(fault)?;
        let Some((reach, rest)) = Reach::of(&prepared, shown, &request.filters)? else {
            return Ok(None);
        };
        let _running = Running::new(&inner.counters, inner.admission.enter().await?);
        let limit = inner.config.time_limit;
        let found = tokio::time::timeout(limit, lookup(&inner.scans, &prepared, &reach)).await;
        let found = found.map_err(|_| QueryError::time_limit(limit))?;
        let Some(found) = found else { return Ok(None) };
        let table = SnapshotTable::new(prepared, shown.to_vec(), Arc::clone(&inner.scans));
        let mut conditions = after.to_vec();
        for filter in rest {
            conditions.push(filter.expression(&request.table.contract)?);
        }
        let page = || -> Result<RecordBatch, DataFusionError> {
            let rows = table.show(&found)?;
            let rows = self.fulfilling(conditions, rows)?;
            let rows = order.arrange(rows, skip.saturating_add(request.limit + 1))?;
            let skip = skip.min(rows.num_rows());
            let rows = rows.slice(skip, rows.num_rows() - skip);
            Ok(Shape::new(&rows.schema(), Said::default()).apply(rows)?)
        };
        let page = page().map_err(fault)?;
        let config = &inner.config;
        OutputBudget::new(config.max_output_rows, config.max_output_bytes).take(&page)?;
        Ok(Some(page))
    }

    fn fulfilling(
        &self,
        conditions: Vec<Expr>,
        rows: RecordBatch,
    ) -> Result<RecordBatch, DataFusionError> {
        let Some(condition) = conjunction(conditions) else { return Ok(rows) };
        let schema = DFSchema::try_from(rows.schema())?;
        let condition = self.inner.sessions.for_rows().create_physical_expr(condition, &schema)?;
        let is_kept = condition.evaluate(&rows)?.into_array(rows.num_rows())?;
        Ok(filter_record_batch(&rows, is_kept.as_boolean())?)
    }
}

impl TotalOrder<'_> {
    /// The first rows of the order.
    fn arrange(&self, rows: RecordBatch, first: usize) -> Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter().map(|(index, _, direction)| {
            let values = rows.column(*index);
            let values = match values.data_type() {
                // As in a plan's order, the two zeros are equal.
                DataType::Float64 => add(values, &Scalar::new(Float64Array::from(vec![0.0])))?,
                _ => Arc::clone(values),
            };
            let descending = *direction == Direction::Descending;
            Ok(SortColumn { values, options: Some(SortOptions { descending, nulls_first: false }) })
        });
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        let comparator = LexicographicalComparator::try_new(&columns)?;
        let in_order = |row: usize| comparator.compare(row - 1, row) != Ordering::Greater;
        if (1..rows.num_rows()).all(in_order) {
            return Ok(rows.slice(0, rows.num_rows().min(first)));
        }
        take_record_batch(&rows, &lexsort_to_indices(&columns, Some(first))?)
    }
}
