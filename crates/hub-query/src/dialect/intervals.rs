//! A number times an interval: `3 * INTERVAL '10 minutes'`, `lag.hours * INTERVAL '1 hour'`, and an interval
//! divided by a number. And the days between two dates, of which the engine holds that they are a number and
//! then counts on their being an interval.
//!
//! A day has 24 hours here, as every day of Japan has. Months have no length in days, so that only whole
//! ones come out.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{Array, ArrayRef, AsArray, IntervalMonthDayNanoArray},
    datatypes::{
        DataType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
        IntervalUnit,
    },
};
use datafusion::{
    common::{DFSchema, DataFusionError, Result, plan_err},
    logical_expr::{
        ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility, cast,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use crate::error::QueryError;

/// Plans `*` and `/` between numbers and intervals, and `-` between dates.
#[derive(Debug)]
pub(super) struct IntervalTimes;

impl ExprPlanner for IntervalTimes {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if !matches!(
            expr.op,
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Minus
        ) {
            return Ok(PlannerResult::Original(expr));
        }
        let is_date = |expr: &Expr| expr.get_type(schema).is_ok_and(|of| of == DataType::Date32);
        let days = |date: Expr| cast(cast(date, DataType::Int32), DataType::Int64);
        let is_interval = |expr: &Expr| {
            matches!(expr.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_)))
        };
        // A parameter's type is not known yet.
        let is_number = |expr: &Expr| match expr {
            Expr::Placeholder(_) => true,
            other => other.get_type(schema).is_ok_and(|t| t.is_numeric() || t.is_null()),
        };
        let RawBinaryExpr { op, left, right } = expr;
        Ok(match op {
            BinaryOperator::Multiply if is_interval(&left) && is_number(&right) => {
                PlannerResult::Planned(TIMES.call(vec![left, right]))
            }
            BinaryOperator::Multiply if is_number(&left) && is_interval(&right) => {
                PlannerResult::Planned(TIMES.call(vec![right, left]))
            }
            BinaryOperator::Divide if is_interval(&left) && is_number(&right) => {
                PlannerResult::Planned(DIVIDED.call(vec![left, right]))
            }
            BinaryOperator::Minus if is_date(&left) && is_date(&right) => {
                PlannerResult::Planned(days(left) - days(right))
            }
            op => PlannerResult::Original(RawBinaryExpr { op, left, right }),
        })
    }
}

static TIMES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Scaled::function(Operation::Times));
static DIVIDED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Scaled::function(Operation::Divided));

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Times,
    Divided,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Scaled {
    operation: Operation,
    signature: Signature,
}

impl Scaled {
    fn function(operation: Operation) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Self { operation, signature }))
    }
}

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const DAY_NS: i128 = 86_400_000_000_000;

impl ScalarUDFImpl for Scaled {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Times => "interval_times",
            Operation::Divided => "interval_divided",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [_, number] = given else { return plan_err!("an interval is scaled by one number") };
        let number = if number.is_integer() || number.is_null() {
            DataType::Int64
        } else {
            DataType::Float64
        };
        Ok(vec![INTERVAL, number])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let [intervals, numbers] = args.args.as_slice() else {
            return plan_err!("an interval is scaled by one number");
        };
        let intervals = intervals.to_array(rows)?;
        let numbers = numbers.to_array(rows)?;
        let scaled: IntervalMonthDayNanoArray = self.scaled(&intervals, &numbers)?;
        if constant {
            let value = datafusion::scalar::ScalarValue::try_from_array(&scaled, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(Arc::new(scaled)))
    }
}

impl Scaled {
    fn scaled(
        &self,
        intervals: &ArrayRef,
        numbers: &ArrayRef,
    ) -> Result<IntervalMonthDayNanoArray> {
        let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
        let whole = numbers.as_primitive_opt::<Int64Type>();
        let doubles = numbers.as_primitive_opt::<Float64Type>();
        (0..intervals.len())
            .map(|row| {
                if intervals.is_null(row) || numbers.is_null(row) {
                    return Ok(None);
                }
                let interval = intervals.value(row);
                let scaled = match (whole, doubles) {
                    (Some(whole), _) => self.by_whole(interval, whole.value(row)),
                    (_, Some(doubles)) => self.by_double(interval, doubles.value(row)),
                    _ => return plan_err!("an interval is scaled by a number"),
                };
                scaled.map(Some).map_err(|message| {
                    DataFusionError::External(Box::new(QueryError::Execution { message }))
                })
            })
            .collect()
    }

    fn by_whole(
        &self,
        interval: IntervalMonthDayNano,
        number: i64,
    ) -> Result<IntervalMonthDayNano, String> {
        let (months, days) = (i128::from(interval.months), i128::from(interval.days));
        let (number, ns) = (i128::from(number), i128::from(interval.nanoseconds));
        match self.operation {
            Operation::Times => assembled(months * number, days * number, ns * number),
            Operation::Divided if number == 0 => {
                Err("an interval was divided by zero; use NULLIF(divisor, 0)".to_owned())
            }
            Operation::Divided if months % number != 0 => Err(SPLIT_MONTHS.to_owned()),
            Operation::Divided => {
                let rest = days % number * DAY_NS;
                assembled(months / number, days / number, (rest + ns) / number)
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a part of a day is rounded to the nanosecond, and what is too large is refused"
    )]
    fn by_double(
        &self,
        interval: IntervalMonthDayNano,
        number: f64,
    ) -> Result<IntervalMonthDayNano, String> {
        let factor = match self.operation {
            Operation::Times => number,
            Operation::Divided => 1.0 / number,
        };
        if !factor.is_finite() {
            return Err("an interval was multiplied by what is no number".to_owned());
        }
        let months = f64::from(interval.months) * factor;
        if months.fract() != 0.0 {
            return Err(SPLIT_MONTHS.to_owned());
        }
        let days = f64::from(interval.days) * factor;
        let ns = (days.fract() * DAY_NS as f64 + interval.nanoseconds as f64 * factor).round();
        assembled(months as i128, days.trunc() as i128, ns as i128)
    }
}

const SPLIT_MONTHS: &str =
    "a part of a month has no length of its own; multiply days or hours, or whole months";

fn assembled(months: i128, days: i128, ns: i128) -> Result<IntervalMonthDayNano, String> {
    let too_long = |_| "an interval grew longer than an interval can be".to_owned();
    Ok(IntervalMonthDayNano::new(
        i32::try_from(months).map_err(too_long)?,
        i32::try_from(days).map_err(too_long)?,
        i64::try_from(ns).map_err(too_long)?,
    ))
}
