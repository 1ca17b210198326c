//! What is computed from a key alone, once for each run of it. Files are sorted by the key of their series,
//! so that thousands of rows in a row have the same station: a code or a name that is made of it, for a join
//! with another agency's, is made for the first of them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{RecordBatch, UInt32Array},
    compute::{partition, take},
    datatypes::{DataType, FieldRef, Schema, SchemaRef},
};
use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    logical_expr::{ColumnarValue, sort_properties::ExprProperties},
    physical_expr::{PhysicalExpr, projection::ProjectionExpr, utils::collect_columns},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, expressions::Column, projection::ProjectionExec,
    },
};

/// Runs are worked on where they have so many rows on average.
const LEAST_ROWS: usize = 8;

/// Marks the expressions of projections that compute from nothing but the column their input is sorted by.
#[derive(Debug)]
pub(crate) struct KeyRuns;

impl PhysicalOptimizerRule for KeyRuns {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match by_runs(&node)? {
                Some(projection) => Transformed::yes(projection),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "key_runs"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn by_runs(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = node.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let input = projection.input();
    let first = input.output_ordering().map(|order| &order.first().expr);
    let Some(key) = first.and_then(|expr| expr.downcast_ref::<Column>()) else { return Ok(None) };
    let mut found = false;
    let mut exprs = projection.expr().to_vec();
    for shown in &mut exprs {
        if let Some(of_run) = of_run(shown, key, &input.schema())? {
            *shown = of_run;
            found = true;
        }
    }
    if !found {
        return Ok(None);
    }
    Ok(Some(Arc::new(ProjectionExec::try_new(exprs, Arc::clone(input))?)))
}

/// The expression as computed by runs; none where it is no more than the key, or more than that.
fn of_run(shown: &ProjectionExpr, key: &Column, schema: &Schema) -> Result<Option<ProjectionExpr>> {
    let columns = collect_columns(&shown.expr);
    let is_of_key = columns.len() == 1 && columns.contains(key);
    if !is_of_key || shown.expr.is::<Column>() || is_volatile(&shown.expr) {
        return Ok(None);
    }
    let value = Arc::clone(&shown.expr).transform_up(|node| {
        Ok(match node.downcast_ref::<Column>() {
            Some(column) => Transformed::yes(Arc::new(Column::new(column.name(), 0)) as _),
            None => Transformed::no(node),
        })
    });
    let of_run = OfRun {
        key: Arc::new(key.clone()),
        value: value.data()?,
        schema: Arc::new(schema.project(&[key.index()])?),
    };
    Ok(Some(ProjectionExpr { expr: Arc::new(of_run), alias: shown.alias.clone() }))
}

fn is_volatile(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.is_volatile_node() || expr.children().into_iter().any(is_volatile)
}

/// An expression of one column, computed for the first row of each run of equal values.
#[derive(Debug)]
struct OfRun {
    key: Arc<dyn PhysicalExpr>,
    /// What is computed, of a batch with the key as its only column.
    value: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
}

impl PhysicalExpr for OfRun {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        self.value.data_type(&self.schema)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        self.value.nullable(&self.schema)
    }

    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        // A cast says of its values what is said of the column, such as its unit.
        self.value.return_field(&self.schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = batch.num_rows();
        let key = self.key.evaluate(batch)?.into_array(rows)?;
        let of =
            |key| self.value.evaluate(&RecordBatch::try_new(Arc::clone(&self.schema), vec![key])?);
        let runs = partition(std::slice::from_ref(&key))?.ranges();
        if runs.len() * LEAST_ROWS > rows {
            return of(key);
        }
        let first: UInt32Array = runs.iter().map(|run| run.start as u32).collect();
        let values = of(take(&key, &first, None)?)?.into_array(runs.len())?;
        let mut places = Vec::with_capacity(rows);
        for (place, run) in (0..).zip(&runs) {
            places.resize(run.end, place);
        }
        Ok(ColumnarValue::Array(take(&values, &UInt32Array::from(places), None)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.key]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let Some(key) = children.pop() else { return Ok(self) };
        let (value, schema) = (Arc::clone(&self.value), Arc::clone(&self.schema));
        Ok(Arc::new(Self { key, value, schema }))
    }

    fn get_properties(&self, children: &[ExprProperties]) -> Result<ExprProperties> {
        match children {
            // What stands above the projection may count on the order of what is computed.
            [key] => properties(&self.value, key),
            _ => Ok(ExprProperties::new_unknown()),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn properties(value: &Arc<dyn PhysicalExpr>, key: &ExprProperties) -> Result<ExprProperties> {
    if value.is::<Column>() {
        return Ok(key.clone());
    }
    let children = value.children().into_iter().map(|child| properties(child, key));
    value.get_properties(&children.collect::<Result<Vec<_>>>()?)
}

impl fmt::Display for OfRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by runs", self.value)
    }
}

impl PartialEq for OfRun {
    fn eq(&self, other: &Self) -> bool {
        self.key.eq(&other.key) && self.value.eq(&other.value)
    }
}

impl Eq for OfRun {}

impl Hash for OfRun {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.value.hash(state);
    }
}
