//! Over how long a stretch an expression stays the same: whatever its row's time, and whichever of the
//! stretch's instants stands for it.

use arrow::datatypes::IntervalMonthDayNano;
use datafusion::{
    common::{
        Column, Result,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Cast, Expr, Operator, Volatility, expr::ScalarFunction, lit},
    scalar::ScalarValue,
};
use hub_lake::RollupLevel;

use crate::functions::{bucket_steps, is_of_days};

/// The columns that a companion has as they are.
pub(crate) struct Known {
    /// Those of the series.
    pub(crate) series: Vec<Column>,
    /// That of the time.
    pub(crate) time: Column,
}

impl Known {
    /// The longest stretch over which the expression is the same in every row of one series; none where it
    /// takes the rows themselves to tell.
    pub(crate) fn grain(&self, expr: &Expr) -> Option<RollupLevel> {
        if let Some(level) = self.of_time(expr) {
            return Some(level);
        }
        match expr {
            Expr::Column(column) => self.series.contains(column).then_some(RollupLevel::Series),
            Expr::Literal(..) => Some(RollupLevel::Series),
            Expr::ScalarFunction(call)
                if call.func.signature().volatility == Volatility::Volatile =>
            {
                None
            }
            Expr::Alias(_)
            | Expr::BinaryExpr(_)
            | Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::Not(_)
            | Expr::IsNotNull(_)
            | Expr::IsNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Negative(_)
            | Expr::Between(_)
            | Expr::Case(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::ScalarFunction(_)
            | Expr::InList(_) => {
                let mut finest = Some(RollupLevel::Series);
                let walked = expr.apply_children(|child| {
                    finest = finest.min(self.grain(child));
                    Ok(match finest {
                        Some(_) => TreeNodeRecursion::Continue,
                        None => TreeNodeRecursion::Stop,
                    })
                });
                walked.ok().and(finest)
            }
            _ => None,
        }
    }

    /// The forms in which a time itself may stand: cut to hours or days of the Japanese clock or coarser,
    /// by the time or by the last instant of an interval that it ends.
    fn of_time(&self, expr: &Expr) -> Option<RollupLevel> {
        let is_time = |expr: &Expr| {
            matches!(expr, Expr::Column(column) if *column == self.time) || self.is_before(expr)
        };
        match expr {
            Expr::IsNull(of) | Expr::IsNotNull(of) if is_time(of) => Some(RollupLevel::Day),
            Expr::Cast(Cast { expr, field }) if is_time(expr) => {
                (field.data_type() == &arrow_schema::DataType::Date32).then_some(RollupLevel::Day)
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) => {
                match (func.name(), args.as_slice()) {
                    ("date_trunc" | "date_part", [part, of]) if is_time(of) => {
                        part_of(&text(part)?)
                    }
                    ("date_bin", [stride, of]) if is_time(instant(of)) => bin(stride, -AHEAD_NS),
                    ("date_bin", [stride, of, origin]) if is_time(instant(of)) => {
                        bin(stride, instant_ns(origin)?)
                    }
                    ("time_bucket", [_, of, ..]) if is_time(of) => {
                        let (length, origin) = bucket_steps(args)?;
                        multiples(i128::from(length) * 1_000, i128::from(origin) * 1_000)
                    }
                    ("observed_day", [of, label]) if is_time(of) => {
                        (text(label)? == "start").then_some(RollupLevel::Day)
                    }
                    ("to_char", [of, format]) if is_time(instant(of)) => written(format),
                    (name, [of]) if is_time(of) && is_of_days(name) => Some(RollupLevel::Day),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The time that the planner gave another precision.
fn instant(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(Cast { expr, field })
            if matches!(field.data_type(), arrow_schema::DataType::Timestamp(_, Some(_))) =>
        {
            expr
        }
        other => other,
    }
}

impl Known {
    /// Whether this is the microsecond before the time: the last of the interval that it ends.
    pub(crate) fn is_before(&self, expr: &Expr) -> bool {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) = expr else {
            return false;
        };
        matches!(right.as_ref(), Expr::Literal(by, _) if *by == microsecond())
            && matches!(left.as_ref(), Expr::Column(column) if *column == self.time)
    }

    /// The expression with the day that an interval is in written as that of the microsecond before its end.
    pub(crate) fn spelled_out(&self, expr: Expr) -> Result<Expr> {
        let spelled = expr.transform_up(|expr| {
            let Expr::ScalarFunction(ScalarFunction { func, args }) = &expr else {
                return Ok(Transformed::no(expr));
            };
            let [Expr::Column(of), label] = args.as_slice() else {
                return Ok(Transformed::no(expr));
            };
            if func.name() != "observed_day"
                || *of != self.time
                || text(label).as_deref() != Some("end")
            {
                return Ok(Transformed::no(expr));
            }
            let before = Expr::Column(of.clone()) - lit(microsecond());
            Ok(Transformed::yes(func.call(vec![before, lit("start")])))
        });
        Ok(spelled?.data)
    }

    /// Whether the expression speaks of the microsecond before the time.
    pub(crate) fn speaks_of_before(&self, expr: &Expr) -> bool {
        expr.exists(|expr| Ok(self.is_before(expr))).unwrap_or(true)
    }
}

/// By how much the last instant of an interval is before its end.
pub(crate) fn microsecond() -> ScalarValue {
    ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(0, 0, 1_000)))
}

/// How long the same part of a date lasts at least.
fn part_of(part: &str) -> Option<RollupLevel> {
    match part {
        "year" | "isoyear" | "quarter" | "month" | "week" | "day" | "doy" | "dow" | "isodow" => {
            Some(RollupLevel::Day)
        }
        "hour" => Some(RollupLevel::Hour),
        _ => None,
    }
}

const HOUR_NS: i128 = 3_600_000_000_000;
const DAY_NS: i128 = 24 * HOUR_NS;
/// How far Japan is ahead of UTC. Bins without an origin begin at its midnights.
const AHEAD_NS: i128 = 9 * HOUR_NS;

/// Bins that begin wherever hours do, or wherever days of the Japanese clock do.
fn bin(stride: &Expr, origin_ns: i128) -> Option<RollupLevel> {
    let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(stride)), _) = stride else {
        return None;
    };
    let ns = i128::from(stride.days) * DAY_NS + i128::from(stride.nanoseconds);
    if stride.months != 0 { None } else { multiples(ns, origin_ns) }
}

/// Stretches that begin at multiples of a length from an instant.
fn multiples(ns: i128, origin_ns: i128) -> Option<RollupLevel> {
    if ns <= 0 || ns % HOUR_NS != 0 || origin_ns % HOUR_NS != 0 {
        return None;
    }
    let days = ns % DAY_NS == 0 && (origin_ns + AHEAD_NS) % DAY_NS == 0;
    Some(if days { RollupLevel::Day } else { RollupLevel::Hour })
}

/// How long a time that is written in this format stays the same.
fn written(format: &Expr) -> Option<RollupLevel> {
    const DAYS: &str = "YCyqmbBhdeaAwuUWGgVjDxFv";
    const HOURS: &str = "HkIlPp";
    let Expr::Literal(value, _) = format else { return None };
    let mut rest = value.try_as_str()??.chars();
    let mut level = RollupLevel::Day;
    while let Some(next) = rest.next() {
        if next != '%' {
            continue;
        }
        let what = rest.find(|c| !matches!(c, '-' | '_' | '0'))?;
        match what {
            '%' => {}
            what if DAYS.contains(what) => {}
            what if HOURS.contains(what) => level = RollupLevel::Hour,
            _ => return None,
        }
    }
    Some(level)
}

fn text(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = expr else { return None };
    value.try_as_str().flatten().map(str::to_lowercase)
}

/// An instant that is written out, in nanoseconds since 1970-01-01T00:00Z.
pub(crate) fn instant_ns(expr: &Expr) -> Option<i128> {
    let Expr::Literal(value, _) = expr else { return None };
    let (value, unit) = match value {
        ScalarValue::TimestampSecond(Some(value), Some(_)) => (value, 1_000_000_000),
        ScalarValue::TimestampMillisecond(Some(value), Some(_)) => (value, 1_000_000),
        ScalarValue::TimestampMicrosecond(Some(value), Some(_)) => (value, 1_000),
        ScalarValue::TimestampNanosecond(Some(value), Some(_)) => (value, 1),
        _ => return None,
    };
    Some(i128::from(*value) * unit)
}

/// A comparison of the time with an instant: (operator, instant in nanoseconds), the time on the left.
pub(crate) fn compared(expr: &Expr, time: &Column) -> Option<(Operator, i128)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    let is_time = |expr: &Expr| matches!(expr, Expr::Column(column) if column == time);
    if is_time(left) {
        Some((*op, instant_ns(right)?))
    } else if is_time(right) {
        Some((op.swap()?, instant_ns(left)?))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{
        functions::datetime::expr_fn::{date_bin, date_part, date_trunc},
        logical_expr::{col, lit},
        scalar::ScalarValue,
    };

    use super::*;

    fn interval(days: i32, hours: i64) -> Expr {
        let value = arrow::datatypes::IntervalMonthDayNano::new(0, days, hours * 3_600_000_000_000);
        lit(ScalarValue::IntervalMonthDayNano(Some(value)))
    }

    #[test]
    fn an_expression_is_the_same_over_the_stretch_that_its_times_are_cut_to() {
        let known = Known { series: vec![Column::from_name("s")], time: Column::from_name("t") };
        let t = || col("t");
        use RollupLevel::{Day, Hour, Series};
        for (expr, grain) in [
            (col("s"), Some(Series)),
            (col("s").eq(lit("a")).or(col("s").is_null()), Some(Series)),
            (col("v"), None),
            (t(), None),
            (t() + interval(1, 0), None),
            (date_trunc(lit("day"), t()), Some(Day)),
            (date_trunc(lit("MONTH"), t()), Some(Day)),
            (date_trunc(lit("hour"), t()), Some(Hour)),
            (date_trunc(lit("minute"), t()), None),
            (date_trunc(lit("day"), t() - interval(0, 1)), None),
            (date_trunc(lit("day"), t()) + interval(1, 0), Some(Day)),
            (date_trunc(lit("day"), t() - lit(microsecond())), Some(Day)),
            (t() - lit(microsecond()), None),
            (date_part(lit("dow"), t()), Some(Day)),
            (date_part(lit("second"), t()), None),
            (date_part(lit("month"), t()).eq(lit(7)).and(col("s").eq(lit("a"))), Some(Day)),
            (
                date_part(lit("hour"), t()).eq(lit(7)).and(date_part(lit("day"), t()).eq(lit(7))),
                Some(Hour),
            ),
            (t().is_not_null(), Some(Day)),
            // Bins of a day begin at midnight in Japan, unless they are told otherwise.
            (
                date_bin(
                    interval(1, 0),
                    t(),
                    lit(ScalarValue::TimestampMicrosecond(Some(0), Some("UTC".into()))),
                ),
                Some(Hour),
            ),
            (
                date_bin(
                    interval(1, 0),
                    t(),
                    lit(ScalarValue::TimestampMicrosecond(
                        Some(-32_400_000_000),
                        Some("UTC".into()),
                    )),
                ),
                Some(Day),
            ),
            (
                date_bin(
                    interval(0, 7),
                    t(),
                    lit(ScalarValue::TimestampMicrosecond(Some(1), Some("UTC".into()))),
                ),
                None,
            ),
            (datafusion::functions::math::expr_fn::random(), None),
        ] {
            assert_eq!(known.grain(&expr), grain, "{expr}");
        }
    }
}
