//! Turns the marked joins of a plan into as-of joins, with keys, times and the gap brought to common types.

use std::sync::Arc;

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::{
    common::{
        Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Cast, Expr, ExprSchemable, Extension, Filter, Join, JoinType, LogicalPlan,
        Operator,
        type_coercion::binary::comparison_coercion,
        utils::{conjunction, split_conjunction_owned},
    },
    optimizer::AnalyzerRule,
};

use super::{
    marker::Marked,
    node::{AsOfJoin, Terms},
    relation::of_one,
};
use crate::{classify::plain, dialect::hints::refused};

/// Comes before every other rule, which would take the marker for a function.
#[derive(Debug)]
pub(crate) struct AsOfJoins;

impl AnalyzerRule for AsOfJoins {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) if join.filter.as_ref().is_some_and(holds_marker) => {
                let node = Arc::new(as_of_join(join)?);
                Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
            }
            other => Ok(Transformed::no(other)),
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "as_of_joins"
    }
}

fn holds_marker(filter: &Expr) -> bool {
    let mut found = false;
    let walked = filter.apply(|part| {
        found |= Marked::of(part).is_some();
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    found && walked.is_ok()
}

fn as_of_join(join: Join) -> Result<AsOfJoin> {
    let mut left = Arc::unwrap_or_clone(join.left);
    let mut right = Arc::unwrap_or_clone(join.right);
    let marks_inner = join.join_type == JoinType::Inner;
    let mut marked = None;
    let mut keys = join.on;
    let mut of_right = Vec::new();
    let mut of_left = Vec::new();
    for condition in join.filter.into_iter().flat_map(split_conjunction_owned) {
        if let Some(marker) = Marked::of(&condition) {
            marked = Some(marker);
        } else if let Some(key) = key(&condition, &left, &right) {
            keys.push(key);
        } else if of_one(&condition, &right) {
            of_right.push(condition);
        } else if of_one(&condition, &left) && marks_inner {
            of_left.push(condition);
        } else {
            return refused(format!(
                "ON of an ASOF JOIN takes equalities of both tables, a.key = b.key, and conditions on \
                 the right table alone; move {:?} to WHERE",
                plain(&condition.to_string())
            ));
        }
    }
    let Some(marked) = marked else {
        return datafusion::common::internal_err!("a marked join without a marker");
    };
    // The nearest is sought among the right rows that fulfil their conditions.
    if let Some(condition) = conjunction(of_right) {
        right = LogicalPlan::Filter(Filter::new(condition, Arc::new(right)));
    }
    if let Some(condition) = conjunction(of_left) {
        left = LogicalPlan::Filter(Filter::new(condition, Arc::new(left)));
    }
    let keys = keys
        .into_iter()
        .map(|(of_left, of_right)| alike_keys(of_left, of_right, &left, &right))
        .collect::<Result<Vec<_>>>()?;
    let (left_time, right_time, data_type) =
        alike_times(marked.left_time, marked.right_time, &left, &right)?;
    let gap = marked.gap.map(|gap| greatest_gap(&gap, &data_type)).transpose()?;
    let terms =
        Terms { keys, left_time, right_time, direction: marked.direction, kind: marked.kind, gap };
    AsOfJoin::new(left, right, terms)
}

fn key(condition: &Expr, left: &LogicalPlan, right: &LogicalPlan) -> Option<(Expr, Expr)> {
    let Expr::BinaryExpr(BinaryExpr { left: first, op: Operator::Eq, right: second }) = condition
    else {
        return None;
    };
    if of_one(first, left) && of_one(second, right) {
        Some((first.as_ref().clone(), second.as_ref().clone()))
    } else if of_one(first, right) && of_one(second, left) {
        Some((second.as_ref().clone(), first.as_ref().clone()))
    } else {
        None
    }
}

fn cast(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to { expr } else { Expr::Cast(Cast::new(Box::new(expr), to.clone())) }
}

fn alike_keys(
    of_left: Expr,
    of_right: Expr,
    left: &LogicalPlan,
    right: &LogicalPlan,
) -> Result<(Expr, Expr)> {
    let first = of_left.get_type(left.schema())?;
    let second = of_right.get_type(right.schema())?;
    // A text that is compared with a number or a time would be read as one, or fail in the middle.
    let mixed = is_text(&first) != is_text(&second);
    match comparison_coercion(&first, &second).filter(|_| !mixed) {
        Some(common) => Ok((cast(of_left, &first, &common), cast(of_right, &second, &common))),
        None => refused(plain(&format!(
            "{of_left} is {first} and {of_right} is {second}, which are never equal; cast one of them"
        ))),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether values of the type can be matched: times, and numbers that a gap can be told of.
fn is_matched(data_type: &DataType) -> bool {
    use DataType::{
        Date32, Date64, Float32, Float64, Int8, Int16, Int32, Int64, Timestamp, UInt8, UInt16,
        UInt32,
    };
    matches!(
        data_type,
        Timestamp(..)
            | Date32
            | Date64
            | Int8
            | Int16
            | Int32
            | Int64
            | UInt8
            | UInt16
            | UInt32
            | Float32
            | Float64
    )
}

/// The type that two times are compared in. A time without a zone, and a day's midnight, are Japanese where
/// the other side has a zone.
fn common_time(first: &DataType, second: &DataType) -> Option<DataType> {
    use DataType::{Date32, Date64, Timestamp};
    match (first, second) {
        (Timestamp(one, zone), Timestamp(other, other_zone)) => {
            let finer = if one < other { other } else { one };
            Some(Timestamp(*finer, zone.clone().or_else(|| other_zone.clone())))
        }
        (Timestamp(..), Date32 | Date64) => Some(first.clone()),
        (Date32 | Date64, Timestamp(..)) => Some(second.clone()),
        (Date32, Date32) => Some(Date32),
        (Date32 | Date64, Date32 | Date64) => Some(Date64),
        _ if first.is_numeric() && second.is_numeric() => {
            comparison_coercion(first, second).filter(is_matched)
        }
        _ => None,
    }
}

fn alike_times(
    of_left: Expr,
    of_right: Expr,
    left: &LogicalPlan,
    right: &LogicalPlan,
) -> Result<(Expr, Expr, DataType)> {
    let first = of_left.get_type(left.schema())?;
    let second = of_right.get_type(right.schema())?;
    for (expr, data_type) in [(&of_left, &first), (&of_right, &second)] {
        if !is_matched(data_type) {
            return refused(plain(&format!(
                "MATCH_CONDITION compares times, dates or numbers, and {expr} is {data_type}; cast it, \
                 as in CAST(… AS timestamp)"
            )));
        }
    }
    match common_time(&first, &second) {
        Some(common) => {
            let (first, second) =
                (cast(of_left, &first, &common), cast(of_right, &second, &common));
            Ok((first, second, common))
        }
        None => refused(plain(&format!(
            "MATCH_CONDITION compares {first} with {second}, which have no common order; cast one of \
             them"
        ))),
    }
}

const GAP: &str = "the greatest gap after WITHIN";

/// The gap as a value in the unit of the times: a whole number of them, or a double between doubles.
fn greatest_gap(gap: &Expr, times: &DataType) -> Result<ScalarValue> {
    let Some(value) = constant(gap) else {
        return refused(format!("{GAP} is a value, as in WITHIN INTERVAL '1 hour'"));
    };
    let gap = match times {
        DataType::Timestamp(unit, _) => {
            let per_unit = match unit {
                TimeUnit::Second => 1_000_000_000,
                TimeUnit::Millisecond => 1_000_000,
                TimeUnit::Microsecond => 1_000,
                TimeUnit::Nanosecond => 1,
            };
            ScalarValue::Int64(Some(nanoseconds(&value)? / per_unit))
        }
        DataType::Date32 => ScalarValue::Int64(Some(nanoseconds(&value)? / DAY_NS)),
        DataType::Date64 => ScalarValue::Int64(Some(nanoseconds(&value)? / 1_000_000)),
        DataType::Float32 | DataType::Float64 => number(&value, &DataType::Float64)?,
        _ => number(&value, &DataType::Int64)?,
    };
    let negative = match gap {
        ScalarValue::Int64(Some(gap)) => gap < 0,
        ScalarValue::Float64(Some(gap)) => gap.is_nan() || gap < 0.0,
        _ => return refused(format!("{GAP} must not be null")),
    };
    if negative {
        return refused(format!("{GAP} must not be negative"));
    }
    Ok(gap)
}

const DAY_NS: i64 = 86_400_000_000_000;

fn nanoseconds(value: &ScalarValue) -> Result<i64> {
    let given = value.data_type();
    let fits = matches!(given, DataType::Interval(_) | DataType::Duration(_)) || is_text(&given);
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    let gap = match value.cast_to(&interval) {
        Ok(ScalarValue::IntervalMonthDayNano(Some(gap))) if fits => gap,
        _ => {
            return refused(format!(
                "{GAP} between times is an interval, as in WITHIN INTERVAL '1 hour'"
            ));
        }
    };
    if gap.months != 0 {
        return refused(format!(
            "{GAP} must have one length, and months and years have several; give days or hours"
        ));
    }
    match i64::from(gap.days).checked_mul(DAY_NS).and_then(|ns| ns.checked_add(gap.nanoseconds)) {
        Some(gap) => Ok(gap),
        None => refused(format!("{GAP} is longer than 292 years; leave it out")),
    }
}

fn number(gap: &ScalarValue, to: &DataType) -> Result<ScalarValue> {
    match gap.cast_to(to) {
        Ok(number) if gap.data_type().is_numeric() => Ok(number),
        _ => refused(format!("{GAP} between numbers is a number, as in WITHIN 10")),
    }
}

/// The value of an expression without columns, as people write one here.
fn constant(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Cast(cast) => constant(&cast.expr)?.cast_to(cast.field.data_type()).ok(),
        Expr::Negative(inner) => constant(inner)?.arithmetic_negate().ok(),
        _ => None,
    }
}
