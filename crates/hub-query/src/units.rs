//! Units through a query: the unit of every column of the answer, and a refusal where values of two
//! units are added or compared. Units are those of contracts, which the tables' fields carry.

mod expression;
mod own;

pub(crate) use own::own_units_written;

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::{
    common::{Column, DFSchema, JoinType, Result},
    logical_expr::{Distinct, Expr, LogicalPlan},
};

/// A unit as contracts write it, in UCUM.
pub(crate) type Unit = Option<Arc<str>>;

/// The key of a field's metadata under which its unit stands.
pub(crate) const UNIT_KEY: &str = "unit";

/// The unit of each column that the plan gives, where it is known, and an error where units meet that
/// do not belong together.
pub(crate) fn of_plan(plan: &LogicalPlan) -> Result<Vec<Unit>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            Ok(scan.projected_schema.fields().iter().map(of_field).collect())
        }
        LogicalPlan::Projection(node) => Scope::of(&node.input)?.all(&node.expr),
        LogicalPlan::Aggregate(node) => {
            let scope = Scope::of(&node.input)?;
            let grouped = node.group_expr.iter().flat_map(|expr| match expr {
                Expr::GroupingSet(set) => set.distinct_expr().into_iter().cloned().collect(),
                other => vec![other.clone()],
            });
            let mut units = scope.all(&grouped.collect::<Vec<_>>())?;
            // Of grouping sets there is one more column, which tells them apart.
            let given = node.schema.fields().len() - node.aggr_expr.len();
            units.resize(given, None);
            units.extend(scope.all(&node.aggr_expr)?);
            Ok(units)
        }
        LogicalPlan::Window(node) => {
            let scope = Scope::of(&node.input)?;
            let computed = scope.all(&node.window_expr)?;
            Ok(scope.units.into_iter().chain(computed).collect())
        }
        LogicalPlan::Filter(node) => {
            let scope = Scope::of(&node.input)?;
            scope.unit(&node.predicate)?;
            Ok(scope.units)
        }
        LogicalPlan::Sort(node) => {
            let scope = Scope::of(&node.input)?;
            for sort in &node.expr {
                scope.unit(&sort.expr)?;
            }
            Ok(scope.units)
        }
        LogicalPlan::Distinct(Distinct::On(node)) => {
            let scope = Scope::of(&node.input)?;
            scope.all(&node.on_expr)?;
            scope.all(&node.select_expr)
        }
        LogicalPlan::Join(node) => {
            let (left, right) = (of_plan(&node.left)?, of_plan(&node.right)?);
            let both: Vec<Unit> = left.iter().chain(&right).cloned().collect();
            let schema = node.left.schema().join(node.right.schema())?;
            let scope = Scope { schema: &schema, units: both };
            for (one, other) in &node.on {
                scope.compared(&[one, other])?;
            }
            if let Some(filter) = &node.filter {
                scope.unit(filter)?;
            }
            Ok(match node.join_type {
                JoinType::LeftSemi | JoinType::LeftAnti => left,
                JoinType::RightSemi | JoinType::RightAnti => right,
                JoinType::LeftMark => left.into_iter().chain([None]).collect(),
                JoinType::RightMark => right.into_iter().chain([None]).collect(),
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => scope.units,
            })
        }
        LogicalPlan::Union(node) => {
            let inputs = node.inputs.iter().map(|input| of_plan(input));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            // Rows of several units in one column have none.
            Ok((0..node.schema.fields().len())
                .map(|place| {
                    let first = inputs.first()?.get(place)?;
                    let same = inputs.iter().all(|units| units.get(place) == Some(first));
                    first.clone().filter(|_| same)
                })
                .collect())
        }
        LogicalPlan::Values(node) => Ok(vec![None; node.schema.fields().len()]),
        other => by_place_or_name(other),
    }
}

/// The units of a node that gives columns of its inputs as they are: all of them in order, or else those
/// of the same name.
fn by_place_or_name(plan: &LogicalPlan) -> Result<Vec<Unit>> {
    let mut columns = Vec::new();
    let mut units = Vec::new();
    for input in plan.inputs() {
        columns.extend(input.schema().columns());
        units.extend(of_plan(input)?);
    }
    let given = plan.schema().columns();
    if given.len() == units.len() {
        return Ok(units);
    }
    let unit = |column: &Column| {
        let place = columns.iter().position(|other| other == column)?;
        units.get(place).cloned().flatten()
    };
    Ok(given.iter().map(unit).collect())
}

fn of_field(field: &FieldRef) -> Unit {
    field.metadata().get(UNIT_KEY).map(|unit| Arc::from(unit.as_str()))
}

/// The columns that an expression is over, with their units.
struct Scope<'a> {
    schema: &'a DFSchema,
    units: Vec<Unit>,
}

impl<'a> Scope<'a> {
    fn of(input: &'a LogicalPlan) -> Result<Self> {
        Ok(Self { schema: input.schema(), units: of_plan(input)? })
    }

    fn all(&self, expressions: &[Expr]) -> Result<Vec<Unit>> {
        expressions.iter().map(|expression| self.unit(expression)).collect()
    }

    fn column(&self, column: &Column) -> Unit {
        let place = self.schema.maybe_index_of_column(column)?;
        self.units.get(place).cloned().flatten()
    }
}
