//! Days, hours and months of Japanese times by whole numbers. The engine's own functions ask a calendar of
//! time zones for every row, which is most of what grouping hours to days costs; Japan has been nine hours
//! ahead since 1951, so that a row needs an addition, and rows of one month after the other hardly that.
//! An optimised plan is rewritten just before it is planned, under the names that it had, so that no rule
//! that knows the functions by their names misses them. It changes no value: what is older is left to the
//! calendar.

mod function;

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Expr, LogicalPlan, Operator, ScalarUDF, expr::ScalarFunction, expr_rewriter::NamePreserver,
        utils::merge_schema,
    },
};
use hub_model::ZONE_NAME;

use function::{JapanTime, Part, Step, Unit};

/// The plan with quick functions in the place of slow ones.
pub(crate) fn quick(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(rewrite)?.data)
}

fn rewrite(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let filter = matches!(plan, LogicalPlan::Filter(_));
    let rewritten = filter
        || matches!(
            plan,
            LogicalPlan::Projection(_)
                | LogicalPlan::Aggregate(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Join(_)
        );
    if !rewritten {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        // Sets of groupings have no name that could be kept.
        if matches!(expr, Expr::GroupingSet(_)) {
            return Ok(Transformed::no(expr));
        }
        let name = names.save(&expr);
        let quicker = expr.transform_up(|expr| {
            let Some((step, time)) = step(&expr, filter) else { return Ok(Transformed::no(expr)) };
            if !is_japanese(&time, &schema) {
                return Ok(Transformed::no(expr));
            }
            let function = Arc::new(ScalarUDF::from(JapanTime::new(step)));
            let call = ScalarFunction::new_udf(function, vec![time]);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        })?;
        Ok(quicker.update_data(|expr| name.restore(expr)))
    })
}

/// What an expression makes of which time, where there is a quick way.
fn step(expr: &Expr, in_filter: bool) -> Option<(Step, Expr)> {
    match expr {
        Expr::ScalarFunction(call) => {
            let [part, time] = call.args.as_slice() else { return None };
            let part = text(part)?.to_ascii_lowercase();
            let step = match call.func.name() {
                "date_trunc" => Step::Truncate(Unit::parse(&part)?),
                "date_part" => Step::Part(Part::parse(&part)?),
                _ => return None,
            };
            Some((step, time.clone()))
        }
        // A filter on a day is what parts of files are skipped by; it stays as it is.
        Expr::Cast(cast) if !in_filter && cast.field.data_type() == &DataType::Date32 => {
            Some((Step::Day, cast.expr.as_ref().clone()))
        }
        Expr::BinaryExpr(sum) => {
            let micros = whole_micros(&sum.right)?;
            let micros = match sum.op {
                Operator::Plus => micros,
                Operator::Minus => micros.checked_neg()?,
                _ => return None,
            };
            Some((Step::Shift(micros), sum.left.as_ref().clone()))
        }
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// An interval of hours, minutes and seconds; days and months are the calendar's.
fn whole_micros(expr: &Expr) -> Option<i64> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = expr else {
        return None;
    };
    let plain = interval.months == 0 && interval.days == 0 && interval.nanoseconds % 1_000 == 0;
    plain.then_some(interval.nanoseconds / 1_000)
}

fn is_japanese(time: &Expr, schema: &DFSchema) -> bool {
    use datafusion::logical_expr::ExprSchemable;
    let found = time.get_type(schema);
    matches!(found, Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(zone))) if &*zone == ZONE_NAME)
}
