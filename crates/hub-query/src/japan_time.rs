//! Days, hours and months of Japanese times and of dates by whole numbers. The engine's own functions ask a calendar of
//! time zones for every row, which is most of what grouping hours to days costs; Japan has been nine hours
//! ahead since 1951, so that a row needs an addition, and rows of one month after the other hardly that.
//! An optimised plan is rewritten just before it is planned, under the names that it had, so that no rule
//! that knows the functions by their names misses them. It changes no value: what is older is left to the
//! calendar.

mod calendar;
mod function;

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::{
    common::{
        Result, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, expr::ScalarFunction,
        expr_rewriter::NamePreserver, utils::merge_schema,
    },
};

use calendar::{Part, Unit};
use function::{JapanTime, Of, Step};

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
            let of = time.get_type(&schema).ok().and_then(|of| Of::of_type(&of));
            let Some(function) = of.and_then(|of| JapanTime::new(step, of)) else {
                return Ok(Transformed::no(expr));
            };
            let function = Arc::new(ScalarUDF::from(function));
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
        Expr::BinaryExpr(sum) if matches!(sum.op, Operator::Plus | Operator::Minus) => {
            let step = later(&sum.right, sum.op == Operator::Minus)?;
            Some((step, sum.left.as_ref().clone()))
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

/// What an interval adds or takes off: hours, minutes and seconds to an instant, days and months to a date.
/// An instant's days and months are the calendar's.
fn later(interval: &Expr, taken_off: bool) -> Option<Step> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = interval else {
        return None;
    };
    let (months, days, nanos) = (interval.months, interval.days, interval.nanoseconds);
    if months == 0 && days == 0 && nanos % 1_000 == 0 {
        let micros = nanos / 1_000;
        return Some(Step::Shift(if taken_off { micros.checked_neg()? } else { micros }));
    }
    let signed = |number: i32| if taken_off { number.checked_neg() } else { Some(number) };
    let step = Step::Later { months: signed(months)?, days: signed(days)? };
    (nanos == 0).then_some(step)
}
