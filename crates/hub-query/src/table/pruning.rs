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

/// Whether rows that fulfil a predicate stand together: it names values of the column that the files are
/// sorted by first, or keeps one that they are sorted by between two bounds. The scan itself then asks it,
/// and decodes nothing else. Everywhere else whole batches are decoded and filtered, which costs less than
/// to decode the rows that stay in pieces.
pub(crate) fn follows_order(
    prepared: &Prepared,
    exposed: &[Exposed],
    predicate: &Arc<dyn PhysicalExpr>,
) -> bool {
    let says = |key: usize, operators: &[Operator]| {
        let is_key = |expr: &Arc<dyn PhysicalExpr>| {
            let column = expr.downcast_ref::<PhysicalColumn>();
            column.is_some_and(|column| exposed[column.index()].index == key)
        };
        says(predicate, &is_key, operators)
    };
    let first = prepared.sorted_by.first();
    first.is_some_and(|key| says(*key, &[Operator::Eq]))
        || prepared.sorted_by.iter().any(|key| {
            says(*key, &[Operator::Eq, Operator::Gt, Operator::GtEq])
                && says(*key, &[Operator::Eq, Operator::Lt, Operator::LtEq])
        })
}

/// Whether a predicate holds only for rows whose key compares so with a constant.
fn says(
    predicate: &Arc<dyn PhysicalExpr>,
    is_key: &impl Fn(&Arc<dyn PhysicalExpr>) -> bool,
    operators: &[Operator],
) -> bool {
    if let Some(list) = predicate.downcast_ref::<InListExpr>() {
        return !list.negated() && is_key(list.expr()) && operators.contains(&Operator::Eq);
    }
    let Some(binary) = predicate.downcast_ref::<BinaryExpr>() else { return false };
    let (left, right) = (binary.left(), binary.right());
    match binary.op() {
        Operator::And => says(left, is_key, operators) || says(right, is_key, operators),
        Operator::Or => says(left, is_key, operators) && says(right, is_key, operators),
        operator => {
            let is_constant = |expr| collect_columns(expr).is_empty();
            let is_said = |operator: Operator| operators.contains(&operator);
            is_key(left) && is_constant(right) && is_said(*operator)
                || is_key(right) && is_constant(left) && operator.swap().is_some_and(is_said)
        }
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
