//! Which files can hold rows for a predicate, by the log's statistics and without opening any.

use std::{collections::HashSet, sync::Arc};

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow_schema::SchemaRef;
use datafusion::{
    common::{Column, Result, pruning::PruningStatistics},
    physical_expr::PhysicalExpr,
    physical_optimizer::pruning::PruningPredicateBuilder,
    scalar::ScalarValue,
};
use hub_lake::{Bound, ColumnStatistics, DataFile};

use super::{
    Exposed, Prepared,
    columns::{bound_value, widened_maximum, widened_minimum},
};

/// Of each file whether it must be read. A predicate that tells nothing keeps them all.
pub(crate) fn prune(
    prepared: &Prepared,
    exposed: &[Exposed],
    schema: &SchemaRef,
    predicate: Arc<dyn PhysicalExpr>,
) -> Result<Vec<bool>> {
    let predicate =
        PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).try_build(predicate)?;
    predicate.prune(&FileBounds { prepared, exposed })
}

struct FileBounds<'a> {
    prepared: &'a Prepared,
    exposed: &'a [Exposed],
}

impl FileBounds<'_> {
    fn values(
        &self,
        column: &Column,
        bound: impl Fn(&ColumnStatistics) -> Option<Bound>,
    ) -> Option<ArrayRef> {
        let column = self.exposed.iter().find(|exposed| exposed.name == column.name)?;
        let field = self.prepared.scan_schema.field(column.index);
        let none = ScalarValue::try_from(field.data_type()).ok()?;
        let values = self.files().iter().map(|file| {
            let known = file.columns.get(field.name());
            known
                .and_then(&bound)
                .and_then(|bound| bound_value(&bound, field.data_type()))
                .unwrap_or_else(|| none.clone())
        });
        ScalarValue::iter_to_array(values).ok()
    }

    fn files(&self) -> &[DataFile] {
        &self.prepared.snapshot.files
    }
}

impl PruningStatistics for FileBounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| widened_minimum(known.minimum.as_ref()?, known.exact))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |known| widened_maximum(known.maximum.as_ref()?, known.exact))
    }

    fn num_containers(&self) -> usize {
        self.files().len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let column = self.exposed.iter().find(|exposed| exposed.name == column.name)?;
        if column.judged_by.is_some() {
            // More values are missing to the query than the files lack.
            return None;
        }
        let name = self.prepared.scan_schema.field(column.index).name();
        let counts: UInt64Array =
            self.files().iter().map(|file| file.columns.get(name)?.nulls).collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let counts: UInt64Array = self.files().iter().map(|file| Some(file.rows)).collect();
        Some(Arc::new(counts))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
