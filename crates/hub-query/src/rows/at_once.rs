//! A page out of the rows that a point lookup finds, without a plan.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{Array, AsArray, Float64Array, RecordBatch, Scalar},
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
use hub_model::Field;

use super::{Direction, RowsRequest, TotalOrder};
use crate::{
    classify::classify,
    engine::QueryEngine,
    error::QueryError,
    limits::{OutputBudget, Running},
    point::{Reach, Wanted, lookup},
    stream::{Said, Shape},
    table::{Exposed, Prepared, SnapshotTable},
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
        let rows = skip.saturating_add(request.limit + 1);
        let wanted = match rest.is_empty() && after.is_empty() {
            true => order.wanted(&prepared, &reach, rows),
            false => Wanted::All,
        };
        let found = lookup(&inner.scans, &prepared, &reach, wanted);
        let found = tokio::time::timeout(limit, found).await;
        let found = found.map_err(|_| QueryError::time_limit(limit))?;
        let Some(found) = found else { return Ok(None) };
        let table = SnapshotTable::new(prepared, shown.to_vec(), Arc::clone(&inner.scans));
        let mut conditions = after.to_vec();
        for filter in rest {
            conditions.push(filter.expression(&request.table.contract)?);
        }
        let page = || -> Result<RecordBatch, DataFusionError> {
            let page = self.fulfilling(conditions, table.show(&found)?)?;
            let page = order.arrange(page, rows)?;
            let skip = skip.min(page.num_rows());
            let page = page.slice(skip, page.num_rows() - skip);
            Ok(Shape::new(&page.schema(), Said::default()).apply(page)?)
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
    /// Where files have this order or its reverse, so many rows from that end of each are enough.
    fn wanted(&self, prepared: &Prepared, reach: &Reach, rows: usize) -> Wanted {
        let open: Vec<usize> =
            prepared.sorted_by.iter().copied().filter(|column| !reach.is_fixed(*column)).collect();
        let fields = |columns: &[usize]| -> Vec<&Field> {
            columns.iter().map(|column| &self.contract.fields[*column]).collect()
        };
        let sorted = fields(&prepared.sorted_by);
        // Rows that are equal in it stand in the file as they came.
        let key = &self.contract.primary_key;
        let is_total = !key.is_empty()
            && key
                .iter()
                .all(|name| self.contract.field(name).is_some_and(|field| sorted.contains(&field)));
        // What is missing comes last either way.
        let is_there = fields(&open).into_iter().all(|field| !self.may_miss(field));
        let asked = self.columns.iter().filter(|(column, ..)| !reach.is_fixed(*column));
        let asked: Vec<_> =
            asked.take(open.len()).map(|(column, _, way)| (*column, *way)).collect();
        let is = |way| open.iter().map(|column| (*column, way)).eq(asked.iter().copied());
        match () {
            () if !is_total || !is_there => Wanted::All,
            () if is(Direction::Ascending) => Wanted::First(rows),
            () if is(Direction::Descending) => Wanted::Last(rows),
            () => Wanted::All,
        }
    }

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
