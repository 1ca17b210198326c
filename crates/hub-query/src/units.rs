//! Units through a query: the unit of every column of the answer, and a refusal where values of two
//! units are added, compared or put into one column. Units are those of contracts, which the tables' fields
//! carry.

mod expression;
mod measured;
mod meeting;
mod own;

use arrow::datatypes::FieldRef;
use datafusion::{
    common::{Column, DFSchema, JoinType, Result},
    logical_expr::{Distinct, Expr, LogicalPlan},
};

use measured::Measured;
pub(crate) use measured::Unit;
use meeting::{Meeting, Of, Part};
pub(crate) use own::own_units_written;

/// The key of a field's metadata under which its unit stands.
pub(crate) const UNIT_KEY: &str = "unit";

/// The unit of each column that the plan gives, where it is known, and an error where units meet that
/// do not belong together.
pub(crate) fn of_answer(plan: &LogicalPlan) -> Result<Vec<Unit>> {
    let units = of_plan(plan, None)?;
    Ok(units.iter().map(|known| known.as_ref().and_then(Measured::shown)).collect())
}

/// What is known of each column of a plan. A subquery's columns may be those of the query around it.
fn of_plan(plan: &LogicalPlan, outer: Option<&Scope<'_>>) -> Result<Vec<Known>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            Ok(scan.projected_schema.fields().iter().map(of_field).collect())
        }
        LogicalPlan::Projection(node) => Scope::of(&node.input, outer)?.all(&node.expr),
        LogicalPlan::Aggregate(node) => {
            let scope = Scope::of(&node.input, outer)?;
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
            let scope = Scope::of(&node.input, outer)?;
            let computed = scope.all(&node.window_expr)?;
            Ok(scope.units.into_iter().chain(computed).collect())
        }
        LogicalPlan::Filter(node) => {
            let scope = Scope::of(&node.input, outer)?;
            scope.unit(&node.predicate)?;
            Ok(scope.units)
        }
        LogicalPlan::Sort(node) => {
            let scope = Scope::of(&node.input, outer)?;
            for sort in &node.expr {
                scope.unit(&sort.expr)?;
            }
            Ok(scope.units)
        }
        LogicalPlan::Distinct(Distinct::On(node)) => {
            let scope = Scope::of(&node.input, outer)?;
            scope.all(&node.on_expr)?;
            scope.all(&node.select_expr)
        }
        LogicalPlan::Join(node) => {
            let beside = Scope::of(&node.left, outer)?;
            // To a LATERAL the rows of the left side are those around it.
            let right = of_plan(&node.right, Some(&beside))?;
            let left = beside.units;
            let both: Vec<Known> = left.iter().chain(&right).cloned().collect();
            let schema = node.left.schema().join(node.right.schema())?;
            let scope = Scope { schema: &schema, units: both, outer };
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
            let inputs = node.inputs.iter().map(|input| of_plan(input, outer));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let columns = node.schema.fields().iter().enumerate();
            columns
                .map(|(place, field)| -> Result<Known> {
                    let parts = node.inputs.iter().zip(&inputs).map(|(input, units)| {
                        let named = input.schema().fields().get(place).unwrap_or(field);
                        let unit = units.get(place).cloned().flatten();
                        Part { of: Of::Column(named.name()), unit }
                    });
                    let unit = Meeting::InOneColumn.unit(parts)?;
                    // Rows whose unit is not known may have another.
                    let is_known =
                        inputs.iter().all(|units| units.get(place).is_some_and(Option::is_some));
                    Ok(unit.filter(|_| is_known))
                })
                .collect()
        }
        LogicalPlan::Values(node) => Ok(vec![None; node.schema.fields().len()]),
        other => by_place_or_name(other, outer),
    }
}

/// The units of a node that gives columns of its inputs as they are: all of them in order, or else those
/// of the same name.
fn by_place_or_name(plan: &LogicalPlan, outer: Option<&Scope<'_>>) -> Result<Vec<Known>> {
    let mut columns = Vec::new();
    let mut units = Vec::new();
    for input in plan.inputs() {
        columns.extend(input.schema().columns());
        units.extend(of_plan(input, outer)?);
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

/// What is known of the values of a column.
type Known = Option<Measured>;

fn of_field(field: &FieldRef) -> Known {
    field.metadata().get(UNIT_KEY).map(|unit| Measured::in_unit(unit))
}

/// The columns that an expression is over, with their units.
struct Scope<'a> {
    schema: &'a DFSchema,
    units: Vec<Known>,
    /// The columns of the query around this one.
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    fn of(input: &'a LogicalPlan, outer: Option<&'a Scope<'a>>) -> Result<Self> {
        Ok(Self { schema: input.schema(), units: of_plan(input, outer)?, outer })
    }

    fn all(&self, expressions: &[Expr]) -> Result<Vec<Known>> {
        expressions.iter().map(|expression| self.unit(expression)).collect()
    }

    fn column(&self, column: &Column) -> Known {
        let place = self.schema.maybe_index_of_column(column)?;
        self.units.get(place).cloned().flatten()
    }

    /// A column of the nearest query around this one that has it.
    fn outer_column(&self, column: &Column) -> Known {
        let mut around = self.outer;
        while let Some(scope) = around {
            if scope.schema.has_column(column) {
                return scope.column(column);
            }
            around = scope.outer;
        }
        None
    }
}
