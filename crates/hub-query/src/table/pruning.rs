//! Which files can hold rows for a predicate, by the log's statistics and without opening any; and where
//! the predicate is asked of their rows.

use std::{collections::HashSet, sync::Arc};

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow_schema::SchemaRef;
use datafusion::{
    common::{Column, Result, pruning::PruningStatistics},
    logical_expr::Operator,
    physical_expr::{PhysicalExpr, utils::collect_columns},
    physical_optimizer::pruning::PruningPredicateBuilder,
    physical_plan::expressions::{BinaryExpr, Column as PhysicalColumn, InListExpr},
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

/// Whether a predicate names values of the column that the files are sorted by first. Rows that fulfil it
/// then stand together, and the scan itself asks it, so that it decodes nothing else. Everywhere else
/// whole batches are decoded and filtered, which costs less than to decode the rows that stay in pieces.
pub(crate) fn names_keys(
    prepared: &Prepared,
    exposed: &[Exposed],
    predicate: &Arc<dyn PhysicalExpr>,
) -> bool {
    let key = prepared.sorted_by.first();
    let is_key = |expr: &Arc<dyn PhysicalExpr>| {
        let column = expr.downcast_ref::<PhysicalColumn>();
        column.is_some_and(|column| Some(&exposed[column.index()].index) == key)
    };
    names(predicate, &is_key)
}

fn names(
    predicate: &Arc<dyn PhysicalExpr>,
    is_key: &impl Fn(&Arc<dyn PhysicalExpr>) -> bool,
) -> bool {
    if let Some(list) = predicate.downcast_ref::<InListExpr>() {
        return !list.negated() && is_key(list.expr());
    }
    let Some(binary) = predicate.downcast_ref::<BinaryExpr>() else { return false };
    let (left, right) = (binary.left(), binary.right());
    match binary.op() {
        Operator::And => names(left, is_key) || names(right, is_key),
        Operator::Or => names(left, is_key) && names(right, is_key),
        Operator::Eq => {
            let is_constant = |expr| collect_columns(expr).is_empty();
            is_key(left) && is_constant(right) || is_key(right) && is_constant(left)
        }
        _ => false,
    }
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
