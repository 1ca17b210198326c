//! Finds aggregates that are grouped by `time_bucket_gapfill`, and what above them is filled.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        Column, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Aggregate, Between, BinaryExpr, Cast, Expr, ExprSchemable, Extension, Filter, LogicalPlan,
        Operator, Projection, ScalarUDF, Window, cast, expr::ScalarFunction,
        expr_rewriter::NamePreserver, utils::split_conjunction,
    },
    optimizer::AnalyzerRule,
};

use super::{
    Fill,
    node::{Bound, Filled, GapFill, Terms},
};
use crate::{
    classify::plain,
    dialect::hints::refused,
    functions::{GAPFILL, INTERPOLATE, LOCF, Step},
};

const FORM: &str = "SELECT time_bucket_gapfill('1 hour', time) AS hour, station, locf(avg(level)) FROM … WHERE \
                    time >= … AND time < … GROUP BY 1, 2";

/// Comes before the rules that would take the calls for functions of rows.
#[derive(Debug)]
pub(crate) struct GapFills {
    /// `time_bucket`, which takes the place of the other in the grouping.
    pub(crate) time_bucket: Arc<ScalarUDF>,
}

impl AnalyzerRule for GapFills {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        if misplaced(&plan)?.is_none() {
            return Ok(plan);
        }
        let plan =
            plan.transform_up_with_subqueries(|plan| self.rewrite(plan).map(Transformed::yes))?;
        match misplaced(&plan.data)? {
            None => Ok(plan.data),
            Some(GAPFILL) => refused(format!(
                "time_bucket_gapfill stands in GROUP BY, by itself and once, beside the columns that tell \
                 series apart: {FORM}"
            )),
            Some(name) => refused(format!(
                "{name} stands around an aggregate in the SELECT or HAVING of a query that groups by \
                 time_bucket_gapfill, and not inside of another; give it a name there to order by it: {FORM}"
            )),
        }
    }

    fn name(&self) -> &str {
        "gap_fills"
    }
}

/// One of the calls that is still in the plan.
fn misplaced(plan: &LogicalPlan) -> Result<Option<&'static str>> {
    let mut found = None;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            expr.apply(|part| {
                found = found
                    .or_else(|| [GAPFILL, LOCF, INTERPOLATE].into_iter().find(|n| calls(part, n)));
                Ok(if found.is_some() {
                    TreeNodeRecursion::Stop
                } else {
                    TreeNodeRecursion::Continue
                })
            })
        })
    })?;
    Ok(found)
}

fn calls(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == name)
}

/// What stands behind the name that another rule kept for it.
fn unnamed(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(named) => unnamed(&named.expr),
        other => other,
    }
}

fn holds(expr: &Expr, names: &[&str]) -> Result<bool> {
    expr.exists(|part| Ok(names.iter().any(|name| calls(part, name))))
}

impl GapFills {
    fn rewrite(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        match plan {
            LogicalPlan::Aggregate(aggregate) => {
                let mut grouped = aggregate.group_expr.iter().enumerate();
                let place =
                    grouped.find(|(_, expr)| calls(unnamed(expr), GAPFILL)).map(|(place, _)| place);
                match place {
                    Some(place) => self.gap_fill(aggregate, place),
                    None => LogicalPlan::Aggregate(aggregate).recompute_schema(),
                }
            }
            LogicalPlan::Projection(Projection { expr, input, .. }) => {
                let plan = LogicalPlan::Projection(Projection::try_new(expr, input)?);
                filled(plan)
            }
            LogicalPlan::Filter(_) | LogicalPlan::Window(_) => filled(plan.recompute_schema()?),
            // What is made has no aggregates, so that more columns may be missing than before.
            other => other.recompute_schema(),
        }
    }

    /// The aggregate by plain buckets, under the names that it had, and the node over it.
    fn gap_fill(&self, aggregate: Aggregate, place: usize) -> Result<LogicalPlan> {
        let Aggregate { input, mut group_expr, aggr_expr, schema, .. } = aggregate;
        if group_expr.len() + aggr_expr.len() != schema.fields().len() {
            return refused(format!("time_bucket_gapfill is not a part of grouping sets: {FORM}"));
        }
        let Expr::ScalarFunction(ScalarFunction { args, .. }) = unnamed(&group_expr[place]) else {
            return datafusion::common::internal_err!("the bucket is not a call");
        };
        let (Some(width), Some(time)) = (args.first(), args.get(1)) else {
            return refused(format!("time_bucket_gapfill takes an interval and a time: {FORM}"));
        };
        let Some(width) = constant(width) else {
            return refused(format!(
                "time_bucket_gapfill takes its interval from the query: {FORM}"
            ));
        };
        let bucket = self.time_bucket.call(vec![args[0].clone(), time.clone()]);
        let data_type = bucket.get_type(input.schema())?;
        let given = |place: usize, inclusive: bool| {
            let at = args.get(place).filter(|at| !is_null(at))?;
            Some(Bound { at: cast(at.clone(), data_type.clone()), inclusive })
        };
        let (mut starts, mut finishes) = (Vec::new(), Vec::new());
        match (given(2, true), given(3, false)) {
            (Some(start), Some(finish)) => {
                if let Some(at) = args.iter().skip(2).find(|at| !is_fixed(at)) {
                    return refused(plain(&format!(
                        "{at} of time_bucket_gapfill must be a constant time"
                    )));
                }
                starts.push(start);
                finishes.push(finish);
            }
            (None, None) => bounds(&input, time, &data_type, &mut starts, &mut finishes)?,
            _ => {
                return refused(format!(
                    "time_bucket_gapfill takes both start and finish, or none: {FORM}"
                ));
            }
        }
        group_expr[place] = bucket;
        let groups = group_expr.len();
        let aggregate = Aggregate::try_new(input, group_expr, aggr_expr)?;
        let columns = aggregate.schema.columns().into_iter().zip(schema.iter());
        let named = columns.map(|(column, (qualifier, field))| {
            if column == Column::from((qualifier, field)) {
                Expr::Column(column)
            } else {
                Expr::Column(column).alias_qualified(qualifier.cloned(), field.name())
            }
        });
        let named = named.collect();
        let input = LogicalPlan::Aggregate(aggregate);
        let input = LogicalPlan::Projection(Projection::try_new(named, Arc::new(input))?);
        let mut keys: Vec<Expr> =
            input.schema().columns().into_iter().take(groups).map(Expr::Column).collect();
        let bucket = keys.remove(place);
        let terms = Terms { keys, bucket, width, starts, finishes, filled: Vec::new() };
        node(GapFill::new(input, terms)?)
    }
}

fn node(fill: GapFill) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(fill) }))
}

/// What WHERE says of the time: the conditions right under the aggregate that compare it with fixed values.
fn bounds(
    input: &LogicalPlan,
    time: &Expr,
    data_type: &DataType,
    starts: &mut Vec<Bound>,
    finishes: &mut Vec<Bound>,
) -> Result<()> {
    let mut input = input;
    while let LogicalPlan::Filter(filter) = input {
        for condition in split_conjunction(&filter.predicate) {
            match condition {
                Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                    let (op, at) = if left.as_ref() == time {
                        (*op, right.as_ref())
                    } else if right.as_ref() == time {
                        let Some(op) = op.swap() else { continue };
                        (op, left.as_ref())
                    } else {
                        continue;
                    };
                    let bound =
                        |inclusive| Bound { at: cast(at.clone(), data_type.clone()), inclusive };
                    match op {
                        _ if !is_fixed(at) => {}
                        Operator::Gt => starts.push(bound(false)),
                        Operator::GtEq => starts.push(bound(true)),
                        Operator::Lt => finishes.push(bound(false)),
                        Operator::LtEq => finishes.push(bound(true)),
                        _ => {}
                    }
                }
                Expr::Between(Between { expr, negated: false, low, high })
                    if expr.as_ref() == time =>
                {
                    let bound = |at: &Expr| Bound {
                        at: cast(at.clone(), data_type.clone()),
                        inclusive: true,
                    };
                    starts.extend(Some(low.as_ref()).filter(|at| is_fixed(at)).map(bound));
                    finishes.extend(Some(high.as_ref()).filter(|at| is_fixed(at)).map(bound));
                }
                _ => {}
            }
        }
        input = &filter.input;
    }
    Ok(())
}

/// Whether an expression is the same for every row and can be worked out by itself.
fn is_fixed(expr: &Expr) -> bool {
    let varies = expr.exists(|part| {
        Ok(match part {
            Expr::Literal(..)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::Negative(_)
            | Expr::BinaryExpr(_) => false,
            Expr::ScalarFunction(call) => {
                call.func.signature().volatility == datafusion::logical_expr::Volatility::Volatile
            }
            _ => true,
        })
    });
    !varies.unwrap_or(true)
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(value, _) if value.is_null())
}

/// The value of an expression without columns, as people write one here.
fn constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) if !value.is_null() => Some(value.clone()),
        Expr::Cast(Cast { expr, field }) => constant(expr)?.cast_to(field.data_type()).ok(),
        Expr::Negative(inner) => constant(inner)?.arithmetic_negate().ok(),
        _ => None,
    }
}

/// A projection, filter or window over filled gaps, with columns in the place of its calls of `locf` and
/// `interpolate`.
fn filled(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut called = false;
    plan.apply_expressions(|expr| {
        called |= holds(expr, &[LOCF, INTERPOLATE])?;
        Ok(if called { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !called {
        return Ok(plan);
    }
    let Some(mut fill) = plan.inputs().first().and_then(|input| below(input)) else {
        return Ok(plan);
    };
    let names = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let replaced = expr.transform_down(|part| {
            let Expr::ScalarFunction(call) = &part else { return Ok(Transformed::no(part)) };
            let kind = match call.func.name() {
                LOCF => Fill::Carried,
                INTERPOLATE => Fill::Interpolated,
                _ => return Ok(Transformed::no(part)),
            };
            let column = column_for(&mut fill, kind, call)?;
            Ok(Transformed::new(Expr::Column(column), true, TreeNodeRecursion::Jump))
        })?;
        Ok(replaced.update_data(|expr| name.restore(expr)))
    })?;
    let input = with_node(plan.data.inputs()[0], fill)?;
    plan.data.with_new_exprs(plan.data.expressions(), vec![input])
}

/// The node under a filter or window.
fn below(plan: &LogicalPlan) -> Option<GapFill> {
    match plan {
        LogicalPlan::Extension(extension) => {
            extension.node.as_any().downcast_ref::<GapFill>().cloned()
        }
        LogicalPlan::Filter(filter) => below(&filter.input),
        LogicalPlan::Window(window) => below(&window.input),
        _ => None,
    }
}

/// The same plan over a node with more columns.
fn with_node(plan: &LogicalPlan, fill: GapFill) -> Result<LogicalPlan> {
    Ok(match plan {
        LogicalPlan::Filter(filter) => {
            let input = with_node(&filter.input, fill)?;
            LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(input))?)
        }
        LogicalPlan::Window(window) => {
            let input = with_node(&window.input, fill)?;
            LogicalPlan::Window(Window::try_new(window.window_expr.clone(), Arc::new(input))?)
        }
        _ => node(fill)?,
    })
}

/// The column that holds what a call is called on, filled. It is added where there is none yet.
fn column_for(fill: &mut GapFill, kind: Fill, call: &ScalarFunction) -> Result<Column> {
    let name = call.func.name();
    let (Some(value), 1..=2) = (call.args.first(), call.args.len()) else {
        return refused(format!(
            "{name} takes an aggregate, and perhaps the greatest gap to bridge: {FORM}"
        ));
    };
    if holds(value, &[LOCF, INTERPOLATE])? {
        return refused(format!(
            "{name} is called on an aggregate, and not on what is filled already: {FORM}"
        ));
    }
    let max_gap = match call.args.get(1) {
        None => None,
        Some(gap) if is_null(gap) => None,
        Some(gap) => Some(greatest_gap(name, gap)?),
    };
    let value = match kind {
        Fill::Carried => value.clone(),
        Fill::Interpolated => {
            let given = value.get_type(fill.input.schema())?;
            if !given.is_numeric() && given != DataType::Null {
                return refused(plain(&format!(
                    "interpolate takes a number, and {value} is {given}"
                )));
            }
            cast(value.clone(), DataType::Float64)
        }
    };
    // Two calls of one kind on one value are one column; its name tells them.
    let gap = max_gap.map_or_else(String::new, |gap| format!(" within {gap}"));
    let column = Column::from_name(format!("{name} of {}{gap}", value.schema_name()));
    if fill.input.schema().has_column(&column) {
        return Ok(column);
    }
    let mut columns: Vec<Expr> =
        fill.input.schema().columns().into_iter().map(Expr::Column).collect();
    columns.push(value.alias(&column.name));
    let input = Projection::try_new(columns, Arc::new(fill.input.clone()))?;
    let mut terms = fill.terms.clone();
    terms.filled.push(Filled { column: column.clone(), fill: kind, max_gap });
    *fill = GapFill::new(LogicalPlan::Projection(input), terms)?;
    Ok(column)
}

fn greatest_gap(name: &str, gap: &Expr) -> Result<i64> {
    match constant(gap).map(|gap| Step::of(&gap)).transpose()? {
        Some(Step::Micros(gap)) => Ok(gap),
        Some(Step::Months(_)) => refused(format!(
            "the greatest gap of {name} must have one length, and months and years have several; give days \
             or hours"
        )),
        None => refused(format!(
            "the greatest gap of {name} is a constant interval: {name}(avg(level), INTERVAL '3 hours')"
        )),
    }
}
